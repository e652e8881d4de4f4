"""What tills were answered, held against what a power cut would have left of the disk at that moment."""

import json
import os
import subprocess

import replay
from road.audit import read_appliance
from road.till import Kept


class Noted(Kept):
    """Kept, and how long the log of writes was when each answer had come: what was answered is in
    there."""

    def __init__(self, log):
        super().__init__()
        self.log = log
        self.answered = []

    def note(self, kind, key, status, answer):
        super().note(kind, key, status, answer)
        if status == 201:
            self.answered.append((os.path.getsize(self.log), key))


def moments(log, span, count, dice):
    """Random entries of a log of writes, rising, between two lengths of its file."""
    first, last = span
    choice = [i for i, entry in enumerate(log.entries) if first <= entry.at < last]
    return sorted(dice.choices(choice, k=count))


class Days:
    """A file system's log of writes while tills worked: `before` is what it was, `state` the
    appliance's folder in it, `tillback` the program that verifies what is left."""

    def __init__(self, folder, log, before, kept, state, tillback):
        self.folder = folder
        self.log = log
        self.before = before
        self.kept = kept
        self.state = state
        self.tillback = tillback

    def problems(self, span, count, dice, keeps_flushed=True):
        """[(moment, what is wrong)] of cuts at random moments."""
        bad = []
        chosen = moments(self.log, span, count, dice)
        for moment, left in replay.states(self.log, self.before, self.folder, chosen, dice, keeps_flushed):
            until = self.log.end(self.log.entries[moment])
            answered = {key for size, key in self.kept.answered if size <= until}
            wrong = self._look(left, answered)
            if wrong:
                bad.append((moment, wrong))
        return bad

    def _look(self, image, answered):
        mount = self.folder / "left-mounted"
        mount.mkdir(exist_ok=True)
        with replay.mounted(image, mount) as wrong:
            return wrong or log_problem(mount / self.state, self.tillback, answered)


def log_problem(state, tillback, answered):
    """What is wrong with the log that was left in an appliance's folder; None when it verifies and
    holds what was answered."""
    verify = [tillback, "--state", state, "verify"]
    done = subprocess.run(verify, capture_output=True, text=True, timeout=60)
    if done.returncode:
        return done.stdout.strip() or done.stderr.strip()
    there = set()
    for log in read_appliance(state).values():
        for body, _ in log.entries.values():
            there.add(json.loads(body).get("idempotencykey", "").rpartition(":")[2])
    lost = sorted(answered - there)
    return f"answered, and not there: {lost[:3]}" if lost else None
