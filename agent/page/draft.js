// The return that is being made: kept in the browser at each step until it is over, so that a
// reload, a crash or a closed lid resumes it, and what was sent is sent again with the same key.
// One tab at a time has it.

import { newKey } from "./api.js";

const place = "tillback.draft";
const undo_max = 50;

export function freshDraft() {
    return { step: "start", key: newKey(), approvalKey: newKey(), refundKey: newKey(), voidKey: newKey(), receipt: null,
        sale: null, lines: [], undo: [] };
}

export function keepDraft(draft) {
    localStorage.setItem(place, JSON.stringify(draft));
}

export function keptDraft() {
    try {
        const draft = JSON.parse(localStorage.getItem(place));
        return draft?.key ? draft : freshDraft();
    } catch {
        return freshDraft();
    }
}

export function remember(draft) {
    draft.undo.push(JSON.stringify(draft.lines));
    if (draft.undo.length > undo_max) draft.undo.shift();
}

export function undo(draft) {
    if (draft.undo.length) draft.lines = JSON.parse(draft.undo.pop());
}

// Calls `lost` when another tab takes over. `taken` if another tab has it now.
export function holdDraft({ taken, held, lost }, steal = false) {
    if (!navigator.locks) return held();
    const options = steal ? { steal: true } : { ifAvailable: true };
    navigator.locks.request(place, options, (lock) => {
        if (!lock) return taken();
        held();
        return new Promise(() => {}); // until the tab is closed, or another takes it
    }).catch(lost);
}
