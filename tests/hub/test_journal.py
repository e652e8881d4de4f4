"""A return at the counter becomes balanced entries, posted and known at the store."""

import csv
import io
import subprocess

import pytest
from conftest import Hub
from road.road import await_true


def give_back(till, receipt="0042-01-hub-1", pieces=1):
    status, _ = till.sell(receipt)
    assert status == 201
    answers = [till.give_back(receipt, piece) for piece in range(pieces)]
    assert [status for status, _ in answers] == [201] * pieces
    return [answer for _, answer in answers]


def hledger(journal, *words):
    done = subprocess.run(
        ["hledger", "-f", "-", *words], input=journal, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def balances(journal):
    rows = csv.reader(io.StringIO(hledger(journal, "balance", "-O", "csv", "-N")))
    return {account: amount for account, amount in rows if account != "account"}


def minor_by_account(entries):
    sums = {}
    for entry in entries:
        for line in entry["journal"]["lines"]:
            amount = line.get("debit", 0) - line.get("credit", 0)
            sums[line["account"]] = sums.get(line["account"], 0) + amount
    return {account: amount for account, amount in sums.items() if amount}


def test_a_return_is_booked_posted_and_told_to_its_store(road, till, hub):
    [answer] = give_back(till)
    entries = hub.await_entries(2, f"return={answer['return_id']}")
    posted = hub.await_entries(len(entries), "state=posted")
    rules = [entry["journal"]["rule"] for entry in posted]
    assert rules[:2] == ["accepted", "goods_received"]
    assert [entry["posted_number"] for entry in posted] == [
        f"L-{number}" for number in range(1, len(posted) + 1)
    ]
    trail = await_true(
        lambda: (found := hub.get(f"/v1/returns/{answer['number']}"))
        and sum("journal.posted" in e["event"]["type"] for e in found["events"]) == len(posted)
        and all(e.get("ledger") == "applied" for e in found["events"])
        and found,
        10,
        "the trail",
    )
    assert [entry["entry"] for entry in trail["entries"]] == [e["entry"] for e in posted]
    await_true(
        lambda: road.ask_store(f"/v1/returns/{answer['return_id']}")["posting"] == "posted",
        10,
        "the store to know",
    )


def test_pieces_returned_one_by_one_sum_to_the_whole(till, hub):
    give_back(till, pieces=3)
    entries = hub.await_entries(6, "state=posted")
    accepted = [e["journal"] for e in entries if e["journal"]["rule"] == "accepted"]
    role = {
        name: [
            sum(x.get("debit", 0) - x.get("credit", 0) for x in e["lines"] if x["role"] == name)
            for e in accepted
        ]
        for name in ("returns", "tax", "refunds_payable")
    }
    assert role == {
        "returns": [280, 280, 280],
        "tax": [53, 54, 53],
        "refunds_payable": [-333, -334, -333],
    }


def test_export_balances_in_hledger_and_is_what_was_posted(road, till, hub):
    give_back(till, pieces=3)
    hub.await_entries(6, "state=posted")
    exported = hub.get("/v1/journal/export?format=ledger")
    hledger(exported, "check", "balancednoautoconversion")
    expected = {a: f"EUR {m / 100:.2f}" for a, m in minor_by_account(hub.entries()).items()}
    assert balances(exported) == expected
    assert balances(road.journal.read_text()) == expected
    told = subprocess.run(
        road.hub_words("export", "ledger"),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert told.stdout == exported


def test_csv_holds_each_line_and_balances(till, hub):
    [answer] = give_back(till)
    entries = hub.await_entries(2)
    rows = list(csv.DictReader(io.StringIO(hub.get("/v1/journal/export?format=csv"))))
    assert len(rows) == sum(len(entry["journal"]["lines"]) for entry in entries)
    assert {row["return_id"] for row in rows} == {answer["return_id"]}
    debit = sum(float(row["debit"] or 0) for row in rows)
    assert debit == sum(float(row["credit"] or 0) for row in rows) > 0


def test_return_is_found_by_receipt_number_seq_and_posted_number(road, till, hub):
    [answer] = give_back(till)
    posted = hub.await_entries(1, "state=posted")
    device = road.ask_hub("/v1/devices")["devices"][0]["id"]
    for query in (
        "receipt=0042-01-hub-1",
        f"number={answer['number']}",
        f"device={device}&seq={answer['seq']}",
        f"posted={posted[0]['posted_number']}",
    ):
        found = hub.get(f"/v1/returns?{query}")["returns"]
        assert [r["return_id"] for r in found] == [answer["return_id"]], query


def test_rebuild_gives_the_same_and_what_was_posted_stays(road, till, hub):
    give_back(till, pieces=2)
    before = hub.await_entries(4, "state=posted")
    hub.client.close()
    road.hub.stop()
    command = road.hub_words("rebuild-ledger")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("0 came out otherwise")
    road.hub.start()
    assert hub.entries("state=posted") == before


def test_posting_killed_at_any_moment_posts_each_entry_once(road, till, hub):
    for number in range(6):
        give_back(till, f"0042-01-kill-{number}")
        road.hub.kill()
        hub.client.close()
        road.hub.start()
    entries = hub.await_entries(12, timeout_s=30)
    await_true(
        lambda: len(hub.entries("state=posted")) == len(hub.entries()) >= 12, 30, "the postings"
    )
    lines = road.journal.read_text().splitlines()
    references = [line.split("(")[1].split(")")[0] for line in lines if line[:1].isdigit()]
    assert sorted(references) == sorted(e["journal"]["reference"] for e in hub.entries())
    assert len(entries) >= 12


PATHS = ["/v1/devices", "/v1/events", "/v1/journal", "/v1/parked", "/v1/exceptions", "/metrics"]


@pytest.mark.parametrize("token", ["none", "wrong", "revoked"])
def test_nothing_is_told_without_a_token_in_force(road, hub, token):
    visitor = Hub(road, None)
    command = road.hub_words("token")
    if token == "revoked":
        visitor.client.token = road.hub_token("it")
        assert visitor.ask("GET", "/v1/devices")[0] == 200
        listed = subprocess.run([*command, "list"], capture_output=True, text=True, timeout=30)
        [number] = [x.split()[0] for x in listed.stdout.splitlines() if x.split()[2] == "it"]
        subprocess.run([*command, "revoke", number], check=True, timeout=30)
    elif token == "wrong":
        visitor.client.token = "0" * 64
    for path in PATHS:
        status, body = visitor.ask("GET", path)
        assert (status, body["status"]) == (401, 401), path
    assert visitor.ask("GET", "/healthz")[0] == 200
    visitor.client.close()


def test_dashboard_is_served_without_a_token(road):
    visitor = Hub(road, None)
    status, _, page = visitor.client.request("GET", "/")
    visitor.client.close()
    assert status == 200 and b"Tillback hub" in page
