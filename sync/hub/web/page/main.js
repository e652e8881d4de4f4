// The hub's dashboard: one view at a time, asked anew every few seconds while somebody looks.

import { isOpen, whenChanged } from "./act.js";
import { dropToken, get, getText, hasToken, keepToken, learnRights, mayRead, pages, whoAmI } from "./api.js";
import { card, el } from "./dom.js";
import { exceptions } from "./exceptions.js";
import { find } from "./find.js";
import { fleet } from "./fleet.js";
import { journal } from "./journal.js";
import { outlets } from "./outlets.js";
import { overview } from "./overview.js";
import { payments } from "./payments.js";
import { settlement } from "./settlement.js";

/*
 * A view: {id, name, asks?: {name: path}, lists?: {name: [path, member]}, may?: {name: path},
 * load?: (word) => answers, fixed?: (again) => a node that stays, draw: (answers) => nodes}. Shown to
 * those who may read all that it asks and lists; `may` is asked of those who may read it, too.
 * Redrawn only when an answer changed.
 */
const views = [overview, settlement, payments, journal, exceptions, outlets, fleet, find];
const REFRESH_MS = 3000;

const place = document.getElementById("view");
const health = document.getElementById("health");
let shown = {view: null, word: "", answers: "", body: null};
let running = null;

const isFor = (view) => [...Object.values(view.asks ?? {}), ...Object.values(view.lists ?? {}).map(([path]) => path)]
    .every(mayRead);

const route = () => {
    const [id, word = ""] = location.hash.slice(1).split("/", 2);
    const mine = views.filter(isFor);
    return {view: mine.find((view) => view.id === id) ?? mine[0] ?? find, word: decodeURIComponent(word)};
};

// The views of whose token it is; asked once for each token.
let known = false;

const learn = async () => {
    if (known)
        return;
    await learnRights();
    known = true;
    document.getElementById("views").replaceChildren(el("ul", {}, ...views.filter(isFor).map((view) =>
        el("li", {}, el("a", {href: `#${view.id}`}, view.name)))));
    document.getElementById("views").title = whoAmI();
};

const say = (text, kind = "") => {
    health.textContent = text;
    health.className = kind;
};

const signIn = (wrong) => {
    const submit = (event) => {
        event.preventDefault();
        keepToken(new FormData(event.target).get("token").trim());
        known = false;
        place.replaceChildren();
        shown.view = null;
        refresh();
    };
    place.replaceChildren(card("Sign in", el("form", {id: "token", submit},
        el("label", {for: "token-text"}, "Your token"),
        el("input", {id: "token-text", name: "token", type: "password", required: true, autocomplete: "off"}),
        el("button", {class: "main"}, "Use")),
    wrong && el("p", {class: "problem", role: "alert"}, wrong),
    el("p", {}, "An operator makes one with: ", el("code", {}, "tillback-hub --state DIR token add --role viewer"))));
};

const loadAll = async (view, word) => {
    const more = Object.entries(view.may ?? {}).filter(([, path]) => mayRead(path));
    const asks = [...Object.entries(view.asks ?? {}), ...more].map(async ([name, path]) =>
        [name, path === "metrics" ? await getText(path) : await get(path)]);
    const lists = Object.entries(view.lists ?? {}).map(async ([name, [path, member]]) =>
        [name, (await pages(path, member)).rows]);
    return {...Object.fromEntries(await Promise.all([...asks, ...lists])), ...await view.load?.(word)};
};

// Another view, from its top: its fixed part once, and a body that is drawn anew.
const enter = (view, word) => {
    shown = {view, word, answers: "", body: el("div", {class: "body"})};
    place.replaceChildren(...[view.fixed?.(() => refresh()), shown.body].filter(Boolean));
    window.scrollTo(0, 0);
    document.title = `${view.name} - Tillback hub`;
    for (const link of document.querySelectorAll("#views a"))
        link.setAttribute("aria-current", link.hash === `#${view.id}` ? "page" : "false");
};

const draw = (view, answers) => {
    const text = JSON.stringify(answers, (key, value) => key === "at" ? undefined : value);
    if (isOpen() || text === shown.answers)
        return;
    const focused = document.activeElement?.id;
    shown.answers = text;
    shown.body.replaceChildren(...view.draw(answers));
    if (focused)
        document.getElementById(focused)?.focus({preventScroll: true});
};

const refreshOnce = async () => {
    const state = await get("healthz");
    if (state.database)
        say(state.broker ? "connected to the broker" : "no connection to the broker", state.broker ? "good" : "bad");
    else
        say(`nothing can be saved: ${state.problem}`, "bad");
    if (!hasToken()) {
        if (!document.getElementById("token"))
            signIn();
        return;
    }
    await learn();
    const {view, word} = route();
    const answers = await loadAll(view, word);
    if (view !== route().view || word !== route().word)
        return;
    if (view !== shown.view || word !== shown.word)
        enter(view, word);
    draw(view, answers);
};

const refresh = async () => {
    clearTimeout(running);
    try {
        await refreshOnce();
    } catch (error) {
        say(error.message, "bad");
        if (error.status === 401) {
            dropToken();
            known = false;
            shown.view = null;
            signIn("The hub knows no such token.");
        }
    }
    clearTimeout(running);
    running = setTimeout(refresh, document.hidden ? 10 * REFRESH_MS : REFRESH_MS);
};

document.getElementById("find").addEventListener("submit", (event) => {
    event.preventDefault();
    const what = new FormData(event.target).get("what").trim();
    location.hash = `find/${encodeURIComponent(what)}`;
    refresh();
});
window.addEventListener("hashchange", refresh);
document.addEventListener("visibilitychange", () => document.hidden || refresh());
whenChanged(refresh);
refresh();
