// Elements: el("td", {class: "number"}, "12"). Attributes that are functions are listeners.

export const el = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (typeof value === "function")
            made.addEventListener(key, value);
        else if (value === true)
            made.setAttribute(key, "");
        else if (value !== undefined && value !== null && value !== false)
            made.setAttribute(key, value);
    }
    made.append(...children.filter((child) => child !== undefined && child !== null));
    return made;
};

export const card = (title, ...children) =>
    el("section", {class: "card"}, el("h2", {}, title), ...children);

// columns: [[title, (row) => text or node, "number"?]]
export const table = (columns, rows, none = "Nothing.") => {
    if (rows.length === 0)
        return el("p", {class: "none"}, none);
    const head = columns.map(([title, , kind]) => el("th", {scope: "col", class: kind}, title));
    const body = rows.map((row) => el("tr", {},
        ...columns.map(([, cell, kind]) => el("td", {class: kind}, cell(row) ?? ""))));
    return el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "Table"},
        el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
};

export const badge = (text, kind) => el("span", {class: `badge ${kind ?? ""}`}, text);
