// Signing in by number or badge and PIN; choosing a PIN of one's own after a one-time one.

import { post } from "./api.js";
import { button, h, heading, icon } from "./dom.js";
import { problemText } from "./problem.js";
import { app, render } from "./state.js";
import { count, t } from "./words.js";

let wrong = "";
let badge = "";
let busy = false;

export function signInScan(code) {
    badge = code;
    wrong = "";
    render();
    document.getElementById("pin")?.focus();
}

export function pinProblem(problem) {
    if (problem.status === 429 && !problem.retry_s) return t("signin.locked");
    if (problem.status === 429) return count("signin.wait", problem.retry_s);
    if (problem.code === "forbidden") return t("signin.wrong");
    return problemText(problem);
}

export function field(id, label, attributes = {}) {
    return h("p", { class: "field" }, h("label", { for: id }, label), h("input", { id, autocomplete: "off", ...attributes }));
}

const pinField = (id, label, more = {}) => field(id, label,
    { type: "password", inputmode: "numeric", maxlength: "12", autocomplete: "off", ...more });
const value = (id) => document.getElementById(id)?.value.trim() ?? "";
const onEnter = (act) => (event) => { if (event.key === "Enter") { event.preventDefault(); act(); } };

async function attempt(path, body, done) {
    if (busy) return;
    busy = true;
    const go = document.querySelector("#sign-in, #set-pin"); // a PIN is looked at slowly, on purpose
    go.setAttribute("aria-busy", "true");
    try {
        const session = await post(path, JSON.stringify(body), {}, { quiet: true });
        wrong = "";
        badge = "";
        busy = false;
        go.removeAttribute("aria-busy");
        await done(session);
        return;
    } catch (problem) {
        wrong = pinProblem(problem);
    }
    busy = false;
    go.removeAttribute("aria-busy");
    render();
    const pin = document.getElementById("pin");
    pin.value = "";
    pin.focus();
}

export function signInScreen(done) {
    const go = () => attempt("/v1/session", badge ? { badge, pin: value("pin") } : { number: value("number"), pin: value("pin") }, done);
    const who = badge
        ? h("p", { class: "field" }, h("span", null, icon("check"), t("signin.badge")),
            button("no-badge", t("signin.other"), () => { badge = ""; render(); }))
        : field("number", t("signin.number"),
            { inputmode: "numeric", maxlength: "16",
                value: document.getElementById("number")?.value ?? app.mustSignInAs,
                onkeydown: onEnter(() => document.getElementById("pin").focus()), "data-first": !app.mustSignInAs });
    return h("section", { class: "card narrow" }, heading(t("signin.title")), h("p", null, t("signin.text")), who,
        pinField("pin", t("signin.pin"), { onkeydown: onEnter(go), "aria-describedby": wrong ? "wrong" : null,
                "aria-invalid": wrong ? "true" : null, "data-first": Boolean(app.mustSignInAs || badge) }),
        wrong ? h("p", { id: "wrong", class: "wrong", role: "alert" }, wrong) : null,
        button("sign-in", t("signin.go"), go, { class: "primary" }));
}

export function pinScreen(done) {
    const go = () => {
        if (value("new-pin") !== value("again")) {
            wrong = t("newpin.differ");
            render();
            return;
        }
        attempt("/v1/session/pin", { pin: value("pin"), new_pin: value("new-pin") }, done);
    };
    return h("section", { class: "card narrow" }, heading(t("newpin.title")), h("p", null, t("newpin.text")),
        pinField("pin", t("newpin.now"), { "data-first": true }), pinField("new-pin", t("newpin.new")),
        pinField("again", t("newpin.again"), { onkeydown: onEnter(go) }),
        wrong ? h("p", { id: "wrong", class: "wrong", role: "alert" }, wrong) : null,
        button("set-pin", t("newpin.go"), go, { class: "primary" }));
}
