// The counter: one field that takes a receipt, an item or a return; then the steps of a return.

import { get } from "./api.js";
import { approvalScan } from "./approval.js";
import { cameraPart } from "./camera.js";
import { confirm, decisionScreen, doneScreen, resumeSending, sendingScreen, undecidedScreen } from "./decision.js";
import { button, h, heading, icon } from "./dom.js";
import { addGoods, exchangeScreen } from "./exchange.js";
import { addItem, linesScreen, selectItem, selectSerial } from "./lines.js";
import { problemText } from "./problem.js";
import { classify } from "./scan.js";
import { app, notice, render } from "./state.js";
import { startAnew, step } from "./step.js";
import { openReturn } from "./waiting.js";
import { count, date, money, t, time } from "./words.js";

export async function resume() {
    if (app.tab !== "here" || !app.session) return;
    if (app.draft.step === "sending") await resumeSending();
}

function linesOf(found) {
    const counted = new Map(found.lines.map((line) => [line.line, line]));
    return found.sale.lines.map((line) => {
        const { returned, paid } = counted.get(line.line) ?? { returned: 0, paid: line.amount };
        return { id: `line-${line.line}`, line: line.line, gtin: line.gtin, sku: line.sku,
            name: line.description || line.sku || line.gtin, unit: line.unit ?? "each",
            sold: line.quantity, returned, left: line.quantity - returned, paid, quantity: 0, reason: "", condition: "",
            serial: line.serial };
    });
}

function openSale(found, item = "") {
    notice("");
    step("lines", { receipt: found.sale.receipt, authorisation: found.authorisation ?? null,
            sale: { sold_at: found.sale.sold_at, currency: found.sale.currency, tenders: found.sale.tenders },
            lines: linesOf(found), blind: false });
    if (item) selectItem(item);
}

async function lookUp(code) {
    const what = classify(code);
    if (what.kind === "return") {
        await openReturn(what.code);
        return;
    }
    const query = what.kind === "item" ? "gtin" : "receipt";
    const { sales } = await get(`/v1/sales?${query}=${encodeURIComponent(what.code)}`);
    if (sales.length === 1 && what.kind === "receipt") openSale(sales[0]);
    else if (what.kind === "item") step("choose", { item: what.code, sales });
    else step("unknown", { receipt: code });
}

export async function take(code) {
    if (!code || app.busy) return;
    app.busy = true;
    try {
        await lookUp(code);
    } catch (problem) {
        notice(problem.code === "not_found" ? t("start.unknown", { code }) : problemText(problem));
    }
    app.busy = false;
    render();
}

export function handleScan(code) {
    const draft = app.draft;
    const what = classify(code);
    if (["start", "choose", "unknown"].includes(draft.step)) take(code);
    else if (draft.step === "done") { startAnew(); take(code); }
    else if (draft.step === "lines" && what.kind === "item") draft.blind ? addItem(what.code) : selectItem(what.code);
    else if (draft.step === "lines" && selectSerial(code)) notice("");
    else if (draft.step === "exchange" && what.kind === "item") addGoods(what.code);
    else if (draft.step === "undecided") approvalScan(code);
    else if (code !== draft.receipt) { notice(t("scan.busy")); render(); }
}

function startScreen() {
    const go = () => take(document.getElementById("target").value.trim());
    return h("section", { class: "card start" }, heading(t("start.title")),
        h("p", { class: "field target" }, h("label", { for: "target" }, icon("scan"), t("start.label")),
            h("input", { id: "target", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
                    enterkeyhint: "go", "data-first": true,
                onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); go(); } } })),
        h("div", { class: "actions" }, button("look-up", t("start.go"), go, { class: "primary" }), cameraPart(),
            button("no-receipt", t("start.blind"), () => step("lines", { blind: true, receipt: null, lines: [] }))));
}

function chooseScreen() {
    const { sales, item } = app.draft;
    const choice = (found, index) => h("li", null,
        h("button", { id: `sale-${index}`, type: "button", class: "row", onclick: () => openSale(found, item) },
        h("strong", null, found.sale.receipt), h("span", null, `${date(found.sale.sold_at)}, ${time(found.sale.sold_at)}`),
        h("span", null, count("items", found.sale.lines.length)),
        h("span", { class: "amount" }, money(found.sale.tenders.reduce((sum, tender) => sum + tender.amount, 0), found.sale.currency))));
    return [heading(t("choose.title")), h("p", null, sales.length ? t("choose.text", { item }) : t("choose.none", { item })),
        h("ul", { class: "list" }, sales.map(choice)),
        h("div", { class: "actions bottom" }, button("cancel", t("cancel"), startAnew, { symbol: "back" }),
            button("no-receipt", t("start.blind"), () => { step("lines", { blind: true, receipt: null, lines: [] }); addItem(item); }))];
}

function unknownScreen() {
    const { receipt } = app.draft;
    return h("section", { class: "card" }, heading(t("unknown.title")), h("p", null, t("unknown.text", { receipt })),
        h("div", { class: "actions" }, button("again", t("unknown.again"), () => take(receipt), { class: "primary" }),
            button("blind", t("unknown.blind"), () => step("lines", { blind: true, lines: [] })),
            button("cancel", t("cancel"), startAnew, { symbol: "back" })));
}

const screens = { start: startScreen, choose: chooseScreen, unknown: unknownScreen, lines: linesScreen,
    decision: decisionScreen, exchange: () => exchangeScreen(confirm), sending: sendingScreen,
    undecided: undecidedScreen, done: doneScreen };

export function counterScreen() {
    return (screens[app.draft.step] ?? startScreen)();
}
