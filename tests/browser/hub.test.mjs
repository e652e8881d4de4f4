// The hub's dashboard: what it draws, how it finds one return, what finance decides on it, and that it
// follows what happens.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
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

// Until the text of the view that is open says so.
const says = (pattern) => until(page, (source) => new RegExp(source, "s").test(document.getElementById("view").innerText), pattern.source);

const visit = async (view) => {
    await page.click(`#views a[href="#${view}"]`);
    await until(page, (id) => document.querySelector(`#views a[href="#${id}"]`).ariaCurrent === "page", view);
};

// Fills in what a button asks for, and sends it.
const decide = async (button, values) => {
    await page.click(button);
    for (const [name, value] of Object.entries({ reason: "looked at it with the bank", ...values })) {
        const field = page.locator(`#act-${name}`);
        if (await field.evaluate((one) => one.tagName === "SELECT")) await field.selectOption(value);
        else await field.fill(value);
    }
    await page.click("#act button.main");
};

const decided = () => until(page, () => !document.getElementById("act").open);

const wholesome = async (name) => {
    assert.deepEqual(await violations(page), [], name);
    await picture(page, name);
};

before(async () => {
    browser = await openBrowser(); // known before anything fails, so that it is closed
    await road.start();
    first = await road.ask("return 0042-01-dash-1");
    page = await openPage(browser, `${road.url}/`);
});

after(async () => {
    await browser?.close();
    await road.close();
});

test("a token opens the dashboard, and nothing is told before", async () => {
    await until(page, () => document.getElementById("token"));
    assert.equal(await page.locator("main table, main .tile").count(), 0);
    await page.fill("#token-text", "nobody's");
    await page.click("#token button");
    await says(/no such token/);
    await wholesome("hub-sign-in");
    await page.fill("#token-text", road.finance);
    await page.click("#token button");
    await until(page, () => document.querySelectorAll(".tile").length === 8);
    await until(page, () => /connected/.test(document.getElementById("health").textContent));
});

test("the overview has each figure, and plots of days, ages and times", async () => {
    await until(page, () => /3.33 EUR/.test(document.getElementById("tile-unsettled").textContent));
    const ages = await page.locator("#plot-ages rect title").allTextContents();
    assert.equal(ages[0], "0-3 days: 3.33 EUR");
    const titles = await page.locator("svg > title").allTextContents();
    for (const start of ["Returns accepted, refunded and settled by day", "Open exceptions by age", "From capture to the hub", "From capture to the refund", "From capture to settlement", "From capture to stock"])
        assert.ok(titles.some((title) => title.startsWith(start)), start);
    assert.match(await page.textContent("#tile-fleet"), /1 of 1/);
    assert.equal(await page.locator("#plot-refund rect title").first().textContent(), "10 s: 1");
    await wholesome("hub-overview");
});

test("a return is found by its receipt, from scan to settlement, and live", async () => {
    await page.fill("#what", "0042-01-dash-1");
    await page.click("#find button");
    await until(page, () => document.querySelectorAll(".trail svg circle").length >= 4);
    assert.equal(await page.textContent(".trail .id"), first.return_id);
    const steps = await page.locator(".trail tbody b").allTextContents();
    for (const step of ["return.created", "item.received", "refund.issued", "journal accepted"]) assert.ok(steps.includes(step), step);
    assert.match(await page.textContent(".tracks"), /Money issued/);
    await road.ask("settle 0042-01-dash-1 3.33");
    await says(/Money\s+settled/);
    await says(/refund\.settled.*journal refund_settled/);
    await wholesome("hub-trail");
});

test("the trail is saved as an OTLP trace", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Save as OTLP trace")]);
    const trace = JSON.parse(readFileSync(await download.path(), "utf8"));
    assert.ok(trace.resourceSpans[0].scopeSpans[0].spans.length >= 5);
});

test("finance adjusts the tax of a return, within what the sale was charged", async () => {
    await decide("#adjust-tax", { tax: "DE 19 %", amount: "9.00" });
    await until(page, () => /left|more|charged/.test(document.getElementById("act-problem").textContent));
    await wholesome("hub-adjust-tax");
    await page.fill("#act-amount", "0.03");
    await page.click("#act button.main");
    await decided();
    await says(/tax\.adjusted.*journal tax_adjusted/);
    await page.click("#adjust-tax");
    assert.match(await page.textContent("#act"), /DE 19 %: 0\.56 EUR/);
    await page.keyboard.press("Escape");
});

test("a difference is an exception without a reload, and is assigned and resolved", async () => {
    await visit("exceptions");
    await says(/Finance: none open/);
    await road.ask("return 0042-01-dash-2");
    await road.ask("settle 0042-01-dash-2 3.00");
    await says(/settlement variance.*nobody yet/);
    await wholesome("hub-exceptions");
    const button = (verb) => page.locator(`button[id^=${verb}-]`).first().getAttribute("id");
    await decide(`#${await button("assign")}`, { owner: "Ada" });
    await decided();
    await says(/Ada/);
    await decide(`#${await button("resolve")}`);
    await decided();
    await says(/Finance: none open/);
});

