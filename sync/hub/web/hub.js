"use strict";

/* The token lives as long as the tab does, and is sent with each question. */
const get = async (path) => {
    const token = sessionStorage.getItem("token");
    const answer = await fetch(path, {headers: token ? {Authorization: `Bearer ${token}`} : {}});
    const body = await answer.json();
    document.getElementById("sign-in").hidden = answer.status !== 401 && token;
    if (!answer.ok)
        throw new Error(body.detail || body.title || answer.statusText);
    return body;
};

document.getElementById("token").addEventListener("submit", (submit) => {
    submit.preventDefault();
    sessionStorage.setItem("token", new FormData(submit.target).get("token").trim());
    submit.target.reset();
    refresh();
});

const cell = (text) => {
    const td = document.createElement("td");
    td.textContent = text ?? "";
    return td;
};

const fill = (id, rows) => {
    const body = document.getElementById(id);
    const width = body.parentElement.querySelectorAll("th").length;
    body.replaceChildren(...rows.map((row) => {
        const tr = document.createElement("tr");
        tr.append(...row.map(cell));
        return tr;
    }));
    if (rows.length === 0) {
        const none = cell("none");
        none.colSpan = width;
        none.className = "none";
        body.insertRow().append(none);
    }
};

const time = (text) => new Date(text).toLocaleString();

const decimals = (currency) =>
    new Intl.NumberFormat("en", {style: "currency", currency}).resolvedOptions().maximumFractionDigits;

const money = (minor, currency) =>
    `${(minor / 10 ** decimals(currency)).toFixed(decimals(currency))} ${currency}`;

const debits = (journal) =>
    money(journal.lines.reduce((sum, line) => sum + (line.debit ?? 0), 0), journal.currency);

const entryRow = ({entry, journal, state, code, detail}) =>
    [entry, journal.number, journal.rule, journal.document_date, debits(journal), state,
        code ? `${code}: ${detail}` : ""];

const configText = ({version, state, applied, path, reason, drift}) => {
    const parts = [version ? `${state}, version ${applied} of ${version}` : "as set up"];
    if (state === "rejected" || state === "rolled_back")
        parts.push(`${path ? `${path}: ` : ""}${reason ?? ""}`);
    if (drift)
        parts.push(`changed there: ${drift}`);
    return parts.join("; ");
};

const softwareText = ({version, slot, last, update} = {}) => {
    const parts = [version ? `${version}${slot ? ` in slot ${slot}` : ""}` : ""];
    if (update && update.state !== "installed")
        parts.push(`update to ${update.version}: ${update.state}${update.reason ? `, ${update.reason}` : ""}`);
    if (last && last.version !== update?.version && last.result !== "installed")
        parts.push(`update to ${last.version}: ${last.result}${last.reason ? `, ${last.reason}` : ""}`);
    return parts.join("; ");
};

const rolloutText = (fleet, rollout) => {
    const parts = [`${fleet.desired} appliances have a configuration, ${fleet.in_force} have it in ` +
        `force, ${fleet.failed} failed, ${fleet.on_trial} on trial, ${fleet.drifted} changed there`];
    if (rollout) {
        const {good, total, bad, silent, offline} = rollout.devices;
        parts.push(`rollout ${rollout.rollout} of ${rollout.scope}: ${rollout.state}, wave ` +
            `${rollout.wave} of ${rollout.waves}, ${good} of ${total} good, ${bad} bad, ` +
            `${silent} silent, ${offline} offline${rollout.why ? ` (${rollout.why})` : ""}`);
    }
    return `${parts.join(". ")}.`;
};

const deviceRows = (device) => {
    const head = [device.id, device.online ? "online" : "offline", time(device.last_seen),
        softwareText(device.software), configText(device.config)];
    const logs = device.logs.length ? device.logs : [{}];
    return logs.map((log) => [...head, log.stream, log.through, log.held, log.parked]);
};

/* --- What is shown ---------------------------------------------------------------------------- */

const AGES = [["to_3_days", "0-3 days"], ["to_7_days", "4-7"], ["to_14_days", "8-14"],
    ["to_30_days", "15-30"], ["older", "older"]];
const SECONDS = {10: "10 s", 60: "1 min", 600: "10 min", 3600: "1 h", 21600: "6 h", 86400: "1 day",
    259200: "3 days", 604800: "7 days", 1209600: "14 days", 2592000: "30 days"};

const put = (id, ...parts) => document.getElementById(id).replaceChildren(...parts);

const sum = (rows, name) => rows.reduce((all, row) => all + (row[name] ?? 0), 0);

/* The currency with the most of it; amounts of several are never added. */
const mainCurrency = (rows) => {
    const sums = new Map();
    for (const row of rows)
        sums.set(row.currency, (sums.get(row.currency) ?? 0) + (row.count ?? row.refunds ?? 1));
    return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "EUR";
};

const showDays = (days) => {
    const currency = mainCurrency(days);
    const names = [...new Set(days.map((day) => day.date))];
    const series = ["accepted", "refunded", "settled"].map((name) => ({
        name,
        values: names.map((date) => sum(days.filter((day) =>
            day.date === date && day.measure === name && day.currency === currency), "amount")),
    }));
    put("plot-days", plotLines(`Returns accepted, refunded and settled by day, ${currency}`, names,
        series, (minor) => money(minor, currency)));
};

