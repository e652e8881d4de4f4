"""What was posted: the hub's journal file, in plain-text accounting form, read and checked."""

import collections
import re

from .audit import RETURN_CREATED, reading

HEAD = re.compile(r"\d{4}-\d\d-\d\d \* \((?P<reference>[^)]+)\) ")
LINE = re.compile(r"    (?P<account>\d+) +[A-Z]{3} (?P<amount>-?[\d.]+)(?:  ; role: (?P<role>\w+))?")


class Entry:
    def __init__(self, reference):
        self.reference = reference
        self.amounts = []  # (role, minor units)


def read_journal(path):
    entries = []
    for line in path.read_text().splitlines() if path.exists() else []:
        head = HEAD.match(line)
        amount = LINE.match(line)
        if head:
            entries.append(Entry(head["reference"]))
        elif amount:
            minor = int(amount["amount"].replace(".", ""))
            entries[-1].amounts.append((amount["role"], minor))
    return entries


def all_posted(road):
    """True when every accepted return that the hub holds is in the journal, and all is posted."""
    with reading(road.hub_state / "hub.db") as db:
        accepted = db.execute(
            "SELECT count(*) FROM event WHERE type = ?"
            " AND json_extract(CAST(body AS TEXT), '$.data.decision') = 'accepted'",
            (RETURN_CREATED,),
        ).fetchone()[0]
        made = db.execute(
            "SELECT count(*) FROM journal_entry WHERE reference LIKE '%/accepted'"
        ).fetchone()[0]
        open_ = db.execute("SELECT count(*) FROM posting WHERE state <> 'posted'").fetchone()[0]
    return made == accepted and open_ == 0


def journal_problems(events, entries):
    """Each accepted return is posted once, with what was refunded; each entry balances."""
    problems = []
    times = collections.Counter(entry.reference for entry in entries)
    payable = {}
    for entry in entries:
        if sum(minor for _, minor in entry.amounts) != 0 or not entry.amounts:
            problems.append(f"journal: {entry.reference} does not balance")
        if times[entry.reference] > 1:
            problems.append(f"journal: {entry.reference} is there {times[entry.reference]} times")
        payable[entry.reference] = -sum(
            minor for role, minor in entry.amounts if role == "refunds_payable"
        )
    for event in events.values():
        if event["type"] != RETURN_CREATED or event["data"]["decision"] != "accepted":
            continue
        reference = f"{event['id']}/accepted"
        if payable.get(reference) != event["data"]["refund"]["total"]:
            problems.append(f"journal: {reference} has {payable.get(reference)} payable")
    return problems
