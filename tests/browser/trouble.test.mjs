// What goes wrong at a counter: reloads, crashes, a second tab, no line, no disk, no appliance.

import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { Appliance, goods, people, sale } from "./appliance.mjs";
import { choose, openBrowser, openPage, picture, signIn, until, violations, wedge } from "./browser.mjs";

let appliance;
let browser;
let page;

before(async () => { browser = await openBrowser(); });
after(() => browser?.close());

beforeEach(async () => {
    appliance = new Appliance();
    await appliance.start();
    appliance.addStaff();
    await appliance.sell(sale("R-0001", [goods.socks]));
    page = await openPage(browser, appliance.url);
});

afterEach(async () => {
    await page.context().close();
    await appliance.close();
});

async function toDecision() {
    await signIn(page, people.associate);
    await page.fill("#target", "R-0001");
    await page.click("#look-up");
    await page.click("#line-1");
    await choose(page, "line-1", "unwanted", "open_box");
}

test("a reload in the middle resumes where it was", async () => {
    await toDecision();
    await page.reload();
    await page.waitForSelector("#line-1-change-condition");
    assert.equal(await page.textContent(".on output"), "1");
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    await page.reload();
    await page.waitForSelector("#confirm");
});

test("a browser that died while saving asks again and doubles nothing", async () => {
    await toDecision();
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    // The appliance saves it, but the page dies before the answer.
    let asked = () => {};
    const sent = new Promise((resolve) => { asked = resolve; });
    await page.route("**/v1/returns", async (route) => {
        await route.fetch();
        asked();
        await route.abort();
    });
    await page.click("#confirm");
    await sent;
    assert.equal((await appliance.returns()).length, 1);
    const url = appliance.url;
    const context = page.context();
    await page.close();
    page = await context.newPage();
    await page.goto(url);
    await page.waitForSelector("#paid");
    assert.equal((await appliance.returns()).length, 1);
    assert.equal(await page.textContent(".number"), (await appliance.returns())[0].number);
});

test("an appliance that loses its power while saving is asked until it answers", async () => {
    await toDecision();
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    await appliance.kill();
    await page.click("#confirm");
    await page.waitForSelector('[data-link="stop"]');
    assert.equal(await page.textContent("#title"), "Saving …");
    await picture(page, "40-no-answer");
    assert.deepEqual(await violations(page), []);
    await appliance.start();
    // Sessions are in memory: whoever was signed in says who they are, and it goes on.
    await page.waitForSelector("#pin");
    await page.fill("#pin", people.associate.pin);
    await page.click("#sign-in");
    await page.waitForSelector("#paid");
    assert.equal((await appliance.returns()).length, 1);
});

test("success is never said when the disk refused", async () => {
    await toDecision();
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    await page.route("**/v1/returns", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, code: "disk_full", detail: "no space left on the disk" }) }));
    await page.click("#confirm");
    await page.waitForSelector('[data-link="stop"]');
    assert.match(await page.textContent("#notice"), /NOT saved/);
    assert.equal(await page.$(".number"), null);
    await picture(page, "41-not-saved");
    assert.deepEqual(await violations(page), []);
    await page.unroute("**/v1/returns");
    await page.click("#go-on");
    await page.click("#confirm");
    await page.waitForSelector("#paid");
    assert.equal(await page.$('[data-link="stop"]'), null);
});

test("a full disk is told before anybody tries, and so is room again", async () => {
    let can_save = true;
    const news = () => JSON.stringify({ link: "none", waiting: 0, can_save });
    await page.route("**/v1/status", (route) => route.fulfill({ contentType: "application/json", body: news() }));
    await page.route("**/v1/stream*", (route) => route.fulfill({ contentType: "text/event-stream", body: `retry: 200\nevent: link\ndata: ${news()}\n\n` }));
    await toDecision();
    await page.waitForSelector('[data-link="alone"]');
    can_save = false;
    await page.waitForSelector('[data-link="stop"]');
    assert.match(await page.textContent("#link"), /it can't be saved/);
    await page.click("#go-on");
    await page.route("**/v1/returns", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, code: "disk_full", detail: "no space left on the disk" }) }));
    await page.click("#confirm");
    await page.waitForSelector("#notice.bad");
    can_save = true;
    await page.waitForSelector('[data-link="alone"]');
});

test("a second tab doesn't share the return in hand, and can take it over", async () => {
    await toDecision();
    const other = await page.context().newPage();
    await other.goto(appliance.url);
    await other.waitForSelector("#take-over");
    await picture(other, "42-other-tab");
    assert.deepEqual(await violations(other), []);
    await other.click("#take-over");
    await other.waitForSelector("#line-1-change-condition");
    await page.waitForSelector("#take-over");
});

