// Plots as SVG: each a picture with a title that says in words what it shows.

const SVG = "http://www.w3.org/2000/svg";
const PLOT = {width: 640, height: 240, left: 84, right: 12, top: 44, bottom: 34};

const shape = (name, attributes, ...children) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes))
        made.setAttribute(key, value);
    made.append(...children);
    return made;
};

const label = (x, y, text, anchor = "middle", kind = "") =>
    shape("text", {x, y, "text-anchor": anchor, class: `label ${kind}`}, text);

// A round number at or above.
const roundUp = (value) => {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
};

const frame = (title, most, write) => {
    const {width, height, left, right, top, bottom} = PLOT;
    const svg = shape("svg", {viewBox: `0 0 ${width} ${height}`, role: "img"},
        shape("title", {}, title), label(0, 16, title, "start", "title"));
    for (const part of most > 1 ? [0, 0.5, 1] : [0, 1]) {
        const y = height - bottom - part * (height - top - bottom);
        svg.append(shape("line", {x1: left, x2: width - right, y1: y, y2: y, class: "grid"}),
            label(left - 6, y + 4, write(part * most), "end"));
    }
    return svg;
};

// bars: [{name, value}]
export const plotBars = (title, bars, write) => {
    const {width, height, left, right, top, bottom} = PLOT;
    const most = roundUp(Math.max(...bars.map((bar) => bar.value), 1));
    const svg = frame(title, most, write);
    const step = (width - left - right) / bars.length;
    bars.forEach((bar, i) => {
        const tall = (bar.value / most) * (height - top - bottom);
        const x = left + (i + 0.5) * step;
        svg.append(shape("rect", {
            x: x - step * 0.35, y: height - bottom - tall, width: step * 0.7, height: tall, rx: 2,
            class: "bar"}, shape("title", {}, `${bar.name}: ${write(bar.value)}`)),
        label(x, height - bottom + 16, bar.name));
        if (bar.value > 0 && bars.length <= 6)
            svg.append(label(x, height - bottom - tall - 5, write(bar.value)));
    });
    return svg;
};

// series: [{name, values}], all as long as `names`.
export const plotLines = (title, names, series, write) => {
    const {width, height, left, right, top, bottom} = PLOT;
    const most = roundUp(Math.max(...series.flatMap((one) => one.values), 1));
    const svg = frame(title, most, write);
    const step = (width - left - right) / Math.max(names.length - 1, 1);
    const point = (value, i) =>
        [left + i * step, height - bottom - (value / most) * (height - top - bottom)];
    series.forEach((one, i) => {
        svg.append(shape("polyline", {points: one.values.map(point).join(" "), class: `line line-${i}`}),
            ...one.values.map((value, k) => {
                const [cx, cy] = point(value, k);
                return shape("circle", {cx, cy, r: 3, class: `key-${i}`},
                    shape("title", {}, `${names[k]}, ${one.name}: ${write(value)}`));
            }),
            shape("circle", {cx: left + i * 110, cy: 32, r: 5, class: `key-${i}`}),
            label(left + i * 110 + 10, 36, one.name, "start"));
    });
    svg.append(label(left, height - bottom + 16, names[0] ?? "", "start"),
        label(width - right, height - bottom + 16, names[names.length - 1] ?? "", "end"));
    return svg;
};

const since = (ms) => {
    const s = Math.round(ms / 1000);
    if (ms < 1000)
        return `+${ms} ms`;
    if (s < 120)
        return `+${s} s`;
    return s < 7200 ? `+${Math.round(s / 60)} min` : s < 172800 ? `+${Math.round(s / 3600)} h` : `+${Math.round(s / 86400)} d`;
};

// steps: [{name, at, kind}], in milliseconds: one return's way through the house, a row for each.
// Its ends may be days apart and its steps milliseconds: the scale is of the logarithm.
export const plotTrail = (title, steps) => {
    const {width} = PLOT;
    const row = 22;
    const start = 190;
    const from = Math.min(...steps.map((one) => one.at));
    const place = (at) => Math.log10(1 + Math.max(0, at - from) / 100);
    const wide = Math.max(...steps.map((one) => place(one.at)), 0.1);
    const svg = shape("svg", {viewBox: `0 0 ${width} ${row * (steps.length + 1)}`, role: "img"},
        shape("title", {}, title));
    steps.forEach((one, i) => {
        const x = start + (place(one.at) / wide) * (width - start - 80);
        const y = row * (i + 1);
        svg.append(shape("line", {x1: start, x2: x, y1: y, y2: y, class: "grid"}),
            shape("circle", {cx: x, cy: y, r: 5, class: one.kind}),
            label(0, y + 4, one.name, "start"), label(x + 10, y + 4, since(one.at - from), "start"));
    });
    return svg;
};
