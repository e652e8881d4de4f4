// Scanning with the tablet's own camera, where the browser can read codes (BarcodeDetector).

import { button, h } from "./dom.js";
import { scanned } from "./scan.js";
import { app, notice, render } from "./state.js";
import { t } from "./words.js";

const look_ms = 150;
const formats = ["code_128", "ean_13", "ean_8", "upc_a", "upc_e", "qr_code", "data_matrix", "pdf417", "itf"];

let stream = null;
let detector = null;

const canScan = () => "BarcodeDetector" in window && Boolean(navigator.mediaDevices?.getUserMedia);

function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    app.camera = false;
    render();
}

async function look(video) {
    if (!stream || !document.contains(video)) return;
    const [code] = await detector.detect(video).catch(() => []);
    if (code?.rawValue) {
        stop();
        scanned(code.rawValue, "camera");
        return;
    }
    setTimeout(look, look_ms, video);
}

async function start() {
    if (app.camera) return;
    try {
        const supported = await window.BarcodeDetector.getSupportedFormats();
        detector = new window.BarcodeDetector({ formats: formats.filter((one) => supported.includes(one)) });
        stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        app.camera = true;
        notice("");
    } catch {
        notice(t("camera.refused"));
    }
    render();
}

function viewfinder() {
    const video = h("video", { id: "camera", playsinline: true, muted: true, "aria-label": t("camera.text") });
    video.srcObject = stream;
    video.addEventListener("playing", () => look(video), { once: true });
    video.play().catch(() => {});
    return h("div", { class: "camera" }, video, button("camera-stop", t("cancel"), stop, { symbol: "cross" }));
}

// The button, or what the camera sees; nothing where the browser can't.
export function cameraPart() {
    if (!canScan()) return null;
    return app.camera && stream ? viewfinder() : button("camera-start", t("camera.start"), start, { symbol: "scan" });
}
