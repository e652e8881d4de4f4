// The whole way of a return at the counter, by touch and by scanner, and every decision.

import assert from "node:assert/strict";
import { test } from "node:test";
import { goods, people } from "./appliance.mjs";
import { choose, lookUp, picture, press, signIn, tooSmall, until, violations, wedge } from "./browser.mjs";
import { appliance, counterTest, page, sold } from "./counter.mjs";

// What every screen has to pass.
async function sound(name) {
    await picture(page, name);
    assert.deepEqual(await violations(page), [], `${name}: WCAG`);
    assert.deepEqual(await tooSmall(page), [], `${name}: smaller than 48 px`);
    assert.deepEqual(page.complaints, [], `${name}: the page complained`);
}

async function toDecision(receipt, reason = "unwanted", condition = "open_box") {
    await lookUp(page, receipt);
    await page.click("#line-1");
    await choose(page, "line-1", reason, condition);
    await page.click("#go-on");
    await page.waitForSelector(".banner");
}

const heading = () => page.textContent("#title");

test("sign-in by number and PIN, a wrong PIN is said and forgotten", async () => {
    await sound("01-sign-in");
    await page.fill("#number", people.associate.number);
    await page.fill("#pin", "0000");
    await page.click("#sign-in");
    await page.waitForSelector("#sign-in[aria-busy=true]");
    await page.waitForSelector("#wrong");
    await page.waitForSelector("#sign-in:not([aria-busy])");
    assert.equal(await page.inputValue("#pin"), "");
    await sound("02-sign-in-wrong");
    await page.fill("#pin", people.associate.pin);
    await page.press("#pin", "Enter");
    await page.waitForSelector("#target");
    assert.match(await page.textContent("header"), /Ann Lee/);
});

test("sign-in by badge from a keyboard scanner leaves nothing in a field", async () => {
    await page.focus("#number");
    await wedge(page, people.associate.badge);
    await page.waitForSelector("#no-badge");
    await page.fill("#pin", people.associate.pin);
    await page.click("#sign-in");
    await page.waitForSelector("#target");
});

test("sign-in with the first technician's one-time PIN asks for another", async () => {
    const pin = appliance.oneTimePin();
    await page.fill("#number", "1");
    await page.fill("#pin", pin);
    await page.click("#sign-in");
    await page.waitForSelector("#set-pin");
    await sound("03-own-pin");
    await page.fill("#pin", pin);
    await page.fill("#new-pin", "80426");
    await page.fill("#again", "80426");
    await page.click("#set-pin");
    await page.waitForSelector("#target");
});

counterTest("a return by touch is saved before success is said, and paid out", async () => {
    const receipt = await sold([goods.socks, goods.jacket]);
    await sound("10-start");
    await page.fill("#target", receipt);
    await page.press("#target", "Enter");
    await page.waitForSelector("#line-1");
    await sound("11-lines");
    await page.click("#line-1-more");
    await page.click("#line-1-more");
    assert.match(await page.textContent("#go-on"), /2 items/);
    await sound("12-reason");
    await page.click("#line-1-reason-unwanted");
    await sound("13-condition");
    await page.click("#line-1-condition-open_box");
    await sound("14-chosen");
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    assert.equal(await heading(), "Accepted");
    assert.match(await page.textContent(".refund"), /19\.98/);
    assert.match(await page.textContent(".tenders"), /Card/);
    await sound("15-accepted");
    const before = (await appliance.returns()).length;
    await page.click("#confirm");
    await page.waitForSelector("#paid");
    await sound("16-saved");
    const [made] = await appliance.returns();
    assert.equal((await appliance.returns()).length, before + 1);
    assert.equal(made.number, await page.textContent(".number"));
    assert.equal(made.refund.total, 1998);
    await page.click("#paid");
    await page.waitForSelector("#target");
    assert.equal((await appliance.returns())[0].money, "issued");
});

