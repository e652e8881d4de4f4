// One appliance for a test: its own state directory, staff, sales and port; killed at the end.

import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const programs = process.env.PROGRAMS ?? "build/release";
const ready_ms = 10000;

export const people = {
    associate: { number: "1042", name: "Ann Lee", role: "associate", badge: "BADGE-1042", pin: "2580" },
    manager: { number: "2001", name: "Mia Roth", role: "manager", badge: "BADGE-2001", pin: "147369" },
    technician: { number: "3001", name: "Tess Ray", role: "technician", badge: "BADGE-3001", pin: "864209" },
    second: { number: "2002", name: "Luc Petit", role: "manager", badge: "BADGE-2002", pin: "963741" },
};

let staffed = null;

function lines(stream, find) {
    return new Promise((resolve, reject) => {
        let text = "";
        const timer = setTimeout(() => reject(new Error(`nothing came: ${text}`)), ready_ms);
        stream.on("data", (data) => {
            text += data;
            const match = find.exec(text);
            if (match) {
                clearTimeout(timer);
                resolve(match[1]);
            }
        });
    });
}

export class Appliance {
    constructor(settings = []) {
        this.folder = mkdtempSync(join(tmpdir(), "tillback-browser-"));
        this.settings = settings;
        this.address = "127.0.0.1:0";
        this.diagnostics = "";
    }

    async start() {
        const set = [`http.listen=${this.address}`, "store.number=0042", ...this.settings].flatMap((one) => ["--set", one]);
        this.process = spawn(join(programs, "tillbackd"), ["--state", join(this.folder, "state"), ...set], { stdio: ["ignore", "pipe", "pipe"] });
        this.process.stderr.on("data", (data) => { this.diagnostics += data; });
        this.address = await lines(this.process.stdout, /ready http=(\S+)\n/);
        this.url = `http://${this.address}`;
    }

    // The plug is pulled: no chance to finish anything.
    async kill() {
        const gone = new Promise((resolve) => this.process.once("exit", resolve));
        this.process.kill("SIGKILL");
        await gone;
    }

    async close() {
        if (this.process.exitCode === null && this.process.signalCode === null) await this.kill();
        rmSync(this.folder, { recursive: true });
    }

    cli(args, input = "") {
        return execFileSync(join(programs, "tillback"), ["--state", join(this.folder, "state"), ...args], { input, encoding: "utf8" });
    }

    // Made once, and copied to the other appliances of a file of tests: PINs take long to hash.
    addStaff() {
        if (!staffed) {
            this.makeStaff();
            staffed = { token: this.token, files: ["people/staff.json", "tokens"].map((name) => [name, readFileSync(join(this.folder, "state", name))]) };
        }
        for (const [name, content] of staffed.files) {
            const path = join(this.folder, "state", name);
            writeFileSync(`${path}.copy`, content, { mode: 0o600 });
            renameSync(`${path}.copy`, path);
        }
        this.token = staffed.token;
    }

    makeStaff() {
        for (const { number, name, role, badge, pin } of Object.values(people)) {
            this.cli(["staff", "add", "--number", number, "--name", name, "--role", role, "--badge", badge, "--pin", "-"], `${pin}\n`);
        }
        this.token = this.cli(["token", "add", "--lane", "01"]).trim();
    }

    oneTimePin() {
        return /one-time PIN (\d+)/.exec(this.diagnostics)[1];
    }

    async till(method, path, body, headers = {}) {
        const answer = await fetch(this.url + path, { method, headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json", ...headers }, body: body && JSON.stringify(body) });
        const json = await answer.json();
        if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(json)}`);
        return json;
    }

    sell(sale) {
        return this.till("POST", "/v1/sales", sale);
    }

    returns() {
        return this.till("GET", "/v1/returns").then((answer) => answer.returns);
    }
}

const daysAgo = (days) => new Date(Date.now() - days * 86400000).toISOString();

// A sale of the lines given: [gtin, description, category, quantity, amount in cents, more].
export function sale(receipt, lines, { days = 3, store = "0042", tenders = null } = {}) {
    const total = lines.reduce((sum, line) => sum + line[4], 0);
    return {
        receipt, channel: "store", store, lane: "01", sold_at: daysAgo(days), currency: "EUR", prices_include_tax: true,
        lines: lines.map(([gtin, description, category, quantity, amount, more = {}], index) => ({
            line: index + 1, sku: `sku-${gtin}`, gtin, description, category, quantity, unit: "each", amount,
            tax: [{ type: "vat", class: "standard", jurisdiction: "DE", rate: "19", amount: Math.round((amount * 19) / 119) }], ...more })),
        tenders: tenders ?? [{ tender: 1, type: "card", amount: total, reference: "tok_8f2" }],
    };
}

export const goods = {
    socks: ["4006381333931", "Merino socks", "apparel/socks", 3, 2997],
    jacket: ["4012345678901", "Rain jacket, blue", "apparel/jackets", 1, 8990],
    swimsuit: ["7612345678900", "Swimsuit", "swimwear", 1, 3500],
    apples: ["2100000000005", "Apples", "food", 1250, 374, { unit: "g" }],
};
