"""The promise, checked from outside: every answer of 201 against what the hub holds, and the hub
against the appliance's log, byte for byte.

Reads both databases beside the running programs, without writing, and shares no code with them:
the chain is computed here anew.
"""

import collections
import contextlib
import hashlib
import json
import sqlite3
import uuid

SEQ_BITS = 40
STREAM_BITS = 16
STREAMS = ("returns", "sales")
SALE_RECORDED = "com.tillback.sale.recorded.v1"
RETURN_CREATED = "com.tillback.return.created.v1"


@contextlib.contextmanager
def reading(path):
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
    try:
        yield database
    finally:
        database.close()


class Log:
    """One log as one side has it: its origin's parts, and (body, hash) by seq."""

    def __init__(self, log_id, stream, parent=None):
        self.log_id = log_id
        self.stream = stream
        self.parent = parent
        self.entries = {}

    def origin(self):
        digest = hashlib.sha256(b"tillback-log" + self.log_id)
        if self.parent:
            log_id, seq, chain = self.parent
            digest.update(log_id + str(seq).encode() + chain)
        return digest.digest()

    def chain_problems(self, where):
        chain = self.origin()
        for expected, (seq, (body, stored)) in enumerate(sorted(self.entries.items()), 1):
            if seq != expected:
                return [f"{where} {self.stream}: seq {expected} is missing"]
            chain = hashlib.sha256(chain + body).digest()
            if chain != stored:
                return [f"{where} {self.stream}: the chain breaks at seq {seq}"]
        return []


def _parent(log, seq, chain):
    return (log, seq, chain) if log is not None else None


def read_appliance(state):
    logs = {}
    with reading(state / "tillback.db") as db:
        by_number = {}
        for number, log_id, *parent in db.execute(
            "SELECT no, id, parent_log, parent_seq, parent_hash FROM log"
        ):
            log = Log(log_id, STREAMS[number >> STREAM_BITS], _parent(*parent))
            by_number[number] = logs[log_id] = log
        for position, chain, body in db.execute("SELECT pos, hash, body FROM event"):
            entry = (body, chain)
            by_number[position >> SEQ_BITS].entries[position & ((1 << SEQ_BITS) - 1)] = entry
    return logs


def read_hub(state, device):
    logs = {}
    with reading(state / "hub.db") as db:
        db.execute("BEGIN")
        by_number = {}
        for number, log_id, stream, *parent in db.execute(
            "SELECT log_no, log_id, stream, parent_log, parent_seq, parent_hash FROM stream_log"
            " WHERE device = ?",
            (device,),
        ):
            by_number[number] = logs[log_id] = Log(log_id, stream, _parent(*parent))
        for number, seq, chain, body in db.execute(
            "SELECT entry.log_no, entry.seq, entry.hash, event.body"
            " FROM entry JOIN event USING (event_no)"
        ):
            if number in by_number:
                by_number[number].entries[seq] = (body, chain)
    return logs


def count_hub_events(state):
    """How many the hub took in; 0 before it made its database."""
    if not (state / "hub.db").exists():
        return 0
    with reading(state / "hub.db") as db:
        return db.execute("SELECT count(*) FROM event WHERE device <> 'centre'").fetchone()[0]


def all_arrived(road):
    """True when the hub holds as many of each log as the appliance has."""
    waiting = road.ask_store("/v1/status")["streams"]
    return all(stream["waiting"] == 0 for stream in waiting.values())


class Audit:
    """`problems` holds a sentence for each way in which the promise is broken."""

    def __init__(self, road, device, kept):
        self.problems = []
        self.appliance = read_appliance(road.store_state)
        self.hub = read_hub(road.hub_state, device)
        self.events = self._each_event_once(road, device)
        self._check_logs()
        self._check_answers(kept)
        self._check_money()
        self._check_nothing_parked(road)

    def _check_logs(self):
        for log_id in self.hub.keys() - self.appliance.keys():
            self.problems.append(f"the hub has a log that isn't the appliance's: {log_id.hex()}")
        for log_id, log in self.appliance.items():
            self.problems += log.chain_problems("appliance")
            there = self.hub.get(log_id, Log(log_id, log.stream, log.parent))
            self.problems += there.chain_problems("hub")
            for seq, entry in sorted(log.entries.items()):
                if there.entries.get(seq) != entry:
                    how = "otherwise" if seq in there.entries else "not"
                    self.problems.append(f"{log.stream} {seq} is {how} in the hub")
            for seq in there.entries.keys() - log.entries.keys():
                self.problems.append(f"the hub has {log.stream} {seq}, which nobody wrote")

    def _each_event_once(self, road, device):
        events = {}
        with reading(road.hub_state / "hub.db") as db:
            rows = db.execute("SELECT id, body FROM event WHERE device = ?", (device,)).fetchall()
        for stored_id, body in rows:
            event = json.loads(body)
            if event["id"] in events:
                self.problems.append(f"event {event['id']} is in the hub twice")
            if stored_id != uuid.UUID(event["id"]).bytes:
                self.problems.append(f"event {event['id']} is filed under another id")
            events[event["id"]] = event
        return events

    def _check_answers(self, kept):
        returns = collections.Counter()
        by_key = {}
        for event in self.events.values():
            if event["type"] == RETURN_CREATED:
                returns[event["correlationid"]] += 1
            if "idempotencykey" in event:
                asked = event["idempotencykey"].rpartition(":")[2]  # after the asker's name
                by_key.setdefault(asked, []).append(event)
        for key, answer in kept.returns.items():
            if returns[answer["return_id"]] != 1:
                self.problems.append(
                    f"return {answer['return_id']} was saved, and is"
                    f" {returns[answer['return_id']]} times in the hub"
                )
            self._check_key(by_key, key, answer["return_id"])
        for key, answer in kept.sales.items():
            self._check_key(by_key, key, answer["sale_id"])

    def _check_key(self, by_key, key, correlation):
        found = [event["correlationid"] for event in by_key.get(key, [])]
        if found != [correlation]:
            self.problems.append(f"{key} was answered with {correlation}; the hub has {found}")

    def _check_money(self):
        """Nobody got more back for a receipt than its sale took in."""
        paid = {}
        back = collections.Counter()
        for event in self.events.values():
            data = event["data"]
            if event["type"] == SALE_RECORDED:
                paid[data["receipt"]] = sum(tender["amount"] for tender in data["tenders"])
            elif event["type"] == RETURN_CREATED and data["decision"] == "accepted":
                back[data["receipt"]] += data["refund"]["total"]
        for receipt, amount in back.items():
            if amount > paid.get(receipt, 0):
                self.problems.append(f"{receipt}: {amount} back for {paid.get(receipt)} paid")

    def _check_nothing_parked(self, road):
        with reading(road.hub_state / "hub.db") as db:
            for table in ("parked", "hub_exception"):
                for code, detail in db.execute(f"SELECT code, detail FROM {table}"):
                    self.problems.append(f"{table}: {code}: {detail}")
