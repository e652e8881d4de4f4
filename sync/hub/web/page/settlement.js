// Refunds against what providers and the bank say: what waits, what differs, payouts, files.

import { button } from "./act.js";
import { may, sender } from "./api.js";
import { badge, card, el, table } from "./dom.js";
import { count, counted, money, plain, time } from "./words.js";

const FORMATS = ["adyen", "stripe", "amazon", "camt053", "camt054"];

const lineActions = (line) => el("span", {class: "buttons"},
    button(`match-${line.number}`, "Match", {
        action: "settlement.match",
        title: `Match line ${line.number}`,
        says: `${money(line.gross, line.currency)} of ${line.format}, ${line.reference}. What the ` +
            "refund has more or less is written off.",
        fields: [{name: "refund", label: "Number of the refund", kind: "number"}],
        path: `v1/settlement-lines/${line.number}/match`,
        body: ({refund, reason}) => ({refund: Number(refund), reason}),
    }),
    button(`aside-${line.number}`, "Set aside", {
        action: "settlement.set_aside",
        title: `Set line ${line.number} aside`,
        says: "It is nobody's refund, and is cleared elsewhere.",
        path: `v1/settlement-lines/${line.number}/set-aside`,
    }));

const lines = (rows) => table([
    ["Line", (line) => line.number, "number"],
    ["What", (line) => el("span", {}, badge(line.state, "bad"), ` ${plain(line.kind)}`)],
    ["Day", (line) => line.date],
    ["Amount", (line) => money(line.gross, line.currency), "number"],
    ["Fee", (line) => money(line.fee, line.net_currency), "number"],
    ["Reference", (line) => el("span", {}, line.reference, el("small", {}, line.payment))],
    ["Batch", (line) => `${line.format} ${line.batch}`],
    ["", lineActions],
], rows, "Every line found its refund.");

const refunds = (rows) => table([
    ["No.", (refund) => refund.number, "number"],
    ["Return", (refund) => el("a", {href: `#find/${refund.return_id}`}, refund.return_number || refund.return_id), "still"],
    ["Receipt", (refund) => refund.receipt],
    ["Tender", (refund) => plain(refund.tender)],
    ["Amount", (refund) => money(refund.amount, refund.currency), "number"],
    ["Issued", (refund) => refund.issued],
    ["Age", (refund) => el("span", {}, `${refund.age_days} d`,
        refund.charged_back ? badge("charged back", "bad") : ""), "number"],
    ["Reference", (refund) => refund.reference],
    ["", (refund) => button(`write-off-${refund.number}`, "Write off", {
        action: "refund.write_off",
        title: `Write refund ${refund.number} off`,
        says: `${money(refund.amount, refund.currency)} will never be settled, and goes to the ` +
            "settlement differences.",
        path: `v1/refunds/${refund.number}/write-off`,
    })],
], rows, "Every refund is settled.");

const batches = (rows) => table([
    ["Payout", (batch) => `${batch.format} ${batch.batch}`],
    ["Day", (batch) => batch.date],
    ["Lines", (batch) => money(batch.net, batch.currency), "number"],
    ["Paid out", (batch) => batch.has_payout ? money(batch.payout, batch.currency) : "", "number"],
    ["At the bank", (batch) => batch.bank === undefined ? badge("not yet") : money(batch.bank, batch.currency), "number"],
], rows, "Every payout is at the bank.");

const files = (rows) => table([
    ["No.", (file) => file.number, "number"],
    ["Format", (file) => file.format],
    ["Lines", (file) => count(file.lines), "number"],
    ["Received", (file) => time(file.received)],
    ["By", (file) => file.holder],
    ["State", (file) => file.state],
], rows, "No file yet.");

const upload = (again) => {
    const said = el("span", {id: "file-said", role: "status"});
    const submit = async (event) => {
        event.preventDefault();
        const form = new FormData(event.target);
        try {
            const answer = await sender(`v1/settlements?format=${form.get("format")}`)(
                await form.get("file").text());
            said.textContent = answer.known ? `known as file ${answer.settlement}`
                : `file ${answer.settlement}: ${counted(answer.lines, "line")}`;
            again();
        } catch (error) {
            said.textContent = error.message;
        }
    };
    return el("form", {submit, id: "file"}, el("label", {}, "Format ",
        el("select", {name: "format"}, ...FORMATS.map((one) => el("option", {value: one}, one)))),
    el("label", {}, "File ", el("input", {name: "file", type: "file", required: true})),
    el("button", {}, "Take in"), said);
};

export const settlement = {
    id: "settlement",
    name: "Refunds and settlement",
    lists: {
        unmatched: ["v1/settlement-lines?state=unmatched", "lines"],
        differing: ["v1/settlement-lines?state=differs", "lines"],
        open: ["v1/refunds?state=open", "refunds"],
        payouts: ["v1/batches?state=open", "batches"],
        taken: ["v1/settlements", "settlements"],
    },
    fixed: (again) => may("settlement.add") && card("A settlement file or bank statement", upload(again)),
    draw: ({unmatched, differing, open, payouts, taken}) => [
        card("Lines that wait for a person", lines([...differing, ...unmatched])),
        card("Refunds not settled yet", refunds(open)),
        card("Payouts that the bank does not show", batches(payouts)),
        card("Files", files(taken.slice().reverse())),
    ],
};
