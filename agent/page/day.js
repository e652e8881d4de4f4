// End of day: what was returned, what went out by which tender, what somebody still has to look at.

import { get, newKey, postSurely } from "./api.js";
import { button, h, heading } from "./dom.js";
import { problemText } from "./problem.js";
import { field } from "./signin.js";
import { app, notice, render } from "./state.js";
import { stage, stageBadge } from "./waiting.js";
import { count, date, has, money, sinceText, t, time } from "./words.js";

const pages_max = 200;
const known = { day: null, list: null, exceptions: [], open: null };

const dayText = (when) => `${when.getFullYear()}-${String(when.getMonth() + 1).padStart(2, "0")}-${String(when.getDate()).padStart(2, "0")}`;

export async function loadDay(day = dayText(new Date())) {
    known.day = day;
    const from = new Date(`${day}T00:00:00`);
    const to = new Date(from);
    to.setDate(to.getDate() + 1);
    const range = `from=${from.toISOString()}&to=${to.toISOString()}`;
    try {
        let list = [];
        let cursor = "";
        for (let pages = 0; pages < pages_max; pages++) {
            const page = await get(`/v1/returns?${range}${cursor ? `&cursor=${cursor}` : ""}`);
            list = list.concat(page.returns);
            cursor = page.cursor;
            if (!cursor) break;
        }
        known.list = list;
        known.exceptions = (await get("/v1/exceptions")).exceptions;
    } catch (problem) {
        notice(problemText(problem));
    }
    if (app.view === "day") render();
}

// By currency and tender: what was paid out, and what is still to be.
function totals(list) {
    const sums = new Map();
    for (const one of list) {
        if (!["accepted", "accepted_pending_check"].includes(one.decision)) continue;
        for (const tender of one.refund.tenders) {
            if (tender.type === "rounding" || tender.state === "cancelled") continue;
            const currency = tender.paid_out === undefined ? one.refund.currency : one.refund.paid_currency ?? one.refund.currency;
            const key = `${currency} ${tender.type}`;
            const sum = sums.get(key) ?? { currency, type: tender.type, issued: 0, pending: 0, n: 0 };
            const open = ["pending", "failed"].includes(tender.state);
            sum[open ? "pending" : "issued"] += tender.paid_out ?? tender.amount;
            sum.n += 1;
            sums.set(key, sum);
        }
    }
    return [...sums.values()].sort((a, b) => `${a.currency}${a.type}`.localeCompare(`${b.currency}${b.type}`));
}

function totalsTable(list) {
    const cell = (minor, currency) => h("td", { class: "amount" }, money(minor, currency));
    const row = (sum) => h("tr", null, h("th", { scope: "row" }, t(`tender.${sum.type}`)),
        h("td", { class: "amount" }, String(sum.n)), cell(sum.issued, sum.currency), cell(sum.pending, sum.currency));
    return h("table", { class: "totals" }, h("caption", null, t("day.totals")),
        h("thead", null, h("tr", null,
            ["day.tender", "day.number", "day.issued", "day.pending"].map((key) => h("th", { scope: "col" }, t(key))))),
        h("tbody", null, totals(list).map(row)));
}

function attention(list) {
    const urgent = list.filter((one) => ["bad", "wait"].includes(stage(one)[0]));
    if (!urgent.length) return h("p", null, t("day.clear"));
    return [h("h2", null, t("waiting.urgent")), h("ul", { class: "plain" }, urgent.map((one) =>
        h("li", null, h("strong", null, one.number), " ", time(one.created_at), " ", stageBadge(one), " ",
            money(one.refund.payout ?? one.refund.total, one.refund.currency))))];
}

// --- Exceptions: what a manager looks at before the day is closed -------------------------------

async function resolve(one) {
    const how = document.getElementById("how").value.trim();
    if (!how || app.busy) return;
    app.busy = true;
    try {
        await postSurely(`/v1/exceptions/${one.exception_id}/resolve`, JSON.stringify({ how }), newKey(), {}, render);
        notice("");
        known.open = null;
    } catch (problem) {
        notice(problemText(problem));
    }
    app.busy = false;
    await loadDay(known.day);
}

function exceptionRow(one) {
    const open = known.open === one.exception_id;
    const word = `exception.${one.code}`;
    const onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); resolve(one); } };
    const review = () => open
        ? h("div", { class: "additem unprinted" },
            field("how", t("day.exceptions.how"), { maxlength: "500", "data-first": true, onkeydown }),
            button("resolve", t("day.exceptions.resolve"), () => resolve(one), { class: "primary" }))
        : h("button", { id: `review-${one.exception_id}`, type: "button", class: "unprinted",
                onclick: () => { known.open = one.exception_id; render(); document.getElementById("how").focus(); } },
            t("day.exceptions.resolve"));
    return h("li", { class: "exception" }, h("p", null, h("strong", null, has(word) ? t(word) : one.code), " ",
            sinceText(one.raised_at),
            h("span", null, known.list.find(({ return_id }) => return_id === one.return_id)?.number ?? "")),
        one.return_id ? null : h("p", null, one.detail),
        app.session.role === "manager" ? review() : null);
}

function exceptions() {
    if (!known.exceptions.length) return h("p", { id: "no-exceptions" }, t("day.exceptions.none"));
    return [h("h2", null, t("day.exceptions")),
        app.session.role === "manager" ? null : h("p", null, t("day.exceptions.manager")),
        h("ul", { class: "plain", id: "exceptions" }, known.exceptions.map(exceptionRow))];
}

export function dayScreen() {
    const { day, list } = known;
    const choose = (event) => event.target.value && loadDay(event.target.value);
    return [heading(t("day.title")),
        h("div", { class: "actions unprinted" },
            h("p", { class: "field" }, h("label", { for: "day" }, t("day.day")),
                h("input", { id: "day", type: "date", value: day, onchange: choose })),
            button("print", t("day.print"), () => window.print(), { class: "primary" })),
        h("p", { class: "printed" }, t("day.head", { store: app.session.store, date: date(`${day}T12:00:00`), name: app.session.name })),
        list
            ? [h("p", null, count("day.returns", list.length)), totals(list).length ? totalsTable(list) : null,
                attention(list), exceptions()]
            : h("p", null, t("status.asking"))];
}
