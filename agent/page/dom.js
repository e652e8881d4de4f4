// Elements without a framework: h("button", {id: "go", onclick: go}, "Go").

export function h(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes ?? {})) {
        if (value === false || value === null || value === undefined) continue;
        if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
        else if (name === "value") element.value = value;
        else element.setAttribute(name, value === true ? "" : value);
    }
    element.append(...children.flat(Infinity).filter((child) => child || child === 0));
    return element;
}

const paths = {
    back: "M9 13h10a5 5 0 0 1 0 10h-6M13 8l-5 5 5 5",
    check: "M6 17l7 7L26 9",
    cloud: "M10 24h13a5 5 0 0 0 .6-10A8 8 0 0 0 8.500 15.200 4.500 4.500 0 0 0 10 24z",
    cross: "M9 9l14 14M23 9L9 23",
    clock: "M16 6a10 10 0 1 0 .01 0M16 10v6l4 3",
    lock: "M9 15h14v10H9zM12 15v-4a4 4 0 0 1 8 0v4",
    off: "M10 24h13a5 5 0 0 0 .6-10A8 8 0 0 0 8.500 15.200 4.500 4.500 0 0 0 10 24zM6 6l20 22",
    printer: "M10 12V5h12v7M10 22H6V12h20v10h-4M10 18h12v9H10z",
    person: "M16 15a5 5 0 1 0-.01 0M6 27a10 10 0 0 1 20 0",
    stop: "M11 5h10l6 6v10l-6 6H11l-6-6V11zM16 11v6M16 21v.5",
    scan: "M5 10V6h5M22 6h5v4M27 22v4h-5M10 26H5v-4M10 11v10M14 11v10M18 11v10M22 11v10",
    undo: "M9 12h10a6 6 0 0 1 0 12h-5M13 7l-5 5 5 5",
};

// Decoration only: the words beside it say the same.
export function icon(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 32 32");
    svg.setAttribute("class", `icon ${name === "back" ? "mirrors" : ""}`);
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", paths[name]);
    svg.append(path);
    return svg;
}

export function button(id, label, onclick, more = {}) {
    const { symbol, ...attributes } = more;
    return h("button", { id, type: "button", onclick, ...attributes }, symbol ? icon(symbol) : null, h("span", null, label));
}

// Replaces what an element holds. What was typed and not yet taken stays, and so does the focus,
// in the elements of the same ids.
export function show(place, ...children) {
    const focused = document.activeElement?.id;
    const typed = [...place.querySelectorAll("input")].filter((input) => input.id && input.value).map(({ id, value }) => ({ id, value }));
    place.replaceChildren(...children.flat(Infinity).filter(Boolean));
    for (const { id, value } of typed) {
        const input = document.getElementById(id);
        if (input && !input.value) input.value = value;
    }
    if (focused && document.activeElement?.id !== focused) document.getElementById(focused)?.focus();
}

// For a new screen: its heading gets the focus, so that what it is about is read out.
export function heading(text) {
    return h("h1", { id: "title", tabindex: "-1" }, text);
}

export function say(text) {
    document.getElementById("said").textContent = text;
}
