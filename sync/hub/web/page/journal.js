// Entries that are not posted, the books as files, and a month's end.

import { button } from "./act.js";
import { get, save } from "./api.js";
import { badge, card, el, table } from "./dom.js";
import { debits, money, plain, time } from "./words.js";

const decide = (entry, verb, label, says) => button(`${verb}-e-${entry.entry}`, label, {
    action: `parked.${verb}`,
    title: `${label}: entry ${entry.entry}`, says, path: `v1/parked/e-${entry.entry}/${verb}`,
});

const entries = (rows, none) => table([
    ["Entry", ({entry}) => entry, "number"],
    ["Return", ({journal}) => el("a", {href: `#find/${encodeURIComponent(journal.number)}`}, journal.number)],
    ["Rule", ({journal}) => plain(journal.rule)],
    ["Document date", ({journal}) => journal.document_date],
    ["Amount", ({journal}) => debits(journal), "number"],
    ["State", ({state, attempts}) => el("span", {}, badge(state, state === "parked" ? "bad" : ""),
        attempts ? ` tried ${attempts} times` : "")],
    ["Reason", ({code, detail}) => code ? `${plain(code)}: ${detail}` : ""],
    ["Made", ({made}) => time(made)],
    ["", (entry) => entry.state === "parked" ? el("span", {class: "buttons"},
        decide(entry, "resubmit", "Post again", "What stood in its way is mended."),
        entry.code === "period_closed" ? decide(entry, "approve", "Post later",
            "It is posted in the first period that is open; its document's date stays.") : null,
        decide(entry, "discard", "Discard", "It will never be posted.")) : ""],
], rows, none);

const balances = (rows, what) => table([
    [what, (row) => row.what ?? `${plain(row.role)}${row.tender ? ` (${plain(row.tender)})` : ""}`],
    ["Account", (row) => row.account],
    ["Company", (row) => row.company],
    ["Balance", (row) => money(row.balance, row.currency), "number"],
], rows, "Nothing.");

const month = () => {
    const out = el("div", {id: "closing"});
    const show = async (event) => {
        event.preventDefault();
        const name = new FormData(event.target).get("month");
        try {
            const told = await get(`v1/closing?month=${encodeURIComponent(name)}`);
            out.replaceChildren(
                el("h3", {}, `Accruals at the end of ${told.month}`), balances(told.accruals, "What"),
                el("h3", {}, "Balances"), balances(told.balances, "What"),
                el("h3", {}, "Belongs to the month, and is posted later or not yet"),
                table([["Entry", (row) => row.entry, "number"], ["Reference", (row) => row.reference],
                    ["Document", (row) => row.document], ["State", (row) => row.state],
                    ["Posted", (row) => row.posted ?? ""]], told.cut_off, "Nothing."));
        } catch (error) {
            out.replaceChildren(error.message);
        }
    };
    const form = el("form", {id: "month", submit: show}, el("label", {}, "Month ",
        el("input", {name: "month", required: true, pattern: "[0-9]{4}-[0-9]{2}", placeholder: "2026-11"})),
    el("button", {}, "Show"));
    const file = (format, name) => el("button", {type: "button", class: "small",
        click: () => save(`v1/journal/export?format=${format}`, name)}, name);
    return card("Month end", form, out, el("p", {class: "buttons"}, "The whole journal: ",
        file("csv", "journal.csv"), file("ledger", "journal.ledger")));
};

export const journal = {
    id: "journal",
    name: "Journal",
    asks: {parked: "v1/parked", ready: "v1/journal?state=ready"},
    fixed: month,
    draw: ({parked, ready}) => [
        card("Parked: finance decides", entries(parked.entries, "None is parked.")),
        card("Waiting to be posted", entries(ready.entries, "None waits.")),
    ],
};
