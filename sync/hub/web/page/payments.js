// Refunds that the hub has paid out by a payment provider, and what came of each.

import { button } from "./act.js";
import { badge, card, el, table } from "./dom.js";
import { money, plain, time } from "./words.js";

const KINDS = {issued: "good", failed: "bad", parked: "bad"};

const decide = (payment, verb, label, says) => button(`${verb}-${payment.number}`, label, {
    action: `payment.${verb}`,
    title: `${label}: refund ${payment.number}`,
    says: `${money(payment.amount, payment.currency)} for return ${payment.return_number}. ${says}`,
    path: `v1/payments/${payment.number}/${verb}`,
});

const actions = (payment) => {
    if (payment.state === "issued" || payment.state === "ready")
        return "";
    const said = [
        decide(payment, "issued", "It was paid", "You know that the customer has the money."),
        decide(payment, "failed", "It was not", "You know that it will never be paid this way."),
    ];
    if (payment.state !== "pending")
        said.unshift(decide(payment, "ask", "Ask again", "The provider is asked once more, under a new key."));
    return el("span", {class: "buttons"}, ...said.filter((one) => one &&
        (payment.state !== "failed" || one.id !== `failed-${payment.number}`)));
};

const rowsOf = (payments, none) => table([
    ["No.", (payment) => payment.number, "number"],
    ["Return", (payment) => el("a", {href: `#find/${payment.return_id}`}, payment.return_number), "still"],
    ["Tender", (payment) => plain(payment.type)],
    ["Amount", (payment) => money(payment.amount, payment.currency), "number"],
    ["State", (payment) => badge(payment.state, KINDS[payment.state])],
    ["Tries", (payment) => payment.round > 1 ? `${payment.tries} in round ${payment.round}` : payment.tries, "number"],
    ["Provider's reference", (payment) => payment.reference],
    ["What came of it", (payment) => payment.code ? `${plain(payment.code)}: ${payment.detail}` : ""],
    ["Asked", (payment) => time(payment.requested), "still"],
    ["", actions],
], payments, none);

export const payments = {
    id: "payments",
    name: "Payments",
    lists: {
        parked: ["v1/payments?state=parked", "payments"],
        failed: ["v1/payments?state=failed", "payments"],
        pending: ["v1/payments?state=pending", "payments"],
        ready: ["v1/payments?state=ready", "payments"],
        issued: ["v1/payments?state=issued", "payments"],
    },
    draw: ({parked, failed, pending, ready, issued}) => [
        card("Refunds that wait for a person", rowsOf([...parked, ...failed], "None waits.")),
        card("On their way at the provider", rowsOf([...pending, ...ready], "None is on its way.")),
        card("Paid out", rowsOf(issued.slice().reverse(), "None yet.")),
    ],
};