test("the line's state is always told in words, without a pop-up", async () => {
    const tell = async (link, name) => {
        const body = JSON.stringify(link);
        await page.unroute("**/v1/status").catch(() => {});
        await page.route("**/v1/status", (route) => route.fulfill({ contentType: "application/json", body }));
        await page.reload();
        await page.waitForSelector(`[data-link="${name}"]`);
        await picture(page, `43-${name}`);
        assert.deepEqual(await violations(page), []);
        return page.textContent("#link");
    };
    assert.match(await tell({ link: "online", waiting: 0 }, "online"), /Online.*Everything is sent/);
    assert.match(await tell({ link: "offline", since: new Date().toISOString(), waiting: 17 }, "offline"), /Offline since .*17 saved/);
    assert.match(await tell({ link: "online", waiting: 0, can_save: false }, "stop"), /it can't be saved/);
    assert.match(await tell({ link: "online", waiting: 0, can_save: true }, "online"), /Online/);
});

test("a session that was locked keeps the return in hand", async () => {
    await toDecision();
    await page.click("#lock");
    await page.waitForSelector("#number");
    assert.equal(await page.inputValue("#number"), people.associate.number);
    await page.fill("#pin", people.associate.pin);
    await page.click("#sign-in");
    await page.waitForSelector("#line-1-change-condition");
});

test("whoever is removed from the staff is signed out", async () => {
    await signIn(page, people.associate);
    await page.waitForSelector("#target");
    appliance.cli(["staff", "remove", people.associate.number]);
    await page.waitForSelector("#number", { timeout: 8000 });
});

test("wrong PINs lock out, also over a restart", async () => {
    for (let i = 0; i < 3; i++) {
        await page.fill("#number", people.associate.number);
        await page.fill("#pin", "00007");
        await page.click("#sign-in");
        await until(page, () => document.querySelector("#wrong") && document.querySelector("#pin").value === "");
    }
    await appliance.kill();
    await appliance.start();
    await page.fill("#pin", people.associate.pin);
    await page.click("#sign-in");
    await until(page, () => document.querySelector("#wrong")?.textContent.includes("Wait"));
    await picture(page, "44-locked-out");
});

test("a scanner with a prefix is told from fingers however slow it is", async () => {
    await page.goto(`${appliance.url}/?prefix=~`);
    await signIn(page, people.associate);
    await page.fill("#target", "4711");
    await page.focus("#target");
    await page.keyboard.type("~R-0001", { delay: 120 });
    await page.keyboard.press("Enter");
    await page.waitForSelector("#line-1");
});

test("the camera reads a code where the browser can", async () => {
    // Chromium on Linux has no BarcodeDetector, and a test no camera: both are fakes here.
    await page.addInitScript(() => {
        window.BarcodeDetector = class {
            static getSupportedFormats = async () => ["code_128"];
            detect = async () => (window.inPicture ? [{ rawValue: window.inPicture }] : []);
        };
        navigator.mediaDevices.getUserMedia = async () => document.createElement("canvas").captureStream(5);
    });
    await page.reload();
    await signIn(page, people.associate);
    await page.click("#camera-start");
    await page.waitForSelector("#camera");
    await picture(page, "45-camera");
    assert.deepEqual(await violations(page), []);
    await page.click("#camera-stop");
    await page.click("#camera-start");
    await page.evaluate(() => {
        window.inPicture = "R-0001";
        document.getElementById("camera").dispatchEvent(new Event("playing"));
    });
    await page.waitForSelector("#line-1");
    assert.equal(await page.$("#camera"), null);
});

test("nobody at the counter: the page locks by itself and keeps the return in hand", async () => {
    await page.clock.install();
    await page.reload();
    await toDecision();
    await page.clock.fastForward("11:00");
    await page.waitForSelector("#number");
    assert.equal(await page.$("#lock"), null);
    await page.fill("#pin", people.associate.pin);
    await page.click("#sign-in");
    await page.waitForSelector("#line-1-change-condition");
});

test("a scan never lands in a field that has the focus", async () => {
    await signIn(page, people.associate);
    await page.click("#no-receipt");
    await page.fill("#item", "4711");
    await page.focus("#item");
    await wedge(page, goods.jacket[0]);
    await page.waitForSelector("#item-1");
    assert.equal(await page.inputValue("#item"), "4711");
});
