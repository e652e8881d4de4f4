// What somebody must look at: who has it, how old it is, and by when it should be settled.

import { button } from "./act.js";
import { badge, card, el, table } from "./dom.js";
import { age, plain, time } from "./words.js";

const actions = (one) => el("span", {class: "buttons"},
    button(`assign-${one.number}`, one.owner ? "Give on" : "Assign", {
        action: "exception.assign",
        title: `Who takes exception ${one.number}?`,
        fields: [{name: "owner", label: "Person"}],
        path: `v1/exceptions/${one.number}/assign`,
    }),
    button(`resolve-${one.number}`, "Resolve", {
        action: "exception.resolve",
        title: `Resolve exception ${one.number}`,
        says: one.detail,
        path: `v1/exceptions/${one.number}/resolve`,
    }));

const about = (one) => one.return_id
    ? el("a", {href: `#find/${one.return_id}`}, `return ${one.return_id.slice(0, 8)}`)
    : `${one.device}${one.seq ? `, ${one.stream} ${one.seq}` : ""}`;

const due = (one) => {
    const left = (Date.parse(one.due) - Date.now()) / 1000;
    return one.overdue ? badge("overdue", "bad") : `in ${age(left)}`;
};

const list = (rows) => table([
    ["No.", (one) => one.number, "number"],
    ["What", (one) => el("span", {}, el("b", {}, plain(one.code)), el("small", {}, one.detail))],
    ["About", about],
    ["Times", (one) => one.times, "number"],
    ["Age", (one) => `${one.age_hours} h`, "number"],
    ["Due", due, "still"],
    ["Person", (one) => one.owner ?? badge("nobody yet")],
    ["", actions],
], rows, "None.");

const TEAMS = {finance: "Finance", it: "IT", stores: "Stores"};

export const exceptions = {
    id: "exceptions",
    name: "Exceptions",
    asks: {told: "v1/reconciliation"},
    lists: {
        open: ["v1/exceptions", "exceptions"],
        parked: ["v1/parked", "parked"],
    },
    draw: ({told, open, parked}) => [
        ...Object.entries(TEAMS).map(([team, name]) => {
            const sums = told.exceptions.find((one) => one.team === team);
            const title = sums ? `${name}: ${sums.exceptions} open, ${sums.overdue} overdue, ` +
                `${sums.unassigned} with nobody` : `${name}: none open`;
            return card(title, list(open.filter((one) => one.team === team)
                .sort((a, b) => Date.parse(a.due) - Date.parse(b.due))));
        }),
        card("Events that are parked", table([
            ["No.", (one) => one.number, "number"],
            ["Appliance", (one) => one.device],
            ["Stream", (one) => `${one.stream} ${one.seq}`],
            ["Reason", (one) => `${plain(one.code)}: ${one.detail}`],
            ["Since", (one) => time(one.parked)],
            ["", (one) => el("span", {class: "buttons"},
                button(`resubmit-${one.number}`, "Try again", {
                    action: "parked.resubmit",
                    title: `Try event ${one.number} again`, path: `v1/parked/${one.number}/resubmit`}),
                button(`discard-${one.number}`, "Discard", {
                    action: "parked.discard",
                    title: `Discard event ${one.number}`,
                    says: "It stays in the log, and the books go on without it.",
                    path: `v1/parked/${one.number}/discard`}))],
        ], parked, "None is parked.")),
    ],
};
