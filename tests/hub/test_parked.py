"""What waits for people: seen, decided by those who may, with a reason, and never forgotten."""

import json
import subprocess

import pytest
from api_document import APPLIANCE
from conftest import ROOT, Hub
from road.road import DEVICE, await_true

REASON = {"reason": "agreed with finance"}


@pytest.fixture
def parked_entries(road, till, hub, tmp_path):
    """A hub whose books have closed this period and leave what belongs to it to a person."""
    source = ROOT / "sync" / "hub" / "ledger" / "books.default.json"
    books = json.loads(source.read_text())
    books["companies"][0]["closed"] = [{"from": "2020-01-01", "to": "2099-12-31"}]
    books["companies"][0]["when_closed"] = "park"
    (tmp_path / "books.json").write_text(json.dumps(books))
    road.hub.stop()
    road.hub.command += ["--set", f"ledger.books={tmp_path / 'books.json'}"]
    road.hub.start()
    assert till.sell("0042-01-p-1")[0] == 201
    status, answer = till.give_back("0042-01-p-1")
    assert status == 201
    hub.await_entries(2, "state=parked")
    return answer


def open_exceptions(hub):
    exceptions = hub.get("/v1/exceptions")["exceptions"]
    return [one for one in exceptions if one["code"] == "period_closed"]


def test_entry_of_a_closed_period_is_parked_and_its_store_knows(road, hub, parked_entries):
    parked = hub.get("/v1/parked")["entries"]
    assert {entry["code"] for entry in parked} == {"period_closed"}
    for raised in open_exceptions(hub):
        assert (raised["device"], raised["return_id"]) == (DEVICE, parked_entries["return_id"])
        assert "seq" not in raised  # it is about an entry, not about an event
    store = await_true(
        lambda: (found := road.ask_store(f"/v1/returns/{parked_entries['return_id']}"))
        and found["posting"] == "parked"
        and found,
        10,
        "the store to know",
    )
    assert any("journal.parked" in event["type"] for event in store["history"])
    told = open_exceptions(hub)
    assert len(told) == len(parked)
    for one in told:
        assert (one["team"], one["return_id"]) == ("finance", parked_entries["return_id"])
        assert one["due"] > one["raised"]


def test_discarding_needs_finance_and_a_reason_and_is_audited(road, hub, parked_entries):
    entry = hub.get("/v1/parked")["entries"][0]["entry"]
    path = f"/v1/parked/e-{entry}/discard"
    for role in ("viewer", "it"):
        other = Hub(road, role)
        assert other.ask("POST", path, REASON)[0] == 403
        other.client.close()
    assert hub.ask("POST", path, {})[0] in (400, 422)
    assert hub.ask("POST", path, {"reason": ""})[0] in (400, 422)
    assert hub.get("/v1/parked")["entries"][0]["entry"] == entry
    assert hub.ask("POST", path, REASON)[0] == 200
    assert hub.ask("POST", path, REASON)[0] == 404
    assert len(open_exceptions(hub)) == len(hub.get("/v1/parked")["entries"]) == 1
    [row] = [r for r in hub.get("/v1/audit")["audit"] if r["action"] == "parked.discard"]
    assert (row["subject"], row["role"], row["reason"]) == (
        f"e-{entry}",
        "finance",
        REASON["reason"],
    )


def test_resubmitted_entry_is_posted_when_the_period_is_open_again(road, hub, parked_entries):
    numbers = [entry["entry"] for entry in hub.get("/v1/parked")["entries"]]
    hub.client.close()
    road.hub.stop()
    del road.hub.command[-2:]
    road.hub.start()
    for number in numbers:
        assert hub.ask("POST", f"/v1/parked/e-{number}/resubmit", REASON)[0] == 200
    posted = hub.await_entries(len(numbers), "state=posted")
    assert sorted(entry["entry"] for entry in posted) == sorted(numbers)
    assert open_exceptions(hub) == []


