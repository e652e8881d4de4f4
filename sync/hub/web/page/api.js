// Questions to the hub. The token lives as long as the tab does.

class Problem extends Error {
    constructor(status, body) {
        super(body?.detail || body?.title || "the hub does not answer");
        this.status = status;
        this.field = body?.field ?? "";
    }
}

export const hasToken = () => Boolean(sessionStorage.getItem("token"));
export const keepToken = (token) => sessionStorage.setItem("token", token);
export const dropToken = () => sessionStorage.removeItem("token");

const ask = async (path, options = {}) => {
    const token = sessionStorage.getItem("token");
    const headers = {...(token ? {Authorization: `Bearer ${token}`} : {}), ...options.headers};
    const answer = await fetch(path, {...options, headers}).catch(() => {
        throw new Problem(0, null);
    });
    if (answer.ok)
        return answer;
    throw new Problem(answer.status, await answer.json().catch(() => null));
};

export const getText = async (path) => (await ask(path)).text();
export const get = async (path) => (await ask(path)).json();

// What the token's role may read and do, as the hub says; anew with each token.
let rights = {name: "", role: "", reads: [], may: []};

export const learnRights = async () => {
    rights = await get("v1/me");
};

export const whoAmI = () => `${rights.name} (${rights.role})`;
export const may = (action) => rights.may.includes(action);
export const mayRead = (path) => {
    const [asked] = `/${path}`.split("?");
    return rights.reads.some((one) => one.endsWith("/") ? asked.startsWith(one) : asked === one);
};

const newKey = () => Array.from(crypto.getRandomValues(new Uint8Array(16)),
    (byte) => byte.toString(16).padStart(2, "0")).join("");

// Returns a function that sends; called again after a failure it sends under the same key.
export const sender = (path) => {
    const key = newKey();
    return async (body) => (await ask(path, {
        method: "POST",
        headers: {"Idempotency-Key": key, "Content-Type": typeof body === "string" ? "text/plain" : "application/json"},
        body: typeof body === "string" ? body : JSON.stringify(body),
    })).json();
};

// Every row of a list, up to so many pages; `more` says that there are others.
export const pages = async (path, name, most = 5) => {
    const rows = [];
    let from = 0;
    for (let page = 0; page < most && from !== null; page++) {
        const answer = await get(`${path}${path.includes("?") ? "&" : "?"}from=${from}`);
        rows.push(...answer[name]);
        from = answer.cursor;
    }
    return {rows, more: from !== null};
};

export const save = async (path, name) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([await getText(path)]));
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
};
