// The page itself: languages, sizes, speed, headers and cookies.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { after, afterEach, before, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { Appliance, goods, people, sale } from "./appliance.mjs";
import { choose, lookUp, openBrowser, openPage, picture, signIn, tooSmall, until, violations } from "./browser.mjs";

const folder = "agent/page";
const languages = ["en", "de", "fr", "es", "pt"];

let appliance;
let browser;

before(async () => {
    appliance = new Appliance();
    await appliance.start();
    appliance.addStaff();
    await appliance.sell(sale("R-0001", [goods.socks, goods.jacket], { days: 60 }));
    await appliance.sell(sale("R-0002", [goods.socks, goods.jacket]));
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    await appliance?.close();
});

afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));

async function toDecision(page, receipt = "R-0001") {
    await lookUp(page, receipt);
    await page.click("#line-1");
    await choose(page, "line-1", "size_too_small", "open_box");
    await page.click("#go-on");
    await page.waitForSelector("#confirm");
}

let stranger = 7000; // numbers that nobody has

async function lockOut(page) {
    await page.fill("#number", String(++stranger));
    let told = "";
    for (let i = 0; i < 6 && !told.includes("Wait"); i++) { // a slow one may sit out the first wait
        await page.fill("#pin", "00007");
        await page.click("#sign-in");
        await until(page, () => document.querySelector("#wrong") && document.querySelector("#pin").value === "");
        told = await page.textContent("#wrong");
    }
    assert.match(told, /Wait/);
}

// Walks through all that the page can show, and looks at each.
async function everyView(page, look) {
    await page.waitForSelector("#number");
    await look("sign-in", page);
    await lockOut(page);
    await look("locked-out", page);
    await page.fill("#number", "");
    await signIn(page, people.associate);
    await look("start", page);
    await lookUp(page, "R-0009");
    await page.waitForSelector("#blind");
    await look("unknown", page);
    await page.click("#cancel");
    await lookUp(page, "R-0001");
    await page.click("#line-1");
    await look("reason", page);
    await page.click("#cancel");
    await toDecision(page);
    await look("decision", page);
    let release = () => {};
    const held = new Promise((resolve) => { release = resolve; });
    await page.route("**/v1/returns", (route) => held.then(() => route.continue()));
    await page.click("#confirm");
    await page.waitForSelector(".progress");
    await look("sending", page);
    release();
    await page.waitForSelector("#approver");
    await look("approval", page);
    await page.unroute("**/v1/returns");
    await page.click("#next");
    await toDecision(page, "R-0002");
    await page.click("#exchange");
    await page.fill("#item", goods.jacket[0]);
    await page.click("#add");
    await page.waitForSelector(`#new-${goods.jacket[0]}-price`);
    await look("exchange", page);
    await page.click("#to-decision");
    await page.click("#to-waiting");
    await page.waitForSelector(".list .row");
    await look("waiting", page);
    await page.locator(".list .row").first().click();
    await page.waitForSelector("#close");
    await look("one-return", page);
    await page.click("#to-day");
    await page.waitForSelector("#exceptions, #no-exceptions");
    await look("day", page);
    const other = await page.context().newPage();
    await other.goto(appliance.url);
    await other.waitForSelector("#take-over");
    await look("other-tab", other);
    await other.click("#take-over");
    await page.bringToFront();
    await page.click("#to-counter");
    await page.waitForSelector("#take-over");
    await look("taken-over", page);
    await page.click("#take-over");
    await page.click("#lock");
    await page.waitForSelector("#number");
    await signIn(page, people.technician);
    await page.click("#to-service");
    await page.waitForSelector("#findings");
    await until(page, () => !document.getElementById("look").disabled);
    await look("service", page);
    assert.deepEqual(page.complaints, []);
}

const tooWide = (page) => page.evaluate(() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - innerWidth);

// Buttons whose words don't fit into them.
const cutOff = (page) => page.evaluate(() => [...document.querySelectorAll("button")].filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.id));

// As it goes over the wire: fetch would unpack it.
const onTheWire = (path, accepted) => new Promise((resolve, reject) => {
    get(appliance.url + path, { headers: accepted ? { "Accept-Encoding": accepted } : {} }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("end", () => resolve({ body: Buffer.concat(parts), packed: answer.headers["content-encoding"] === "gzip" }));
    }).on("error", reject);
});

test("the whole page, with all its languages and the technicians' part, is under 150 kB on the wire", async () => {
    let bytes = 0;
    for (const name of readdirSync(folder).filter((one) => !/\.[ch]$/.test(one))) {
        const { body, packed } = await onTheWire(`/page/${name}`, "gzip, deflate, br, zstd");
        assert.ok(packed, name);
        assert.deepEqual(gunzipSync(body), readFileSync(`${folder}/${name}`), name);
        bytes += body.length;
    }
    assert.ok(bytes < 150000, `${bytes} bytes`);
});

