"""What waits for people: seen, decided by those who may, with a reason, and never forgotten."""

import json
import subprocess

import pytest
from conftest import ROOT, Hub
from road.road import await_true

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


def test_entry_of_a_closed_period_is_parked_and_its_store_knows(road, hub, parked_entries):
    parked = hub.get("/v1/parked")["entries"]
    assert {entry["code"] for entry in parked} == {"period_closed"}
    store = await_true(
        lambda: (found := road.ask_store(f"/v1/returns/{parked_entries['return_id']}"))
        and found["posting"] == "parked"
        and found,
        10,
        "the store to know",
    )
    assert any("journal.parked" in event["type"] for event in store["history"])


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


def raise_exception(road):
    """A person can't make one from outside; the database's own row stands for it."""
    subprocess.run(
        ["sqlite3", road.hub_state / "hub.db"],
        input="PRAGMA busy_timeout=5000; INSERT INTO hub_exception (code, device, log_id, seq,"
        " detail, times, raised_ms, last_ms) VALUES ('log_forked', 'x', x'00', 1, 'd', 1, 0, 0);",
        text=True,
        check=True,
        timeout=30,
        stdout=subprocess.DEVNULL,
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
