"""The course of an update, from the hub's word to a version that is found good: moments of it, and what a
cut of the power there has left of what was fetched."""

import datetime
import subprocess
import sys
import time

from conftest import BUNDLES, DEVICE, HOST_AS_THE_MACHINE_SEES_IT, ROOT
from road.road import await_true
from state import partition
from updates import FOLDER, first_to_start, mount, read_block, running_slot

sys.path.append(str(ROOT / "tests" / "system"))
from update import Depot  # noqa: E402

FETCHED = "/data/tillback/update/bundle.raucb"
PHASES = ("download", "write", "switch", "restart", "trial", "good")
SECONDS = {"switch": 1, "restart": 20, "trial": 45, "good": 5}  # the others are measured in bytes


class Course:
    """Of updates of `machine`, one after the other, each through PHASES, until somebody cuts the power.
    What is fetched is of a version that doesn't run yet, and not for now: so nothing is installed but
    by this."""

    def __init__(self, machine, centre, name):
        self.machine = machine
        self.centre = centre
        self.name = f"{name}.raucb"
        self.depot = Depot((BUNDLES / self.name).read_bytes())
        self.orders = 0

    def begin(self, phase):
        """With the download, or with "write": then the bundle is one on a stick. `slot` is the one
        that runs."""
        mount(self.machine)
        self.slot = running_slot(self.machine)
        self.other = {"A": "B", "B": "A"}[self.slot]
        # What the slot held may be what is written to it: then a half of it would not be seen.
        zero = f"dd if=/dev/zero of=/dev/tillback/root-{self.other.lower()} bs=1M count=64 conv=fsync"
        self.machine.run(f"rm -f /data/boot/last-update.json; {zero}")
        self.esp = partition(self.machine.disk, "tillback-esp")[0]
        self.said = len(self.machine.said())
        self.fetches = phase == "download"
        self._enter(PHASES.index(phase))

    def reach(self, phase, part):
        """When `part` of the phase has passed, or its end was seen: the phase that it is in then."""
        while PHASES[self.at] != phase:
            self._await(self._has_ended)
            self._enter(self.at + 1)
        self._await(lambda: self._passed() >= part * self.size or self._has_ended())
        return PHASES[self.at + self._has_ended()]

    def _await(self, check):
        await_true(check, 600, f"the update, in its {PHASES[self.at]}")

    def _enter(self, at):
        self.at = at
        phase = PHASES[at]
        self.size = SECONDS.get(phase, len(self.depot.data))
        self.before = self._measured()
        if phase == "download":
            self._order()
        elif phase == "write":
            self._install()
        elif phase == "restart":
            self.machine.restart()

    def _passed(self):
        return self._measured() - self.before

    def _measured(self):
        return time.monotonic() if PHASES[self.at] in SECONDS else self.machine.written()

    def _has_ended(self):
        phase = PHASES[self.at]
        if phase not in SECONDS and self._passed() < self.size:
            return False
        return getattr(self, f"_{phase}_has_ended")()

    def _order(self):
        self.orders += 1
        hour = (datetime.datetime.now(datetime.timezone.utc).hour + 12) % 24
        release = self.depot.release(f"9.9.{self.orders}", window=f"{hour:02}:00-{hour:02}:01")
        release["url"] = release["url"].replace("127.0.0.1", HOST_AS_THE_MACHINE_SEES_IT)
        words = [f"{key}={value}" for key, value in release.items()]
        subprocess.run(self.centre.hub_words("command", DEVICE, "update", *words), check=True, timeout=120)

    def _download_has_ended(self):
        told = self.centre.ask_store("/v1/status")["software"].get("update", {})
        return (told.get("version"), told.get("state")) == (f"9.9.{self.orders}", "waiting")

    def _install(self):
        file = FETCHED if self.fetches else f"{FOLDER}/{self.name}"
        self.machine.begin(f"/usr/lib/tillback/update {file} --no-restart")

    def _write_has_ended(self):
        block = read_block(self.machine.disk, self.esp)
        return block is not None and first_to_start(block) == self.other

    def _switch_has_ended(self):
        return "is installed in slot" in self._said()

    def _restart_has_ended(self):
        return f"slot {self.other}, start " in self._said()

    def _trial_has_ended(self):
        return "tillback: ready: " in self._said()

    def _good_has_ended(self):
        return False

    def _said(self):
        return self.machine.said()[self.said :]

    def problem(self, state):
        """With what was fetched, in the appliance's folder, which is at `state`."""
        for name, least in (("bundle.part", 0), ("bundle.raucb", len(self.depot.data))):
            file = state / "update" / name
            found = file.read_bytes() if file.exists() else self.depot.data
            if len(found) < least or not self.depot.data.startswith(found):
                return f"{name}: {len(found)} bytes, which are not what was to be fetched"
        return None