test("a browser that unpacks nothing gets the page as it is", async () => {
    const plain = readFileSync(`${folder}/index.html`);
    for (const accepted of [null, "br", "gzip;q=0", "deflate, gzip; q=0.0"]) {
        const { body, packed } = await onTheWire("/", accepted);
        assert.ok(!packed, accepted);
        assert.deepEqual(body, plain, accepted);
    }
    for (const accepted of ["GZIP", "br;q=1.0, gzip;q=0.2"]) assert.ok((await onTheWire("/", accepted)).packed, accepted);
});

test("written from right to left, every view still fits and mirrors", async () => {
    const page = await openPage(browser, appliance.url, { viewport: { width: 390, height: 780 } });
    await everyView(page, async (view, shown) => {
        await shown.evaluate(() => { document.documentElement.dir = "rtl"; }); // as the page does for Arabic
        await picture(shown, `61-rtl-${view}`);
        const wide = await tooWide(shown);
        assert.ok(wide <= 0, `${view} is ${wide} px too wide`);
        if (view !== "decision") return;
        const [label, amount] = await shown.evaluate(() => ["th", "td.amount"].map((one) => document.querySelector(`.total ${one}`).getBoundingClientRect().left));
        assert.ok(amount < label, "amounts are at the left");
    });
});

test("nothing of the looks depends on the direction of writing", () => {
    for (const name of ["style.css", "service.css"]) {
        const physical = /(?:margin|padding|border|inset)-(?:left|right)|(?:^|[;{\s])(?:left|right)\s*:|text-align:\s*(?:left|right)|float:/.exec(readFileSync(`${folder}/${name}`, "utf8"));
        assert.equal(physical?.[0], undefined, name);
    }
});

test("every language has the same words, with the same places for values", () => {
    const table = (name) => JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
    const read = (code) => Object.assign({}, ...["", "service.", "said."].map((part) => table(part + code)));
    const english = read("en");
    const places = (text) => (text.match(/\{\w+\}/g) ?? []).sort().join();
    for (const code of languages) {
        const words = read(code);
        assert.deepEqual(Object.keys(words).sort(), Object.keys(english).sort(), code);
        for (const [key, text] of Object.entries(words)) assert.equal(places(text), places(english[key]), `${code} ${key}`);
    }
});

// The sources with each string in one piece, so that a sentence can be found in them.
const sourcesOf = (...folders) => folders.flatMap((one) => (one.endsWith(".c") ? [one] : readdirSync(one).filter((name) => name.endsWith(".c")).map((name) => `${one}/${name}`)))
    .map((name) => readFileSync(name, "utf8").replace(/"\s*\n\s*"/g, "")).join("\n");

test("what the doctor finds has words in every language, and they have their sentence in the code", () => {
    const english = Object.keys(JSON.parse(readFileSync(`${folder}/said.en.json`, "utf8")));
    const shape = (text) => text.replace(/\\"/g, '"').replace(/%[.\d]*[a-z]+|\{\d\}/g, "%");
    const known = new Set(english.map(shape));
    const found = [...sourcesOf("agent/service").matchAll(/finding_set\((?:"(?:[^"\\]|\\.)*"|[^";])*;/g)]
        .map(([call]) => [...call.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text]) => text));
    assert.ok(found.length > 60);
    for (const strings of found) {
        const sentences = strings.map(shape).filter((text) => /[a-z]{2}.* /.test(text) && !/[.?]$/.test(text));
        for (const text of sentences) assert.ok(known.has(text), text);
    }
    const sources = shape(sourcesOf("agent/service", "agent/api", "sync/enrol", "provisioning/code.c", "sync/hub/fleet/registrar.c"));
    for (const text of english) assert.ok(sources.includes(`"${shape(text)}"`), text);
});

test("what can be refused in words of its own is what the appliance refuses", () => {
    const sources = ["agent/returns/tracks_table.h", "agent/capture/change.c", "agent/capture/exception.c", "agent/print/desk.c"].map((name) => readFileSync(name, "utf8")).join();
    const words = Object.keys(JSON.parse(readFileSync(`${folder}/en.json`, "utf8"))).filter((key) => key.startsWith("refused."));
    assert.ok(words.length > 0);
    for (const key of words) assert.match(sources, new RegExp(`\\b${key.slice("refused.".length)}\\b[",]`), key);
});

test("what the appliance refuses is said in the associate's language", async () => {
    await appliance.sell(sale("R-0003", [goods.jacket]));
    const page = await openPage(browser, appliance.url, { locale: "de" });
    await page.selectOption("#language", "de");
    await signIn(page, people.associate);
    await toDecision(page, "R-0003");
    await page.click("#confirm");
    await page.click("#void");
    const [{ return_id }] = await appliance.returns();
    await appliance.till("POST", `/v1/returns/${return_id}/void`, {}, { "Idempotency-Key": "the-till-was-first" });
    await page.click("#void-yes");
    await until(page, () => document.querySelector("#notice")?.textContent.includes("Sie wurde zurückgenommen"));
});

