"use strict";

/* Plots as SVG: each a picture with a title that says in words what it shows. */

const SVG = "http://www.w3.org/2000/svg";
const PLOT = {width: 640, height: 240, left: 64, right: 12, top: 44, bottom: 34};

const shape = (name, attributes, ...children) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes))
        made.setAttribute(key, value);
    made.append(...children);
    return made;
};

const label = (x, y, text, anchor = "middle") =>
    shape("text", {x, y, "text-anchor": anchor, class: "label"}, text);

/* A round number at or above. */
const roundUp = (value) => {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
};

const frame = (title, most, write) => {
    const {width, height, left, right, top, bottom} = PLOT;
    const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, role: "img"},
        shape("title", {}, title), label(left, 16, title, "start"));
    for (const part of [0, 0.5, 1]) {
        const y = height - bottom - part * (height - top - bottom);
        svg.append(shape("line", {x1: left, x2: width - right, y1: y, y2: y, class: "grid"}),
            label(left - 6, y + 4, write(part * most), "end"));
    }
    return svg;
};

/* bars: [{name, value}] */
const plotBars = (title, bars, write) => {
    const {width, height, left, right, top, bottom} = PLOT;
    const most = roundUp(Math.max(...bars.map((bar) => bar.value), 1));
    const svg = frame(title, most, write);
    const step = (width - left - right) / bars.length;
    bars.forEach((bar, i) => {
        const tall = (bar.value / most) * (height - top - bottom);
        svg.append(shape("rect", {
            x: left + i * step + step * 0.15, y: height - bottom - tall, width: step * 0.7,
            height: tall, class: "bar"}, shape("title", {}, `${bar.name}: ${write(bar.value)}`)),
        label(left + (i + 0.5) * step, height - bottom + 16, bar.name));
    });
    return svg;
};

/* series: [{name, values}], all as long as `names`. */
const plotLines = (title, names, series, write) => {
    const {width, height, left, right, top, bottom} = PLOT;
    const most = roundUp(Math.max(...series.flatMap((one) => one.values), 1));
    const svg = frame(title, most, write);
    const step = (width - left - right) / Math.max(names.length - 1, 1);
    const point = (value, i) =>
        `${left + i * step},${height - bottom - (value / most) * (height - top - bottom)}`;
    series.forEach((one, i) => {
        svg.append(shape("polyline", {points: one.values.map(point).join(" "), class: `line line-${i}`},
            shape("title", {}, one.name)),
        ...one.values.map((value, k) => {
            const [cx, cy] = point(value, k).split(",");
            return shape("circle", {cx, cy, r: 2.5, class: `key-${i}`});
        }),
        shape("text", {x: left + i * 110, y: 32, class: `label key-${i}`}, one.name));
    });
    svg.append(label(left, height - bottom + 16, names[0] ?? "", "start"),
        label(width - right, height - bottom + 16, names[names.length - 1] ?? "", "end"));
    return svg;
};

/* steps: [{name, at}], in milliseconds: one return's way through the house. */
const plotTrail = (title, steps) => {
    const {width, left, right} = PLOT;
    const row = 22;
    const from = Math.min(...steps.map((one) => one.at));
    const wide = Math.max(Math.max(...steps.map((one) => one.at)) - from, 1);
    const svg = shape("svg", {viewBox: `0 0 ${width} ${row * (steps.length + 1)}`, role: "img"},
        shape("title", {}, title));
    steps.forEach((one, i) => {
        const x = 240 + ((one.at - from) / wide) * (width - 240 - right - 60);
        const y = row * (i + 1);
        svg.append(shape("line", {x1: 240, x2: x, y1: y, y2: y, class: "grid"}),
            shape("circle", {cx: x, cy: y, r: 5, class: one.kind}),
            label(left - 56, y + 4, one.name, "start"),
            label(x + 10, y + 4, `+${Math.round((one.at - from) / 1000)} s`, "start"));
    });
    return svg;
};
