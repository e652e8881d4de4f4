// What is decided about a return, in words; confirming it; and what happened then.

import { Problem, post, postSurely } from "./api.js";
import { approvalForm } from "./approval.js";
import { button, h, heading, icon } from "./dom.js";
import { keepDraft } from "./draft.js";
import { beginExchange, exchangeBody, exchangeInstruction, sumsTable } from "./exchange.js";
import { receiptPart } from "./print.js";
import { problemText } from "./problem.js";
import { app, notice, render } from "./state.js";
import { startAnew, step } from "./step.js";
import { money, policyText, quantity, t } from "./words.js";

const looks = {
    accepted: ["good", "check"],
    accepted_pending_check: ["good", "clock"],
    needs_manager: ["wait", "person"],
    needs_link: ["wait", "off"],
    declined: ["bad", "cross"],
    voided: ["wait", "undo"],
};

// --- Asking ----------------------------------------------------------------------------------

function requestLine(line) {
    const asked = { quantity: line.quantity, reason: line.reason, condition: line.condition };
    if (!app.draft.blind) return { line: line.line, ...(line.given ? { serial: line.given } : {}), ...asked };
    return { ...(line.gtin ? { gtin: line.gtin } : { sku: line.sku }), claimed_price: line.price, ...asked };
}

const request = () => JSON.stringify({ receipt: app.draft.receipt, authorisation: app.draft.authorisation ?? undefined,
        lines: app.draft.lines.filter((line) => line.quantity > 0).map(requestLine) });

export async function quote() {
    const body = request();
    try {
        step("decision", { body, quote: await post("/v1/returns/quote", body) });
    } catch (problem) {
        notice(problemText(problem));
        render();
    }
}

// --- Saving: success is said only after the appliance said that it is on disk ------------------

function saved(answer, settled = null) {
    app.saving = true;
    notice("");
    const accepted = ["accepted", "accepted_pending_check"].includes(answer.decision);
    step(accepted ? "done" : "undecided", { answer, settled });
}

function unsaved(problem) {
    if (problem.status === 503) app.saving = false;
    notice(problemText(problem));
    step(problem.status === 401 ? "sending" : app.draft.exchange ? "exchange" : "lines");
}

export async function resumeSending() {
    try {
        const { exchanging, body, key } = app.draft;
        if (!exchanging) saved(await postSurely("/v1/returns", body, key, {}, render));
        else {
            const both = await postSurely("/v1/exchanges", exchanging, key, {}, render);
            saved(both.return, both.exchange);
        }
    } catch (problem) {
        if (problem instanceof Problem) unsaved(problem);
        else throw problem;
    }
}

export function confirm() {
    step("sending", { exchanging: app.draft.exchange ? exchangeBody(app.draft) : null });
    resumeSending();
}

// --- Showing ---------------------------------------------------------------------------------

export function banner(decision, todo = t(`decision.${decision}.do`)) {
    const [look, symbol] = looks[decision];
    return h("div", { class: `banner ${look}` }, icon(symbol), h("div", null, heading(t(`decision.${decision}`)), h("p", null, todo)));
}

// What a line is called and counted in: of the return in hand, or as the event that made one has it.
function inDraft(line) {
    const { lines, blind } = app.draft;
    return blind ? lines.filter((candidate) => candidate.quantity > 0)[line.item] : lines.find((candidate) => candidate.line === line.line);
}

export const asMade = (made) => (line) => {
    const known = made?.sale?.lines.find((candidate) => candidate.line === line.line) ?? made?.request?.lines[line.item];
    return { name: known?.description || known?.sku || known?.gtin || t("line", { n: line.line }), unit: known?.unit ?? "each" };
};

// Of what nothing is paid out there is no amount.
function lineText(line, currency, paid, nameOf) {
    const { name, unit } = nameOf(line);
    return h("tr", null, h("td", null, h("strong", null, `${quantity(line.quantity, unit)} × ${name}`),
            h("span", null, `${policyText(line.reason)} · ${policyText(line.condition)}`)),
        paid ? h("td", { class: "amount" }, money(line.gross, currency),
            line.fee?.amount ? h("span", null, t("fee", { amount: money(line.fee.amount, currency) })) : null) : null);
}

export function reasonList(reasons) {
    if (!reasons?.length) return null;
    const words = [...new Set(reasons.map((reason) => policyText(reason.code)))];
    return h("div", { class: "reasons" }, h("h2", null, t("why")), h("ul", null, words.map((text) => h("li", null, text))));
}

const paidOut = (refund) => refund.tenders.filter((tender) => tender.type !== "rounding");

export function refundTable(answer, nameOf = inDraft) {
    const { refund } = answer;
    const paid = !["declined", "needs_link"].includes(answer.decision);
    const tender = (one) => h("tr", null, h("td", null, t(`tender.${one.type}`)),
        h("td", { class: "amount" }, money(one.paid_out ?? one.amount,
                one.paid_out === undefined ? refund.currency : refund.paid_currency ?? refund.currency)));
    return h("table", { class: "refund" }, h("caption", { class: "unseen" }, t("refund")),
        h("tbody", null, answer.lines.map((line) => lineText(line, refund.currency, paid, nameOf))),
        !paid ? null : h("tbody", { class: "tenders" },
            h("tr", { class: "total" }, h("th", { scope: "row" }, t("refund")),
                h("td", { class: "amount" }, money(refund.payout ?? refund.total, refund.currency))),
            paidOut(refund).map(tender)));
}

