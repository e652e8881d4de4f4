// The store page on a real road: online, the link cut, and back. PICTURES= names a folder for the
// pictures of the README.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { goods, people, sale } from "./appliance.mjs";
import { choose, openBrowser, openPage, signIn, until, violations } from "./browser.mjs";

const programs = process.env.PROGRAMS ?? "build/release";
const pictures = process.env.PICTURES;

const road = {
    async start() {
        this.process = spawn("/usr/bin/python3", ["-B", "tests/browser/store_road.py"], { stdio: ["pipe", "pipe", "inherit"] });
        this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
        Object.assign(this, JSON.parse((await this.lines.next()).value));
        const { number, name, role, badge, pin } = people.associate;
        execFileSync(join(programs, "tillback"), ["--state", this.state, "staff", "add", "--number", number, "--name", name, "--role", role, "--badge", badge, "--pin", "-"], { input: `${pin}\n` });
    },
    ask(line) {
        this.process.stdin.write(`${line}\n`);
        return this.lines.next();
    },
    async close() {
        const gone = new Promise((resolve) => this.process.once("exit", resolve));
        this.process.stdin.end();
        await gone;
    },
};

let browser;
let page;

before(async () => {
    browser = await openBrowser(); // known before anything fails, so that it is closed
    await road.start();
    for (const receipt of ["0042-01-0815", "0042-01-0816"]) {
        const body = JSON.stringify(sale(receipt, [goods.socks, goods.jacket, goods.apples], { tenders: [{ tender: 1, type: "cash", amount: 12361 }] }));
        const answer = await fetch(`${road.url}/v1/sales`, { method: "POST", body, headers: { Authorization: `Bearer ${road.token}` } });
        assert.equal(answer.status, 201);
    }
    page = await openPage(browser, `${road.url}/?lane=01`, { viewport: { width: 1024, height: 700 } });
    await signIn(page, people.associate);
});

after(async () => {
    await browser?.close();
    await road.close();
});

async function picture(name) {
    if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) });
}

async function chooseLines(receipt) {
    await page.fill("#target", receipt);
    await page.click("#look-up");
    await page.click("#line-1-more");
    await page.click("#line-1-more");
    await choose(page, "line-1", "size_too_small", "open_box");
    await page.click("#line-2");
}

async function save() {
    await choose(page, "line-2", "unwanted", "new_sealed");
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
}

const link = (name) => page.waitForSelector(`#link[data-link="${name}"]`, { timeout: 20000 });

test("online: a return is saved, printed, and sent", async () => {
    await link("online");
    await chooseLines("0042-01-0815");
    await picture("lines");
    await save();
    await picture("decision");
    await page.click("#confirm");
    await until(page, () => document.querySelector("#receipt-state")?.textContent.includes("Receipt printed"));
    if (pictures) await road.ask(`paper ${join(pictures, "receipt.png")}`);
    await until(page, () => document.querySelector("#link").textContent.includes("Everything is sent"));
    await page.click("#paid");
    await page.waitForSelector("#target");
});

test("the link is cut: it says since when and how many wait, and returns go on; then all is sent", async () => {
    await road.ask("cut");
    await link("offline");
    await page.setViewportSize({ width: 390, height: 780 });
    await chooseLines("0042-01-0816");
    await picture("phone");
    await save();
    await page.click("#confirm");
    await page.waitForSelector("#paid");
    await until(page, () => /Offline since .*saved, wait/.test(document.querySelector("#link").textContent)); // a moment after the answer
    assert.deepEqual(await violations(page), []);
    await page.setViewportSize({ width: 1024, height: 700 });
    await page.emulateMedia({ colorScheme: "dark" });
    await picture("saved-dark");
    await page.click("#paid");
    await page.click("#to-waiting");
    await page.waitForSelector("#title");
    await road.ask("restore");
    await link("online");
    await until(page, () => document.querySelector("#link").textContent.includes("Everything is sent"));
    assert.deepEqual(page.complaints, []);
});
