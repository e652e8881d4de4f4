"""A PostgreSQL server that crashes, is full, or is replaced by its standby, under hubs that go on."""

import contextlib
import json
import os
import random
import subprocess
import time
import urllib.error

import pytest
from conftest import PROGRAMS
from promise import Selling, accepted, all_posted, hold_promise, query
from road.link import Link
from road.road import Road, await_true, free_port_base
from server import Pair, Server

SEED = int(os.environ.get("TILLBACK_SEED", "0")) or random.randrange(1, 1 << 31)

pytestmark = pytest.mark.skipif(
    "TILLBACK_POSTGRESQL" not in os.environ, reason="needs a server: make postgresql-test"
)


def served(opened):
    yield opened
    opened.stop()


@pytest.fixture
def server():
    yield from served(Server())


@pytest.fixture
def pair():
    yield from served(Pair())


@pytest.fixture
def small_server():
    yield from served(Server(TILLBACK_POSTGRESQL_ROOM="120M"))


def still_run(road):
    for hub in (road.hub, *road.more_hubs):
        assert hub.process.poll() is None, hub.last_words()


def is_without_server(road):
    try:
        return road.ask_hub("/healthz")["status"] == "no_database"
    except urllib.error.HTTPError as refused:
        return refused.code == 503


def test_hubs_outlive_a_server_that_crashes_and_connections_that_are_cut(tmp_path, server):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=server.url, hubs=2) as road:
        road.await_link()
        selling = Selling(road)
        for blow in ("cut", "immediate", "cut", "fast", "cut"):
            selling.stopping.wait(chance.uniform(0.5, 1.5))
            if blow == "cut":
                server.cut()
            else:
                server.control("restart", "-m", blow)
        selling.stopping.wait(1)
        returns = selling.stop()
        assert returns
        hold_promise(road, server.url, returns)
        still_run(road)
        assert road.stop() == []


def test_standby_that_knows_less_takes_over_and_is_sent_again_what_it_lost(tmp_path, pair):
    database = pair.url_of_both
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=database, hubs=2) as road:
        road.await_link()
        selling = Selling(road)
        await_true(lambda: len(selling.returns) > 5, 20, "some returns")
        pair.part()
        parted = len(selling.returns)
        await_true(lambda: len(selling.returns) > parted + 5, 20, "returns that it isn't told of")
        before = selling.stop()
        await_true(lambda: all_posted(pair.url), 60, "all to be posted")
        hold_promise(road, pair.url, before)
        [epoch] = query(pair.url, "SELECT epoch FROM hub")

        pair.crash()
        pair.promote()
        hold_promise(road, pair.of_standby, before)  # though no store has anything new to say
        [after] = query(pair.of_standby, "SELECT epoch FROM hub")
        assert after["epoch"] > epoch["epoch"]
        selling = Selling(road, "after")
        await_true(lambda: len(selling.returns) > 5, 20, "returns at the new server")
        hold_promise(road, pair.of_standby, before | selling.stop())
        still_run(road)
        assert road.stop() == []


def test_standby_takes_over_from_a_server_that_stands_still_and_says_nothing(tmp_path, pair):
    database = pair.url_of_both
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=database, hubs=2) as road:
        road.await_link()
        selling = Selling(road)
        await_true(lambda: len(selling.returns) > 5, 20, "some returns")
        pair.freeze()
        await_true(lambda: is_without_server(road), 60, "the hub to find out")
        pair.promote()
        hold_promise(road, pair.of_standby, selling.stop())
        still_run(road)
        assert road.stop() == []


def timed(road, path):
    """The status and what it says, and how long that took."""
    begun = time.monotonic()
    try:
        answer = 200, road.ask_hub(path)
    except urllib.error.HTTPError as refused:
        answer = refused.code, json.load(refused)
    return *answer, time.monotonic() - begun


def test_hub_says_at_once_that_its_server_is_silent(tmp_path, server):
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=server.url) as road:
        road.await_link()
        assert timed(road, "/healthz")[0] == 200
        server.freeze()
        code, said, took = timed(road, "/v1/devices")
        assert code == 503 and "silent" in said["detail"]
        assert took < 1.9  # one second for the answer and another line; the rest is a busy machine
        end = time.monotonic() + 13  # through several attempts to connect
        while time.monotonic() < end:
            for path in ("/healthz", "/v1/devices", "/v1/measures"):
                code, said, took = timed(road, path)
                assert code == 503 and said["detail"].startswith("database: ")
                assert took < 1
            time.sleep(0.1)
        server.thaw()
        await_true(lambda: timed(road, "/healthz")[1].get("status") == "ok", 30, "it to be well")
        still_run(road)
        assert road.stop() == []