for (const code of languages) {
    test(`in ${code}: a decision in its words, money and dates by locale`, async () => {
        const page = await openPage(browser, appliance.url, { locale: code });
        await page.selectOption("#language", code);
        await signIn(page, people.associate);
        await toDecision(page);
        await picture(page, `50-${code}-decision`);
        assert.deepEqual(await violations(page), []);
        const raw = await page.evaluate(() => /\b(decision|lines|stage|tender|confirm)\.[a-z_]+/.exec(document.body.innerText)?.[0]);
        assert.equal(raw, undefined);
        const wanted = new Intl.NumberFormat(code, { style: "currency", currency: "EUR" }).format(9.99).replace(/\s/g, " ");
        assert.ok((await page.innerText(".refund")).replace(/\s/g, " ").includes(wanted), wanted);
        await page.setViewportSize({ width: 360, height: 740 });
        assert.deepEqual(await cutOff(page), []);
        await page.click("#to-day");
        await page.waitForSelector("#exceptions, #no-exceptions");
        assert.deepEqual(await cutOff(page), []);
        assert.ok(await tooWide(page) <= 0, "the day is too wide for a phone");
        assert.deepEqual(page.complaints, []);
    });
}

for (const [name, options] of Object.entries({
    dark: { colorScheme: "dark" },
    phone: { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true },
    zoomed: { viewport: { width: 640, height: 400 } }, // 200 % of 1280 by 800
    still: { reducedMotion: "reduce" },
})) {
    test(`${name}: every view can be read and touched`, async () => {
        const page = await openPage(browser, appliance.url, options);
        await everyView(page, async (view, shown) => {
            await picture(shown, `60-${name}-${view}`);
            assert.deepEqual(await violations(shown), [], view);
            assert.deepEqual(await tooSmall(shown), [], view);
            const wide = await tooWide(shown);
            assert.ok(wide <= 0, `${view} is ${wide} px too wide`);
            if (name === "still") assert.equal(await shown.evaluate(() => document.getAnimations().length), 0, view);
        });
    });
}

test("first paint within a second, a tap's result within 100 ms for 95 of 100", async () => {
    const page = await openPage(browser, appliance.url);
    await page.waitForSelector("#number");
    // The best of three: what else the machine does is not the page's.
    const paints = [];
    for (let i = 0; i < 3; i++) {
        await page.reload();
        await page.waitForSelector("#number");
        paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    }
    assert.ok(Math.min(...paints) < 1000, `${paints} ms`);
    await signIn(page, people.associate);
    await lookUp(page, "R-0001");
    await page.waitForSelector("#line-1");
    const taps = () => page.evaluate(async () => {
        const frame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
        const all = [];
        for (let i = 0; i < 60; i++) {
            const begun = performance.now();
            document.getElementById("line-1").click();
            await frame();
            all.push(performance.now() - begun);
        }
        return all.sort((a, b) => a - b);
    });
    const rounds = [];
    for (let i = 0; i < 3; i++) rounds.push((await taps()).at(-4)); // of sixty: the 95th percentile
    const bytes = await page.evaluate(() => performance.getEntriesByType("resource").filter((one) => one.name.includes("/page/")).reduce((sum, one) => sum + one.encodedBodySize, 0));
    mkdirSync("build/bench", { recursive: true });
    writeFileSync("build/bench/page.json", `${JSON.stringify({ first_paint_ms: paints, tap_p95_ms: rounds, loaded_bytes: bytes }, null, 1)}\n`);
    assert.ok(Math.min(...rounds) < 100, `${rounds} ms`);
});

test("cookies, headers and foreign pages", async () => {
    const send = (path, options) => fetch(appliance.url + path, options);
    const credentials = JSON.stringify({ number: people.associate.number, pin: people.associate.pin });
    assert.equal((await send("/v1/session", { method: "POST", body: credentials })).status, 403, "without the page's header");
    const signedIn = await send("/v1/session", { method: "POST", body: credentials, headers: { "X-Tillback": "1" } });
    const cookie = signedIn.headers.get("set-cookie");
    assert.match(cookie, /HttpOnly/);
    assert.match(cookie, /SameSite=Strict/);
    const Cookie = cookie.split(";")[0];
    assert.equal((await send("/v1/policy", { headers: { Cookie } })).status, 200);
    assert.equal((await send("/v1/policy")).status, 401);
    const foreign = { Cookie, "X-Tillback": "1", Origin: "https://evil.example" };
    assert.equal((await send("/v1/returns", { method: "POST", body: "{}", headers: foreign })).status, 403);
    assert.equal((await send("/v1/returns", { method: "POST", body: "{}", headers: { Cookie } })).status, 403);
    assert.equal((await send("/v1/sales", { method: "POST", body: "{}", headers: { Cookie, "X-Tillback": "1" } })).status, 403, "only tills record sales");
    assert.equal((await send("/v1/session", { method: "DELETE", headers: { Cookie, "X-Tillback": "1" } })).status, 204);
    assert.equal((await send("/v1/policy", { headers: { Cookie } })).status, 401, "after signing out");
    const home = await send("/");
    const policy = home.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.equal(home.headers.get("x-content-type-options"), "nosniff");
    assert.equal((await send("/page/../state/staff.json")).status, 404);
    assert.equal((await send("/page/%2e%2e%2fstaff.json")).status, 404);
    assert.equal((await send("/", { method: "TRACE" }).catch(() => ({ status: 405 }))).status, 405);
});
