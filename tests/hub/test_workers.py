"""Several hubs on one PostgreSQL, killed at random: what they took in, booked and posted is what the
tills were promised, once."""

import collections
import json
import os
import pathlib
import random
import re
import subprocess
import threading

import pytest
from conftest import PROGRAMS, Hub
from road.road import Road, await_true, free_port_base
from road.till import Till

HUBS = 3
KILLS = int(os.environ.get("TILLBACK_HUB_KILLS", "6"))
SEED = int(os.environ.get("TILLBACK_SEED", "0")) or random.randrange(1, 1 << 31)

pytestmark = pytest.mark.skipif(
    "TILLBACK_POSTGRESQL" not in os.environ, reason="needs a server: make postgresql-test"
)


class Selling(threading.Thread):
    """A till that sells and takes back until it is stopped; keeps what got a 201."""

    def __init__(self, road):
        super().__init__()
        self.till = Till(road.store_url, road.token())
        self.stopping = threading.Event()
        self.returns = {}
        self.start()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            receipt = f"0042-01-workers-{number}"
            if self.till.sell(receipt)[0] != 201:
                continue
            status, answer = self.till.give_back(receipt, number)
            if status == 201:
                self.returns[answer["return_id"]] = answer
            self.stopping.wait(0.03)

    def stop(self):
        self.stopping.set()
        self.join()
        self.till.close()
        return self.returns


def query(database, sql):
    done = subprocess.run(
        ["psql", "-qAt", database, "-c", f"SELECT json_agg(t) FROM ({sql}) AS t"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout.strip() or "[]")


def posted_references(journal):
    return re.findall(r"^\d{4}-\d\d-\d\d[^(]*\(([^)]+)\)", journal.read_text(), re.MULTILINE)


def test_hubs_killed_at_random_lose_and_double_nothing(tmp_path, database):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    with Road(
        tmp_path, free_port_base(), PROGRAMS, hub_database=database, hubs=HUBS
    ) as road:
        road.await_link()
        hubs = [road.hub, *road.more_hubs]
        selling = Selling(road)
        for _ in range(KILLS):
            selling.stopping.wait(chance.uniform(0.2, 1.5))
            victim = chance.choice(hubs)
            victim.kill()
            selling.stopping.wait(chance.uniform(0.0, 0.5))
            victim.start()
        returns = selling.stop()
        assert len(returns) >= KILLS
        await_true(
            lambda: all(
                s["waiting"] == 0 for s in road.ask_store("/v1/status")["streams"].values()
            ),
            30,
            "all to arrive",
        )
        hub = Hub(road, "finance")

        def all_posted():
            return not query(database, "SELECT 1 FROM posting WHERE state <> 'posted'") and query(
                database,
                "SELECT 1 FROM ledger_cursor"
                " WHERE event_no >= (SELECT max(event_no) FROM event WHERE device <> 'centre')",
            )

        await_true(all_posted, 60, "all to be posted")
        accepted = collections.Counter(
            row["return_id"]
            for row in query(
                database,
                "SELECT body::json->>'return' AS return_id FROM journal_entry"
                " WHERE reference LIKE '%/accepted'",
            )
        )
        assert accepted == dict.fromkeys(returns, 1), f"seed {SEED}"
        for table, key in (("event", "id"), ("entry", "(log_no, seq)"), ("posting", "reference")):
            assert not query(
                database, f"SELECT {key} FROM {table} GROUP BY 1 HAVING count(*) > 1"
            ), f"seed {SEED}"
        references = posted_references(pathlib.Path(road.journal))
        made = [row["reference"] for row in query(database, "SELECT reference FROM journal_entry")]
        assert sorted(references) == sorted(made), f"seed {SEED}"
        hub.client.close()
        assert road.stop() == []
