// Finance corrects the tax of a return: so much more, or less, of what the sale was charged.

import { button } from "./act.js";
import { minorOf, money } from "./words.js";

const adjusted = (trail) => trail.events.filter(({event}) =>
    event?.type === "com.tillback.tax.adjusted.v1").flatMap(({event}) => event.data.tax);

// By jurisdiction and rate, what the return has given back so far.
const taxesOf = (trail, created) => {
    const sums = new Map();
    const given = (created.lines ?? []).flatMap((line) => line.tax ?? []);
    for (const {type, class: taxClass, jurisdiction, rate, amount} of [...given, ...adjusted(trail)]) {
        const key = JSON.stringify({type, class: taxClass, jurisdiction, rate});
        sums.set(key, (sums.get(key) ?? 0) + amount);
    }
    return [...sums].map(([key, amount]) => ({...JSON.parse(key), amount}));
};

const label = (tax) => `${tax.jurisdiction}${tax.rate ? ` ${tax.rate} %` : ""}`;

export const adjustTax = (trail) => {
    const created = trail.events.find(({event}) => event?.type === "com.tillback.return.created.v1")?.event.data;
    const taxes = created ? taxesOf(trail, created) : [];
    if (taxes.length === 0)
        return "";
    const options = taxes.map(label);
    return button("adjust-tax", "Adjust the tax", {
        action: "tax.adjust",
        title: `Adjust the tax of return ${created.number ?? trail.return_id}`,
        says: `Given back so far: ${taxes.map((tax) =>
            `${label(tax)}: ${money(tax.amount, created.currency)}`).join("; ")}.`,
        fields: [
            {name: "tax", label: "Tax", options},
            {name: "amount", label: `More given back, or less with a minus, in ${created.currency}`,
                hint: "As 1.20 or -0.50. Never more than the sale was charged."},
        ],
        path: `v1/returns/${trail.return_id}/adjust-tax`,
        body: ({tax, amount, reason}) => {
            const {type, class: taxClass, jurisdiction, rate} = taxes[options.indexOf(tax)];
            return {reason, tax: [{type, class: taxClass, jurisdiction, rate, amount: minorOf(amount, created.currency)}]};
        },
    });
};