counterTest("a return by scanner: each scan selects or adds one, and no more than was sold", async () => {
    const receipt = await sold([goods.socks, goods.jacket]);
    await wedge(page, receipt);
    await page.waitForSelector("#line-1");
    for (const wanted of ["1", "2", "3"]) {
        await page.waitForTimeout(320); // a scanner's own pause; quicker is taken for one scan
        await wedge(page, goods.socks[0]);
        await until(page, (n) => document.querySelector(".on output")?.textContent === n, wanted);
    }
    await page.waitForTimeout(320);
    await wedge(page, goods.socks[0]);
    await page.waitForSelector("#notice");
    assert.equal(await page.textContent(".on output"), "3");
    await wedge(page, goods.swimsuit[0]);
    await until(page, () => document.querySelector("#notice")?.textContent.includes("7612345678900"));
    await sound("17-not-on-receipt");
});

counterTest("one scan seen twice counts once", async () => {
    const receipt = await sold([goods.socks]);
    await wedge(page, receipt);
    await page.waitForSelector("#line-1");
    await wedge(page, goods.socks[0]);
    await wedge(page, goods.socks[0]);
    await page.waitForSelector(".on");
    assert.equal(await page.textContent(".on output"), "1");
});

counterTest("an item names the receipts that it was sold on", async () => {
    await sold([goods.jacket]);
    await wedge(page, goods.jacket[0]);
    await page.waitForSelector("#sale-0");
    await sound("18-which-receipt");
    await page.click("#sale-0");
    await page.waitForSelector(".line.on");
});

counterTest("what was returned before is shown, and can't be returned again", async () => {
    const receipt = await sold([goods.socks]);
    await appliance.till("POST", "/v1/returns", { receipt, lines: [{ line: 1, quantity: 2, reason: "unwanted", condition: "open_box" }] });
    await lookUp(page, receipt);
    await page.waitForSelector("#line-1");
    assert.match(await page.textContent("#line-1"), /sold 3.*already returned 2.*can come back 1/);
    await page.click("#line-1-more");
    assert.equal(await page.isDisabled("#line-1-more"), true);
    await sound("19-partly-returned");
});

counterTest("undo takes back the last step before it is confirmed", async () => {
    const receipt = await sold([goods.socks]);
    await lookUp(page, receipt);
    await page.click("#line-1");
    await page.click("#line-1-reason-colour");
    await page.click("#undo");
    await page.waitForSelector("#line-1-reason-colour");
    await page.click("#undo");
    assert.equal(await page.getAttribute("#line-1", "aria-pressed"), "false");
    assert.equal(await page.isDisabled("#undo"), true);
});

counterTest("a part of a weight comes back", async () => {
    const receipt = await sold([goods.apples]);
    await lookUp(page, receipt);
    await page.click("#line-1");
    await page.fill("#line-1-measure", "0.5");
    await page.press("#line-1-measure", "Tab");
    await page.click("#line-1-reason-defective");
    await page.click("#line-1-condition-defective");
    await sound("20-weight");
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    assert.match(await page.textContent(".refund"), /0\.5 kg × Apples/);
});

counterTest("a refund over several tenders reads each of them back", async () => {
    const receipt = await sold([goods.jacket], { tenders: [{ tender: 1, type: "gift_card", amount: 5000, reference: "gc_1" }, { tender: 2, type: "cash", amount: 3990 }] });
    await toDecision(receipt);
    const rows = await page.$$eval(".tenders tr", (all) => all.map((row) => row.textContent));
    assert.equal(rows.length, 3);
    assert.match(rows[1], /Gift card.*50\.00/);
    assert.match(rows[2], /Cash.*39\.90/);
    await sound("21-several-tenders");
});

