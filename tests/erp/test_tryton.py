"""Returns at the counter become posted moves in a real Tryton: once each, with the lines that the hub
made, or parked with a reason in words."""

import csv
import io
import json
import subprocess
import time

import pytest
from conftest import Shop, open_shop
from road.road import await_true
from road.till import Till
from tryton import BOOKS, minor

MONTH = time.strftime("%Y-%m", time.gmtime())


def sums_of(entry):
    """{account: minor units}"""
    sums = {}
    for line in entry["journal"]["lines"]:
        amount = line.get("debit", 0) - line.get("credit", 0)
        sums[line["account"]] = sums.get(line["account"], 0) + amount
    return sums


def assert_the_same_books(shop, tryton):
    """Each entry is one posted move with the same amounts; nothing else was posted."""
    moves = tryton.moves("posted")
    for entry in shop.entries():
        reference = entry["journal"]["reference"]
        assert moves.pop(reference) == [sums_of(entry)], reference
    assert moves == {}


@pytest.mark.quick
def test_entries_are_posted_once_and_told_to_the_store(shop, tryton):
    [first, second] = shop.give_back("0042-01-t-1", 2)
    refund = {"tenders": [{"tender": 1, "amount": 333, "reference": "RF-1"}]}
    path = f"/v1/returns/{first['return_id']}"
    assert shop.till.insist(f"{path}/refund", refund, "refund-1")[0] in (200, 201)
    shop.await_entries(5, "state=posted")
    body = {"note": "changed their mind"}
    assert shop.till.insist(f"/v1/returns/{second['return_id']}/void", body, "void-1")[0] < 300
    shop.await_entries(6, "state=posted")
    entries = shop.await_all_posted(2)
    assert {e["journal"]["rule"] for e in entries} == {
        "accepted", "goods_received", "refund_issued", "voided",
    }
    assert_the_same_books(shop, tryton)
    numbers = {e["posted_number"] for e in entries}
    assert len(numbers) == len(entries) and all(n.startswith(MONTH[:4]) for n in numbers)
    # The void took back all of the second return: what stays is the first, paid by card.
    assert tryton.balances() == {"4100": 280, "2200": 53, "1100": -333, "1410": 200, "5000": -200}
    await_true(lambda: shop.road.ask_store(path)["posting"] == "posted", 10, "the store to know")


@pytest.mark.quick
def test_export_is_what_tryton_holds(shop, tryton):
    for number in range(3):
        shop.give_back(f"0042-01-x-{number}", 2)
    shop.await_all_posted(6)
    status, _, text = shop.finance.request("GET", "/v1/journal/export?format=ledger")
    assert status == 200
    done = subprocess.run(
        ["hledger", "-f", "-", "balance", "-O", "csv", "-N"],
        input=text.decode(), capture_output=True, text=True, timeout=30, check=True,
    )
    rows = [row for row in csv.reader(io.StringIO(done.stdout)) if row[0] != "account"]
    exported = {a: minor({"decimal": amount.removeprefix("EUR ")}) for a, amount in rows}
    assert {a: amount for a, amount in exported.items() if amount} == tryton.balances()


@pytest.mark.quick
def test_lost_answers_are_looked_up_before_asking_again(shop, tryton, line):
    line.lose("account.move.create", 2)
    line.lose("account.move.post", 2)
    line.lose("move.line.search_read", 1)
    shop.give_back("0042-01-l-1", 3)
    shop.await_all_posted(3)
    assert line.left() == 0
    assert_the_same_books(shop, tryton)
    assert tryton.moves("draft") == {}


def test_busy_tryton_is_asked_later(shop, tryton, line):
    line.answer("account.move.post", 429, 1)
    line.answer("account.move.create", 503, 1)
    shop.give_back("0042-01-b-1")
    shop.await_all_posted(1)
    assert line.left() == 0
    assert_the_same_books(shop, tryton)


def test_forgotten_session_is_opened_anew(shop, tryton):
    shop.give_back("0042-01-s-1")
    shop.await_all_posted(1)
    tryton.forget_sessions()
    shop.give_back("0042-01-s-2")
    shop.await_all_posted(2)
    assert_the_same_books(shop, tryton)


def test_entries_wait_while_tryton_is_away(shop, tryton):
    tryton.program.kill()
    shop.give_back("0042-01-a-1", 2)
    shop.await_entries(4, "state=ready")
    waits = 'tillback_hub_posting_unreachable{connector="tryton"} 1'
    await_true(lambda: waits in shop.road.ask_hub_text("/metrics"), 10, "the hub to notice")
    tryton.start()
    shop.await_all_posted(2)
    assert_the_same_books(shop, tryton)


def by_company(tmp_path, tryton):
    """Settings: the company of the road's store is in that Tryton, all others in a file."""
    books = json.loads(BOOKS.read_text())
    books["companies"].append({**books["companies"][0], "company": "north", "stores": ["0042"]})
    (tmp_path / "books.json").write_text(json.dumps(books))
    connectors = [
        {"name": "north", "connector": tryton.connector("north"), "companies": ["north"]},
        {"name": "others", "connector": f"ledger-file:{tmp_path / 'others.ledger'}"},
    ]
    (tmp_path / "connectors.json").write_text(json.dumps({"connectors": connectors}))
    return f"by-company:{tmp_path / 'connectors.json'}", f"ledger.books={tmp_path / 'books.json'}"


