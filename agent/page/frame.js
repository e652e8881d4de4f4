// What is always visible: whether returns are saved and sent, who is signed in, language, lock.

import { lane } from "./api.js";
import { h, icon, button } from "./dom.js";
import { printerTrouble } from "./print.js";
import { actions, app, render } from "./state.js";
import { count, currentLanguage, keepLanguage, languages, sinceText, t, useLanguage } from "./words.js";

// Symbol, colour and words, the worst first.
function condition() {
    if (!app.reached) return { name: "stop", symbol: "stop", words: t("status.unreached"), more: t("status.unreached.more") };
    if (!app.saving || app.link?.can_save === false) return { name: "stop", symbol: "stop", words: t("status.unsaved"),
        more: t("status.unsaved.more") };
    const link = app.link;
    if (!link) return { name: "wait", symbol: "clock", words: t("status.asking"), more: "" };
    const waiting = link.waiting ? count("waiting", link.waiting) : t("waiting.none");
    if (link.link === "online") return { name: "online", symbol: "cloud", words: t("status.online"),
        more: link.waiting ? waiting : t("waiting.none") };
    if (link.link === "none") return { name: "alone", symbol: "off", words: t("status.alone"), more: waiting };
    const since = link.since ? t("status.since", { time: sinceText(link.since) }) : "";
    return { name: "offline", symbol: "off", words: `${t("status.offline")} ${since}`.trim(), more: waiting };
}

function status() {
    const now = condition();
    return h("div", { id: "link", class: "status", "data-link": now.name, role: now.name === "stop" ? "alert" : "status" },
        icon(now.symbol), h("div", null, h("strong", null, now.words), h("span", null, now.more)));
}

async function chooseLanguage(event) {
    keepLanguage(event.target.value);
    await useLanguage(event.target.value);
    render();
}

function languageChoice() {
    const options = Object.entries(languages).map(([code, name]) =>
        h("option", { value: code, selected: code === currentLanguage(), lang: code }, name));
    return h("select", { id: "language", "aria-label": t("language"), onchange: chooseLanguage }, options);
}

function person() {
    return [h("span", { class: "person" }, h("strong", null, app.session.name),
            h("span", null, lane() ? t("lane", { lane: lane() }) : t(`role.${app.session.role}`))),
        button("lock", t("lock"), actions.lock, { symbol: "lock" })];
}

function tab(view) {
    return h("button", { id: `to-${view}`, type: "button", "aria-current": app.view === view ? "page" : null,
            onclick: () => actions.goTo(view) }, t(view === "service" ? "role.technician" : `view.${view}`));
}

export function frame() {
    return [
        h("div", { class: "bar" }, h("span", { class: "brand" }, icon("back"), "Tillback"), status(), app.session ? printerTrouble() : null,
            h("div", { class: "who" }, app.session ? person() : null, languageChoice())),
        app.session && !app.session.must_change_pin
            ? h("nav", { "aria-label": t("views") },
                ["counter", "waiting", "day", ...(app.session.role === "technician" ? ["service"] : [])].map(tab))
            : null,
    ];
}
