// The lines of a receipt, or the items without one: which, how many, why, in what condition.

import { get } from "./api.js";
import { quote } from "./decision.js";
import { button, h, heading, say } from "./dom.js";
import { keepDraft, remember, undo } from "./draft.js";
import { field } from "./signin.js";
import { sameItem } from "./scan.js";
import { app, notice, render } from "./state.js";
import { startAnew, step } from "./step.js";
import { conditions, count, currentLanguage, date, money, moneyText, parseMoney, policyText, quantity, reasons, t, time } from "./words.js";

function change(line, values) {
    remember(app.draft);
    Object.assign(line, values);
    notice(""); // what was said of the lines before
    keepDraft(app.draft);
    render();
}

const chosen = () => app.draft.lines.filter((line) => line.quantity > 0);
const piece = (line) => (line.unit === "each" ? 1 : line.left);

export function selectItem(code) {
    const all = app.draft.lines.filter((line) => sameItem(line.gtin, code));
    const line = all.find((candidate) => candidate.quantity < candidate.left);
    notice("");
    if (line) {
        change(line, { quantity: Math.min(line.left, line.quantity + piece(line)) });
        say(t("scan.chosen", { name: line.name }));
    } else {
        notice(t(all.length ? "scan.nomore" : "scan.notthere", { code }));
        render();
    }
}

// A serial number names the very piece; false if no line here has it.
export function selectSerial(code) {
    const line = app.draft.lines.find((candidate) => candidate.serial === code && candidate.left > 0);
    if (line) change(line, { quantity: line.quantity || 1, given: code });
    return Boolean(line);
}

export function addItem(code) {
    const { lines } = app.draft;
    const known = lines.find((line) => sameItem(line.gtin, code) || line.sku === code);
    if (known) {
        change(known, { quantity: known.quantity + 1 });
        return;
    }
    remember(app.draft);
    const isGtin = /^\d{8,14}$/.test(code);
    const line = { id: `item-${lines.length + 1}`, gtin: isGtin ? code : null, sku: isGtin ? null : code, name: code,
        unit: "each", quantity: 1, left: 1000000, price: null, reason: "", condition: "" };
    lines.push(line);
    keepDraft(app.draft);
    render();
    if (isGtin) nameItem(line);
}

// By what a sale here called it; nothing waits for that.
async function nameItem(line) {
    const { sales } = await get(`/v1/sales?gtin=${line.gtin}`).catch(() => ({ sales: [] }));
    const sold = sales[0]?.sale.lines.find((one) => sameItem(one.gtin, line.gtin));
    if (!sold?.description || !app.draft.lines.includes(line)) return;
    line.name = sold.description;
    keepDraft(app.draft);
    if (!document.activeElement?.value) render(); // nothing is being typed
}

// --- One line --------------------------------------------------------------------------------

function choices(line, what, codes) {
    return h("fieldset", { class: "choices" }, h("legend", null, t(`lines.${what}`)),
        codes.map((code) => h("button", { id: `${line.id}-${what}-${code}`, type: "button",
                    onclick: () => change(line, { [what]: code }) }, policyText(code))));
}

function chosenWords(line) {
    const word = (what) => h("button", { id: `${line.id}-change-${what}`, type: "button", class: "chip",
            onclick: () => change(line, { [what]: "" }) },
        policyText(line[what]), h("span", { class: "unseen" }, t("lines.change")));
    return h("p", { class: "chips" }, line.reason ? word("reason") : null, line.condition ? word("condition") : null);
}

function stepper(line) {
    const unit = piece(line);
    const set = (n) => change(line, { quantity: Math.max(0, Math.min(line.left, n)) });
    const press = (id, label, words, n, off) => h("button",
        { id: `${line.id}-${id}`, type: "button", class: "square", "aria-label": `${words}: ${line.name}`,
            onclick: () => set(n), disabled: off }, label);
    return h("div", { class: "stepper" }, press("less", "−", t("lines.less"), line.quantity - unit, line.quantity === 0),
        h("output", { "aria-label": t("lines.returning") }, quantity(line.quantity, line.unit)),
        press("more", "+", t("lines.more"), line.quantity + unit, line.quantity >= line.left));
}

const scales = { g: 1000, ml: 1000, mm: 1000 };

