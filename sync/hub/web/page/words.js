// How amounts, times and ages are written.

const decimals = (currency) =>
    new Intl.NumberFormat("en", {style: "currency", currency}).resolvedOptions().maximumFractionDigits;

export const money = (minor, currency) => {
    const digits = decimals(currency);
    const text = (minor / 10 ** digits).toLocaleString("en",
        {minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: true});
    return `${text.replaceAll(",", "\u202f")} ${currency}`;
};

export const time = (text) => new Date(text).toLocaleString("sv");
export const percent = (part, whole) => whole ? `${(100 * part / whole).toFixed(1)} %` : "-";
export const count = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

export const counted = (number, one) => `${count(number)} ${one}${number === 1 ? "" : "s"}`;

export const age = (seconds) => {
    if (seconds < 120)
        return `${Math.max(0, Math.round(seconds))} s`;
    if (seconds < 2 * 3600)
        return `${Math.round(seconds / 60)} min`;
    return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} days`;
};

export const plain = (word) => word.replaceAll("_", " ");

const sum = (rows, name) => rows.reduce((all, row) => all + (row[name] ?? 0), 0);
export {sum};

// The currency with the most of it; amounts of several are never added.
export const mainCurrency = (rows) => {
    const sums = new Map();
    for (const row of rows)
        sums.set(row.currency, (sums.get(row.currency) ?? 0) + (row.count ?? row.refunds ?? 1));
    return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "EUR";
};

export const debits = (journal) =>
    money(journal.lines.reduce((all, line) => all + (line.debit ?? 0), 0), journal.currency);

// "1.20" or "-0,5" as minor units; NaN when it is no amount of the currency.
export const minorOf = (text, currency) => {
    const digits = decimals(currency);
    const found = /^([+-]?)(\d{1,12})(?:[.,](\d+))?$/.exec(text.trim().replace("\u2212", "-"));
    if (!found || (found[3] ?? "").length > digits)
        return NaN;
    const minor = Number(found[2]) * 10 ** digits + Number((found[3] ?? "").padEnd(digits, "0"));
    return found[1] === "-" ? -minor : minor;
};
