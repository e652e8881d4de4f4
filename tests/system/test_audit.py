"""The audit that the other tests rely on finds each way of breaking the promise."""

import shutil
import sqlite3
import types

import pytest
from conftest import open_road
from road.audit import Audit
from road.journal import all_posted, journal_problems, read_journal
from road.road import DEVICE, await_true
from road.till import Kept, Till


@pytest.fixture(scope="module")
def day(tmp_path_factory):
    """What a road left behind after two returns, and what was promised."""
    road = open_road(tmp_path_factory.mktemp("road"))
    kept = Kept()
    with road:
        road.await_link()
        till = Till(road.store_url, road.token())
        kept.note("sales", "sale-a", *till.sell("a"))
        for piece in range(2):
            kept.note("returns", f"return-a-{piece}", *till.give_back("a", piece))
        till.close()
        await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 10, "arrival")
        await_true(lambda: all_posted(road), 10, "posting")
    return road, kept


def audit_with(day, folder, where="hub/hub.db", script=""):
    road, kept = day
    for part in ("hub", "store"):
        shutil.copytree(road.folder / part, folder / part)
    with sqlite3.connect(folder / where) as db:
        db.executescript(script)
    db.close()
    copy = types.SimpleNamespace(hub_state=folder / "hub", store_state=folder / "store")
    return Audit(copy, DEVICE, kept).problems


def test_untouched_day_has_no_problems(day, tmp_path):
    assert audit_with(day, tmp_path) == []


BODY = "CAST(replace(CAST(body AS TEXT), {}) AS BLOB)"
DAMAGES = {
    "an event that is gone": ("DELETE FROM entry WHERE seq = 1", "missing"),
    "the newest that is gone": ("DELETE FROM entry WHERE seq = 5", "5 is not in the hub"),
    "an amount that was changed": (
        f"UPDATE event SET body = {BODY.format(repr('333') + ',' + repr('444'))}",
        "chain breaks",
    ),
    "an event that nobody wrote": (
        "INSERT INTO entry SELECT log_no, max(seq) + 1, event_no, hash FROM entry WHERE log_no ="
        " (SELECT log_no FROM entry WHERE seq = 5)",
        "which nobody wrote",
    ),
    "an event that is there twice": (
        "INSERT INTO event (id, device, log_no, seq, received_ms, body_hash, body)"
        " SELECT randomblob(16), device, log_no, 99, 0, body_hash, body FROM event WHERE seq = 3",
        "is in the hub twice",
    ),
    "a parked event": (
        "INSERT INTO parked (log_no, seq, event_no, code, detail, state, parked_ms)"
        " VALUES (1, 1, 1, 'code', 'why', 'open', 0)",
        "parked: code: why",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_at_the_hub_is_found(day, tmp_path, damage):
    script, sentence = DAMAGES[damage]
    problems = audit_with(day, tmp_path, script=script)
    assert any(sentence in problem for problem in problems), problems


def test_damage_at_the_store_is_found(day, tmp_path):
    script = "UPDATE event SET hash = randomblob(32) WHERE pos & 255 = 2"
    problems = audit_with(day, tmp_path, "store/tillback.db", script)
    assert any("appliance returns: the chain breaks at seq 2" in problem for problem in problems)


def test_promise_without_an_event_is_found(day, tmp_path):
    road, kept = day
    more = Kept()
    more.returns = {**kept.returns, "return-b-0": {"return_id": "nobody's"}}
    problems = audit_with((road, more), tmp_path)
    assert problems == [
        "return nobody's was saved, and is 0 times in the hub",
        "return-b-0 was answered with nobody's; the hub has []",
    ]


def test_journal_of_the_day_has_no_problems(day):
    road, kept = day
    entries = read_journal(road.journal)
    assert len(entries) == 4, "two returns: accepted, goods received"
    assert journal_problems(Audit(road, DEVICE, kept).events, entries) == []


JOURNALS = {
    "an entry twice": (lambda entries: entries + entries[:1], "2 times"),
    "an entry that is gone": (lambda entries: entries[1:], "has None payable"),
    "an amount that was changed": (
        lambda entries: [change_amount(entries[0]), *entries[1:]],
        "does not balance",
    ),
}


def change_amount(entry):
    entry.amounts[0] = (entry.amounts[0][0], entry.amounts[0][1] + 1)
    return entry


@pytest.mark.parametrize("damage", JOURNALS)
def test_damage_in_the_journal_is_found(day, damage):
    road, kept = day
    change, sentence = JOURNALS[damage]
    entries = change(read_journal(road.journal))
    problems = journal_problems(Audit(road, DEVICE, kept).events, entries)
    assert any(sentence in problem for problem in problems), problems
