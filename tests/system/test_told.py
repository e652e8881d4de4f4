"""What the hub tells appliances without having been asked: all of it after a new connection, however
many they are, and later only what is news."""

import contextlib
import re
import sqlite3

import pytest
from conftest import open_road
from road.road import DEVICE, await_true
from road.till import Till
from wire import Wire

STORES = 3000


@pytest.fixture
def road(tmp_path):
    with open_road(tmp_path, watchers=["watcher"], hub_settings=["backup.expected=yes"]) as opened:
        opened.await_link()
        yield opened


def add_stores(road):
    """Logs of appliances that aren't there."""
    with contextlib.closing(sqlite3.connect(road.hub_state / "hub.db")) as db, db:
        names = [f"store-{number:04}-z" for number in range(1000, 1000 + STORES)]
        db.executemany(
            "INSERT INTO device (id, first_seen_ms, last_seen_ms) VALUES (?1, 1, 1)",
            [(name,) for name in names],
        )
        db.executemany(
            "INSERT INTO stream_log (log_id, device, stream, through, hash, backed_up_through,"
            " ack_no, created_ms, updated_ms)"
            " VALUES (randomblob(16), ?1, 'returns', 0, zeroblob(32), 0, 3, 1, 1)",
            [(name,) for name in names],
        )


def told(watcher, quiet_s):
    return [message.topic.split("/")[2] for message in watcher.drain(quiet_s)]


def run(road, *words):
    return road._run(*road.hub_words(*words))


def test_a_connection_tells_every_store_and_a_decision_only_whom_it_concerns(road):
    till = Till(road.store_url, road.token())
    assert till.sell("0042-01-told")[0] == 201
    till.close()
    await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 20, "arrival")
    road.hub.stop()
    add_stores(road)
    with Wire(road, road.identity("watcher"), "watcher") as watcher:
        watcher.subscribe("tb/v1/+/down/ack/#")
        watcher.drain()
        road.hub.start()
        stores = set()
        await_true(lambda: stores.update(told(watcher, 0.2)) or len(stores) > STORES, 30, "all")
        assert re.search(
            r"^tillback_hub_dropped_answers_total 0$", road.ask_hub_text("/metrics"), re.MULTILINE
        )
        run(road, "token", "add", "--role", "viewer")
        run(road, "backup", road.folder / "copy.db")
        await_true(lambda: DEVICE in told(watcher, 0.2), 20, "news of the backup")
        assert set(told(watcher, 3)) <= {DEVICE}, "what has not changed is not told again"