const showAges = (open) => {
    const currency = mainCurrency(open);
    const rows = open.filter((row) => row.currency === currency);
    put("plot-ages", plotBars(`Refunds not settled yet by age, ${currency}`,
        AGES.map(([key, name]) => ({name, value: sum(rows, key)})),
        (minor) => money(minor, currency)));
};

const showTimes = (times) => {
    const of = (measure) => times.filter((one) => one.measure === measure);
    const parts = [["arrival", "From capture to the hub"], ["restock", "From capture to stock"],
        ["settlement", "From capture to settlement"]].map(([measure, title]) =>
        plotBars(`${title}, returns by time`, [...Object.entries(SECONDS), [undefined, "longer"]]
            .map(([bound, name]) => ({name, value: sum(of(measure).filter((one) =>
                String(one.le_s) === String(bound)), "count")})), String));
    put("plot-times", ...parts);
};

const showReconciliation = (told) => {
    fill("waiting", [
        ...told.waiting_lines.map((row) => [`line ${row.state}`, row.kind, row.currency, row.lines,
            money(row.amount, row.currency)]),
        ...told.waiting_batches.map((row) => [`payout of ${row.format}`,
            row.differing ? "differs" : "not at the bank", row.currency,
            Math.max(row.without_bank, row.differing), money(row.amount ?? 0, row.currency)])]);
    showAges(told.open_refunds);
    const lines = told.refund_lines;
    const all = lines.matched + lines.waiting;
    put("rates", ...[
        [all ? `${(100 * lines.waiting / all).toFixed(1)} %` : "-", "settlement lines unmatched"],
        [sum(told.open_refunds, "refunds"), "refunds unsettled"],
        [sum(told.exceptions, "exceptions"), "exceptions open"],
        [sum(told.exceptions, "overdue"), "exceptions overdue"],
    ].map(([value, name]) => {
        const tile = document.createElement("p");
        const number = document.createElement("b");
        number.textContent = value;
        tile.append(number, ` ${name}`);
        return tile;
    }));
};

const exceptionRow = (e) => [e.number, e.code, e.detail, e.return_id ?? e.device, time(e.raised),
    `${e.age_hours} h${e.overdue ? ", overdue" : ""}`, e.team, e.owner ?? e.state];

const refresh = async () => {
    const health = document.getElementById("health");
    try {
        const [state, devices, parked, exceptions, ready, told, measures, fleet, rollouts] = await Promise.all(
            ["healthz", "v1/devices", "v1/parked", "v1/exceptions", "v1/journal?state=ready",
                "v1/reconciliation", "v1/measures", "v1/fleet", "v1/rollouts"].map(get));
        health.textContent = state.broker ? "connected to the broker" : "no connection to the broker";
        fill("devices", devices.devices.flatMap(deviceRows));
        document.getElementById("rollout").textContent = rolloutText(fleet, rollouts.rollouts[0]);
        fill("parked", parked.parked.map((p) =>
            [p.number, p.device, p.stream, p.seq, `${p.code}: ${p.detail}`, time(p.parked)]));
        fill("exceptions", exceptions.exceptions.map(exceptionRow));
        fill("journal", [...parked.entries, ...ready.entries].map(entryRow));
        showReconciliation(told);
        showDays(measures.days);
        showTimes(measures.times);
    } catch (error) {
        health.textContent = `the hub does not answer: ${error.message}`;
    }
};

const trailSteps = (trail) => [
    ...trail.events.filter(({event}) => event).map(({event}) => ({
        name: event.type.replace("com.tillback.", "").replace(".v1", ""),
        at: Date.parse(event.time), kind: event.source === "/centre" ? "centre" : "store"})),
    ...trail.entries.map(({journal, made}) => ({
        name: `journal ${journal.rule}`, at: Date.parse(made), kind: "entry"})),
].sort((one, other) => one.at - other.at);

const showTrail = (trail) => {
    const list = (texts) => {
        const made = document.createElement("ol");
        made.append(...texts.map((text) => {
            const item = document.createElement("li");
            item.textContent = text;
            return item;
        }));
        return made;
    };
    const title = document.createElement("h3");
    title.textContent = trail.return_id;
    const events = list(trail.events.map(({event = {}, device, seq, ledger}) =>
        `${event.type} at ${event.time} from ${device}, seq ${seq}${ledger ? `, ${ledger}` : ""}`));
    const entries = list(trail.entries.map(({journal, state, posted_number}) =>
        `${journal.rule}: ${debits(journal)}, ${state} ${posted_number ?? ""}`));
    return [title, plotTrail(`The way of return ${trail.return_id}`, trailSteps(trail)), events,
        entries];
};

const find = async (what) => {
    try {
        return showTrail(await get(`v1/returns/${encodeURIComponent(what)}`));
    } catch {
        const named = encodeURIComponent(what);
        const pages = await Promise.all(
            [`v1/returns?receipt=${named}`, `v1/returns?posted=${named}`].map(get));
        const found = {returns: pages.flatMap((page) => page.returns)};
        const trails = await Promise.all(found.returns.map((r) => get(`v1/returns/${r.return_id}`)));
        return trails.flatMap(showTrail);
    }
};

document.getElementById("find").addEventListener("submit", async (submit) => {
    submit.preventDefault();
    const out = document.getElementById("trail");
    try {
        const parts = await find(new FormData(submit.target).get("what").trim());
        out.replaceChildren(...(parts.length ? parts : ["Nothing found."]));
    } catch (error) {
        out.replaceChildren(error.message);
    }
});

refresh();
setInterval(refresh, 3000);
