// Status, last scans and last returns, as the appliance tells them.

const shown = 10;

function prepend(list, text) {
    if (!list.dataset.used) {
        list.replaceChildren();
        list.dataset.used = "yes";
    }
    const item = document.createElement("li");
    item.textContent = text;
    list.prepend(item);
    while (list.children.length > shown) list.lastElementChild.remove();
}

function showLink(news) {
    const line = document.getElementById("link");
    const words = { online: "Online", connecting: "Connecting", offline: "Offline", none: "No hub configured" };
    line.dataset.link = news.link;
    line.textContent = `${words[news.link] ?? news.link}; ${news.waiting} waiting to be sent`;
}

const stream = new EventSource("/v1/stream");
stream.addEventListener("link", (event) => showLink(JSON.parse(event.data)));
stream.addEventListener("scan", (event) => {
    const scan = JSON.parse(event.data);
    const found = scan.sale ? `${scan.sale.lines.length} lines` : "not known here";
    prepend(document.getElementById("scans"), `${scan.data} (${found})`);
});
stream.addEventListener("returns", (event) => {
    const news = JSON.parse(event.data);
    prepend(document.getElementById("returns"), `${news.type} ${news.id}`);
});
