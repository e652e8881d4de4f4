"""The plug is pulled, at random moments of a day and of an update: QEMU is killed, TILLBACK_KILLS= times of
each kind. TILLBACK_SEED= repeats the moments of an earlier run; test_soak.py is for hundreds."""

import json
import os
import random
import sys
import time

from conftest import DEVICE, PROGRAMS, ROOT
from road.audit import Audit, all_arrived
from road.road import await_true
from state import copy_log, partition
from updates import UPDATE_BYTES, begin_update, is_installed, running_slot, verdict

sys.path.append(str(ROOT / "tests/fault/block"))
from capture import log_problem  # noqa: E402

KILLS = int(os.environ.get("TILLBACK_KILLS") or 5)
ANSWERS = 60  # between two cuts, at most
START_S = 60
STARTS = 3  # that the boot loader gives a slot until it is found good


class Plug:
    """Of a machine whose tills work. Each time that it is pulled, what the disk holds is looked at on
    this host; then the machine starts, now and then to be cut off again while it does."""

    def __init__(self, machine, centre, kept, dice, folder):
        self.machine = machine
        self.centre = centre
        self.kept = kept
        self.dice = dice
        self.folder = folder
        self.starts = 0  # of a slot that was not found good since
        self.pulled_in_starts = 0

    def await_answers(self, count):
        enough = len(self.kept) + count
        await_true(lambda: len(self.kept) >= enough, 240, "answers to the tills")

    def await_ready(self):
        if self.starts:
            self.machine.await_ready()
            self.starts = 0

    def pull(self):
        self._pull()
        while self.starts < STARTS - 1 and self.dice.random() < 0.1:
            self._start()
            time.sleep(self.dice.uniform(0, START_S))
            self._pull()
            self.pulled_in_starts += 1
        self._start()
        if self.starts == STARTS or self.dice.random() < 0.2:
            self.await_ready()

    def _start(self):
        self.machine.start()
        self.starts += 1

    def _pull(self):
        answered = self.kept.keys()
        self.machine.cut_power()
        copy_log(self.machine.disk, self.centre.store_state, self.folder)
        problem = log_problem(self.centre.store_state, PROGRAMS / "tillback", answered)
        assert problem is None, problem

    def audit(self):
        """Once the tills have gone: the hub has what was answered, each once."""
        self.await_ready()
        self.machine.cli("verify")
        await_true(lambda: all_arrived(self.centre), 240, "arrival")
        self.machine.cut_power()
        copy_log(self.machine.disk, self.centre.store_state, self.folder)
        audit = Audit(self.centre, DEVICE, self.kept)
        assert audit.problems == []
        assert self.kept.refused == []
        return (
            f"{self.pulled_in_starts} more while it started; {len(self.kept.sales)} sales and"
            f" {len(self.kept.returns)} returns got a 201; {len(audit.events)} events at the hub,"
            f" {len(audit.problems)} problems"
        )


def test_what_was_answered_outlives_the_plug_pulled_at_random_moments(
    machine, centre, work, kept, seed, tmp_path, show
):
    dice = random.Random(f"{seed}-capture")
    plug = Plug(machine, centre, kept, dice, tmp_path)
    with work("c", 0.01):
        for number in range(1, KILLS + 1):
            plug.await_answers(dice.randint(1, ANSWERS))
            plug.pull()
            plug.await_answers(1)
            show(f"capture: {number} of {KILLS}, {len(kept)} answered")
    show(f"capture: TILLBACK_SEED={seed}: {KILLS} cuts, {plug.audit()}")


def test_plug_pulled_at_random_moments_of_an_update_leaves_a_whole_appliance(
    machine, centre, work, kept, seed, tmp_path, show
):
    dice = random.Random(f"{seed}-update")
    plug = Plug(machine, centre, kept, dice, tmp_path)
    with work("u", 2):
        for number in range(1, KILLS + 1):
            plug.await_answers(1)
            enough = dice.randint(0, UPDATE_BYTES)
            slot, before, said = begin_update(machine, "good")
            await_true(
                lambda: machine.written() >= before + enough or is_installed(machine, said),
                600,
                "the update",
            )
            plug.pull()
            machine.run("until systemctl is-active --quiet tillback-boot; do sleep 1; done")
            if running_slot(machine) != slot:
                plug.await_ready()  # it was on trial
            show(f"update: {number} of {KILLS}, at {enough} bytes, {verdict(machine, slot)}")
    show(f"update: TILLBACK_SEED={seed}: {KILLS} cuts, {plug.audit()}")


def test_data_partition_that_cannot_be_mounted_is_mended_and_nothing_is_lost(machine, till, centre):
    """Its first superblock is gone, with what stands beside it."""
    assert till.sell("0042-01-vm-superblock")[0] == 201
    before = json.loads(machine.cli("--json status"))["streams"]
    machine.cut_power()
    with open(machine.disk, "r+b") as disk:
        disk.seek(partition(machine.disk, "tillback-data")[0])
        disk.write(bytes(4096))
    machine.start()
    machine.await_status("the data partition is damaged, and is mended")
    machine.await_ready()
    machine.cli("verify")
    after = json.loads(machine.cli("--json status"))["streams"]
    for name in before:
        assert after[name]["log_id"] == before[name]["log_id"]
        assert after[name]["head"] >= before[name]["head"]
    await_true(lambda: all_arrived(centre), 240, "arrival")


def edit_settings(machine, line):
    """As a technician does, who adds it at the end; what they are told."""
    return machine.run(f"EDITOR='sed -i $a{line}' /usr/lib/tillback/settings || echo exit $?", 600)


def test_settings_are_changed_only_to_such_as_tillbackd_starts_with(machine, till):
    assert "settings: they hold" in edit_settings(machine, "store.name=Ada")
    refused = edit_settings(machine, "http.lissten=0.0.0.0:8443")
    assert "settings: refused, and the former hold: /data/tillback/appliance.conf:" in refused
    assert ".http.lissten: is not a setting" in refused and "exit 1" in refused
    assert till.sell("0042-01-vm-former")[0] == 201
    assert machine.run("tail -n 1 /data/tillback/appliance.conf").strip() == "store.name=Ada"


def test_slip_of_the_pen_in_the_settings_is_told_on_the_screen_after_the_plug_was_pulled(machine, till):
    given = "/data/tillback/appliance.conf"
    line = int(machine.run(f"echo http.lissten=0.0.0.0:8443 >>{given}; sync; wc -l <{given}"))
    machine.cut_power()
    machine.start()
    machine.await_status(f"Tillback does not start: {given}:{line}.http.lissten: is not a setting")
    machine.run(f"sed -i '{line}d' {given}")
    machine.await_ready()
    assert till.sell("0042-01-vm-pen")[0] == 201
