// What the page knows, and the one way to show it anew.

export const app = {
    session: null, // who is signed in
    mustSignInAs: "", // after a lock: the number to begin with
    link: null, // as GET /v1/status tells it
    reached: true, // the appliance answers
    saving: true, // the last write that needed the disk succeeded
    tab: "here", // here | elsewhere
    view: "counter", // counter | waiting | day
    draft: null,
    notice: "", // one sentence above the screen: what a scan did, what went wrong
    busy: false,
    camera: false, // it looks for a code
};

// What the frame's buttons do; set by app.js.
export const actions = { lock: () => {}, goTo: () => {} };

let renderAll = () => {};

export function onRender(callback) {
    renderAll = callback;
}

export function render() {
    renderAll();
}

export function notice(text) {
    app.notice = text;
}
