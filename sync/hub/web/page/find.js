// One return's way through the house: from its scan to its settlement, event by event.

import { get, mayRead, save } from "./api.js";
import { badge, card, el, table } from "./dom.js";
import { plotTrail } from "./plots.js";
import { adjustTax } from "./tax.js";
import { debits, money, plain, time } from "./words.js";

const nameOf = (event) => event.type.replace("com.tillback.", "").replace(".v1", "");
const entriesOf = (trail) => trail.entries ?? []; // the back office's to see
const at = (one) => Date.parse(one.at);

const amountOf = (event, currency) => {
    const {amount, refund, tender, type, fee} = event.data ?? {};
    if (amount !== undefined)
        return `${money(amount, event.data.currency ?? currency)}${type ? ` ${plain(type)}` : ""}` +
            `${fee ? `, fee ${money(fee, currency)}` : ""}`;
    return refund?.total !== undefined ? money(refund.total, currency) : tender ?? "";
};

const said = (event, currency) => {
    const {decision, kind, code, detail, number, rule, reference, how, failed, note, stage} = event.data ?? {};
    const posting = nameOf(event).startsWith("journal.");
    return [amountOf(event, currency), decision, stage, kind, posting ? rule : reference,
        posting ? number : undefined, code, detail, how, failed, note]
        .filter((one) => typeof one === "string" && one).map(plain).join(", ");
};

const steps = (trail) => {
    const currency = trail.events.find(({event}) => event?.data?.currency)?.event.data.currency ?? "EUR";
    return [
        ...trail.events.filter(({event}) => event).map(({event, device, seq, received, ledger}) => ({
            name: nameOf(event), at: event.time, kind: event.source === "/centre" ? "centre" : "store",
            where: event.source === "/centre" ? "centre" : `${device}, seq ${seq}`,
            what: said(event, currency), state: ledger ?? "", received})),
        ...entriesOf(trail).map(({journal, made, state, posted_number, code, detail}) => ({
            name: `journal ${journal.rule}`, at: made, kind: "entry", where: "ledger",
            what: debits(journal), state: posted_number ? `${state} as ${posted_number}` : state,
            why: code ? `${plain(code)}: ${detail}` : ""})),
    ].sort((one, other) => at(one) - at(other));
};

// Where each of the three tracks stands, from the events alone.
const tracks = (trail) => {
    const has = (name) => trail.events.some(({event}) => event && nameOf(event) === name);
    const goods = has("item.dispositioned") ? "dispositioned" : has("item.received") ? "received" : "not here";
    const paid = has("refund.settled") ? "settled" : has("refund.issued") ? "issued" : "pending";
    const money_ = has("refund.failed") && !has("refund.settled") ? "failed" : paid;
    const open = entriesOf(trail).filter(({state}) => state !== "posted" && state !== "discarded");
    const posting = open.some(({state}) => state === "parked") ? "parked"
        : open.length ? "queued" : entriesOf(trail).length ? "posted" : "none";
    const kind = (word) => ["settled", "posted", "dispositioned"].includes(word) ? "good"
        : ["failed", "parked"].includes(word) ? "bad" : "";
    return el("p", {class: "tracks"}, "Goods ", badge(goods, kind(goods)), " Money ",
        badge(money_, kind(money_)), " Posting ", badge(posting, kind(posting)),
        has("return.completed") ? badge("closed", "good") : "");
};

const facts = (trail) => {
    const created = trail.events.find(({event}) => event && nameOf(event) === "return.created")?.event.data;
    if (!created)
        return undefined;
    const lines = (created.lines ?? []).map((line) => `${line.quantity} of line ${line.line}, ` +
        `${money(line.gross, created.currency)}${line.reason ? `, ${plain(line.reason)}` : ""}`);
    return el("dl", {}, ...[["Receipt", created.receipt ?? "none"], ["Store", created.store],
        ["Decision", plain(created.decision)],
        ["Refund", created.refund ? money(created.refund.total, created.currency) : "none"],
        ["Lines", lines.join("; ")]].flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value ?? "")]));
};

const show = (trail) => {
    const all = steps(trail);
    const number = trail.events.find(({event}) => event?.data?.number)?.event.data.number;
    return el("section", {class: "card trail"},
        el("h2", {}, `Return ${number ?? trail.return_id}`), el("p", {class: "id"}, trail.return_id),
        tracks(trail), facts(trail), el("figure", {}, plotTrail(`The way of return ${number ?? trail.return_id}`,
            all.map(({name, at: when, kind}) => ({name, at: Date.parse(when), kind})))),
        table([
            ["When", (step) => time(step.at), "still"],
            ["Step", (step) => el("b", {}, step.name), "still"],
            ["Where", (step) => step.where],
            ["What", (step) => el("span", {}, step.what, step.why ? el("small", {class: "problem"}, step.why) : "")],
            ["State", (step) => step.state, "still"],
        ], all),
        el("p", {class: "buttons"}, adjustTax(trail),
            mayRead(`v1/traces/${trail.return_id}`) ? el("button", {type: "button", class: "small", click: () =>
                save(`v1/traces/${trail.return_id}`, `${number ?? trail.return_id}.otlp.json`)}, "Save as OTLP trace") : undefined));
};

const TRAILS_MAX = 10;

const trailsOf = async (what) => {
    const named = encodeURIComponent(what);
    try {
        return [await get(`v1/returns/${named}`)];
    } catch (error) {
        if (error.status !== 404)
            throw error;
    }
    const found = await Promise.all(
        [`v1/returns?receipt=${named}`, `v1/returns?posted=${named}`].map(get));
    const ids = new Set(found.flatMap((page) => page.returns).map((one) => one.return_id));
    return Promise.all([...ids].slice(0, TRAILS_MAX).map((id) => get(`v1/returns/${id}`)));
};

export const find = {
    id: "find",
    name: "Trail",
    load: async (what) => ({trails: what ? await trailsOf(what) : null}),
    draw: ({trails}) => {
        if (!trails)
            return [card("Find a return", el("p", {}, "Type its id, its number, the receipt, or the ERP's " +
                "number of one of its postings above."))];
        return trails.length ? trails.map(show)
            : [card("Find a return", el("p", {class: "none"}, "Nothing found."))];
    },
};
