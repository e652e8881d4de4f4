"""Receipts: what is printed is drawn as a printer would, and its codes are read by another's reader."""

import json
import time

import pytest
from conftest import ROOT, open_road, stop_well
from paper import Paper
from road.road import await_true
from road.till import Till

PICTURES = ROOT / "build" / "prints"
# P4, 64 by 8: four bars.
LOGO = b"P4\n# a logo\n64 8\n" + bytes([0xFF, 0x00] * 4) * 8


def template(folder, **change):
    document = json.loads((ROOT / "agent/print/receipt.default.json").read_text())
    document.update(change)
    path = folder / "receipt.json"
    path.write_text(json.dumps(document))
    return path


def sale(receipt, **more):
    return {
        "receipt": receipt, "channel": "store", "store": "0042", "lane": "01",
        "sold_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "currency": "EUR",
        "prices_include_tax": True,
        "lines": [
            {"line": 1, "sku": "4711", "gtin": "04006381333931", "description": "Größe 42: Söckchen",
             "category": "apparel", "quantity": 3, "unit": "each", "amount": 1000,
             "tax": [{"type": "vat", "class": "standard", "jurisdiction": "DE", "rate": "19", "amount": 160}]},
            {"line": 2, "sku": "88", "description": "Olive oil \x1b@ cold pressed, of the first press",
             "category": "food", "quantity": 1250, "unit": "ml", "amount": 1070,
             "tax": [{"type": "vat", "class": "reduced", "jurisdiction": "DE", "rate": "7", "amount": 70}]},
        ],
        "tenders": [{"tender": 1, "type": "cash", "amount": 2070}],
        **more,
    }  # fmt: skip


def asked(receipt, *lines):
    chosen = [
        {"line": line, "quantity": quantity, "reason": "unwanted", "condition": "new_sealed"}
        for line, quantity in lines
    ]
    return {"receipt": receipt, "lines": chosen}


class Counter:
    def __init__(self, road):
        self.road = road
        self.till = Till(road.store_url, road.token())
        self.seen = 0

    def post(self, path, body, key, status=201):
        answered, answer = self.till.insist(path, body, key)
        assert answered == status, answer
        return answer

    def sell(self, receipt, **more):
        self.post("/v1/sales", sale(receipt, **more), f"sale-{receipt}")

    def take(self, receipt, *lines, key=""):
        return self.post("/v1/returns", asked(receipt, *lines), f"return-{receipt}-{key}")

    def reprint(self, made, **wish):
        return self.post(f"/v1/returns/{made['return_id']}/print", wish, None, 202)

    def next_print(self, name):
        """The next whole print, drawn; its picture is kept."""

        def whole():
            data = self.road.paper_bytes.read_bytes()[self.seen :]
            end = data.find(b"\x1dV\x42\x00")
            return data[: end + 4] if end >= 0 else None

        data = await_true(whole, 20, "a print")
        self.seen += len(data)
        paper = Paper().feed(data)
        PICTURES.mkdir(parents=True, exist_ok=True)
        paper.picture().save(PICTURES / f"{name}.png")
        return paper

    def printed(self):
        return self.road.ask_store("/v1/prints")["prints"] == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("print")


@pytest.fixture(scope="module")
def counter(folder):
    logo = folder / "logo.pbm"
    logo.write_bytes(LOGO)
    blocks = json.loads((ROOT / "agent/print/receipt.default.json").read_text())["blocks"]
    blocks.append({"block": "qr", "align": "center"})
    settings = (
        f"print.logo={logo}",
        f"print.template={template(folder, blocks=blocks)}",
        "print.language=de",
        "store.name=Läden & Söhne",
        "store.address=Marktstraße 1|10115 Berlin",
    )
    with open_road(folder / "road", appliance_settings=settings, printer=True) as road:
        opened = Counter(road)
        yield opened
        opened.till.close()
        stop_well(road)


def test_receipt_can_be_read_by_people_and_scanners(counter):
    counter.sell("p-1")
    made = counter.take("p-1", (1, 2), (2, 500))
    paper = counter.next_print("receipt-de")
    assert paper.codes() == [("CODE128", made["number"]), ("QRCODE", made["number"])]
    assert paper.cuts == 1
    assert paper.drawer == [0], "cash is paid out: the drawer opens, once"
    for words in ("Läden & Söhne", "Marktstraße 1", "10115 Berlin", "Rückgabe", "Zum Beleg p-1",
                  "2 x Größe 42: Söckchen", "0,5 l x Olive oil  @ cold pressed", "MwSt. 19 %",
                  "MwSt. 7 %", "10,95 EUR", "In bar erhalten:"):  # fmt: skip
        assert words in paper.text, words
    assert "KOPIE" not in paper.text
    assert paper.picture().crop((0, 0, 512, 12)).getextrema()[0] == 0, "the logo is at the top"


