// The appliances: the link, how far their logs are held here, and their configuration.

import { badge, card, el, table } from "./dom.js";
import { count, counted, time } from "./words.js";

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

const software = (device) => {
    const {version, last_words: words} = device.software?.last ?? {};
    return el("span", {}, softwareText(device.software),
        words && el("details", {}, el("summary", {}, `the last words of ${version}`), el("pre", {}, words)));
};

const rolloutText = (fleet, rollout) => {
    const parts = [`${counted(fleet.desired, "appliance")} with a configuration: ${fleet.in_force} in ` +
        `force, ${fleet.failed} failed, ${fleet.on_trial} on trial, ${fleet.drifted} changed there`];
    if (rollout) {
        const {good, total, bad, silent, offline} = rollout.devices;
        parts.push(`rollout ${rollout.rollout} of ${rollout.scope}: ${rollout.state}, wave ` +
            `${rollout.wave} of ${rollout.waves}, ${good} of ${total} good, ${bad} bad, ` +
            `${silent} silent, ${offline} offline${rollout.why ? ` (${rollout.why})` : ""}`);
    }
    return `${parts.join(". ")}.`;
};

const logs = (device) => el("span", {}, ...device.logs.map((log) => el("small", {},
    `${log.stream} through ${count(log.through)}`,
    log.held ? `, ${count(log.held)} held ahead` : "",
    log.parked ? `, ${count(log.parked)} parked` : "")));

export const fleet = {
    id: "fleet",
    name: "Appliances",
    asks: {devices: "v1/devices", fleet: "v1/fleet"},
    may: {rollouts: "v1/rollouts"},
    draw: ({devices, fleet: sums, rollouts}) => [
        card("Configuration", el("p", {id: "rollout"}, rolloutText(sums, rollouts?.rollouts[0]))),
        card("Appliances", table([
            ["Appliance", (device) => device.id],
            ["Link", (device) => badge(device.online ? "online" : "offline", device.online ? "good" : "bad")],
            ["Last heard", (device) => time(device.last_seen)],
            ["Software", software],
            ["Configuration", (device) => configText(device.config)],
            ["Logs", logs],
            ["Inbox waiting", (device) => count(device.inbox_waiting), "number"],
            ["Power cuts, crashes", (device) => count(device.torn_ends), "number"],
        ], devices.devices, "No appliance was ever heard of.")),
    ],
};
