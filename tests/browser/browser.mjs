// Chromium as the counter has it, and what every test does with the page.

import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const pictures = join("build", "screenshots");
mkdirSync(pictures, { recursive: true });
const patience_ms = 20000; // on a busy machine

export const openBrowser = () => chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

// A fresh profile; fails the test at the end if the page reported an error or broke its policy.
export async function openPage(browser, url, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/Berlin", ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(patience_ms);
    page.complaints = [];
    page.on("pageerror", (error) => page.complaints.push(String(error)));
    page.on("console", (message) => {
        if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) page.complaints.push(message.text());
    });
    await page.goto(url);
    return page;
}

export async function signIn(page, person) {
    await page.fill("#number", person.number);
    await page.fill("#pin", person.pin);
    await page.click("#sign-in");
    await page.waitForSelector("#target, #pin:focus ~ #wrong, #lock");
}

// Waits until a function of the page says true. (Playwright's own waiting would need "unsafe-eval".)
export async function until(page, holds, argument) {
    for (const end = Date.now() + patience_ms; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 50))) {
        if (await page.evaluate(holds, argument).catch(() => false)) return;
    }
    throw new Error(`never came true: ${holds}`);
}

// As a keyboard-wedge scanner: fast, and an Enter.
export async function wedge(page, code) {
    await page.keyboard.type(code);
    await page.keyboard.press("Enter");
}

export async function choose(page, line, reason, condition) {
    await page.click(`#${line}-reason-${reason}`);
    await page.click(`#${line}-condition-${condition}`);
}

// By keyboard alone to an element, which is then wholly in sight (WCAG 2.4.11), and Enter.
export async function press(page, id) {
    const focused = () => page.evaluate(() => document.activeElement.id);
    for (let i = 0; i < 80 && (await focused()) !== id; i++) await page.keyboard.press("Tab");
    if ((await focused()) !== id) throw new Error(`no Tab leads to ${id}`);
    const hidden = await page.evaluate(() => {
        const one = document.activeElement;
        const box = one.getBoundingClientRect();
        const seen = (x, y) => one.contains(document.elementFromPoint(x, y));
        return ![box.top + 3, box.bottom - 3].every((y) => seen(box.left + box.width / 2, y));
    });
    if (hidden) throw new Error(`${id} has the focus and is hidden`);
    await page.keyboard.press("Enter");
}

export async function lookUp(page, code) {
    await page.fill("#target", code);
    await page.click("#look-up");
}

export async function picture(page, name) {
    await page.screenshot({ path: join(pictures, `${name}.png`) });
}

// WCAG 2.2 A and AA by axe-core: what it finds, in words; empty is good.
export async function violations(page) {
    // The page's own policy lets no foreign script in; the test's comes through the debugger.
    const source = (await import("node:fs")).readFileSync(axe, "utf8");
    await page.evaluate(source);
    const found = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    return found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target} ${node.failureSummary}`).join("; ")}`);
}

// Everything that can be touched and is smaller than 48 by 48 CSS pixels.
export function tooSmall(page) {
    return page.evaluate(() => [...document.querySelectorAll("button, input, select")]
        .map((one) => ({ id: one.id, box: one.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.width < 47.5 || box.height < 47.5))
        .map(({ id, box }) => `${id} ${box.width}x${box.height}`));
}