test("a line that differs is matched by hand, and a refund is written off", async () => {
    await visit("settlement");
    await says(/differs refund/);
    await wholesome("hub-settlement");
    await decide("button[id^=match-]", { refund: "2" });
    await decided();
    await says(/Every line found its refund/);
    await road.ask("return 0042-01-dash-3");
    await until(page, () => document.querySelector("button[id^=write-off-]"));
    await decide("button[id^=write-off-]");
    await decided();
    await says(/Every refund is settled/);
});

test("a settlement file is taken in from the page, and is known the second time", async () => {
    const file = { name: "adyen.csv", mimeType: "text/csv", buffer: Buffer.from("Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch Number\nP9,X,2026-11-23 10:00:00,Settled,,EUR,,9.00,EUR,,9.00,B9\n") };
    for (const said of [/: 1 line$/, /known as file/]) {
        await page.setInputFiles("#file input[type=file]", file);
        await page.click("#file button");
        await until(page, (source) => new RegExp(source).test(document.getElementById("file-said").textContent), said.source);
    }
});

test("a refund that the provider declined is asked for once more", async () => {
    await visit("payments");
    await says(/None yet/);
    await road.ask("online 0042-01-dash-4 decline");
    await says(/failed.*declined: the card is closed/);
    await wholesome("hub-payments");
    await decide("button[id^=ask-]");
    await decided();
    await says(/None waits.*issued/);
});

test("an event that a system refused is parked and sent again", async () => {
    await visit("outlets");
    await says(/up to date/);
    await says(/posting\s+ledger-file\s+answers.*payment\s+provider.*outlet\s+warehouse/);
    await road.ask("outlet 422");
    await road.ask("return 0042-01-dash-5");
    await until(page, () => document.querySelector("button[id^=deliver-]"));
    await wholesome("hub-outlets");
    await decide("button[id^=deliver-]");
    await decided();
    await says(/They took everything/);
});

test("entries wait in the journal until they are posted, and a month is closed from there", async () => {
    await visit("journal");
    await says(/None is parked/);
    await page.fill("#month input", new Date().toISOString().slice(0, 7));
    await page.click("#month button");
    await says(/Accruals at the end of/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=journal.csv")]);
    assert.match(readFileSync(await download.path(), "utf8"), /refunds_payable/);
    await wholesome("hub-journal");
});

const views = (page) => page.evaluate(() => [...document.querySelectorAll("#views a")].map((link) => link.hash.slice(1)));
const buttons = (page) => page.evaluate(() => [...document.querySelectorAll("#view button")].map((one) => one.textContent));

// Closed before the next is opened: the hub takes only so many connections of one address.
const openAs = async (role) => {
    const other = await openPage(browser, `${road.url}/`);
    await other.fill("#token-text", road[role]);
    await other.click("#token button");
    await until(other, () => document.querySelectorAll("#views a").length > 0);
    return other;
};

test("the appliances are seen by IT with their links and logs, and nobody sees more than is theirs", async () => {
    assert.deepEqual(await views(page), ["overview", "settlement", "payments", "journal", "exceptions", "outlets", "find"]);
    const it = await openAs("it");
    assert.deepEqual(await views(it), ["overview", "exceptions", "outlets", "fleet", "find"]);
    await it.click(`#views a[href="#fleet"]`);
    await until(it, () => /online.*returns through \d+/s.test(document.getElementById("view").innerText));
    assert.deepEqual(await violations(it), []);
    await picture(it, "hub-fleet");
    assert.deepEqual(it.complaints, []);
    await it.context().close();
    const viewer = await openAs("viewer");
    assert.deepEqual(await views(viewer), ["overview", "fleet", "find"]);
    await viewer.fill("#what", "0042-01-dash-1");
    await viewer.click("#find button");
    await until(viewer, () => document.querySelector(".trail"));
    assert.deepEqual(await buttons(viewer), ["Save as OTLP trace"]);
    assert.deepEqual(viewer.complaints, []);
    await viewer.context().close();
});

test("the overview has its figures at a glance", async () => {
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    await visit("overview");
    await until(page, () => document.querySelectorAll(".tile").length === 8);
    assert.equal(await page.evaluate(() => window.scrollY), 0);
    await picture(page, "hub-overview");
});

test("it says why nothing can be saved, and when it can again", async () => {
    const health = (found) => until(page, (source) => new RegExp(source).test(document.getElementById("health").textContent), found);
    const ill = { status: "no_database", broker: true, database: false, problem: "database: No space left on device", hub_epoch: 1, devices: 1 };
    await page.route("**/healthz", (route) => route.fulfill({ json: ill }));
    await health("nothing can be saved: .*No space left on device");
    await page.unroute("**/healthz");
    await health("^connected to the broker$");
});

test("it fits on a phone and in the dark", async () => {
    const phone = await openPage(browser, `${road.url}/`, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
    await phone.fill("#token-text", road.finance);
    await phone.click("#token button");
    await until(phone, () => document.querySelectorAll(".tile").length === 8);
    assert.ok(await phone.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    assert.deepEqual(await violations(phone), []);
    await picture(phone, "hub-phone");
    assert.deepEqual(phone.complaints, []);
});

test("it complains of nothing", () => assert.deepEqual(page.complaints, []));
