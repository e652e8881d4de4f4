// Receipts on paper: how the printer of this lane is, what waits for it, and printing once more.
// The appliance prints by itself; nothing here ever holds a return up.

import { get, lane, post, remove } from "./api.js";
import { button, h, icon } from "./dom.js";
import { problemText } from "./problem.js";
import { app, notice, render } from "./state.js";
import { count, currentLanguage, t } from "./words.js";

const known = { printers: [], prints: new Map(), outcomes: new Map(), heard: new Set() };
const outcomes_max = 50;

export async function loadPrints() {
    const { printers, prints } = await get("/v1/prints", { idle: true });
    known.printers = printers;
    known.prints = new Map(prints.map((one) => [one.print_id, one]));
    for (const one of prints) known.outcomes.set(one.return_id, one.state);
}

export function printerNews(news) {
    known.printers = known.printers.filter((one) => one.name !== news.name).concat(news);
}

export function printNews(news) {
    if (["printed", "dropped"].includes(news.state)) known.prints.delete(news.print_id);
    else known.prints.set(news.print_id, news);
    known.outcomes.delete(news.return_id);
    known.outcomes.set(news.return_id, news.state);
    if (known.outcomes.size > outcomes_max) known.outcomes.delete(known.outcomes.keys().next().value);
    known.heard.add(news.print_id);
    if (known.heard.size > outcomes_max) known.heard.delete(known.heard.keys().next().value);
}

// As the appliance chooses: this lane's own, else one that is bound to no lane.
function printer() {
    const mine = known.printers.find((one) => one.lane === lane());
    return mine ?? known.printers.find((one) => !one.lane || !lane());
}

// For the frame: only when somebody has to go there.
export function printerTrouble() {
    const one = printer();
    if (!one || one.state === "ready") return null;
    const waits = [...known.prints.values()].filter((print) => print.state === "waiting").length;
    return h("div", { id: "printer", class: "status", "data-link": "offline", role: "status" }, icon("printer"),
        h("div", null, h("strong", null, t(`printer.${one.state}`)), h("span", null, waits ? count("prints", waits) : t("prints.none"))));
}

async function ask(act) {
    if (app.busy) return;
    app.busy = true;
    try {
        await act();
        notice("");
    } catch (problem) {
        notice(problemText(problem));
    }
    app.busy = false;
    render();
}

// The news of a quick printer may be here before the answer, which is then the older.
const copy = (answer) => ask(async () => {
    const asked = await post(`/v1/returns/${answer.return_id}/print`, JSON.stringify({ language: currentLanguage() }));
    if (!known.heard.has(asked.print_id)) printNews(asked);
});

const letGo = (print) => ask(() => remove(`/v1/prints/${print.print_id}`));

const agreed = ["accepted", "accepted_pending_check", "voided"];

// What became of a return's receipt, and what can be done about it.
export function receiptPart(answer) {
    const one = printer();
    if (!one || !agreed.includes(answer.decision)) return null;
    const outcome = known.outcomes.get(answer.return_id);
    const unsure = [...known.prints.values()].find((print) => print.return_id === answer.return_id && print.state === "unsure");
    const waits = ["waiting", "printing"].includes(outcome);
    const words = outcome === "waiting" && one.state !== "ready" ? `${t("print.waiting")} ${t(`printer.${one.state}`)}.` : outcome ? t(`print.${outcome}`) : "";
    return h("div", { class: "receipt" }, icon("printer"), h("p", { id: "receipt-state", role: "status" }, words),
        unsure ? button("print-done", t("print.done"), () => letGo(unsure)) : null,
        button("print-copy", t("print.copy"), () => copy(answer), { disabled: waits }));
}
