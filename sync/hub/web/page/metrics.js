// The hub's own metrics, as monitoring reads them, so that the page and the alerts agree.

const line = /^tillback_hub_(\w+)(?:\{(.*)\})? (-?[\d.e+]+)$/;

export const parse = (text) => {
    const families = new Map();
    for (const row of text.split("\n")) {
        const found = line.exec(row);
        if (!found)
            continue;
        const labels = Object.fromEntries([...(found[2] ?? "").matchAll(/(\w+)="([^"]*)"/g)]
            .map(([, name, value]) => [name, value]));
        families.set(found[1], [...families.get(found[1]) ?? [], {labels, value: Number(found[3])}]);
    }
    return {
        rows: (name) => families.get(name) ?? [],
        sum: (name) => (families.get(name) ?? []).reduce((all, one) => all + one.value, 0),
    };
};
