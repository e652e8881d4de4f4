"""Power cuts below the file system, with the image as it is shipped: the writes of its disk are logged
while tills work and while an update is installed, and what a cut at each of many moments would
have left is looked at. TILLBACK_CUTS= and TILLBACK_STATES= for more or fewer, TILLBACK_SEED= for
the same again. Needs root, to mount what is left."""

import hashlib
import os
import random
import subprocess
import sys

import pytest
from conftest import BUNDLES, PROGRAMS, ROOT
from road.road import await_true
from road.till import Load
from state import SECTOR, partition
from updates import NEWER, first_to_start, install, read_block, running_slot

sys.path.append(str(ROOT / "tests/fault/block"))
import replay  # noqa: E402
from capture import Days, Noted  # noqa: E402

CUTS = int(os.environ.get("TILLBACK_CUTS") or 300)
STATES = int(os.environ.get("TILLBACK_STATES") or 200)
CONTROL_CUTS = 40
ANSWERS = 150


class Recording:
    """`phases`: name -> (first byte, last byte) of the log of writes; `target` is the slot that the
    update is written to."""

    def __init__(self, folder, machine):
        self.folder = folder
        self.machine = machine
        self.path = folder / "writes"
        self.before = folder / "before"
        self.kept = Noted(self.path)
        self.phases = {}

    def start(self):
        self.machine.cut_power()
        subprocess.run(["cp", "--sparse=always", self.machine.disk, self.before], check=True)
        self.path.touch()
        self.machine.drive = ["-blockdev", replay.blockdev("disk", self.machine.disk, self.path)]
        self.machine.start()
        self.machine.await_ready()

    def phase(self, name, work):
        first = os.path.getsize(self.path)
        work()
        self.phases[name] = (first, os.path.getsize(self.path))

    def stop(self):
        self.machine.cut_power()
        self.machine.drive = self.machine.plain_drive
        self.log = replay.Log(self.path)

    def days(self):
        """What the data partition was, and the log of its writes."""
        at, size = partition(self.machine.disk, "tillback-data")
        file = self.folder / "data-before"
        if not file.exists():
            with open(self.before, "rb") as disk, open(file, "wb") as out:
                disk.seek(at)
                out.write(disk.read(size))
        log = self.log.within(at // SECTOR, size // SECTOR)
        return Days(self.folder, log, file, self.kept, "tillback", PROGRAMS / "tillback")


@pytest.fixture(scope="module")
def recording(appliance, centre, token, tls, till, seed, tmp_path_factory):
    made = Recording(tmp_path_factory.mktemp("blocks"), appliance)

    def work():
        enough = len(made.kept) + ANSWERS
        name = f"{seed}-{len(made.phases)}"
        with Load(centre.page_url, token, made.kept, name, tills=2, tls=tls):
            await_true(lambda: made.kept.refused or len(made.kept) >= enough, 240, "answers")
        assert made.kept.refused == []

    made.start()
    made.target = {"A": "B", "B": "A"}[running_slot(appliance)]
    made.phase("capture", work)
    appliance.run("mount -o remount,barrier=0 /data")
    made.phase("without barriers", work)
    appliance.run("mount -o remount,barrier=1 /data")
    # What the slot held may be what is written to it: then a half of it would not be seen.
    slot = f"/dev/tillback/root-{made.target.lower()}"
    appliance.run(f"dd if=/dev/zero of={slot} bs=1M count=64 conv=fsync")
    made.phase("update", lambda: install(appliance, "newer"))
    made.stop()
    return made


def test_cuts_while_tills_work_lose_nothing_that_was_answered(recording, seed, capsys):
    span = recording.phases["capture"]
    bad = recording.days().problems(span, CUTS, random.Random(f"{seed}-capture"))
    with capsys.disabled():
        print(f"\n  {CUTS} cuts, TILLBACK_SEED={seed}: {len(bad)} bad")
    assert bad == []


def test_control_disk_that_only_says_it_has_flushed_is_caught_losing(recording, seed):
    span = recording.phases["capture"]
    dice = random.Random(f"{seed}-liar")
    assert recording.days().problems(span, CONTROL_CUTS, dice, keeps_flushed=False)


def test_control_file_system_without_barriers_is_caught_losing(recording, seed):
    span = recording.phases["without barriers"]
    assert recording.days().problems(span, CONTROL_CUTS, random.Random(f"{seed}-barriers"))


def update_problems(recording, count, dice, keeps_flushed=True):
    """[(moment, what is wrong)], and how often which slot was first."""
    log = recording.log
    esp, esp_size = partition(recording.before, "tillback-esp")
    target = recording.target
    slot = partition(recording.before, f"root-{target.lower()}")[0]
    around = [
        near
        for near, entry in enumerate(log.entries)
        if esp <= entry.sector * SECTOR < esp + esp_size and entry.sectors
    ]
    first_byte, last_byte = recording.phases["update"]
    within = [i for i, entry in enumerate(log.entries) if first_byte <= entry.at < last_byte]
    near = [m + d for m in around for d in (-1, 0, 1, 2) if within[0] <= m + d <= within[-1]]
    chosen = sorted(dice.choices(within, k=count // 2) + dice.choices(near, k=count - count // 2))
    new_root = (BUNDLES / f"root-{NEWER}.squashfs").read_bytes()
    bad, first = [], {"A": 0, "B": 0}
    for moment, left in replay.states(log, recording.before, recording.folder, chosen, dice, keeps_flushed):
        found = read_block(left, esp)
        starts = found and first_to_start(found)
        if not starts:
            bad.append((moment, f"the boot environment is broken: {found}"))
            continue
        first[starts] += 1
        if starts == target and not holds(left, slot, new_root):
            bad.append((moment, f"slot {target} is first, and not whole"))
    return bad, first


def holds(disk, at, content):
    with open(disk, "rb") as file:
        file.seek(at)
        return hashlib.sha256(file.read(len(content))).digest() == hashlib.sha256(content).digest()


def test_cuts_during_an_update_leave_a_whole_environment_and_no_half_slot_first(recording, seed, capsys):
    bad, first = update_problems(recording, STATES, random.Random(f"{seed}-update"))
    with capsys.disabled():
        print(f"\n  {STATES} states, TILLBACK_SEED={seed}: {first} first, {len(bad)} bad")
    assert bad == []
    assert first["A"] > 0 and first["B"] > 0, "the cuts are on both sides of the switch"


def test_control_half_written_slot_is_caught(recording, seed):
    bad, _ = update_problems(recording, CONTROL_CUTS, random.Random(f"{seed}-half"), keeps_flushed=False)
    assert bad
