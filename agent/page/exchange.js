// An exchange: what the refund is worth in new goods. Their price and tax are those of the newest
// sale that is known here; goods that no sale here has are rung up at the till.

import { get, lane, newKey } from "./api.js";
import { button, h, heading, say } from "./dom.js";
import { keepDraft } from "./draft.js";
import { problemText } from "./problem.js";
import { field } from "./signin.js";
import { app, notice, render } from "./state.js";
import { step } from "./step.js";
import { money, moneyText, parseMoney, quantity, t } from "./words.js";

const dueBy = ["card", "cash"];

export function beginExchange() {
    notice("");
    const receipt = `${app.session.store}-X${newKey().slice(0, 10).toUpperCase()}`;
    step("exchange", { exchange: { receipt, goods: [], by: "" } });
}

// Where its price and tax come from: the newest sale's line of the same goods.
function newestLine(sales, code) {
    const newest = sales.toSorted((a, b) => Date.parse(b.sale.sold_at) - Date.parse(a.sale.sold_at));
    for (const { sale } of newest) {
        const line = sale.lines.find((one) => one.gtin && BigInt(one.gtin) === BigInt(code));
        if (line && (line.unit ?? "each") === "each" && sale.currency === app.draft.quote.refund.currency) return { sale, line };
    }
    return null;
}

async function findGoods(code) {
    const { sales } = /^\d{8,14}$/.test(code) ? await get(`/v1/sales?gtin=${encodeURIComponent(code)}`) : { sales: [] };
    const found = newestLine(sales, code);
    if (!found) return null;
    const { line, sale } = found;
    return { id: `new-${code}`, gtin: line.gtin, sku: line.sku, category: line.category,
        name: line.description || line.sku || line.gtin, quantity: 1,
        price: Math.round(line.amount / line.quantity), amount: line.amount, tax: line.tax ?? [], gross: sale.prices_include_tax };
}

export async function addGoods(code) {
    const { goods } = app.draft.exchange;
    const known = goods.find((one) => one.id === `new-${code}`);
    try {
        const one = known ?? await findGoods(code);
        const fits = one && goods.every((other) => other.gross === one.gross);
        notice(fits ? "" : t("exchange.unknown", { code }));
        if (known) known.quantity += 1;
        else if (fits) goods.push(one);
        if (fits) say(t("scan.chosen", { name: one.name }));
    } catch (problem) {
        notice(problemText(problem));
    }
    keepDraft(app.draft);
    render();
}

// --- Sums ------------------------------------------------------------------------------------

const share = (part, of, whole) => Math.round((part * of) / whole);

function taxes(one) {
    const amount = one.price * one.quantity;
    return one.tax.map((tax) => ({ ...tax, amount: share(tax.amount, amount, one.amount) }));
}

function grossOf(one) {
    const amount = one.price * one.quantity;
    return one.gross ? amount : amount + taxes(one).reduce((sum, tax) => sum + tax.amount, 0);
}

// What the new goods cost, what the refund pays of it, and what the customer pays (or gets).
function exchangeSums({ exchange, quote }) {
    const total = exchange.goods.reduce((sum, one) => sum + grossOf(one), 0);
    return { total, applied: Math.min(total, quote.refund.total), due: total - quote.refund.total };
}

// What the refund pays keeps the tenders that it would have gone back on, so that a later return
// of the new goods goes back on the same.
function tendersOf({ exchange, quote }) {
    const { applied, due } = exchangeSums({ exchange, quote });
    const tenders = [];
    let left = applied;
    for (const { type, amount, reference } of quote.refund.tenders.filter((one) => one.type !== "rounding")) {
        const part = Math.min(left, amount);
        if (part > 0) tenders.push({ type, amount: part, ...(reference ? { reference } : {}) });
        left -= part;
    }
    if (left > 0) tenders.push({ type: "store_credit", amount: left });
    if (due > 0) tenders.push({ type: exchange.by, amount: due });
    return tenders.map((one, index) => ({ tender: index + 1, ...one }));
}

export function exchangeBody(draft) {
    const { exchange, body, quote } = draft;
    const lines = exchange.goods.map((one, index) => ({ line: index + 1, gtin: one.gtin, sku: one.sku,
                description: one.name, category: one.category, quantity: one.quantity, unit: "each",
                amount: one.price * one.quantity, tax: taxes(one) }));
    const sale = { receipt: exchange.receipt, channel: "store", store: app.session.store, lane: lane() || null,
        sold_at: new Date().toISOString(), currency: quote.refund.currency, prices_include_tax: exchange.goods[0].gross,
        lines, tenders: tendersOf(draft) };
    return JSON.stringify({ return: JSON.parse(body), sale });
}