// Weights and lengths are typed: what comes back is seldom the whole.
function measure(line) {
    const scale = scales[line.unit];
    const set = (event) => {
        const n = Math.round(Number(event.target.value.replace(",", ".")) * scale);
        change(line, { quantity: Number.isFinite(n) ? Math.max(0, Math.min(line.left, n)) : 0 });
    };
    return h("p", { class: "field" }, h("label", { for: `${line.id}-measure` }, t(`lines.measure.${line.unit}`)),
        h("input", { id: `${line.id}-measure`, inputmode: "decimal",
                value: (line.quantity / scale).toLocaleString(currentLanguage(),
                    { useGrouping: false, maximumFractionDigits: 3 }), onchange: set }));
}

function priceField(line) {
    const { currency } = app.session;
    const set = (event) => change(line, { price: parseMoney(event.target.value, currency) });
    return field(`${line.id}-price`, t("lines.price", { currency }),
        { inputmode: "decimal", value: line.price === null ? "" : moneyText(line.price, currency), onchange: set });
}

// The one on the goods, read or typed: whether it is the one that was sold, the appliance decides.
function serialField(line) {
    return field(`${line.id}-serial`, t("lines.serial"),
        { value: line.given ?? "", onchange: (event) => change(line, { given: event.target.value.trim() }) });
}

function facts(line) {
    if (app.draft.blind) return h("span", { class: "facts" }, line.name === line.gtin ? null : line.gtin);
    return h("span", { class: "facts" },
        h("span", null, t("lines.sold", { n: quantity(line.sold, line.unit) })),
        line.returned ? h("span", null, t("lines.returned", { n: quantity(line.returned, line.unit) })) : null,
        h("span", { class: line.left ? "eligible" : "none" },
            line.left ? t("lines.left", { n: quantity(line.left, line.unit) }) : t("lines.noneleft")));
}

function details(line) {
    if (!line.quantity) return null;
    return h("div", { class: "details" }, scales[line.unit] ? measure(line) : null,
        app.draft.blind ? priceField(line) : null, line.serial ? serialField(line) : null,
        line.reason || line.condition ? chosenWords(line) : null,
        !line.reason ? choices(line, "reason", reasons()) : !line.condition ? choices(line, "condition", conditions()) : null);
}

function lineRow(line) {
    const on = line.quantity > 0;
    const toggle = () => change(line, on ? { quantity: 0 } : { quantity: piece(line) });
    const paid = app.draft.blind || !line.paid ? null : h("span", { class: "amount" }, money(line.paid, app.draft.sale.currency));
    return h("li", { class: `line ${on ? "on" : ""} ${line.left ? "" : "gone"}` },
        h("div", { class: "head" },
            h("button", { id: line.id, type: "button", class: "row", "aria-pressed": on ? "true" : "false",
                    onclick: toggle, disabled: !line.left }, h("strong", null, line.name), facts(line), paid),
            line.left ? stepper(line) : null),
        details(line));
}

// --- The screen ------------------------------------------------------------------------------

const complete = (line) => line.reason && line.condition && (!app.draft.blind || line.price !== null);

function goOn() {
    const lines = chosen();
    const open = lines.find((line) => !complete(line));
    notice(!lines.length ? t("lines.choose") : open ? t("lines.missing", { name: open.name }) : "");
    if (lines.length && !open) quote();
    else {
        render();
        document.getElementById(open ? document.querySelector(".details .choices button, .details input")?.id : "title")?.focus();
    }
}

function saleText() {
    const { sale, receipt, blind } = app.draft;
    if (blind) return receipt ? t("blind.receipt", { receipt }) : t("blind.text");
    return t("lines.text", { date: date(sale.sold_at), time: time(sale.sold_at) });
}

function itemField() {
    const add = () => { const input = document.getElementById("item"); if (input.value.trim()) { const code = input.value.trim(); input.value = ""; addItem(code); } };
    return h("div", { class: "additem" }, field("item", t("blind.item"),
            { "data-first": true,
                onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); add(); } } }),
        button("add", t("blind.add"), add));
}

export function linesScreen() {
    const { lines, blind, receipt } = app.draft;
    const n = chosen().reduce((sum, line) => sum + (line.unit === "each" ? line.quantity : 1), 0);
    return [heading(blind ? t("blind.title") : t("lines.title", { receipt })), h("p", null, saleText()), blind ? itemField() : null,
        h("ul", { class: "list lines" }, lines.map(lineRow)),
        h("div", { class: "actions bottom" }, button("cancel", t("cancel"), startAnew, { symbol: "cross" }),
            button("undo", t("undo"), () => { undo(app.draft); notice(""); step("lines"); },
                { symbol: "undo", disabled: !app.draft.undo.length }),
            button("go-on", n ? `${t("lines.go")} (${count("items", n)})` : t("lines.go"), goOn, { class: "primary" }))];
}
