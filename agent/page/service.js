// For technicians: whose appliance this is (and the code that makes it a store's), what the doctor finds and what to do, scanners bound to
// lanes by a test scan, the self-test, the commissioning report.

import { get, post } from "./api.js";
import { button, h, heading, icon, say } from "./dom.js";
import { kindText, problemText } from "./problem.js";
import { field } from "./signin.js";
import { app, render } from "./state.js";
import { addWords, said, t } from "./words.js";

// Only technicians load this; its words and its looks come with it.
await addWords("service", "said");
document.head.append(h("link", { rel: "stylesheet", href: "/page/service.css" }));

const long_ms = 150000;
const scan_s = 30;
const steps = ["quote", "print", "scan", "hub"];
const symbols = { ok: "check", warn: "clock", fail: "cross", skipped: "off" };
const known = { status: null, findings: null, ports: null, tests: {}, bound: "", report: null, mine: null, doing: "", wrong: "" };

// One wish at a time, as the appliance has it.
async function wish(name, work) {
    if (known.doing) return;
    Object.assign(known, { doing: name, wrong: "" });
    render();
    try {
        await work();
        say(t("service.done"));
    } catch (problem) {
        known.wrong = problem.status ? kindText(problem) : problemText(problem);
        say(known.wrong);
    }
    known.doing = "";
    if (app.view === "service") render();
}

export const loadService = () => wish("doctor", async () => {
    known.status = await get("/v1/status");
    known.ports = (await get("/v1/service/ports")).ports;
    known.findings = (await get("/v1/service/doctor", { timeout_ms: long_ms })).findings;
});

const testAll = () => wish("selftest", async () => {
    for (const step of steps) {
        known.doing = step;
        render();
        const answer = await post(`/v1/service/selftest/${step}`, JSON.stringify({ timeout_s: scan_s }), {}, { timeout_ms: long_ms });
        known.tests[step] = answer.findings[0];
    }
});

const bind = () => {
    const lane = document.getElementById("bind-lane").value.trim();
    return wish("bind", async () => {
        const answer = await post("/v1/service/ports/bind", JSON.stringify({ lane, timeout_s: scan_s }), {}, { timeout_ms: long_ms });
        known.bound = answer.setting;
        known.ports = (await get("/v1/service/ports")).ports;
    });
};

const makeReport = () => wish("report", async () => {
    const answer = await post("/v1/service/report", "{}", {}, { timeout_ms: long_ms });
    for (const url of Object.values(known.report ?? {})) URL.revokeObjectURL(url);
    known.report = {
        json: URL.createObjectURL(new Blob([JSON.stringify(answer.report)], { type: "application/json" })),
        html: URL.createObjectURL(new Blob([answer.page], { type: "text/html" })),
    };
});

// The appliance opens anew with its identity: everybody signs in once more.
const provision = () => {
    const code = document.getElementById("code").value.trim();
    const enrol = document.getElementById("enrol").value.trim();
    return wish("provision", async () => {
        known.mine = await post("/v1/service/provision", JSON.stringify(enrol ? { code, enrol } : { code }), {}, { timeout_ms: long_ms });
    });
};

// What the code's QR says, by any scanner.
export function serviceScan(text) {
    const input = document.getElementById("code");
    if (input && text.startsWith("tillback:")) input.value = text;
}

// --- The screen --------------------------------------------------------------------------------

function mark(result) {
    return h("span", { class: `badge ${result}` }, icon(symbols[result]), t(`service.${result}`));
}

// A sentence for which there are no words is English: that of a library or of a device.
function finding(one, next) {
    const name = one.subject ? `${t(`check.${one.id}`)}: ${one.subject}` : t(`check.${one.id}`);
    const cause = said(one.cause);
    const bad = one.result === "fail" || one.result === "warn";
    return h("li", { class: "finding", id: `check-${one.id}${one.subject ? `-${one.subject}` : ""}`, "data-result": one.result },
        h("div", null, h("strong", null, name), mark(one.result)),
        h("p", cause === one.cause ? { lang: "en" } : null, cause),
        bad && next ? h("p", { class: "todo" }, next) : null);
}

