"use strict";

const get = async (path) => {
    const answer = await fetch(path);
    const body = await answer.json();
    if (!answer.ok)
        throw new Error(body.detail || body.title || answer.statusText);
    return body;
};

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

const deviceRows = (device) => {
    const head = [device.id, device.online ? "online" : "offline", time(device.last_seen)];
    const logs = device.logs.length ? device.logs : [{}];
    return logs.map((log) => [...head, log.stream, log.through, log.held, log.parked]);
};

const refresh = async () => {
    const health = document.getElementById("health");
    try {
        const [state, devices, parked, exceptions] = await Promise.all(
            ["healthz", "v1/devices", "v1/parked", "v1/exceptions"].map(get));
        health.textContent = state.broker ? "connected to the broker" : "no connection to the broker";
        fill("devices", devices.devices.flatMap(deviceRows));
        fill("parked", parked.parked.map((p) =>
            [p.number, p.device, p.stream, p.seq, `${p.code}: ${p.detail}`, time(p.parked)]));
        fill("exceptions", exceptions.exceptions.map((e) =>
            [e.number, e.device, `${e.code} at ${e.seq}: ${e.detail}`, e.times, time(e.last)]));
    } catch (error) {
        health.textContent = `the hub does not answer: ${error.message}`;
    }
};

const showTrail = (trail) => {
    const list = document.createElement("ol");
    list.append(...trail.events.map((entry) => {
        const item = document.createElement("li");
        const event = entry.event ?? {};
        item.textContent = `${event.type} at ${event.time} from ${entry.device}, seq ${entry.seq}`;
        return item;
    }));
    const title = document.createElement("h3");
    title.textContent = trail.return_id;
    return [title, list];
};

const find = async (what) => {
    try {
        return showTrail(await get(`v1/returns/${encodeURIComponent(what)}`));
    } catch {
        const found = await get(`v1/returns?receipt=${encodeURIComponent(what)}`);
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
