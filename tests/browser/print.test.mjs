// Receipts at the counter: printed by themselves, once more by hand, and never in anybody's way.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Appliance, goods, people, sale } from "./appliance.mjs";
import { choose, openBrowser, openPage, picture, signIn, tooSmall, until, violations } from "./browser.mjs";
import { Printer } from "./paper.mjs";

let printer;
let appliance;
let browser;
let page;

before(async () => {
    printer = new Printer();
    await printer.start();
    appliance = new Appliance([`printer.counter=tcp:${printer.address},lane=01`]);
    await appliance.start();
    appliance.addStaff();
    await appliance.sell(sale("R-0001", [goods.socks]));
    browser = await openBrowser();
    page = await openPage(browser, `${appliance.url}/?lane=01`);
    await signIn(page, people.associate);
});

after(async () => {
    await browser?.close();
    await appliance?.close();
    printer?.close();
});

async function returnOne() {
    await page.fill("#target", "R-0001");
    await page.click("#look-up");
    await page.click("#line-1-more");
    await choose(page, "line-1", "unwanted", "open_box");
    await page.click("#go-on");
    await page.click("#confirm");
    await page.waitForSelector(".number");
    return page.textContent(".number");
}

const says = (words) => until(page, (wanted) => document.querySelector("#receipt-state")?.textContent.includes(wanted), words);

test("a saved return's receipt is printed, and a copy when it is asked for", async () => {
    const number = await returnOne();
    await says("Receipt printed");
    assert.match(printer.printed(), new RegExp(`CODE128 ${number}`));
    assert.doesNotMatch(printer.printed(), /C O P Y/);
    await picture(page, "70-printed");
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(await tooSmall(page), []);
    await page.click("#print-copy");
    await until(page, () => !document.querySelector("#print-copy").disabled);
    await says("Receipt printed");
    assert.match(printer.printed(), /C O P Y/);
    // An answer that comes after the news of the printer changes nothing.
    await page.route("**/print", async (route) => {
        const response = await route.fetch();
        for (const end = Date.now() + 8000; printer.printed().match(/C O P Y/g).length < 2 && Date.now() < end;) await new Promise((resolve) => setTimeout(resolve, 50));
        await new Promise((resolve) => setTimeout(resolve, 300)); // the news is on its way
        await route.fulfill({ response });
    });
    await page.click("#print-copy");
    await until(page, () => !document.querySelector("#print-copy").disabled);
    await says("Receipt printed");
    await page.unroute("**/print");
    await page.click("#paid");
});

test("without paper it is said, the next return goes on, and both receipts come later", async () => {
    printer.say("paper-out");
    await page.waitForSelector("#printer");
    const first = await returnOne();
    await says("Printer has no paper");
    await picture(page, "71-no-paper");
    assert.deepEqual(await violations(page), []);
    await page.click("#paid");
    await page.waitForSelector("#target");
    const second = await returnOne();
    await until(page, () => document.querySelector("#printer").textContent.includes("2 receipts wait"));
    printer.say("ready");
    await says("Receipt printed");
    await until(page, () => !document.querySelector("#printer"));
    for (const number of [first, second]) assert.match(printer.printed(), new RegExp(`CODE128 ${number}`));
});
