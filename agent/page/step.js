// The way from one step of a return to the next: each is kept before it is shown.

import { freshDraft, keepDraft } from "./draft.js";
import { app, notice, render } from "./state.js";

export function startAnew() {
    app.draft = freshDraft();
    notice("");
    keepDraft(app.draft);
    render();
}

export function step(name, change = {}) {
    Object.assign(app.draft, change, { step: name });
    keepDraft(app.draft);
    render();
}
