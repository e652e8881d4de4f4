// The counter by keyboard alone.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goods, people } from "./appliance.mjs";
import { press, until } from "./browser.mjs";
import { appliance, counterTest, page, sold } from "./counter.mjs";

// Slower than a scanner.
async function typed(text) {
    await page.keyboard.type(text, { delay: 60 });
    await page.keyboard.press("Enter");
}

counterTest("a return of the last of many lines", async () => {
    const receipt = await sold(Array(12).fill(goods.socks));
    await page.focus("#target");
    await typed(receipt);
    await page.waitForSelector("#line-12");
    await press(page, "line-12");
    await press(page, "line-12-reason-style");
    await press(page, "line-12-condition-open_box");
    await press(page, "go-on");
    await page.waitForSelector("#confirm");
    await press(page, "confirm");
    await page.waitForSelector("#paid");
});

counterTest("an exchange, and the manager's approval", async () => {
    await sold([goods.swimsuit]);
    const receipt = await sold([goods.socks]);
    await page.focus("#target");
    await typed(receipt);
    await press(page, "line-1");
    await press(page, "line-1-reason-style");
    await press(page, "line-1-condition-open_box");
    await press(page, "go-on");
    await page.waitForSelector("#exchange");
    await press(page, "exchange");
    await until(page, () => document.activeElement.id === "item");
    await typed(goods.swimsuit[0]);
    await page.waitForSelector(`#new-${goods.swimsuit[0]}-price`);
    await press(page, "due-cash");
    await press(page, "confirm");
    await page.waitForSelector("#exchange-due");
    await press(page, "next");
    await page.waitForSelector("#target");
    await until(page, () => document.activeElement.id === "target");
    await typed(await sold([goods.jacket], { days: 60 }));
    await press(page, "line-1");
    await press(page, "line-1-reason-style");
    await press(page, "line-1-condition-open_box");
    await press(page, "go-on");
    await page.waitForSelector("#confirm");
    await press(page, "confirm");
    await until(page, () => document.activeElement.id === "approver");
    await page.keyboard.type(people.manager.number, { delay: 60 });
    await page.keyboard.press("Tab");
    await typed(people.manager.pin);
    await page.waitForSelector("#paid");
    await press(page, "void");
    await press(page, "void-yes");
    await until(page, () => document.querySelector("#title").textContent === "Taken back");
});

test("the end of the day, with an exception reviewed", async () => {
    const receipt = await sold([goods.socks]);
    await appliance.till("POST", "/v1/returns", { receipt, lines: [{ line: 1, quantity: 9, reason: "unwanted", condition: "open_box" }] });
    await until(page, () => document.activeElement.id === "number");
    await page.keyboard.type(people.manager.number, { delay: 60 });
    await page.keyboard.press("Enter");
    await typed(people.manager.pin);
    await page.waitForSelector("#target");
    await press(page, "to-day");
    await page.waitForSelector("#exceptions button");
    const before = await page.locator("#exceptions > li").count();
    await press(page, await page.locator("#exceptions button").last().getAttribute("id"));
    await until(page, () => document.activeElement.id === "how");
    await typed("counted again");
    await until(page, (n) => document.querySelectorAll("#exceptions > li").length === n, before - 1);
    await page.evaluate(() => { window.print = () => { window.printed = true; }; });
    await press(page, "print");
    assert.equal(await page.evaluate(() => window.printed), true);
    await press(page, "lock");
    await page.waitForSelector("#number");
});
