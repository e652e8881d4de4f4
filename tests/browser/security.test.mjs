// The HTTP face looked at as an attacker would: what the OWASP Top 10 and its testing guide ask of a
// page and an API of this kind. Sessions, headers, cookies, foreign pages, injection, leaks, limits.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { request } from "node:http";
import { Appliance, goods, people, sale } from "./appliance.mjs";
import { choose, openBrowser, openPage, signIn } from "./browser.mjs";

let appliance;
let Cookie;

const send = (path, options = {}) => fetch(appliance.url + path, { redirect: "manual", ...options });
const post = (path, body, headers = {}) => send(path, { method: "POST", body, headers: { "X-Tillback": "1", ...headers } });
const credentials = ({ number, pin }) => JSON.stringify({ number, pin });

async function session(person) {
    const answer = await post("/v1/session", credentials(person));
    return answer.headers.get("set-cookie").split(";")[0];
}

before(async () => {
    appliance = new Appliance();
    await appliance.start();
    appliance.addStaff();
    await appliance.sell(sale("R-0001", [goods.socks]));
    Cookie = await session(people.associate);
});

after(() => appliance?.close());

// As it goes over the wire: fetch would clean the path.
const raw = (method, path, headers = {}) => new Promise((resolve, reject) => {
    const [host, port] = appliance.address.split(":");
    const asked = request({ host, port, method, path, headers, timeout: 5000 }, (answer) => {
        let text = "";
        answer.on("data", (data) => { text += data; });
        answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on("timeout", () => asked.destroy(new Error("no answer")));
    asked.on("error", reject);
    asked.end();
});

test("every route but the open ones refuses strangers (A01)", async () => {
    const { paths } = await (await send("/openapi.json")).json();
    const open = ["/v1/status", "/healthz", "/metrics", "/openapi.json", "/v1/session"];
    for (const [path, item] of Object.entries(paths)) {
        for (const method of ["get", "post", "put", "patch", "delete"].filter((name) => item[name])) {
            if (open.includes(path)) continue;
            const real = path.replace(/\{\w+\}/g, "01935a10-7c3d-7300-8300-000000000300");
            const answer = await send(real, { method: method.toUpperCase(), headers: { "X-Tillback": "1" } });
            assert.equal(answer.status, 401, `${method} ${path}`);
            const forged = await send(real, { method: method.toUpperCase(), headers: { "X-Tillback": "1", Cookie: "tillback_session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } });
            assert.equal(forged.status, 401, `${method} ${path} with a made-up session`);
        }
    }
});

test("an associate can't do what a manager or a till may (A01)", async () => {
    await appliance.sell(sale("R-late", [goods.jacket], { days: 60 }));
    const line = { line: 1, quantity: 1, reason: "unwanted", condition: "open_box" };
    const made = await (await post("/v1/returns", JSON.stringify({ receipt: "R-late", lines: [line] }), { Cookie })).json();
    assert.equal(made.decision, "needs_manager");
    assert.equal((await post(`/v1/returns/${made.return_id}/approve`, "{}", { Cookie })).status, 403);
    assert.equal((await post(`/v1/returns/${made.return_id}/decline`, "{}", { Cookie })).status, 403);
    assert.equal((await post("/v1/sales", JSON.stringify(sale("R-own", [goods.jacket])), { Cookie })).status, 403);
    const still = await (await send(`/v1/returns/${made.return_id}`, { headers: { Cookie } })).json();
    assert.equal(still.decision, "needs_manager");
});

test("headers say nothing of us, and let nobody else in (A05)", async () => {
    for (const path of ["/", "/page/app.js", "/v1/status", "/v1/policy", "/nothing"]) {
        const { headers } = await send(path);
        assert.equal(headers.get("x-content-type-options"), "nosniff", path);
        assert.equal(headers.get("access-control-allow-origin"), null, path);
        assert.equal(headers.get("server"), null, path);
        assert.equal(headers.get("x-powered-by"), null, path);
        assert.equal(headers.get("referrer-policy"), "no-referrer", path);
        assert.match(headers.get("cache-control") ?? "", /no-store|no-cache/, path);
    }
    const home = await send("/");
    const policy = Object.fromEntries(home.headers.get("content-security-policy").split("; ").map((one) => [one.split(" ")[0], one.split(" ").slice(1).join(" ")]));
    for (const name of ["default-src", "base-uri", "form-action", "frame-ancestors"]) assert.equal(policy[name], "'none'", name);
    for (const name of ["script-src", "style-src", "connect-src"]) assert.equal(policy[name], "'self'", name);
    assert.equal(home.headers.get("x-frame-options"), "DENY");
    assert.match(home.headers.get("permissions-policy"), /microphone=\(\)/);
    assert.doesNotMatch(await home.text(), /<script>|style=|onclick=/, "nothing inline");
});

test("sessions: new with each sign-in, HttpOnly, gone after it, ended by a stranger's sign-out of nothing (A07)", async () => {
    const planted = "tillback_session=planted0000000000000000000000000000000000000";
    const answer = await post("/v1/session", credentials(people.second), { Cookie: planted });
    const cookie = answer.headers.get("set-cookie");
    assert.doesNotMatch(cookie, /planted/, "no fixation");
    assert.match(cookie, /HttpOnly/);
    assert.match(cookie, /SameSite=Strict/);
    assert.match(cookie, /Path=\//);
    assert.ok(cookie.split(";")[0].length > 30, "too long to be guessed");
    const mine = cookie.split(";")[0];
    assert.equal((await send("/v1/session", { headers: { Cookie: mine } })).status, 200);
    assert.equal((await send("/v1/session", { method: "DELETE", headers: { "X-Tillback": "1", Cookie: mine } })).status, 204);
    assert.equal((await send("/v1/session", { headers: { Cookie: mine } })).status, 401);
});

test("a wrong number and a wrong PIN look the same, and neither is echoed (A07)", async () => {
    const nobody = await (await post("/v1/session", credentials({ number: "9999", pin: "2580" }))).json();
    const wrong = await (await post("/v1/session", credentials({ number: people.manager.number, pin: "00007" }))).json();
    assert.deepEqual([wrong.status, wrong.detail, wrong.code], [nobody.status, nobody.detail, nobody.code]);
    assert.doesNotMatch(JSON.stringify(nobody), /9999|2580/);
});

test("requests of foreign pages change nothing: simple forms, foreign origins (CSRF)", async () => {
    const before = (await appliance.returns()).length;
    const body = JSON.stringify({ receipt: "R-0001", lines: [{ line: 1, quantity: 1, reason: "unwanted", condition: "open_box" }] });
    for (const headers of [{ "Content-Type": "text/plain" }, { "Content-Type": "application/x-www-form-urlencoded" }, { "X-Tillback": "1", Origin: "https://evil.example" }, { "X-Tillback": "1", Origin: "null" }, { "X-Tillback": "1", Origin: `http://${appliance.address}.evil.example` }]) {
        const answer = await send("/v1/returns", { method: "POST", body, headers: { Cookie, ...headers } });
        assert.equal(answer.status, 403, JSON.stringify(headers));
    }
    const preflight = await send("/v1/returns", { method: "OPTIONS", headers: { Origin: "https://evil.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-tillback" } });
    assert.equal(preflight.headers.get("access-control-allow-headers"), null);
    assert.equal((await appliance.returns()).length, before);
});

test("no path leads out of the page's own files, no method but the documented (A01, A05)", async () => {
    for (const path of ["/page/../state/tillback.db", "/page/..%2f..%2fetc%2fpasswd", "/page/%2e%2e/%2e%2e/etc/passwd", "/page//etc/passwd", "/page/app.js%00.css", "/../../etc/passwd", "/page/.git", "//evil.example/"]) {
        const answer = await raw("GET", path);
        assert.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`);
        assert.doesNotMatch(answer.text, /root:|SQLite/);
    }
    for (const method of ["TRACE", "TRACK", "PUT", "DELETE", "PATCH", "PROPFIND"]) {
        const answer = await raw(method, "/").catch(() => ({ status: 405 }));
        assert.ok(answer.status >= 400, `${method}: ${answer.status}`);
    }
});

test("what looks like a command is only text: SQL, paths, templates (A03)", async () => {
    const Authorization = `Bearer ${appliance.token}`;
    const all = (await (await send("/v1/returns", { headers: { Authorization } })).json()).returns.length;
    for (const evil of ["' OR '1'='1", "R-0001'; DROP TABLE return; --", "%' UNION SELECT * FROM staff --", "${7*7}", "{{7*7}}", "$(id)", "`id`", "\u0000", "R-0001\r\nSet-Cookie: a=b"]) {
        const found = await send(`/v1/sales?receipt=${encodeURIComponent(evil)}`, { headers: { Authorization } });
        assert.ok([200, 400].includes(found.status), evil);
        if (found.status === 200) assert.deepEqual((await found.json()).sales, [], evil);
        assert.equal(found.headers.get("set-cookie"), null);
        const listed = await send(`/v1/returns?receipt=${encodeURIComponent(evil)}&state=open`, { headers: { Authorization } });
        if (listed.status === 200) assert.deepEqual((await listed.json()).returns, [], evil);
    }
    assert.equal((await (await send("/v1/returns", { headers: { Authorization } })).json()).returns.length, all);
});

test("failures tell a person what to do, and nothing of how we are made (A05, A09)", async () => {
    for (const answer of [await send("/v1/returns/nonsense", { headers: { Cookie } }), await post("/v1/returns", "{", { Cookie }), await post("/v1/returns", `{"receipt":"${"x".repeat(300000)}"}`, { Cookie }), await post("/v1/returns", "[".repeat(5000), { Cookie })]) {
        assert.ok(answer.status >= 400 && answer.status < 500);
        assert.match(answer.headers.get("content-type"), /problem\+json/);
        assert.doesNotMatch(await answer.text(), /\.c:|0x[0-9a-f]{6}|sqlite|\/work|\/tmp|at line \d+ of/i);
    }
});

test("what a till calls the goods is never run by the page (XSS)", async () => {
    const evil = "<img src=x onerror=window.owned=1><script>window.owned=1</script>";
    await appliance.sell(sale("R-xss", [[goods.socks[0], evil, "apparel", 1, 999]]));
    const browser = await openBrowser();
    try {
        const page = await openPage(browser, appliance.url);
        await signIn(page, people.associate);
        await page.fill("#target", "<svg/onload=window.owned=1>");
        await page.click("#look-up");
        await page.waitForSelector("#blind, #notice");
        await page.goto(appliance.url);
        await page.waitForSelector("#target, #cancel");
        if (await page.$("#cancel")) await page.click("#cancel");
        await page.fill("#target", "R-xss");
        await page.click("#look-up");
        await page.click("#line-1");
        await choose(page, "line-1", "unwanted", "open_box");
        await page.click("#go-on");
        await page.waitForSelector("#confirm");
        assert.match(await page.textContent(".refund"), /<img src=x/, "shown as text");
        assert.equal(await page.evaluate(() => window.owned), undefined);
        assert.deepEqual(page.complaints, []);
    } finally {
        await browser.close();
    }
});

test("guessing is slowed down for the one who guesses (A07)", async () => {
    const statuses = [];
    for (let i = 0; i < 8; i++) statuses.push((await post("/v1/session", credentials({ number: people.manager.number, pin: String(10000 + i) }))).status);
    assert.ok(statuses.includes(429), String(statuses));
    assert.equal((await post("/v1/session", credentials(people.second))).status, 201, "and for nobody else");
});