counterTest("too late: a manager approves inline with badge and PIN, the associate stays", async () => {
    const receipt = await sold([goods.jacket], { days: 60 });
    await toDecision(receipt);
    assert.equal(await heading(), "A manager has to approve");
    assert.match(await page.textContent(".reasons"), /time for returns is over/);
    await sound("22-needs-manager");
    await page.click("#confirm");
    await page.waitForSelector("#approver");
    await until(page, () => document.activeElement.id === "approver");
    await sound("23-approval");
    assert.ok(await page.evaluate(() => document.getElementById("approve").getBoundingClientRect().bottom < document.querySelector(".bottom").getBoundingClientRect().top), "the manager need not scroll");
    await wedge(page, people.manager.badge);
    await until(page, () => document.activeElement.id === "approver-pin");
    await page.fill("#approver-pin", "00007");
    await page.click("#approve");
    await page.waitForSelector("#wrong");
    await page.fill("#approver-pin", people.manager.pin);
    await page.click("#approve");
    await page.waitForSelector("#paid");
    assert.match(await page.textContent("header"), /Ann Lee/);
    assert.equal((await appliance.returns())[0].decision, "accepted");
    await sound("24-approved");
});

counterTest("nobody approves a return of their own", async () => {
    await page.click("#lock");
    await page.waitForSelector("#number");
    await signIn(page, people.manager);
    const receipt = await sold([goods.jacket], { days: 60 });
    await toDecision(receipt);
    assert.equal(await heading(), "A manager has to approve");
    await page.click("#confirm");
    await page.fill("#approver", people.manager.number);
    await page.fill("#approver-pin", people.manager.pin);
    await page.click("#approve");
    await until(page, () => document.querySelector("#wrong")?.textContent.includes("Another manager"));
    await page.fill("#approver", people.second.number);
    await page.fill("#approver-pin", people.second.pin);
    await page.click("#approve");
    await page.waitForSelector("#paid");
});

counterTest("a manager declines", async () => {
    const receipt = await sold([goods.jacket], { days: 60 });
    await toDecision(receipt);
    await page.click("#confirm");
    await page.fill("#approver", people.manager.number);
    await page.fill("#approver-pin", people.manager.pin);
    await page.click("#decline");
    await page.waitForSelector(".banner.bad");
    assert.equal((await appliance.returns())[0].decision, "declined");
});

counterTest("sold elsewhere: accepted, and the refund waits for a check", async () => {
    const receipt = await sold([goods.jacket], { store: "0007" });
    await toDecision(receipt);
    assert.match(await heading(), /waits for a check/);
    await sound("25-pending-check");
    await page.click("#confirm");
    await page.waitForSelector(".banner.good .number");
    assert.equal((await appliance.returns())[0].decision, "accepted_pending_check");
});

counterTest("hygiene: not accepted, with the reason and what to do instead", async () => {
    const receipt = await sold([goods.swimsuit]);
    await toDecision(receipt);
    assert.equal(await heading(), "Not accepted");
    assert.match(await page.textContent(".reasons"), /hygiene/);
    assert.match(await page.textContent(".banner"), /warranty/);
    assert.match(await page.textContent(".refund"), /Swimsuit/);
    assert.equal(await page.$(".refund .amount"), null, "nothing is paid out");
    await sound("26-declined");
    await page.click("#next");
    await page.waitForSelector("#target");
});

counterTest("an unknown receipt can't be decided offline, and can be asked again", async () => {
    await page.fill("#target", "9999-01-unknown");
    await page.click("#look-up");
    await page.waitForSelector("#blind");
    await sound("27-unknown-receipt");
    await page.click("#blind");
    await page.fill("#item", goods.jacket[0]);
    await page.click("#add");
    await page.fill("#item-1-price", "89.90");
    await page.press("#item-1-price", "Tab");
    await choose(page, "item-1", "unwanted", "new_sealed");
    await page.click("#go-on");
    await page.waitForSelector("#again");
    assert.equal(await heading(), "Can't be decided offline");
    await sound("28-needs-link");
    await page.click("#again");
    await page.waitForSelector("#again");
});