function decisionButtons(answer) {
    const total = money(answer.refund.payout ?? answer.refund.total, answer.refund.currency);
    const go = {
        accepted: () => button("confirm", t("confirm.go", { total }), confirm, { class: "primary", "data-first": true }),
        accepted_pending_check: () => button("confirm", t("confirm.pending"), confirm, { class: "primary", "data-first": true }),
        needs_manager: () => button("confirm", t("confirm.manager"), confirm, { class: "primary", "data-first": true }),
        needs_link: () => button("again", t("confirm.again"), quote, { class: "primary", "data-first": true }),
        declined: () => button("next", t("next"), startAnew, { class: "primary", "data-first": true }),
    };
    return h("div", { class: "actions bottom" },
        answer.decision === "declined" ? null : button("cancel", t("cancel"), startAnew, { symbol: "cross" }),
        button("to-lines", t("change"), () => step("lines"), { symbol: "back" }),
        answer.decision === "accepted" && !answer.refund.paid_currency
            ? button("exchange", t("exchange.begin"), beginExchange) : null, go[answer.decision]());
}

export function decisionScreen() {
    const answer = app.draft.quote;
    return [banner(answer.decision), reasonList(answer.reasons), refundTable(answer), decisionButtons(answer)];
}

export function sendingScreen() {
    return h("section", { class: "card" }, heading(t("sending.title")),
        h("p", null, app.reached ? t("sending.text") : t("sending.unknown")),
        h("div", { class: "progress", "aria-hidden": "true" }));
}

// Saved, and waiting for a manager (or refused when it was saved).
export function undecidedScreen() {
    const { answer, approvalKey } = app.draft;
    const decided = (now) => step(now.decision === "declined" ? "undecided" : "done", { answer: now });
    return [banner(answer.decision), h("p", { class: "saved" }, t("undecided.saved", { number: answer.number })),
        reasonList(answer.reasons),
        answer.decision === "needs_manager" ? approvalForm(answer, approvalKey, decided) : null, refundTable(answer),
        h("div", { class: "actions bottom" },
            button("next", t(answer.decision === "needs_manager" ? "undecided.later" : "next"), startAnew,
                { class: answer.decision === "needs_manager" ? "" : "primary" }))];
}

// --- Done ------------------------------------------------------------------------------------

export const ours = (answer) => paidOut(answer.refund).filter((tender) =>
    ["till", "terminal"].includes(tender.executor) && ["pending", "failed"].includes(tender.state));

function instruction(tender, refund) {
    const amount = money(tender.paid_out ?? tender.amount, refund.currency);
    const state = ["pending", "failed"].includes(tender.state) ? tender.executor : "done";
    const words = state === "till" ? `pay.till.${tender.type === "cash" ? "cash" : "other"}` : `pay.${state}`;
    return h("li", null, t(words, { amount, tender: t(`tender.${tender.type}`) }));
}

export function instructions(answer) {
    return h("ul", { class: "pay" }, paidOut(answer.refund).map((tender) => instruction(tender, answer.refund)));
}

export async function settle(answer, path, key, then) {
    if (app.busy) return;
    app.busy = true;
    try {
        const now = await postSurely(`/v1/returns/${answer.return_id}/${path}`, "{}", key, {}, render);
        app.busy = false;
        notice("");
        then(now);
    } catch (problem) {
        app.busy = false;
        notice(problemText(problem));
        render();
    }
}

function voidQuestion(answer) {
    if (!app.draft.voiding) return button("void", t("void"), () => step("done", { voiding: true }), { symbol: "undo" });
    return h("div", { class: "question" }, h("p", { id: "void-text" }, t("void.text")),
        button("void-yes", t("void.yes"), () => settle(answer, "void", app.draft.voidKey,
                (now) => step("undecided", { answer: now, voiding: false })),
            { class: "danger", "aria-describedby": "void-text" }),
        button("void-no", t("void.no"), () => step("done", { voiding: false })));
}

export function doneScreen() {
    const { answer, refundKey } = app.draft;
    const pay = ours(answer);
    const paid = () => settle(answer, "refund", refundKey, startAnew);
    keepDraft(app.draft);
    return [h("div", { class: "banner good" }, icon("check"),
            h("div", null, heading(t("done.title")), h("p", { class: "number" }, answer.number))),
        answer.decision === "accepted_pending_check" ? h("p", { class: "saved" }, t("decision.accepted_pending_check.do")) : null,
        exchangeInstruction(app.draft.settled), instructions(answer), receiptPart(answer),
        app.draft.settled ? sumsTable() : refundTable(answer),
        h("div", { class: "actions bottom" }, voidQuestion(answer), pay.length ? button("next", t("done.unpaid"), startAnew) : null,
            pay.length ? button("paid", t("done.paid"), paid, { class: "primary", "data-first": true })
                : button("next", t("next"), startAnew, { class: "primary", "data-first": true }))];
}