function working(name, text) {
    return known.doing === name ? h("p", { class: "notice", role: "status" }, text) : null;
}

const typed = (id) => document.getElementById(id)?.value ?? ""; // stays when the screen is drawn anew

function provisionForm() {
    return [h("p", null, t("service.provision")),
        h("div", { class: "actions" }, field("code", t("service.code"),
                { value: typed("code"), maxlength: "336", autocapitalize: "characters", spellcheck: "false" }),
            field("enrol", t("service.enrol"),
                { value: typed("enrol"), maxlength: "256", placeholder: "mqtts://", inputmode: "url",
                    spellcheck: "false" }),
            button("provision", t("service.provision.go"), provision, { class: "primary", disabled: Boolean(known.doing) })),
        working("provision", t("service.provision.wait"))];
}

function identity() {
    const mine = known.mine ?? known.status;
    if (!mine) return null;
    const enrolled = mine.device !== "unenrolled";
    return h("section", { class: "card", id: "identity" }, h("h2", null, t("service.identity")),
        h("p", null, t(enrolled ? "service.enrolled" : "service.unenrolled", { device: mine.device, store: mine.store })),
        enrolled ? null : provisionForm());
}

function doctor() {
    return h("section", { class: "card" }, h("h2", null, t("service.doctor")),
        known.findings ? h("ul", { id: "findings" }, known.findings.map((one) => finding(one, t(`check.${one.id}.next`)))) : null,
        working("doctor", t("service.looking")),
        button("look", t("service.look"), loadService, { disabled: Boolean(known.doing) }));
}

function ports() {
    const list = (known.ports ?? []).map((port) => h("li", null, `${port.vendor} ${port.product} ${port.device}`.trim(),
            port.bound ? ` · ${t("lane", { lane: port.lane })}` : null));
    return h("section", { class: "card" }, h("h2", null, t("service.ports")),
        list.length ? h("ul", null, list) : h("p", null, t("service.noports")),
        known.bound ? h("p", { id: "bound" }, t("service.bound"), " ", h("code", null, known.bound)) : null,
        working("bind", t("service.scan")),
        h("div", { class: "actions" }, field("bind-lane", t("service.lane"), { maxlength: "8", autocomplete: "off" }),
            button("bind", t("service.bind"), bind, { disabled: Boolean(known.doing) })));
}

function selftest() {
    return h("section", { class: "card" }, h("h2", null, t("service.selftest")),
        h("ul", { id: "tests" }, steps.filter((step) => known.tests[step])
            .map((step) => finding(known.tests[step], t("service.test.next")))),
        working("scan", t("service.scan")),
        button("selftest", t("service.test"), testAll, { disabled: Boolean(known.doing) }));
}

function report() {
    const name = `tillback-${known.status?.device ?? ""}`;
    return h("section", { class: "card" }, h("h2", null, t("service.report")), h("p", null, t("service.report.text")),
        h("div", { class: "actions" }, button("make-report", t("service.report.make"), makeReport, { disabled: Boolean(known.doing) }),
            known.report ? h("a", { id: "report-json", class: "link", href: known.report.json,
                    download: `${name}.json` }, t("service.report.json")) : null,
            known.report ? h("a", { id: "report-html", class: "link", href: known.report.html,
                    download: `${name}.html` }, t("service.report.page")) : null,
            h("a", { id: "bundle", class: "link", href: "/v1/service/diag", download: "" }, t("service.bundle"))));
}

export function serviceScreen() {
    return [heading(t("service.title")), known.wrong ? h("p", { id: "wrong", class: "wrong", role: "alert" }, known.wrong) : null,
        identity(), doctor(), ports(), selftest(), report()];
}