counterTest("no receipt: the items, the lowest price, store credit, with a manager", async () => {
    await sold([goods.jacket]);
    await page.click("#no-receipt");
    await page.waitForSelector("#item");
    await wedge(page, goods.jacket[0]);
    await page.waitForSelector("#item-1-price");
    assert.equal(await page.inputValue("#item"), "");
    await until(page, () => document.querySelector("#item-1").textContent.includes("Rain jacket"));
    await page.fill("#item-1-price", "95,00");
    await page.press("#item-1-price", "Tab");
    await choose(page, "item-1", "unwanted", "new_sealed");
    await sound("29-no-receipt");
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
    assert.match(await page.textContent(".refund"), /89\.90/);
    assert.match(await page.textContent(".tenders"), /Store credit/);
    await page.click("#confirm");
    await page.fill("#approver", people.manager.number);
    await page.fill("#approver-pin", people.manager.pin);
    await page.press("#approver-pin", "Enter");
    await page.waitForSelector(".number");
});

counterTest("a return is taken back before money moved", async () => {
    const receipt = await sold([goods.jacket]);
    await toDecision(receipt);
    await page.click("#confirm");
    await page.click("#void");
    await page.waitForSelector("#void-yes");
    await sound("30-void");
    await page.click("#void-yes");
    await until(page, () => document.querySelector("#title").textContent === "Taken back");
    assert.equal((await appliance.returns())[0].decision, "voided");
});

counterTest("the waiting list says what to do, and a return's number opens it", async () => {
    const receipt = await sold([goods.jacket]);
    await toDecision(receipt);
    await page.click("#confirm");
    const number = await page.textContent(".number");
    await page.click("#next");
    await page.waitForSelector("#target");
    await lookUp(page, await sold([goods.socks])); // another is in hand, with a line 1 of its own
    await page.waitForSelector("#line-1");
    await page.click("#to-waiting");
    await wedge(page, number);
    await page.waitForSelector("#paid");
    assert.match(await page.textContent(".refund"), /1 × Rain jacket/);
    assert.ok((await page.textContent("main")).includes(receipt));
    await sound("31-one-return");
    await page.click("#paid");
    await until(page, () => !document.querySelector("#paid"));
    await page.click("#close");
    await page.waitForSelector(`.list`);
    await sound("32-waiting");
});

counterTest("an exchange for dearer goods: the refund pays a part, the customer the rest", async () => {
    await sold([goods.swimsuit, goods.jacket]); // prices are known from there
    const receipt = await sold([goods.socks]);
    await toDecision(receipt);
    await page.click("#exchange");
    await page.waitForSelector("#item");
    await sound("35-exchange");
    await wedge(page, goods.swimsuit[0]);
    await page.waitForSelector(`#new-${goods.swimsuit[0]}-price`);
    assert.equal(await page.inputValue("#item"), "");
    await page.click("#confirm");
    await until(page, () => document.querySelector("#notice")?.textContent.includes("How does the customer pay"));
    await page.click("#due-card");
    assert.match(await page.textContent(".refund"), /35\.00.*9\.99.*25\.01/);
    await sound("36-exchange-goods");
    await page.click("#confirm");
    await page.waitForSelector(".banner.good .number");
    assert.match(await page.textContent("#exchange-due"), /25\.01 on the terminal/);
    await sound("37-exchanged");
    const [made] = await appliance.returns();
    assert.deepEqual([made.refund.total, made.refund.applied, made.refund.payout], [999, 999, 0]);
    const [{ sale: taken }] = (await appliance.till("GET", `/v1/sales?gtin=${goods.swimsuit[0]}`)).sales.filter((one) => one.sale.receipt.includes("-X"));
    assert.deepEqual(taken.tenders.map(({ type, amount }) => [type, amount]), [["card", 999], ["card", 2501]]);
    assert.equal(taken.lines[0].tax[0].amount, Math.round((3500 * 19) / 119));
});

