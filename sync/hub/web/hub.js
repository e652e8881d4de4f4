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

const deviceRows = (device) => {
    const head = [device.id, device.online ? "online" : "offline", time(device.last_seen)];
    const logs = device.logs.length ? device.logs : [{}];
    return logs.map((log) => [...head, log.stream, log.through, log.held, log.parked]);
};

const refresh = async () => {
    const health = document.getElementById("health");
    try {
        const [state, devices, parked, exceptions, ready] = await Promise.all(
            ["healthz", "v1/devices", "v1/parked", "v1/exceptions", "v1/journal?state=ready"].map(get));
        health.textContent = state.broker ? "connected to the broker" : "no connection to the broker";
        fill("devices", devices.devices.flatMap(deviceRows));
        fill("parked", parked.parked.map((p) =>
            [p.number, p.device, p.stream, p.seq, `${p.code}: ${p.detail}`, time(p.parked)]));
        fill("exceptions", exceptions.exceptions.map((e) =>
            [e.number, e.device, `${e.code} at ${e.seq}: ${e.detail}`, e.times, time(e.raised),
                e.state, e.owner]));
        fill("journal", [...parked.entries, ...ready.entries].map(entryRow));
    } catch (error) {
        health.textContent = `the hub does not answer: ${error.message}`;
    }
};

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
    return [title, events, entries];
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
