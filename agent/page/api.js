// Requests to the appliance. Every failure is a Problem: status 0 means that nothing answered.

export class Problem extends Error {
    constructor(status, body) {
        super(body?.detail ?? "");
        this.status = status;
        this.code = body?.code ?? "";
        this.field = body?.field ?? "";
        this.retry_s = body?.retry_s ?? 0;
    }
}

const timeout_ms = 8000;
const listeners = { signedOut: () => {}, reached: () => {} };

export function listen(events) {
    Object.assign(listeners, events);
}

// Where this browser stands: said once in its address, /?lane=01.
export function keepLane() {
    const said = new URLSearchParams(location.search).get("lane");
    if (said) localStorage.setItem("tillback.lane", said);
}

export function lane() {
    return localStorage.getItem("tillback.lane") ?? "";
}

async function ask(method, path, options) {
    const headers = { "X-Tillback": options.idle ? "idle" : "1", ...options.headers };
    if (lane()) headers["Tillback-Lane"] = lane();
    if (options.body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
        answer = await fetch(path, { method, headers, body: options.body, credentials: "same-origin",
                signal: AbortSignal.timeout(options.timeout_ms ?? timeout_ms) });
    } catch {
        listeners.reached(false);
        throw new Problem(0, null);
    }
    listeners.reached(true);
    const body = await answer.json().catch(() => null);
    if (answer.ok) return body;
    if (answer.status === 401 && !options.quiet) listeners.signedOut();
    throw new Problem(answer.status, body);
}

export const get = (path, options = {}) => ask("GET", path, options);
export const remove = (path) => ask("DELETE", path, {});
// `body` as text, so that the same request is the same bytes when it is sent again.
export const post = (path, body, headers = {}, options = {}) => ask("POST", path, { body, headers, ...options });

export function newKey() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A write whose outcome must be known: asked again with the same key until something answers.
export async function postSurely(path, body, key, headers = {}, waiting = () => {}) {
    for (let tries = 0; ; tries++) {
        try {
            return await post(path, body, { ...headers, "Idempotency-Key": key });
        } catch (problem) {
            const unknown = problem.status === 0 || (problem.status === 503 && problem.code === "unknown_outcome");
            if (!unknown) throw problem;
            waiting();
            await wait(Math.min(500 * 2 ** tries, 5000));
        }
    }
}
