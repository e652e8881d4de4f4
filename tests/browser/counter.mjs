// A counter for the tests of one file: an appliance with its staff, and for each test a page that is new.

import { after, before, beforeEach, test } from "node:test";
import { Appliance, people, sale } from "./appliance.mjs";
import { openBrowser, openPage, signIn } from "./browser.mjs";

export let appliance;
let browser;
export let page;
let receipts = 0;

before(async () => {
    appliance = new Appliance();
    await appliance.start();
    appliance.addStaff();
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    await appliance?.close();
});

beforeEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    page = await openPage(browser, appliance.url);
});

// A test that begins with the associate signed in.
export const counterTest = (name, steps) => test(name, async () => {
    await signIn(page, people.associate);
    await steps();
});

export async function sold(lines, how) {
    const receipt = `0042-01-${String(++receipts).padStart(4, "0")}`;
    await appliance.sell(sale(receipt, lines, how));
    return receipt;
}