def test_question_that_takes_its_time_is_answered_by_a_server_that_is_there(tmp_path, server):
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=server.url) as road:
        road.await_link()
        slow = "BEGIN; LOCK TABLE device; SELECT pg_sleep(6); COMMIT"
        with subprocess.Popen(
            ["psql", "-qAt", server.url, "-c", slow], stdout=subprocess.DEVNULL
        ):
            await_true(
                lambda: query(
                    server.url,
                    "SELECT 1 FROM pg_locks WHERE relation = 'device'::regclass"
                    " AND mode = 'AccessExclusiveLock'",
                ),
                10,
                "the lock",
            )
            code, _, took = timed(road, "/v1/devices")
        assert code == 200 and took > 3
        assert road.stop() == []


def test_line_to_the_server_that_swallows_all_is_given_up_and_made_anew(tmp_path, server):
    base = free_port_base()
    link = Link(base + 19, server.folder / ".s.PGSQL.5432")
    url = f"postgresql:///postgres?host=127.0.0.1&port={link.listen_port}&user=tillback"
    with contextlib.closing(link), Road(tmp_path, base, PROGRAMS, hub_database=url) as road:
        road.await_link()
        selling = Selling(road)
        await_true(lambda: len(selling.returns) > 5, 20, "some returns")
        link.black_hole()
        await_true(lambda: timed(road, "/healthz")[0] == 503, 10, "the page to find out")
        await_true(
            lambda: "hub.commit_failed" in road.hub.last_words(), 60, "the books to find out as well"
        )
        assert timed(road, "/v1/devices")[2] < 3
        dark = len(selling.returns)
        await_true(lambda: len(selling.returns) > dark + 5, 20, "returns meanwhile")
        link.restore()
        hold_promise(road, server.url, selling.stop())
        still_run(road)
        assert road.stop() == []


def test_server_without_room_is_named_and_what_it_could_not_take_comes_when_it_has_some(
    tmp_path, small_server
):
    database = small_server.url
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=database) as road:
        road.await_link()
        selling = Selling(road)
        await_true(lambda: len(selling.returns) > 5, 20, "some returns")
        small_server.fill()
        ill = await_true(
            lambda: (state := road.ask_hub("/healthz"))["status"] == "no_database" and state,
            60,
            "the disk to be full",
        )
        assert "No space left on device" in ill["problem"]
        full = len(selling.returns)
        await_true(lambda: len(selling.returns) > full + 5, 20, "returns while it is")
        small_server.empty()
        hold_promise(road, database, selling.stop())
        await_true(lambda: road.ask_hub("/healthz")["status"] == "ok", 20, "the hub to be well")
        still_run(road)
        assert road.stop() == []


class Holding:
    """A row that the hub's books write, held against them until it is let go."""

    def __init__(self, database):
        self.psql = subprocess.Popen(
            ["psql", "-qAt", database],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PGAPPNAME": "holding"},
        )
        self.psql.stdin.write("BEGIN; SELECT event_no FROM ledger_cursor FOR UPDATE;\n")
        self.psql.stdin.flush()

    def let_go(self):
        self.psql.stdin.close()
        assert self.psql.wait(30) == 0


def sessions(database, which):
    return query(
        database,
        "SELECT pid, state, wait_event FROM pg_stat_activity AS session"
        f" WHERE application_name = 'tillback' AND {which}",
    )


def held_up(database):
    """The hub's session that waits for the row."""
    return sessions(
        database,
        "EXISTS (SELECT 1 FROM pg_stat_activity AS holding"
        " WHERE holding.application_name = 'holding'"
        " AND holding.pid = ANY (pg_blocking_pids(session.pid)))",
    )


def test_hub_that_freezes_inside_its_turn_loses_it_and_goes_on_when_it_wakes(tmp_path, server):
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=server.url, hubs=2) as road:
        [other] = road.more_hubs
        other.stop()
        road.await_link()
        holding = Holding(server.url)
        selling = Selling(road)
        [held] = await_true(
            lambda: held_up(server.url),
            30,
            lambda: f"the hub to have its turn: {sessions(server.url, 'true')} {selling.is_alive()}",
        )
        road.hub.freeze()
        holding.let_go()
        await_true(
            lambda: sessions(server.url, f"pid = {held['pid']} AND state = 'idle in transaction'"),
            30,
            lambda: f"it to stand there: {sessions(server.url, 'true')}",
        )
        other.start()
        returns = selling.stop()
        await_true(
            lambda: accepted(server.url).keys() >= returns.keys(), 60, "the other to book them all"
        )
        road.hub.thaw()
        selling = Selling(road, "after")
        await_true(lambda: len(selling.returns) > 5, 20, "returns after it woke")
        hold_promise(road, server.url, returns | selling.stop())
        await_true(lambda: road.ask_hub("/healthz")["status"] == "ok", 20, "it to be well")
        still_run(road)
        assert road.stop() == []
