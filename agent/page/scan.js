// Scans: from the appliance's own scanners (told on its stream) and from scanners that type like a
// keyboard. Those are told from fingers by their speed or a prefix, wherever the focus is; what they typed is
// taken out of the field again, and their Enter does nothing else.

const fast_ms = 50; // from one character to the next, on average: no finger is as fast
const pause_ms = 150; // within one code
const stray_ms = 2000; // a prefix that nothing follows was a finger's
const least = 5; // characters
const same_ms = 300; // the same code again from the same scanner is one scan
const elsewhere_ms = 1500; // and from the other kind of scanner too

let handler = () => {};
let last = { data: "", source: "", at: -Infinity };

export function onScan(callback) {
    handler = callback;
}

export function scanned(data, source) {
    const code = data.replace(/^\][A-Za-z][0-9A-Za-z]/, "").trim();
    if (!code) return;
    const at = performance.now();
    const quiet_ms = source === last.source ? same_ms : elsewhere_ms;
    const doubled = code === last.data && at - last.at < quiet_ms;
    last = { data: code, source, at };
    if (!doubled) handler(code);
}

// A scanner may be set up to send a character before each code, which nobody types: said once in the
// page's address, /?prefix=~. After it everything up to Enter is a scan, however slow it comes.
export function keepPrefix() {
    const said = new URLSearchParams(location.search).get("prefix");
    if (said !== null) localStorage.setItem("tillback.prefix", said);
}

const prefix = () => localStorage.getItem("tillback.prefix") || null;

const burst = { text: "", begun: 0, at: 0, field: null, before: "", prefixed: false };

function isScan(event) {
    if (burst.prefixed) return burst.text.length > 0;
    return event.timeStamp - burst.at < pause_ms && burst.text.length >= least && (burst.at - burst.begun) / (burst.text.length - 1) < fast_ms;
}

function begin(event) {
    const field = event.target.closest?.("input, select, textarea");
    Object.assign(burst, { text: "", begun: event.timeStamp, field, before: field?.value ?? "", prefixed: false });
}

function end(event) {
    if (isScan(event)) {
        event.preventDefault();
        event.stopImmediatePropagation();
        const field = document.getElementById(burst.field?.id) ?? burst.field; // it may have been shown anew
        if (field) field.value = burst.before;
        scanned(burst.text, "keyboard");
    }
    burst.text = "";
    burst.prefixed = false;
}

export function watchKeyboard() {
    document.addEventListener("keydown", (event) => {
        if ((event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph")) return;
        if (burst.prefixed && event.timeStamp - burst.at > stray_ms) burst.prefixed = false;
        if (event.key === "Enter" || event.key === "Tab") {
            end(event);
        } else if (event.key === prefix()) {
            begin(event);
            burst.prefixed = true;
            burst.at = event.timeStamp;
            event.preventDefault();
        } else if (event.key.length === 1) {
            if (burst.prefixed) event.preventDefault();
            else if (!burst.text || event.timeStamp - burst.at > pause_ms) begin(event);
            burst.text += event.key;
            burst.at = event.timeStamp;
            // A button must not be pressed by a blank in a code.
            if (burst.text.length > 1 && !burst.field) event.preventDefault();
        }
    }, { capture: true });
}

function checkDigitFits(digits) {
    let sum = 0;
    for (let i = digits.length - 2, weight = 3; i >= 0; i--, weight = 4 - weight) sum += Number(digits[i]) * weight;
    return (10 - (sum % 10)) % 10 === Number(digits.at(-1));
}

// What a code is: an item (GTIN, also within a GS1 element string or link), a return, or a receipt.
export function classify(code) {
    if (/^R\w{1,8}-\d{6,9}-\d$/.test(code)) return { kind: "return", code };
    const item = /^\d{8}$|^\d{12,14}$/.exec(code)?.[0] ?? /\/01\/(\d{8,14})(?:\/|\?|$)/.exec(code)?.[1] ?? /^01(\d{14})/.exec(code)?.[1];
    if (item && checkDigitFits(item)) return { kind: "item", code: item };
    return { kind: "receipt", code };
}

export const sameItem = (a, b) => Boolean(a && b) && a.replace(/^0+/, "") === b.replace(/^0+/, "");
