"""What the tills were promised, held against a hub's database on a server and the books that it posts to."""

import collections
import json
import pathlib
import re
import subprocess
import threading

from road.road import await_true
from road.till import Till


class Selling(threading.Thread):
    """A till that sells and takes back until it is stopped; keeps what got a 201."""

    def __init__(self, road, name="workers"):
        super().__init__(daemon=True)
        self.name = name
        self.till = Till(road.store_url, road.token())
        self.stopping = threading.Event()
        self.returns = {}
        self.start()

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            receipt = f"0042-01-{self.name}-{number}"
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


def all_posted(database):
    return not query(database, "SELECT 1 FROM posting WHERE state <> 'posted'") and query(
        database,
        "SELECT 1 FROM ledger_cursor"
        " WHERE event_no >= (SELECT max(event_no) FROM event WHERE device <> 'centre')",
    )


def unposted(database):
    left = query(database, "SELECT * FROM posting WHERE state <> 'posted' LIMIT 3")
    return left, query(database, "SELECT * FROM ledger_cursor")


def accepted(database):
    """How often each return was booked."""
    return collections.Counter(
        row["return_id"]
        for row in query(
            database,
            "SELECT body::json->>'return' AS return_id FROM journal_entry"
            " WHERE reference LIKE '%/accepted'",
        )
    )


def hold_promise(road, database, returns):
    """What the tills were promised is booked and posted, once."""
    await_true(
        lambda: all(
            s["waiting"] == 0 for s in road.ask_store("/v1/status")["streams"].values()
        ),
        60,
        "all to arrive",
    )
    await_true(lambda: accepted(database).keys() >= returns.keys(), 60, "all to be booked")
    await_true(lambda: all_posted(database), 60, lambda: f"all to be posted: {unposted(database)}")
    assert accepted(database) == dict.fromkeys(returns, 1)
    for table, key in (("event", "id"), ("entry", "(log_no, seq)"), ("posting", "reference")):
        assert not query(database, f"SELECT {key} FROM {table} GROUP BY 1 HAVING count(*) > 1")
    references = posted_references(pathlib.Path(road.journal))
    made = [row["reference"] for row in query(database, "SELECT reference FROM journal_entry")]
    assert sorted(references) == sorted(made)