def test_entry_of_a_closed_period_is_posted_later_once_finance_approves(road, hub, parked_entries):
    numbers = [entry["entry"] for entry in hub.get("/v1/parked")["entries"]]
    path = f"/v1/parked/e-{numbers[0]}/approve"
    other = Hub(road, "it")
    assert other.ask("POST", path, REASON)[0] == 403
    other.client.close()
    assert hub.ask("POST", "/v1/parked/1/approve", REASON)[0] == 422
    assert hub.ask("POST", path, REASON)[0] == 200
    assert hub.ask("POST", path, REASON)[0] == 404
    [posted] = hub.await_entries(1, "state=posted")
    assert (posted["entry"], posted["posted_date"]) == (numbers[0], "2100-01-01")
    month = posted["journal"]["document_date"][:7]
    late = {e["entry"]: e["state"] for e in hub.get(f"/v1/closing?month={month}")["cut_off"]}
    assert late == {numbers[0]: "posted", **{number: "parked" for number in numbers[1:]}}
    [came] = hub.get("/v1/closing?month=2100-01")["from_before"]
    assert came["entries"] == 1
    assert len(open_exceptions(hub)) == len(numbers) - 1


POSLOG = """<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"><Transaction>
<BusinessUnit><UnitID>0042</UnitID></BusinessUnit><WorkstationID>01</WorkstationID>
<SequenceNumber>7</SequenceNumber><BusinessDayDate>2026-11-22</BusinessDayDate>
<EndDateTime>2026-11-22T10:11:12+01:00</EndDateTime><CurrencyCode>EUR</CurrencyCode>
<RetailTransaction TransactionStatus="Finished"><LineItem><SequenceNumber>1</SequenceNumber>
<Sale ItemType="Stock"><ItemID>4711</ItemID><ExtendedAmount>10.00</ExtendedAmount></Sale></LineItem>
<LineItem><Tender TenderType="Shells" TypeCode="Sale"><Amount>10.00</Amount></Tender></LineItem>
</RetailTransaction></Transaction></POSLog>"""


def test_what_no_return_can_hold_is_raised_at_the_store_and_resolved_at_the_centre(till, hub):
    """An exception of no return, from a legacy till's document, goes up and comes back."""
    status, _, text = till.request("POST", "/v1/poslog", POSLOG.encode())
    [refused] = json.loads(text)["refused"]
    assert (status, refused["code"]) == (200, "unmapped_code")
    [raised] = await_true(lambda: hub.get("/v1/exceptions")["exceptions"], 20, "the exception")
    assert (raised["code"], raised["team"]) == ("unmapped_code", "finance")
    assert "POSLog 0042/01/2026-11-22/7" in raised["detail"]
    [stored] = hub.get(f"/v1/returns/{raised['return_id']}")["events"]
    assert (raised["device"], raised["stream"], raised["seq"]) == (DEVICE, "returns", stored["seq"])
    assert stored["event"]["data"]["exception"] == refused["exception_id"]
    assert hub.ask("POST", f"/v1/exceptions/{raised['number']}/resolve", REASON)[0] == 200

    def resolved():
        found = json.loads(till.request("GET", "/v1/exceptions?state=resolved")[2])["exceptions"]
        return [e for e in found if e["exception_id"] == refused["exception_id"]]

    [mine] = await_true(resolved, 20, "the store to know")
    assert mine["how"] == REASON["reason"] and "return_id" not in mine
    assert not any(hub.get("/v1/parked").values())


def raise_exception(road):
    """A person can't make one from outside; the database's own row stands for it."""
    row = (
        "INSERT INTO hub_exception (code, device, log_id, seq, detail, times, raised_ms, last_ms)"
        " VALUES ('log_forked', 'x', {}, 1, 'd', 1, 0, 0);"
    )
    if road.hub_database:
        command, sql = ["psql", "-q", road.hub_database], row.format(r"'\x00'")
    else:
        command = ["sqlite3", road.hub_state / "hub.db"]
        sql = "PRAGMA busy_timeout=5000; " + row.format("x'00'")
    subprocess.run(
        command, input=sql, text=True, check=True, timeout=30, stdout=subprocess.DEVNULL
    )