def test_reprint_is_marked_as_a_copy_and_opens_no_drawer(counter):
    counter.sell("p-2")
    made = counter.take("p-2", (1, 1))
    counter.next_print("original")
    await_true(counter.printed, 10, "printed")
    assert counter.reprint(made, language="fr")["copy"]
    paper = counter.next_print("copy-fr")
    assert "COPIE" in paper.text and "Espèces" in paper.text and "3,33 EUR" in paper.text
    assert paper.codes()[0] == ("CODE128", made["number"])
    assert paper.drawer == []
    told = {"act": "receipt_reprinted", "by": "till", "lane": "01", "return_id": made["return_id"]}

    def all_told():
        events = [e["event"] for e in counter.road.ask_hub("/v1/events")["events"]]
        return [e["data"] for e in events if e["subject"] == "lane/01"]

    await_true(lambda: told in all_told(), 20, "the copy to be told")


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "pt"])
def test_every_language_fits_the_code_page(counter, language):
    counter.sell(f"p-{language}")
    made = counter.take(f"p-{language}", (1, 1))
    counter.next_print(f"first-{language}")
    await_true(counter.printed, 10, "printed")
    counter.reprint(made, language=language)
    paper = counter.next_print(f"copy-{language}")
    assert "?" not in paper.text, paper.text
    assert paper.codes()[0] == ("CODE128", made["number"])


def test_exchange_prints_both_halves(counter):
    counter.sell("p-3")
    new = sale("p-3-new", tenders=[{"tender": 1, "type": "cash", "amount": 2070}])
    body = {"return": asked("p-3", (1, 3)), "sale": new}
    counter.post("/v1/exchanges", body, "exchange-3")
    paper = counter.next_print("exchange-de")
    for words in ("Neue Ware, Beleg p-3-new", "3 x Größe 42", "1,25 l x Olive oil",
                  "Mit der Erstattung bezahlt", "Vom Kunden bezahlt", "10,70 EUR"):  # fmt: skip
        assert words in paper.text, f"{words}\n{paper.text}"


def test_without_paper_returns_go_on_and_their_receipts_come_later(counter):
    road = counter.road
    counter.sell("p-4")
    road.tell_printer("paper-out")
    state = lambda: road.ask_store("/v1/status")["printers"][0]["state"]  # noqa: E731
    await_true(lambda: state() == "paper_out", 20, "paper out is told")
    numbers = [counter.take("p-4", (1, 1), key=i)["number"] for i in range(3)]
    prints = lambda: road.ask_store("/v1/prints")["prints"]  # noqa: E731
    waiting = await_true(lambda: len(found := prints()) == len(numbers) and found, 10, "the prints to wait")
    assert [one["number"] for one in waiting] == numbers
    assert {one["state"] for one in waiting} == {"waiting"}

    def told():
        return "peripheral.changed" in "".join(event_types(road))

    await_true(told, 20, "the hub is told that the printer has no paper")
    road.appliance.kill()  # the power goes, and comes back
    road.appliance.start()
    road.tell_printer("ready")
    assert [counter.next_print("late").codes()[0][1] for _ in numbers] == numbers
    await_true(counter.printed, 20, "all are printed")


def event_types(road):
    events = road.ask_hub("/v1/events?device=store-0042-a")["events"]
    return [event["type"] if "type" in event else event["event"]["type"] for event in events]


def test_a_print_that_the_power_cut_is_never_repeated_by_itself(counter):
    road = counter.road
    counter.sell("p-5")
    road.printer.freeze()  # it takes bytes, and confirms nothing
    made = counter.take("p-5", (1, 1))
    state = lambda: [p["state"] for p in road.ask_store("/v1/prints")["prints"]]  # noqa: E731
    await_true(lambda: state() == ["printing"], 20, "it is being printed")
    road.appliance.kill()
    road.printer.thaw()
    road.appliance.start()
    assert state() == ["unsure"]
    first = counter.next_print("cut")
    assert "KOPIE" not in first.text
    counter.reprint(made)
    again = counter.next_print("cut-again")
    assert "KOPIE" in again.text and again.codes()[0] == ("CODE128", made["number"])
    await_true(counter.printed, 20, "nothing is left")
