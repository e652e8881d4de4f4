// Words, money, dates and numbers in the language of the associate.

export const languages = { en: "English", de: "Deutsch", fr: "Français", es: "Español", pt: "Português" };
const rightToLeft = ["ar", "he", "fa", "ur"];

let language = "en";
let table = {};
let sentences = []; // of the part "said", the longest first
const parts = [];
let policy = { reasons: [], conditions: [], texts: {} };

export function currentLanguage() {
    return language;
}

const wordsOf = async (name) => (await fetch(`/page/${name}.json`)).json();

export async function useLanguage(wanted) {
    const chosen = wanted in languages ? wanted : "en";
    const tables = await Promise.all([chosen, ...parts.map((part) => `${part}.${chosen}`)].map(wordsOf));
    table = Object.assign({}, ...tables);
    sentences = Object.entries(table).filter(([key]) => key.includes(" ")).map(([key, words]) => [pattern(key), words])
        .sort(([one], [other]) => other.source.length - one.source.length);
    language = chosen;
    document.documentElement.lang = chosen;
    document.documentElement.dir = rightToLeft.includes(chosen) ? "rtl" : "ltr";
}

export function addWords(...more) {
    parts.push(...more);
    return useLanguage(language);
}

export function firstLanguage() {
    const kept = localStorage.getItem("tillback.language");
    return kept ?? navigator.languages.map((code) => code.slice(0, 2)).find((code) => code in languages) ?? "en";
}

export function keepLanguage(code) {
    localStorage.setItem("tillback.language", code);
}

export const has = (key) => key in table;

export function t(key, values = {}) {
    return (table[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

const pattern = (key) => new RegExp(`^${key.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{\d\}/g, "(.*)")}$`);

// A sentence of the appliance, which is English and filled in ("the name hq.example isn't known"), and
// what it was filled in with, in words that the part "said" has for it; else as it is.
export function said(text) {
    for (const [english, words] of sentences) {
        const values = english.exec(text);
        if (values) return words.replace(/\{(\d)\}/g, (_, n) => said(values[n]));
    }
    return text;
}

// "items.one" or "items.other", by the language's own rules.
export function count(key, n) {
    const form = new Intl.PluralRules(language).select(n);
    return t(`${key}.${form in { one: 1 } ? "one" : "other"}`, { n: number(n) });
}

// The browser's own variant of the language, if it has one: dates of en-GB are not those of en-US.
const locale = () => navigator.languages.find((code) => code.startsWith(language)) ?? language;

export const number = (n) => new Intl.NumberFormat(locale()).format(n);

function currencyFormat(currency) {
    return new Intl.NumberFormat(locale(), { style: "currency", currency });
}

export function money(minor, currency) {
    const format = currencyFormat(currency);
    return format.format(minor / 10 ** format.resolvedOptions().maximumFractionDigits);
}

// Minor units of what somebody typed: "12,50", "12.5"; null if it is no amount.
export function parseMoney(text, currency) {
    const digits = currencyFormat(currency).resolvedOptions().maximumFractionDigits;
    const match = /^(\d{1,9})(?:[.,](\d*))?$/.exec(text.trim());
    if (!match || (match[2] ?? "").length > digits) return null;
    return Number(match[1]) * 10 ** digits + Number((match[2] ?? "").padEnd(digits, "0") || 0);
}

export function moneyText(minor, currency) {
    const digits = currencyFormat(currency).resolvedOptions().maximumFractionDigits;
    return (minor / 10 ** digits).toLocaleString(locale(), { minimumFractionDigits: digits, useGrouping: false });
}

export const date = (iso) => new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(new Date(iso));
export const time = (iso) => new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(new Date(iso));

export function sinceText(iso) {
    const today = new Date().toDateString() === new Date(iso).toDateString();
    return today ? time(iso) : `${date(iso)}, ${time(iso)}`;
}

const units = { g: ["kg", 1000], ml: ["l", 1000], mm: ["m", 1000] };

// "3", "0.750 kg"
export function quantity(n, unit) {
    if (!units[unit]) return number(n);
    const [name, scale] = units[unit];
    return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: 3 }).format(n / scale)} ${name}`;
}

export function usePolicy(told) {
    policy = told;
}

export const reasons = () => policy.reasons.map((word) => word.code);
export const conditions = () => policy.conditions.map((word) => word.code);
export const policyText = (code) => policy.texts[code]?.[language] ?? policy.texts[code]?.en ?? code;