def test_exception_is_assigned_and_resolved_with_a_reason(road, hub):
    raise_exception(road)
    [raised] = hub.get("/v1/exceptions")["exceptions"]
    path = f"/v1/exceptions/{raised['number']}"
    assert raised["state"] == "open"
    assert hub.ask("POST", f"{path}/assign", REASON)[0] in (400, 422)
    assert hub.ask("POST", f"{path}/assign", {**REASON, "owner": "Ada"})[0] == 200
    [assigned] = hub.get("/v1/exceptions")["exceptions"]
    assert (assigned["state"], assigned["owner"]) == ("assigned", "Ada")
    assert hub.ask("POST", f"{path}/resolve", REASON)[0] == 200
    assert hub.get("/v1/exceptions")["exceptions"] == []
    [resolved] = hub.get("/v1/exceptions?resolved=yes")["exceptions"]
    assert resolved["resolution"] == REASON["reason"]
    assert hub.ask("POST", f"{path}/resolve", REASON)[0] == 404


# --- Events --------------------------------------------------------------------------------------


@pytest.fixture
def books_without_cards(road, tmp_path):
    """A hub whose books have no account for what went back to a card, nor for the bank."""
    source = ROOT / "sync" / "hub" / "ledger" / "books.default.json"
    books = json.loads(source.read_text())
    del books["templates"]  # those that ship
    accounts = books["companies"][0]["accounts"]
    books["companies"][0]["accounts"] = [
        a for a in accounts if a.get("tender") != "card" and a["role"] != "bank"
    ]
    (tmp_path / "books.json").write_text(json.dumps(books))
    road.hub.stop()
    road.hub.command += ["--set", f"ledger.books={tmp_path / 'books.json'}"]
    road.hub.start()


def refund(till, receipt):
    """A return whose refund was paid out, as its answer."""
    assert till.sell(receipt)[0] == 201
    answer = till.give_back(receipt)[1]
    path = f"/v1/returns/{answer['return_id']}/refund"
    tender = answer["refund"]["tenders"][0]
    body = {"tenders": [{"tender": tender["tender"], "amount": tender["amount"]}]}
    status, answer = till.insist(path, body, f"refund-{receipt}")
    assert status == 200, answer
    return answer


def await_store(road, count):
    return await_true(
        lambda: len(found := road.ask_store("/v1/parked")["parked"]) == count and [found],
        15,
        f"{count} parked items at the store",
    )[0]


def history(road, answer):
    found = road.ask_store(f"/v1/returns/{answer['return_id']}")["history"]
    return [event["type"].split(".", 2)[2] for event in found]


def hub_command(road, *words):
    return road._run(*road.hub_words(*words))


