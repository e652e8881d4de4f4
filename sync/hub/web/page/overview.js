// How it stands today: the figures that finance watches, each a way to the list behind it.

import { el } from "./dom.js";
import { parse } from "./metrics.js";
import { plotBars, plotLines } from "./plots.js";
import { age, count, counted, mainCurrency, money, percent, sum } from "./words.js";

const AGES = [["to_3_days", "0-3 days"], ["to_7_days", "4-7"], ["to_14_days", "8-14"],
    ["to_30_days", "15-30"], ["older", "older"]];
const SECONDS = {10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 21600: "6 h", 86400: "1 day",
    259200: "3 days", 604800: "7 days", 1209600: "14 days", 2592000: "30 days"};
const TIMES = [["arrival", "From capture to the hub"], ["refund", "From capture to the refund"],
    ["settlement", "From capture to settlement"], ["restock", "From capture to stock"]];

const tile = (id, view, value, name, more, bad) =>
    el("a", {id, href: `#${view}`, class: `tile${bad ? " bad" : ""}`},
        el("b", {}, value), el("span", {}, name), el("small", {}, more ?? ""));

const moneyOf = (rows) => rows.filter((row) => row.value)
    .map((row) => money(row.value, row.labels.currency)).join(", ");

const tiles = (told, m) => {
    const lines = told.refund_lines;
    const waiting = m.sum("postings_ready");
    const parked = m.sum("postings_parked");
    const overdue = sum(told.exceptions, "overdue");
    const twice = m.sum("duplicate_refunds_total");
    const accepted = m.sum("returns_accepted_total") - m.sum("returns_voided_total");
    const completed = m.sum("return_completion_seconds_count");
    const refunds = m.sum("refunds_expected_total");
    const unsettled = sum(told.open_refunds, "refunds");
    const [oldest] = told.open_refunds.map((row) => row.oldest).sort();
    const open = sum(told.exceptions, "exceptions");
    return el("div", {class: "tiles"},
        tile("tile-unsettled", "settlement",
            moneyOf(m.rows("refunds_unsettled_minor")) || "0", "refunds not settled yet",
            unsettled ? `${counted(unsettled, "refund")}, the oldest of ${oldest}` : "none is open"),
        tile("tile-unmatched", "settlement", percent(lines.waiting, lines.matched + lines.waiting),
            "settlement lines unmatched", `${count(lines.waiting)} for a person to match`, lines.waiting),
        tile("tile-twice", "exceptions", percent(twice, refunds), "refunds made twice",
            `${count(twice)} of ${count(refunds)} refunds`, twice),
        tile("tile-postings", "journal", count(waiting), "postings waiting for the ERP",
            `${waiting ? `the oldest ${age(m.sum("oldest_posting_age_seconds"))}; ` : ""}` +
            `${count(parked)} parked`, parked),
        tile("tile-exceptions", "exceptions", count(open), "exceptions open",
            `${count(overdue)} overdue${open ? `, the oldest ${age(m.sum("oldest_exception_age_seconds"))}` : ""}`, overdue),
        tile("tile-complete", "overview", percent(completed, accepted),
            "returns closed from scan to settlement",
            `${count(completed)} of ${count(accepted)} accepted and not voided`),
        tile("tile-offline", "overview", moneyOf(m.rows("offline_exposure_minor")) || "0",
            "given offline, not settled yet",
            `${moneyOf(m.rows("offline_refunds_minor_total")) || "nothing"} so far`),
        tile("tile-fleet", "fleet", `${m.sum("devices_online")} of ${m.sum("devices")}`,
            "appliances online", `${counted(m.sum("backlog_events"), "event")} waiting in stores; ` +
            `${counted(m.sum("devices_stalled"), "appliance")} stalled`, m.sum("devices_stalled")));
};

const DAYS = 30;

const plotDays = (days, today) => {
    const currency = mainCurrency(days);
    const names = Array.from({length: DAYS}, (_, i) =>
        new Date(Date.parse(today) - (DAYS - 1 - i) * 86400000).toISOString().slice(0, 10));
    const series = ["accepted", "refunded", "settled"].map((name) => ({
        name,
        values: names.map((date) => sum(days.filter((day) =>
            day.date === date && day.measure === name && day.currency === currency), "amount")),
    }));
    return plotLines(`Returns accepted, refunded and settled by day, ${currency}`, names, series,
        (minor) => money(minor, currency));
};

const plotAges = (open) => {
    const currency = mainCurrency(open);
    const rows = open.filter((row) => row.currency === currency);
    return plotBars(`Refunds not settled yet by age, ${currency}`,
        AGES.map(([key, name]) => ({name, value: sum(rows, key)})),
        (minor) => money(minor, currency));
};

const EXCEPTION_AGES = {"1d": "a day", "3d": "3 days", "7d": "7 days", "30d": "30 days", older: "older"};

const plotExceptions = (m) => plotBars("Open exceptions by age",
    Object.entries(EXCEPTION_AGES).map(([key, name]) => ({name, value: m.rows("exceptions_aged")
        .filter((row) => row.labels.age === key).reduce((all, row) => all + row.value, 0)})), count);

const plotTimes = (times) => TIMES.map(([measure, title]) => {
    const of = times.filter((one) => one.measure === measure);
    return plotBars(`${title}, returns by time`, [...Object.entries(SECONDS), [undefined, "longer"]]
        .map(([bound, name]) => ({name, value: sum(of.filter((one) =>
            String(one.le_s) === String(bound)), "count")})), count);
});

export const overview = {
    id: "overview",
    name: "Overview",
    asks: {told: "v1/reconciliation", measures: "v1/measures", metrics: "metrics"},
    draw: ({told, measures, metrics}) => {
        const m = parse(metrics);
        const figure = (id, svg) => el("figure", {id, class: "card"}, svg);
        return [tiles(told, m),
            el("div", {class: "plots"}, figure("plot-days", plotDays(measures.days, told.at)),
                figure("plot-ages", plotAges(told.open_refunds)),
                figure("plot-exceptions", plotExceptions(m)),
                ...plotTimes(measures.times).map((svg, i) => figure(`plot-${TIMES[i][0]}`, svg)))];
    },
};
