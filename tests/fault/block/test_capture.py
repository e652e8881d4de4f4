"""Power cuts below the file system while tills work: the real programs, on an ext4 whose disk logs its
writes. The disk is a file that qemu-storage-daemon shows by FUSE; no virtual machine is in it.
BLOCK_CUTS= for more, TILLBACK_SEED= for the same again. Needs root, to mount."""

import os
import pathlib
import random
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(HERE)]

import replay  # noqa: E402
from capture import Days, Noted  # noqa: E402
from road.road import Road, await_true, free_port_base  # noqa: E402
from road.till import Load  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or ROOT / "build" / "release").resolve()
CUTS = int(os.environ.get("BLOCK_CUTS") or 60)
CONTROL_CUTS = 20
DISK_BYTES = 256 << 20  # the appliance keeps some free
ANSWERS = 150


@pytest.fixture(scope="module")
def seed():
    chosen = int(os.environ.get("TILLBACK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"TILLBACK_SEED={chosen}")
    return chosen


class LoggedDisk:
    """An ext4 on a disk whose writes are logged, mounted at `mount`."""

    def __init__(self, folder):
        self.folder = folder
        self.disk, self.before, self.writes = folder / "disk", folder / "before", folder / "writes"
        self.shown, self.mount = folder / "shown", folder / "mount"

    def __enter__(self):
        for path in (self.disk, self.writes, self.shown):
            path.touch()
        os.truncate(self.disk, DISK_BYTES)
        run("mkfs.ext4", "-q", "-F", self.disk)
        run("cp", "--sparse=always", self.disk, self.before)
        export = f"type=fuse,id=shown,node-name=disk,mountpoint={self.shown},writable=on"
        words = ["--blockdev", replay.blockdev("disk", self.disk, self.writes), "--export", export]
        self.daemon = subprocess.Popen(["qemu-storage-daemon", *words])
        await_true(self._is_shown, 20, "the disk by FUSE")
        self.mount.mkdir()
        run("mount", "-o", "loop", self.shown, self.mount)
        return self

    def _is_shown(self):
        assert self.daemon.poll() is None, "qemu-storage-daemon ended"
        return self.shown.stat().st_size == DISK_BYTES

    def mount_again(self, options):
        run("mount", "-o", f"remount,{options}", self.mount)

    def length(self):
        """Of the log of writes."""
        return os.path.getsize(self.writes)

    def __exit__(self, *_):
        subprocess.run(["umount", self.mount], check=False)
        self.daemon.terminate()
        self.daemon.wait()


def run(*words):
    subprocess.run([str(word) for word in words], check=True)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory, seed):
    """The log of the writes of two days, the second without barriers, and which part is which."""
    folder = tmp_path_factory.mktemp("blocks")
    with LoggedDisk(folder) as disk:
        kept = Noted(disk.writes)
        road = Road(folder / "road", free_port_base(), PROGRAMS)
        (disk.mount / "store").mkdir(mode=0o700)
        road.store_state.rmdir()
        road.store_state.symlink_to(disk.mount / "store")
        spans = {}

        def work(name):
            first, enough = disk.length(), len(kept) + ANSWERS
            with Load(road.store_url, road.token(), kept, f"{seed}-{name}", tills=2):
                await_true(lambda: kept.refused or len(kept) >= enough, 120, "answers to the tills")
            assert kept.refused == []
            spans[name] = (first, disk.length())

        with road:
            work("barriers")
            disk.mount_again("barrier=0")
            work("no-barriers")
    log = replay.Log(disk.writes)
    return Days(folder, log, disk.before, kept, "store", PROGRAMS / "tillback"), spans


def test_cuts_while_tills_work_lose_nothing_that_was_answered(recorded, seed, capsys):
    days, spans = recorded
    began = time.monotonic()
    bad = days.problems(spans["barriers"], CUTS, random.Random(f"{seed}-cuts"))
    with capsys.disabled():
        print(
            f"\n  {CUTS} cuts, TILLBACK_SEED={seed}: {len(days.kept.answered)} answers,"
            f" {len(days.log.entries)} writes, {len(bad)} bad, {time.monotonic() - began:.0f} s"
        )
    assert bad == []


def test_control_without_barriers_is_caught_losing(recorded, seed):
    days, spans = recorded
    assert days.problems(spans["no-barriers"], CONTROL_CUTS, random.Random(seed))


def test_control_disk_that_only_says_it_has_flushed_is_caught_losing(recorded, seed):
    days, spans = recorded
    assert days.problems(spans["barriers"], CONTROL_CUTS, random.Random(seed), keeps_flushed=False)
