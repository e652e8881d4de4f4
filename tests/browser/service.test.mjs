// A technician without a laptop sets an appliance up in the browser.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Appliance, people } from "./appliance.mjs";
import { openBrowser, openPage, picture, signIn, tooSmall, until, violations } from "./browser.mjs";

let appliance;
let browser;
let page;

before(async () => {
    browser = await openBrowser();
    appliance = new Appliance();
    appliance.settings = [`printer.counter=file:${appliance.folder}/paper`, "broker.url=mqtts://127.0.0.1:1", `scanner.one=serial:${appliance.folder}/none,lane=01`];
    await appliance.start();
    appliance.addStaff();
    page = await openPage(browser, appliance.url);
});

after(async () => {
    await page?.context().close();
    await browser?.close();
    await appliance?.close();
});

test("only a technician sees it", async () => {
    await signIn(page, people.associate);
    await page.waitForSelector("#to-day");
    assert.equal(await page.$("#to-service"), null);
    await page.click("#lock");
    await signIn(page, people.technician);
    await page.click("#to-service");
    await until(page, () => document.getElementById("title").textContent === "Set up and check this appliance");
});

test("the doctor's findings say what is wrong and what to do", async () => {
    await page.waitForSelector("#check-printer-counter");
    assert.equal(await page.getAttribute("#check-disk", "data-result"), "ok");
    assert.equal(await page.getAttribute("#check-scanner-one", "data-result"), "fail");
    assert.match(await page.textContent("#check-scanner-one"), /Look at its plug/);
    assert.match(await page.textContent("#identity"), /Not enrolled yet/);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(await tooSmall(page), []);
    await picture(page, "60-service");
});

test("binding waits for a scan and says when none comes", async () => {
    await page.route("**/bind", (route) => route.continue({ postData: JSON.stringify({ lane: "01", timeout_s: 1 }) }));
    await page.fill("#bind-lane", "01");
    await page.click("#bind");
    await page.waitForSelector("#wrong");
    assert.match(await page.textContent("#wrong"), /nothing was scanned in time/);
});

test("the self-test goes step by step", async () => {
    await page.route("**/selftest/*", (route) => route.continue({ postData: JSON.stringify({ timeout_s: 1 }) }));
    await page.click("#selftest");
    await page.waitForSelector("#check-hub");
    for (const [step, result] of Object.entries({ quote: "ok", print: "ok", scan: "fail", hub: "skipped" })) {
        assert.equal(await page.getAttribute(`#check-${step}`, "data-result"), result, step);
    }
    assert.deepEqual(await violations(page), []);
});

test("an appliance without a key signs no report, and says so", async () => {
    await until(page, () => !document.getElementById("make-report").disabled);
    await page.click("#make-report");
    await page.waitForSelector("#wrong");
    assert.match(await page.textContent("#wrong"), /isn't enrolled/);
});

test("a code that is wrong says so", async () => {
    await page.fill("#code", "7K3M-Q9TX");
    await page.fill("#enrol", "mqtts://127.0.0.1:1");
    await page.click("#provision");
    await page.waitForSelector("#wrong");
    assert.match(await page.textContent("#wrong"), /characters are missing/);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(await tooSmall(page), []);
});

test("what the appliance finds and refuses is said in the technician's language", async () => {
    await page.selectOption("#language", "de");
    await until(page, () => document.getElementById("check-identity")?.textContent.includes("Nicht angemeldet"));
    assert.equal(await page.getAttribute("#check-identity p", "lang"), null);
    assert.match(await page.textContent("#check-hub"), /nimmt nur auf/);
    await page.fill("#bind-lane", "01");
    await page.click("#bind");
    await until(page, () => document.getElementById("wrong")?.textContent.includes("nichts rechtzeitig gescannt"));
});

test("every language has all the words", async () => {
    for (const language of ["de", "fr", "es", "pt", "en"]) {
        await page.selectOption("#language", language);
        await until(page, (code) => document.documentElement.lang === code, language);
        assert.doesNotMatch(await page.textContent("main"), /(service|check)\.[a-z_]+/, language);
        assert.deepEqual(await violations(page), []);
    }
    assert.deepEqual(page.complaints, []);
});

test("the code of a centre makes it a store's", async () => {
    const road = spawn("/usr/bin/python3", ["-B", "tests/browser/store_road.py", "unenrolled"], { stdio: ["pipe", "pipe", "inherit"] });
    const gone = new Promise((resolve) => road.once("exit", resolve));
    const there = JSON.parse((await createInterface({ input: road.stdout })[Symbol.asyncIterator]().next()).value);
    const { number, name, role, pin } = people.technician;
    execFileSync(join(process.env.PROGRAMS ?? "build/release", "tillback"), ["--state", there.state, "staff", "add", "--number", number, "--name", name, "--role", role, "--pin", "-"], { input: `${pin}\n` });
    const theirs = await openPage(browser, there.url);
    try {
        await signIn(theirs, people.technician);
        await theirs.click("#to-service");
        await theirs.fill("#code", there.link);
        await until(theirs, () => !document.getElementById("provision").disabled);
        await theirs.click("#provision");
        await until(theirs, (device) => document.getElementById("identity")?.textContent.includes(device), there.device);
        assert.equal(await theirs.$("#code"), null);
    } finally {
        await theirs.context().close();
        road.stdin.end();
        await gone;
    }
});