def tillback(road, *words):
    """The command line as one at the counter uses it."""
    done = subprocess.run(
        [road.programs / "tillback", "--url", road.store_url, *words],
        env={"TILLBACK_TOKEN": road.token()},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout + done.stderr


def test_store_sees_all_that_is_parked_beyond_what_an_acknowledgement_names(
    road, till, hub, books_without_cards
):
    """An acknowledgement names fifty."""
    receipts = [f"0042-01-p-{i}" for i in range(112)]
    for receipt in receipts:
        refund(till, receipt)
    items = await_store(road, 112)
    assert len({item["id"] for item in items}) == 112
    await_true(  # the acknowledgement that counts them may be behind the page that lists them
        lambda: road.ask_store("/v1/status")["streams"]["returns"]["parked"] == 112,
        10,
        "the count of all",
    )
    code, text = tillback(road, "parked", "list")
    assert code == 1 and all(item["id"] in text for item in items)
    # What is settled in the middle and at the end is gone there too, over a connection made anew.
    oldest, middle = (sorted(items, key=lambda item: item["seq"])[i]["id"] for i in (0, 60))
    road.link.cut()
    for gone in (oldest, middle):
        assert hub.ask("POST", f"/v1/parked/{gone}/discard", REASON)[0] == 200
    road.link.restore()
    left = {item["id"] for item in await_store(road, 110)}
    assert left == {item["id"] for item in items} - {oldest, middle}


def test_books_that_lack_an_account_open_and_say_what_will_be_parked(road, books_without_cards):
    said = [line for line in road.hub.last_words().splitlines() if "books.account_missing" in line]
    assert all('role \\"bank\\"' in line for line in said)
    assert any("refund_settled" in line for line in said)


def test_parked_event_is_seen_on_both_sides_mended_and_let_go(
    road, till, hub, books_without_cards, tmp_path
):
    first, second = refund(till, "0042-01-m-1"), refund(till, "0042-01-m-2")
    items = await_store(road, 2)
    assert {item["code"] for item in items} == {"unmapped_code"}
    assert len(hub.await_entries(2)) >= 2, "what is not about cards is booked all the same"
    by_return = {
        road.ask_store(f"/v1/parked/{item['id']}")["event"]["correlationid"]: item
        for item in items
    }
    raised = [e for e in hub.get("/v1/exceptions")["exceptions"] if e["code"] == "unmapped_code"]
    assert {(e["return_id"], e["device"], e["stream"], e["seq"]) for e in raised} == {
        (returned, DEVICE, "returns", item["seq"]) for returned, item in by_return.items()
    }
    item = by_return[first["return_id"]]
    code, text = tillback(road, "parked", "list")
    assert (code, item["id"] in text) == (1, True), text

    # The store asks; what it wants let go is for people at the centre.
    code, text = tillback(road, "parked", "discard", item["id"], "--reason", "rung up twice")
    assert code == 0, text
    await_true(
        lambda: "discard_asked" in [e["code"] for e in hub.get("/v1/exceptions")["exceptions"]],
        15,
        "the wish of the store",
    )
    assert tillback(road, "parked", "resubmit", item["id"], "--reason", "try again")[0] == 0
    base = f"/v1/parked/{by_return[second['return_id']]['id']}"
    for method, path in (("GET", base), ("POST", f"{base}/discard"), ("POST", f"{base}/resubmit")):
        body = {"reason": "asked over HTTP"} if method == "POST" else None
        status, headers, text = till.request(method, path, body)
        assert status == (202 if body else 200), text
        APPLIANCE.hold(method, path, status, headers, text)
    await_true(lambda: "parked.decided.v1" in history(road, first), 15, "the hub's answer")
    assert len(await_store(road, 2)) == 2, "it was refused once more"

    # Mended: a new event in the place of the one that was wrong.
    wrong = road.ask_store(f"/v1/parked/{item['id']}")["event"]
    data = {**wrong["data"], "type": "cash"}
    path = f"/v1/parked/{item['id']}/mend"
    assert hub.ask("POST", path, REASON)[0] == 400
    assert hub.ask("POST", path, {**REASON, "data": [1]})[0] == 400
    status, answer = hub.ask("POST", path, {**REASON, "data": data})
    assert status == 200, (data, answer)
    assert [item["id"] for item in await_store(road, 1)] == [by_return[second["return_id"]]["id"]]
    await_true(lambda: history(road, first).count("parked.decided.v1") == 2, 15, "the news")
    def trail():
        return hub.get(f"/v1/returns/{first['return_id']}")["events"]

    [mended] = [row["event"] for row in trail() if row["event"].get("replaces") == item["id"]]
    assert mended["data"]["type"] == "cash"
    await_true(
        lambda: any(r["event"] == mended and r.get("ledger") == "applied" for r in trail()),
        15,
        "the mended event in the books",
    )

    # Let go on the hub's own command line, beside the running hub.
    other = by_return[second["return_id"]]["id"]
    assert other in hub_command(road, "parked", "list")
    assert "com.tillback.refund.issued.v1" in hub_command(road, "parked", "show", other)
    hub_command(road, "parked", "discard", other, "--reason", "paid by another return")
    await_store(road, 0)
    assert "Nothing is parked." in hub_command(road, "parked", "list")
    assert tillback(road, "parked", "list")[0] == 0

    def reasons():
        return [
            event["data"]["reason"]
            for event in road.ask_store(f"/v1/returns/{second['return_id']}")["history"]
            if event["type"].endswith("parked.decided.v1")
        ]

    # Over HTTP it asked to try again in vain; then a person let go.
    await_true(lambda: reasons()[-1] == "paid by another return", 15, "the news")
    hub.client.close()
    road.hub.stop()
    hub_command(road, *road.hub.command[-2:], "rebuild-ledger")
    road.hub.start()
