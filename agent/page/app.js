import { get, keepLane, lane, listen, remove } from "./api.js";
import { handleScan as counterScan, counterScreen, resume } from "./counter.js";
import { dayScreen, loadDay } from "./day.js";
import { h, heading, say, show, button } from "./dom.js";
import { holdDraft, keptDraft } from "./draft.js";
import { frame } from "./frame.js";
import { loadPrints, printNews, printerNews } from "./print.js";
import { keepPrefix, onScan, scanned, watchKeyboard } from "./scan.js";
import { pinScreen, signInScan, signInScreen } from "./signin.js";
import { actions, app, onRender, render } from "./state.js";
import { loadWaiting, waitingScan, waitingScreen } from "./waiting.js";
import { firstLanguage, t, useLanguage, usePolicy } from "./words.js";

const status_ms = 5000;
const active_ms = 60000;

let stream = null;
let service;
let lastTitle = "";
let lastActive = 0;
let idleTimer = null;

function screen() {
    if (!app.session) return signInScreen(signedIn);
    if (app.session.must_change_pin) return pinScreen(signedIn);
    if (app.tab === "elsewhere") return elsewhereScreen();
    if (app.view === "waiting") return waitingScreen();
    if (app.view === "day") return dayScreen();
    if (app.view === "service") return service.serviceScreen();
    return counterScreen();
}

function elsewhereScreen() {
    return [heading(t("tab.title")), h("p", null, t("tab.text")),
        button("take-over", t("tab.take"), () => hold(true), { class: "primary" })];
}

function noticeBox() {
    return app.notice ? h("p", { id: "notice", class: app.saving ? "notice" : "notice bad" }, app.notice) : null;
}

onRender(() => {
    show(document.getElementById("frame"), frame());
    show(document.getElementById("main"), noticeBox(), screen());
    const title = document.getElementById("title")?.textContent ?? "";
    document.title = title ? `${title} · Tillback` : "Tillback";
    if (title !== lastTitle) scrollTo(0, 0);
    if (title !== lastTitle && !document.activeElement?.matches("input")) {
        (document.querySelector("[data-first]") ?? document.getElementById("title"))?.focus();
    }
    lastTitle = title;
    if (app.notice) say(app.notice);
});

// --- Who is signed in ------------------------------------------------------------------------

async function signedIn(session) {
    app.session = session;
    if (app.view === "service" && session.role !== "technician") app.view = "counter";
    app.mustSignInAs = session.number;
    app.notice = "";
    lastTitle = "";
    if (!localStorage.getItem("tillback.language")) await useLanguage(session.language);
    render();
    if (session.must_change_pin) return;
    usePolicy(await get("/v1/policy", { idle: true }));
    follow();
    restartIdle();
    await resume();
    render();
}

function signedOut() {
    if (!app.session) return;
    app.session = null;
    app.notice = "";
    lastTitle = "";
    stream?.close();
    stream = null;
    render();
}

// The appliance ends an unused session by itself; the page doesn't wait to be told.
function restartIdle() {
    clearTimeout(idleTimer);
    idleTimer = setTimeout(signedOut, (app.session?.idle_s ?? 600) * 1000);
}

function active() {
    if (!app.session) return;
    restartIdle();
    if (performance.now() - lastActive < active_ms) return;
    lastActive = performance.now();
    get("/v1/session").catch(() => {});
}

// --- News ------------------------------------------------------------------------------------

function linkNews(news) {
    if (app.link?.can_save === false && news.can_save) app.saving = true; // there is room again
    app.link = news;
    show(document.getElementById("frame"), frame());
}

function follow() {
    stream?.close();
    stream = new EventSource(`/v1/stream?lane=${encodeURIComponent(lane())}`);
    stream.addEventListener("link", (event) => linkNews(JSON.parse(event.data)));
    stream.addEventListener("session", signedOut);
    stream.addEventListener("scan", (event) => {
        scanned(JSON.parse(event.data).data, "appliance");
    });
    stream.addEventListener("returns", () => {
        if (app.view === "waiting") loadWaiting();
    });
    for (const [name, take] of Object.entries({ printer: printerNews, print: printNews })) {
        stream.addEventListener(name, (event) => { take(JSON.parse(event.data)); quietly(); });
    }
    stream.addEventListener("open", () => { reached(true); loadPrints().then(quietly, () => {}); });
    stream.addEventListener("error", () => setTimeout(askStatus, 500));
}

// News that nobody is waiting for must not take away what somebody is typing.
function quietly() {
    if (document.activeElement?.matches("input")) show(document.getElementById("frame"), frame());
    else render();
}

function reached(yes) {
    if (app.reached === yes) return;
    app.reached = yes;
    show(document.getElementById("frame"), frame());
}

async function askStatus() {
    try {
        linkNews(await get("/v1/status", { idle: true }));
    } catch {
        // said in the frame by reached(false)
    }
}

// --- Beginning -------------------------------------------------------------------------------

function hold(steal) {
    holdDraft({
        taken: () => { app.tab = "elsewhere"; render(); },
        held: () => { app.tab = "here"; app.draft = keptDraft(); if (app.session) resume(); render(); },
        lost: () => { app.tab = "elsewhere"; render(); },
    }, steal);
}

onScan((code) => {
    active();
    if (!app.session || app.session.must_change_pin) signInScan(code);
    else if (app.tab === "elsewhere") return;
    else if (app.view === "waiting") waitingScan(code);
    else if (app.view === "service") service.serviceScan(code);
    else { app.view = "counter"; counterScan(code); }
});

actions.lock = () => {
    remove("/v1/session").catch(() => {});
    signedOut();
};

actions.goTo = async (view) => {
    if (view === "service") service ??= await import("./service.js");
    app.view = view;
    app.notice = "";
    lastTitle = "";
    if (view === "waiting") loadWaiting();
    if (view === "day") loadDay();
    if (view === "service") service.loadService();
    render();
};

async function begin() {
    listen({ signedOut, reached });
    keepLane();
    keepPrefix();
    watchKeyboard();
    for (const event of ["pointerdown", "keydown"]) document.addEventListener(event, active, { passive: true });
    app.draft = keptDraft();
    await useLanguage(firstLanguage());
    hold(false);
    setInterval(() => { if (!stream || stream.readyState !== EventSource.OPEN) askStatus(); }, status_ms);
    askStatus();
    try {
        await signedIn(await get("/v1/session", { quiet: true, idle: true }));
    } catch {
        render();
    }
}

begin();