counterTest("an exchange for cheaper goods pays the rest out; unknown goods are for the till", async () => {
    await sold([goods.swimsuit]);
    const receipt = await sold([goods.jacket]);
    await toDecision(receipt);
    await page.click("#exchange");
    await wedge(page, "4999999999999");
    await until(page, () => document.querySelector("#notice")?.textContent.includes("till"));
    await page.waitForTimeout(320);
    await wedge(page, goods.swimsuit[0]);
    await page.waitForSelector(`#new-${goods.swimsuit[0]}-price`);
    await page.reload();
    await page.waitForSelector(`#new-${goods.swimsuit[0]}-price`);
    await page.click("#confirm");
    await page.waitForSelector("#paid");
    const [made] = await appliance.returns();
    assert.deepEqual([made.refund.applied, made.refund.payout, made.refund.tenders[0].amount], [3500, 5490, 5490]);
    await page.click("#paid");
    await page.waitForSelector("#target");
});

counterTest("a manager reviews an exception at the end of the day", async () => {
    const receipt = await sold([goods.socks]);
    await appliance.till("POST", "/v1/returns", { receipt, lines: [{ line: 1, quantity: 9, reason: "unwanted", condition: "open_box" }] });
    await page.click("#to-day");
    await page.waitForSelector("#exceptions");
    assert.equal(await page.$("#exceptions button"), null, "an associate only sees them");
    await page.click("#lock");
    await page.waitForSelector("#number");
    await signIn(page, people.manager);
    await page.click("#to-day");
    await page.waitForSelector("#exceptions");
    const before = await page.locator("#exceptions > li").count();
    await page.locator("#exceptions button").first().click();
    await sound("38-exception");
    await page.fill("#how", "counted again");
    await page.click("#resolve");
    await until(page, (n) => document.querySelectorAll("#exceptions > li").length === n, before - 1);
});

counterTest("what a till did and is not taken from it is told in words at the end of the day", async () => {
    const unreadable = "<POSLog xmlns='http://www.nrf-arts.org/IXRetail/namespace/'><Transaction><BusinessUnit><UnitID>0042</UnitID></BusinessUnit>"
        + "<WorkstationID>01</WorkstationID><SequenceNumber>77</SequenceNumber><BusinessDayDate>2026-11-22</BusinessDayDate>"
        + "<CurrencyCode>EUR</CurrencyCode><EndDateTime>2026-11-22T10:11:12Z</EndDateTime><RetailTransaction TransactionStatus='Finished'>"
        + "<LineItem><SequenceNumber>1</SequenceNumber><Sale><ItemID>4711</ItemID><ExtendedAmount>ten</ExtendedAmount></Sale></LineItem>"
        + "</RetailTransaction></Transaction></POSLog>";
    const headers = { Authorization: `Bearer ${appliance.token}`, "Content-Type": "application/xml" };
    assert.equal((await fetch(`${appliance.url}/v1/poslog`, { method: "POST", headers, body: unreadable })).status, 200);
    await page.click("#to-day");
    const told = await page.locator("#exceptions > li", { hasText: "POSLog 0042/01/2026-11-22/77" }).textContent();
    assert.match(told, /Not taken from the till.*"ten" is no amount of EUR/);
});

counterTest("end of day sums by tender and prints", async () => {
    await page.click("#to-day");
    await page.waitForSelector(".totals");
    await sound("33-end-of-day");
    const card = await page.textContent(".totals tbody tr:has-text('Card')");
    const all = await appliance.returns();
    const wanted = all.filter((one) => one.decision.startsWith("accepted")).flatMap((one) => one.refund.tenders).filter((tender) => tender.type === "card" && tender.state === "issued").reduce((sum, tender) => sum + tender.amount, 0);
    assert.ok(card.includes((wanted / 100).toFixed(2)), `${card} has ${wanted}`);
    await page.emulateMedia({ media: "print" });
    await picture(page, "34-end-of-day-printed");
    assert.equal(await page.isVisible("header"), false);
});
