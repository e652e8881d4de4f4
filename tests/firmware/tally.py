"""How often the plug is pulled: TILLBACK_KILLS times of each kind. With TILLBACK_TALLY=FILE, what earlier
runs noted there of the same image counts too, so that a night's work may be done in several evenings;
with TILLBACK_MINUTES= a run ends after them, wherever it is."""

import collections
import hashlib
import os
import pathlib
import re
import time

from conftest import FIRMWARE

KILLS = int(os.environ.get("TILLBACK_KILLS") or 5)
MINUTES = float(os.environ.get("TILLBACK_MINUTES") or "inf")


class Tally:
    """Of the kills of one kind; `show` takes a line for who watches."""

    def __init__(self, kind, seed, show):
        root = (FIRMWARE / "root.squashfs").read_bytes()
        self.head = f"{kind} image={hashlib.sha256(root).hexdigest()[:12]} "
        self.seed = seed
        self.show = show
        self.file = os.environ.get("TILLBACK_TALLY") and pathlib.Path(os.environ["TILLBACK_TALLY"])
        self.lines = self._noted_before()
        self.here = 0
        self.until = time.monotonic() + 60 * MINUTES

    def _noted_before(self):
        if not self.file or not self.file.exists():
            return []
        return [line for line in self.file.read_text().splitlines() if line.startswith(self.head)]

    @property
    def count(self):
        return len(self.lines)

    def goes_on(self):
        return self.count < KILLS and time.monotonic() < self.until

    def more(self, most):
        """Before the last of all."""
        return min(most, KILLS - self.count - 1)

    def note(self, words):
        """A kill after which everything was as it must be."""
        self.here += 1
        line = f"{self.head}seed={self.seed} number={self.here} {words}"
        self.lines.append(line)
        if self.file:
            with open(self.file, "a") as file:
                file.write(line + "\n")
        self.show(f"{self.count} of {KILLS}: {line}")

    def by(self, name, word=""):
        """How many there were of each, of what is noted as `name=`, where `word` is noted."""
        lines = "\n".join(line for line in self.lines if word in line)
        found = collections.Counter(re.findall(rf" {name}=(\S+)", lines))
        return ", ".join(f"{name} {each}: {count}" for each, count in found.items())
