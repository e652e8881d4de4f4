// The hub's dashboard: what it draws, how it finds one return, and that it follows what happens.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { openBrowser, openPage, picture, until, violations } from "./browser.mjs";

class HubRoad {
    async start() {
        this.process = spawn("/usr/bin/python3", ["-B", "tests/browser/hub_road.py"], { stdio: ["pipe", "pipe", "inherit"] });
        this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
        Object.assign(this, await this.next());
    }

    async next() {
        return JSON.parse((await this.lines.next()).value);
    }

    ask(line) {
        this.process.stdin.write(`${line}\n`);
        return this.next();
    }

    async close() {
        const gone = new Promise((resolve) => this.process.once("exit", resolve));
        this.process.stdin.end();
        await gone;
    }
}

const road = new HubRoad();
let browser;
let page;
let first;

before(async () => {
    [browser] = await Promise.all([openBrowser(), road.start()]);
    first = await road.ask("return 0042-01-dash-1");
    page = await openPage(browser, `${road.url}/`);
});

after(async () => {
    await browser?.close();
    await road.close();
});

test("a token opens the dashboard, and nothing is told before", async () => {
    assert.equal(await page.locator("#devices td").count(), 0);
    await page.evaluate((token) => sessionStorage.setItem("token", token), road.token);
    await page.reload();
    await until(page, () => document.querySelectorAll("#devices tr").length > 0);
    await until(page, () => /connected/.test(document.getElementById("health").textContent));
});

test("plots show the day's returns, the ages of refunds and how long things take", async () => {
    await until(page, () => document.querySelectorAll("#plot-ages rect").length === 5);
    const ages = await page.locator("#plot-ages rect title").allTextContents();
    assert.equal(ages[0], "0-3 days: 3.33 EUR");
    const titles = await page.locator("svg > title").allTextContents();
    assert.ok(titles.some((title) => title.startsWith("Returns accepted, refunded and settled by day")));
    assert.ok(titles.some((title) => title.startsWith("From capture to the hub")));
    const heights = await page.locator("#plot-times svg:first-child rect").evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute("height"))));
    assert.ok(heights.some((height) => height > 0));
    await picture(page, "hub-dashboard");
});

test("a return is found by its receipt, from scan to journal", async () => {
    await page.fill("#find input", "0042-01-dash-1");
    await page.click("#find button");
    await until(page, () => document.querySelectorAll("#trail svg circle").length >= 4);
    assert.equal(await page.textContent("#trail h3"), first.return_id);
    const steps = await page.locator("#trail svg text").allTextContents();
    for (const step of ["return.created", "item.received", "refund.issued", "journal accepted"]) assert.ok(steps.includes(step), step);
    await picture(page, "hub-trail");
});

test("what happens is seen without a reload, a difference as an exception", async () => {
    await road.ask("settle 0042-01-dash-1 3.00");
    await until(page, () => /settlement_variance/.test(document.getElementById("exceptions").textContent));
    await until(page, () => /line differs/.test(document.getElementById("waiting").textContent));
    assert.match(await page.textContent("#rates"), /100\.0 % settlement lines unmatched/);
    await road.ask("return 0042-01-dash-2");
    await until(page, () => document.querySelector("#plot-ages rect title").textContent === "0-3 days: 6.66 EUR");
});

test("it holds to WCAG 2.2 A and AA, and complains of nothing", async () => {
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(page.complaints, []);
});
