// The systems outside: whether each answers and what waits for it; of those that are told events how
// far each is, and what one of them did not take.

import { button } from "./act.js";
import { badge, card, el, table } from "./dom.js";
import { count, plain, time } from "./words.js";

const stand = (outlet) => {
    if (outlet.tries > 0)
        return badge(`not reached, tried ${outlet.tries} times`, "bad");
    return outlet.behind ? badge("on its way") : badge("up to date", "good");
};

const circuit = (connector) => {
    if (connector.circuit === "closed")
        return connector.answered ? badge("answers", "good") : badge("not asked yet");
    return badge(`doesn't answer, ${connector.failures} times since ${time(connector.failing_since)}`, "bad");
};

const failure = (connector) => connector.failed
    ? `${time(connector.failed)}: ${plain(connector.code)}: ${connector.detail}` : "";

const actions = (delivery) => el("span", {class: "buttons"},
    button(`deliver-${delivery.number}`, "Send again", {
        action: "delivery.resubmit",
        title: `Send delivery ${delivery.number} to ${delivery.outlet} again`,
        path: `v1/deliveries/${delivery.number}/resubmit`,
    }),
    button(`drop-${delivery.number}`, "Discard", {
        action: "delivery.discard",
        title: `Discard delivery ${delivery.number}`,
        says: `${delivery.outlet} will never be told this event.`,
        path: `v1/deliveries/${delivery.number}/discard`,
    }));

export const outlets = {
    id: "outlets",
    name: "Outside",
    asks: {told: "v1/outlets", all: "v1/connectors"},
    lists: {parked: ["v1/deliveries?state=parked", "deliveries"]},
    draw: ({told, all, parked}) => [
        card("Connectors", table([
            ["Does", (connector) => plain(connector.kind)],
            ["Name", (connector) => connector.name],
            ["State", circuit],
            ["Next try", (connector) => connector.next_try ? time(connector.next_try) : ""],
            ["Wait", (connector) => count(connector.waiting), "number"],
            ["Oldest", (connector) => connector.oldest ? time(connector.oldest) : ""],
            ["Parked", (connector) => count(connector.parked), "number"],
            ["A minute", (connector) => connector.most_a_minute || "", "number"],
            ["Latest failure", failure],
        ], all.connectors, "There is none: see posting.connector, payment.provider and outlets.file.")),
        card("Systems that are told events", table([
            ["System", (outlet) => outlet.name],
            ["State", stand],
            ["Told through", (outlet) => count(outlet.through), "number"],
            ["Behind", (outlet) => count(outlet.behind), "number"],
            ["Parked", (outlet) => count(outlet.parked), "number"],
        ], told.outlets, "No system outside is told anything: see outlets.file.")),
        card("What they did not take", table([
            ["No.", (delivery) => delivery.number, "number"],
            ["System", (delivery) => delivery.outlet],
            ["Event", (delivery) => delivery.type.replace("com.tillback.", "")],
            ["Return", (delivery) => el("a", {href: `#find/${delivery.return_id}`}, delivery.return_id)],
            ["Why", (delivery) => `${plain(delivery.code)}: ${delivery.detail}`],
            ["Since", (delivery) => time(delivery.updated)],
            ["", actions],
        ], parked, "They took everything.")),
    ],
};
