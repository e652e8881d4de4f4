"""The hub looks at its own database when it starts, the newest at once and the rest in the background;
what is damaged is said, and by `tillback-hub verify`. Then the hub opens anew by itself, and rescues a
file: the stores send again what is missing, and nothing is posted twice. On a server a person decides.
"""

import collections
import os
import re
import sqlite3
import subprocess

import pytest
from road.audit import all_arrived
from road.road import await_true


PAGE = 4096
ON_SERVER = "TILLBACK_POSTGRESQL" in os.environ
of_a_file = pytest.mark.skipif(ON_SERVER, reason="a server looks after its files itself")


def run(road, command):
    done = subprocess.run(road.hub_words(command), capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def verify(road):
    return run(road, "verify")


def change(road, sql):
    if ON_SERVER:
        subprocess.run(["psql", "-q", road.hub_database, "-c", sql], check=True)
    else:
        with sqlite3.connect(road.hub_state / "hub.db") as db:
            db.execute(sql)


def number_of(road, sql):
    if ON_SERVER:
        words = ["psql", "-qAt", road.hub_database, "-c", sql]
        return int(subprocess.run(words, capture_output=True, check=True).stdout)
    with sqlite3.connect(f"file:{road.hub_state / 'hub.db'}?mode=ro", uri=True) as db:
        return db.execute(sql).fetchone()[0]


def posted(road):
    return re.findall(r"^\d{4}-\d\d-\d\d[^(]*\(([^)]+)\)", road.journal.read_text(), re.MULTILINE)


def trade(road, till, hub, numbers):
    """Returns, taken in and posted."""
    before = len(hub.entries("state=posted"))
    for number in numbers:
        assert till.sell(f"0042-01-v-{number}")[0] == 201
        assert till.give_back(f"0042-01-v-{number}", number)[0] == 201
    await_true(
        lambda: len(hub.entries("state=posted")) >= before + len(numbers) * 2, 30, "the postings"
    )


def is_whole(road):
    """All is back, once: verify finds nothing, and waits for nothing."""
    code, said = verify(road)
    return code == 0 and "still to come" not in said


def await_verified(road):
    return await_true(
        lambda: (found := road.ask_hub("/healthz"))["verified"] and found, 30, "the verification"
    )


@of_a_file
def test_hub_that_finds_its_file_damaged_rescues_it_though_nobody_starts_it_anew(road, till):
    for i in range(12):
        assert till.sell(f"0042-01-v-{i}")[0] == 201
        assert till.give_back(f"0042-01-v-{i}")[0] == 201
    await_true(lambda: all_arrived(road), 20, "arrival")
    road.hub.stop()
    road.hub.start()
    assert await_verified(road)["damage"] == 0
    assert verify(road)[0] == 0

    road.hub.stop()
    with sqlite3.connect(road.hub_state / "hub.db") as db:
        db.execute(
            "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '0042-01-v-3', '0042-01-v-4') AS BLOB)"
            " WHERE CAST(body AS TEXT) LIKE '%0042-01-v-3%'"
        )
    code, said = verify(road)
    assert code == 1 and "is not the one that came" in said, said
    road.hub.start()
    process = road.hub.process.pid
    await_true(lambda: is_whole(road), 60, "what was damaged")
    words = road.hub.last_words(20000)
    assert "hub.damaged" in words and "hub.recalled" in words
    health = await_verified(road)
    assert (health["status"], health["damage"]) == ("ok", 0), health
    assert "tillback_hub_database_damage 0" in road.ask_hub_text("/metrics")
    assert till.sell("0042-01-v-more")[0] == 201
    await_true(lambda: all_arrived(road), 20, "what comes after it")
    assert road.hub.process.pid == process


@of_a_file
def test_flipped_byte_in_the_write_ahead_log_is_found(road, till):
    for i in range(6):
        assert till.sell(f"0042-01-w-{i}")[0] == 201
    await_true(lambda: all_arrived(road), 20, "arrival")
    road.hub.kill()
    wal = road.hub_state / "hub.db-wal"
    content = bytearray(wal.read_bytes())
    assert len(content) > 8192 and verify(road)[0] == 0
    content[4000] ^= 4
    wal.write_bytes(content)
    code, said = verify(road)
    assert code == 1 and "wal:" in said and "damaged" in said, said
    # The hub says it too, and what was lost comes again from the stores.
    wal.write_bytes(content)
    road.hub.start()
    assert road.ask_hub("/healthz")["status"] == "damaged"
    assert till.sell("0042-01-w-more")[0] == 201
    await_true(lambda: all_arrived(road), 60, "all once more")


@of_a_file
def test_file_with_lost_pages_is_rescued_and_nothing_is_posted_twice(road, till, hub):
    trade(road, till, hub, range(12))
    before = sorted(posted(road))
    road.hub.stop()
    with sqlite3.connect(road.hub_state / "hub.db") as db:
        pages = [
            page
            for (page,) in db.execute(
                "SELECT pageno FROM dbstat WHERE name IN ('event', 'entry') AND pagetype = 'leaf'"
            )
        ]
    assert len(pages) > 4
    with open(road.hub_state / "hub.db", "r+b") as file:
        for page in pages[1::2]:
            file.seek((page - 1) * PAGE)
            file.write(os.urandom(PAGE))
    road.hub.start()  # it rescues its file at once, or when it has looked at all: by which pages
    await_true(lambda: list(road.hub_state.glob("quarantine-*/hub.db")), 60, "the rescue")
    await_true(lambda: is_whole(road), 60, "what was lost")
    assert len(list(road.hub_state.glob("quarantine-*/hub.db"))) == 1
    codes = collections.Counter(
        found["code"] for found in road.ask_hub("/v1/exceptions")["exceptions"]
    )
    assert codes["events_recalled"] or codes["database_rescued"], codes
    hub.client.close()
    trade(road, till, hub, range(20, 22))
    after = posted(road)
    assert len(after) == len(set(after)) and set(before) <= set(after)
    assert await_true(lambda: all_arrived(road), 30, "all of it")


def test_command_has_what_was_damaged_sent_again_on_a_file_and_on_a_server(road, till, hub):
    trade(road, till, hub, range(6))
    before = sorted(posted(road))
    events = number_of(road, "SELECT count(*) FROM event")
    assert "in use" in (said := run(road, "rescue"))[1] and said[0] == 1, said
    road.hub.stop()
    change(road, "UPDATE event SET body = body_hash WHERE type LIKE '%return%'")
    if ON_SERVER:
        road.hub.start()
        health = await_verified(road)
        assert health["status"] == "damaged" and health["damage"] >= 6, health
        assert "tillback_hub_database_damage" in road.ask_hub_text("/metrics")
        road.hub.stop()
    assert verify(road)[0] == 1
    code, said = run(road, "rescue")
    assert code == 0 and "will be asked for again" in said, said
    assert "nothing was changed" in run(road, "rescue")[1]
    road.hub.start()
    await_true(lambda: is_whole(road), 60, "what was damaged")
    assert await_verified(road)["damage"] == 0
    assert number_of(road, "SELECT count(*) FROM event") >= events
    assert number_of(road, "SELECT count(*) FROM parked") == 0
    assert sorted(posted(road)) == before
    hub.client.close()
    trade(road, till, hub, range(10, 12))
    assert set(before) < set(posted(road))
