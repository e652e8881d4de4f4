// Returns that are not over: saved, sent, accepted, posted, or in need of somebody, and what to do.

import { get, newKey } from "./api.js";
import { approvalForm, approvalScan } from "./approval.js";
import { asMade, banner, instructions, ours, reasonList, refundTable, settle } from "./decision.js";
import { button, h, heading, icon } from "./dom.js";
import { receiptPart } from "./print.js";
import { problemText } from "./problem.js";
import { classify } from "./scan.js";
import { app, notice, render } from "./state.js";
import { money, sinceText, t } from "./words.js";

const known = { list: null, cursor: null, open: null, nameOf: null, keys: {}, voiding: false };

export async function loadWaiting(more = false) {
    try {
        const page = await get(`/v1/returns?state=open${more ? `&cursor=${known.cursor}` : ""}`, { idle: true });
        known.list = more ? known.list.concat(page.returns) : page.returns;
        known.cursor = page.cursor ?? null;
        if (known.open) known.open = await get(`/v1/returns/${known.open.return_id}`, { idle: true });
    } catch (problem) {
        notice(problemText(problem));
    }
    if (app.view === "waiting" && !document.activeElement?.matches("input")) render();
}

export async function openReturn(numberOrId) {
    const found = await get(`/v1/returns/${encodeURIComponent(numberOrId)}`);
    const made = found.history.find(({ type }) => type.includes(".return.created."))?.data;
    Object.assign(known, { open: found, nameOf: asMade(made), voiding: false,
            keys: { approve: newKey(), refund: newKey(), void: newKey() } });
    app.view = "waiting";
    notice("");
    render();
}

export function waitingScan(code) {
    if (known.open?.decision === "needs_manager" && classify(code).kind !== "return") approvalScan(code);
    else openReturn(code).catch((problem) => {
        notice(problem.code === "not_found" ? t("start.unknown", { code }) : problemText(problem));
        render();
    });
}

// How far it is, and whether somebody has to do something: the first that fits.
export function stage(one) {
    if (one.posting === "parked") return ["bad", "parked"];
    if (one.money === "failed") return ["bad", "failed"];
    if (one.money === "disputed") return ["bad", "disputed"];
    if (one.decision === "needs_manager") return ["wait", "manager"];
    if (one.decision === "needs_link") return ["wait", "link"];
    if (["declined", "voided"].includes(one.decision)) return ["calm", one.decision];
    if (one.money === "pending" && ours(one).length) return ["wait", "pay"];
    if (one.posting === "posted") return ["good", "posted"];
    if (one.posting === "queued") return ["calm", "sent"];
    return ["calm", "saved"];
}

const symbols = { bad: "stop", wait: "person", good: "check", calm: "clock" };

export function stageBadge(one) {
    const [look, word] = stage(one);
    return h("span", { class: `badge ${look}` }, icon(symbols[look]), t(`stage.${word}`));
}

function row(one) {
    return h("li", null, h("button", { id: `open-${one.number}`, type: "button", class: "row", onclick: () => openReturn(one.return_id) },
        h("strong", null, one.number), h("span", null, sinceText(one.created_at)), stageBadge(one),
        h("span", { class: "amount" }, money(one.refund.payout ?? one.refund.total, one.refund.currency))));
}

function listScreen() {
    const { list, cursor } = known;
    if (!list) return [heading(t("waiting.title")), h("p", null, t("status.asking"))];
    const urgent = list.filter((one) => ["bad", "wait"].includes(stage(one)[0]));
    const over = ["declined", "voided"];
    const rest = list.filter((one) => !urgent.includes(one) && !over.includes(one.decision));
    const part = (title, some) => some.length ? [h("h2", null, t(title)), h("ul", { class: "list" }, some.map(row))] : null;
    return [heading(t("waiting.title")), urgent.length + rest.length ? null : h("p", null, t("waiting.empty")),
        part("waiting.urgent", urgent), part("waiting.rest", rest),
        cursor ? h("div", { class: "actions" }, button("more", t("waiting.more"), () => loadWaiting(true))) : null];
}

function voidPart(one) {
    const done = (now) => { known.open = now; known.voiding = false; loadWaiting(); };
    const voidable = ["accepted", "accepted_pending_check", "needs_manager"].includes(one.decision)
        && ["none", "pending"].includes(one.money);
    if (!voidable) return null;
    if (!known.voiding) return button("void", t("void"), () => { known.voiding = true; render(); }, { symbol: "undo" });
    return h("div", { class: "question" }, h("p", { id: "void-text" }, t("void.text")),
        button("void-yes", t("void.yes"), () => settle(one, "void", known.keys.void, done),
            { class: "danger", "aria-describedby": "void-text" }),
        button("void-no", t("void.no"), () => { known.voiding = false; render(); }));
}

function openScreen() {
    const one = known.open;
    const again = (now) => { known.open = now; loadWaiting(); render(); };
    const payable = ["accepted", "accepted_pending_check"].includes(one.decision) && ours(one).length;
    return [banner(one.decision, t(`stage.${stage(one)[1]}.do`)),
        h("p", { class: "saved" }, one.number, " ", stageBadge(one)),
        one.receipt ? h("p", null, t("lines.title", { receipt: one.receipt })) : null, reasonList(one.reasons),
        one.decision === "needs_manager" ? approvalForm(one, known.keys.approve, again) : null,
        payable ? instructions(one) : null, receiptPart(one), refundTable(one, known.nameOf),
        h("div", { class: "actions bottom" },
            button("close", t("waiting.back"), () => { known.open = null; notice(""); loadWaiting(); render(); },
                { symbol: "back" }), voidPart(one),
            payable ? button("paid", t("waiting.paid"), () => settle(one, "refund", known.keys.refund, again),
                { class: "primary" }) : null)];
}

export function waitingScreen() {
    return known.open ? openScreen() : listScreen();
}
