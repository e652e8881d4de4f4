// What a person decides: a button that asks for the reason, and says what the hub answered.

import { may, sender } from "./api.js";
import { el } from "./dom.js";

const dialog = document.getElementById("act");
let changed = () => {};

export const whenChanged = (then) => {
    changed = then;
};

const input = ({name, label, kind = "text", value = "", hint, options, optional}) => {
    const id = `act-${name}`;
    const attributes = {id, name, value, required: !optional, autocomplete: "off"};
    const field = options
        ? el("select", {id, name}, ...options.map((one) => el("option", {value: one}, one)))
        : el("input", {...attributes, type: kind, "aria-describedby": hint && `${id}-hint`});
    return el("p", {}, el("label", {for: id}, label), field,
        hint && el("small", {id: `${id}-hint`}, hint));
};

const reason = {name: "reason", label: "Reason, for the record"};

/*
 * spec: {action, title, says?, fields?: [{name, label, kind?, hint?, options?}], path, body?: (values) => body}
 * The values of the fields are texts by their names, the reason among them.
 */
export const open = ({title, says, fields = [], path, body = (values) => values}) => {
    const send = sender(path);
    const problem = el("p", {id: "act-problem", role: "alert", class: "problem"});
    const submit = async (event) => {
        event.preventDefault();
        const values = Object.fromEntries(new FormData(event.target));
        try {
            await send(body(values));
            dialog.close();
            changed();
        } catch (error) {
            problem.textContent = error.message;
        }
    };
    dialog.replaceChildren(el("form", {submit},
        el("h2", {id: "act-title"}, title), says && el("p", {}, says),
        ...[...fields, reason].map(input), problem,
        el("p", {class: "buttons"}, el("button", {class: "main"}, "Do it"),
            el("button", {type: "button", click: () => dialog.close()}, "Leave it"))));
    dialog.showModal();
};

// Only for who may do it: `action` is its name in the audit.
export const button = (id, label, spec) => !may(spec.action) ? undefined
    : el("button", {id, type: "button", class: "small", click: () => open(spec)}, label);

export const isOpen = () => dialog.open;