// --- The screen ------------------------------------------------------------------------------

function change(act) {
    act();
    keepDraft(app.draft);
    render();
}

function goodsRow(one) {
    const { goods } = app.draft.exchange;
    const { currency } = app.draft.quote.refund;
    const set = (n) => change(() => { if (n > 0) one.quantity = n; else goods.splice(goods.indexOf(one), 1); });
    const press = (id, label, words, n) => h("button",
        { id: `${one.id}-${id}`, type: "button", class: "square", "aria-label": `${words}: ${one.name}`,
            onclick: () => set(n) }, label);
    const price = (event) => change(() => { one.price = parseMoney(event.target.value, currency) ?? one.price; });
    return h("li", { class: "line on" },
        h("div", { class: "head" },
            h("div", { class: "row" }, h("strong", null, one.name),
                h("span", { class: "amount" }, money(grossOf(one), currency))),
            h("div", { class: "stepper" }, press("less", "−", t("lines.less"), one.quantity - 1),
                h("output", null, quantity(one.quantity, "each")),
                press("more", "+", t("lines.more"), one.quantity + 1))),
        h("div", { class: "details" }, field(`${one.id}-price`, t("lines.price", { currency }),
                { inputmode: "decimal", value: moneyText(one.price, currency), onchange: price })));
}

export function sumsTable() {
    const { quote } = app.draft;
    const { total, due } = exchangeSums(app.draft);
    const row = (words, minor, look) => h("tr", look ? { class: look } : null, h("th", { scope: "row" }, words),
        h("td", { class: "amount" }, money(minor, quote.refund.currency)));
    return h("table", { class: "refund" }, h("caption", { class: "unseen" }, t("exchange.title")),
        h("tbody", null, row(t("exchange.goods"), total), row(t("refund"), -quote.refund.total)),
        h("tbody", null, row(t(due > 0 ? "exchange.due" : due < 0 ? "exchange.left" : "exchange.even"), Math.abs(due), "total")));
}

function payChoice() {
    const { exchange } = app.draft;
    return h("fieldset", { class: "choices" }, h("legend", null, t("exchange.how")), dueBy.map((by) =>
        h("button", { id: `due-${by}`, type: "button", "aria-pressed": exchange.by === by ? "true" : "false",
                onclick: () => change(() => { exchange.by = by; }) }, t(`tender.${by}`))));
}

export function exchangeScreen(confirm) {
    const { exchange, quote } = app.draft;
    const { due } = exchangeSums(app.draft);
    const add = () => { const input = document.getElementById("item"); const code = input.value.trim(); input.value = ""; if (code) addGoods(code); };
    const go = () => {
        const missing = !exchange.goods.length ? "exchange.choose" : due > 0 && !exchange.by ? "exchange.how" : "";
        notice(missing ? t(missing) : "");
        if (missing) render();
        else confirm();
    };
    const amount = money(Math.abs(due), quote.refund.currency);
    const words = !exchange.goods.length ? t("exchange.go")
        : due > 0 ? t("exchange.take", { amount })
        : due < 0 ? t("exchange.give", { amount }) : t("exchange.go");
    return [heading(t("exchange.title")), h("p", null, t("exchange.text")),
        h("div", { class: "additem" }, field("item", t("blind.item"),
                { "data-first": true,
                    onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); add(); } } }),
            button("add", t("blind.add"), add)),
        h("ul", { class: "list lines" }, exchange.goods.map(goodsRow)), exchange.goods.length ? sumsTable() : null,
        due > 0 ? payChoice() : null,
        h("div", { class: "actions bottom" },
            button("to-decision", t("exchange.none"), () => step("decision", { exchange: null }), { symbol: "back" }),
            button("confirm", words, go, { class: "primary" }))];
}

// After it is saved: what the customer still pays, in words.
export function exchangeInstruction(settled) {
    if (!settled) return null;
    const { due, currency } = settled;
    const { by } = app.draft.exchange;
    const amount = money(Math.abs(due), currency);
    return h("ul", { class: "pay", id: "exchange-due" },
        h("li", null, due > 0 ? t(by === "cash" ? "exchange.take.cash" : "exchange.take.card", { amount })
            : due < 0 ? t("exchange.give", { amount }) : t("exchange.even")));
}
