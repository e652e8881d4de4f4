// A manager's approval of one return, by badge (or number) and PIN, while the associate stays
// signed in. The PIN is never kept.

import { postSurely } from "./api.js";
import { button, h } from "./dom.js";
import { problemText } from "./problem.js";
import { field, pinProblem } from "./signin.js";
import { app, render } from "./state.js";
import { t } from "./words.js";

let wrong = "";

export function approvalScan(code) {
    const who = document.getElementById("approver");
    if (!who) return;
    who.value = code;
    document.getElementById("approver-pin").focus();
}

async function decide(answer, path, key, done) {
    const who = document.getElementById("approver").value.trim();
    const pin = document.getElementById("approver-pin").value.trim();
    // Both travel in headers: what is no plain text is no badge and no PIN.
    if (!/^[\x21-\x7e][\x20-\x7e]*$/.test(who) || !/^\d+$/.test(pin)) {
        wrong = t("approval.missing");
        render();
        return;
    }
    if (app.busy) return;
    app.busy = true;
    try {
        const body = path === "approve" ? JSON.stringify({ total: answer.refund.total }) : "{}";
        const now = await postSurely(`/v1/returns/${answer.return_id}/${path}`, body, `${path}-${key}`,
            { "Tillback-Approver": who, "Tillback-Approver-Pin": pin }, () => {});
        app.busy = false;
        wrong = "";
        done(now);
        return;
    } catch (problem) {
        wrong = problem.field === "pin" || problem.status === 429 ? pinProblem(problem) : problemText(problem);
    }
    app.busy = false;
    render();
    document.getElementById("approver-pin").value = "";
    document.getElementById("approver-pin").focus();
}

export function approvalForm(answer, key, done) {
    const go = (path) => decide(answer, path, key, done);
    const onkeydown = (event) => { if (event.key === "Enter") { event.preventDefault(); go("approve"); } };
    return h("section", { class: "card approval", "aria-labelledby": "approval-title" },
        h("h2", { id: "approval-title" }, t("approval.title")), h("p", null, t("approval.text")),
        h("div", { class: "pair" }, field("approver", t("approval.who"), { "data-first": true }),
            field("approver-pin", t("signin.pin"),
                { type: "password", inputmode: "numeric", maxlength: "12", onkeydown,
                    "aria-describedby": wrong ? "wrong" : null })),
        wrong ? h("p", { id: "wrong", class: "wrong", role: "alert" }, wrong) : null,
        h("div", { class: "actions" }, button("approve", t("approval.go"), () => go("approve"), { class: "primary" }),
            button("decline", t("approval.no"), () => go("decline"))));
}