def bring_to_a_warehouse(shop, receipt, store):
    """A return of another store, which the centre takes in by itself."""
    commerce = Till(shop.road.hub_url, shop.road.hub_token("commerce"))
    sale = {**shop.till.sale(receipt), "store": store, "channel": "online"}
    sale["tenders"][0]["type"] = "online_payment"
    line = {"line": 1, "quantity": 1}
    assert commerce.request("POST", "/v1/orders", sale)[0] == 201
    asked = {"number": f"RMA-{receipt}", "receipt": receipt, "lines": [line]}
    status, _, allowed = commerce.request("POST", "/v1/authorisations", asked)
    assert status == 201, allowed
    goods = {"return": json.loads(allowed)["return_id"]}
    goods["lines"] = [{**line, "condition": "new_sealed"}]
    assert commerce.request("POST", "/v1/goods-received", goods)[0] == 201
    commerce.close()


@pytest.mark.quick
def test_company_goes_on_while_the_erp_of_another_is_away(tmp_path, base, tryton):
    with open_shop(tmp_path, base, *by_company(tmp_path, tryton)) as road:
        road.await_link()
        shop = Shop(road)
        tryton.program.kill()
        shop.give_back("0042-01-y-1", 2)
        shop.await_entries(4, "state=ready")
        unreachable = 'tillback_hub_posting_unreachable{connector="%s"} %d'
        await_true(
            lambda: unreachable % ("north", 1) in road.ask_hub_text("/metrics"), 10, "it to notice"
        )
        bring_to_a_warehouse(shop, "WEB-1", "0099")
        posted = shop.await_entries(2, "state=posted")
        assert {e["journal"]["company"] for e in posted} == {"main"}
        references = {e["journal"]["reference"] for e in posted}
        assert unreachable % ("others", 0) in road.ask_hub_text("/metrics")
        assert len(shop.entries("state=ready")) == 4
        stand = {c["name"]: c for c in road.ask_hub("/v1/connectors")["connectors"]}
        assert {n: (c["system"], c["waiting"], c["failures"] > 0) for n, c in stand.items()} == {
            "north": ("tryton", 4, True),
            "others": ("ledger-file", 0, False),
        }
        assert stand["north"]["oldest"] and stand["north"]["code"], stand
        tryton.start()
        shop.await_all_posted(3)
        # Each has its own company's entries and no others.
        kept = (tmp_path / "others.ledger").read_text()
        assert all(f"({reference})" in kept for reference in references)
        moves = tryton.moves("posted")
        for entry in shop.entries():
            if entry["journal"]["company"] == "north":
                assert moves.pop(entry["journal"]["reference"]) == [sums_of(entry)]
                assert entry["journal"]["reference"] not in kept
        assert moves == {}
        assert road.stop() == []


def test_closed_period_moves_the_entry_and_keeps_its_day(shop, tryton):
    tryton.set_period(MONTH, "close")
    shop.give_back("0042-01-c-1")
    shop.await_all_posted(1)
    for move in tryton.read("account.move", [], ["date", "description"]):
        day = move["date"]
        assert day["day"] == 1 and f"{day['year']}-{day['month']:02}" > MONTH
        assert f"document of {MONTH}-" in move["description"]


@pytest.mark.quick
def test_what_tryton_refuses_is_parked_in_its_words_and_leaves_nothing(shop, tryton):
    [account] = tryton.read("account.account", [["code", "=", "4100"]], ["id"])
    tryton.call("model.account.account.write", [[account["id"]], {"code": "4199"}])
    [answer] = shop.give_back("0042-01-r-1")
    shop.await_entries(1, "state=parked")
    [parked] = shop.road.ask_hub("/v1/parked")["entries"]
    assert parked["code"] == "refused_by_connector"
    assert "no account with code 4100" in parked["detail"]
    path = f"/v1/returns/{answer['return_id']}"
    await_true(lambda: shop.road.ask_store(path)["posting"] == "parked", 10, "the store to know")
    assert "accepted" not in str(tryton.moves().keys())
    tryton.call("model.account.account.write", [[account["id"]], {"code": "4100"}])
    again = f"/v1/parked/e-{parked['entry']}/resubmit"
    assert shop.finance.request("POST", again, {"reason": "the account is back"})[0] == 200
    shop.await_all_posted(1)
    assert_the_same_books(shop, tryton)


def test_another_move_under_our_reference_is_never_touched(shop, tryton):
    tryton.program.kill()
    shop.give_back("0042-01-o-1")
    entries = shop.await_entries(2, "state=ready")
    tryton.start()
    reference = entries[0]["journal"]["reference"]
    [journal] = tryton.call("model.account.journal.search", [[["code", "=", "RET"]], 0, 1, None])
    [period] = tryton.call("model.account.period.search", [[["name", "=", MONTH]], 0, 1, None])
    ids = {a["code"]: a["id"] for a in tryton.read("account.account", [], ["code"])}
    one, zero = ({"__class__": "Decimal", "decimal": d} for d in ("1.00", "0.00"))
    today = {"__class__": "date", **dict(zip(("year", "month", "day"), time.gmtime()[:3]))}
    lines = [
        {"account": ids["4100"], "debit": one, "credit": zero},
        {"account": ids["2200"], "debit": zero, "credit": one},
    ]
    other = {
        "company": 1, "journal": journal, "period": period, "date": today,
        "number": reference, "lines": [["create", lines]],
    }
    made = tryton.call("model.account.move.create", [[other]])
    tryton.call("model.account.move.post", [made])
    shop.await_entries(1, "state=parked")
    [parked] = shop.road.ask_hub("/v1/parked")["entries"]
    assert parked["code"] == "posted_otherwise"
    assert tryton.moves()[reference] == [{"4100": 100, "2200": -100}]
