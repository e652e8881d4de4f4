"""The rescue's script in its own initial RAM disk, with its own shell and RAUC, without starting it: what it
takes of a stick, and what it leaves when there is none. Disks, partitions and the time are files here;
needs root."""

import os
import shutil
import subprocess

import pytest
from conftest import BUNDLES, FIRMWARE
from updates import GOOD, read_environment

FAKES = {
    # Of a bundle, its content; all else is there already.
    "mount": '[ "$2" != squashfs ] || cat /content.squashfs >/content/root.squashfs',
    "umount": "",
    "modprobe": "",
    "sleep": 'read -r now _ </proc/uptime; echo "$((${now%.*} + 20)).00 0.00" >/proc/uptime',
    "reboot": ": >/restarted; kill $PPID",
}
ENTER = """
mount -t overlay rescue -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
mount --bind "$2/console" "$2/root/dev/console"
exec env -i PATH=/bin /usr/sbin/chroot "$2/root" /bin/sh /init
"""
PARTITIONS = {"vda1": "tillback-esp", "vda2": "root-a", "vda3": "root-b", "vda4": "tillback-data"}


class Rescue:
    def __init__(self, folder):
        self.folder = folder
        self.there = folder / "upper"
        for name in ("upper", "work", "root"):
            (folder / name).mkdir()
        for name in ("bin", "data/boot", "dev", "esp/grub", "proc/sys/vm", "stick/tillback", "sys/class/block"):
            (self.there / name).mkdir(parents=True)
        for name, text in FAKES.items():
            self.write(f"bin/{name}", f"#!/bin/sh\n{text}\n").chmod(0o755)
        self.write("proc/uptime", "0.00 0.00\n")
        self.add_disk("vda", removable=0, partitions=PARTITIONS)
        os.mkfifo(folder / "console")
        self.write("dev/console", "")
        self.set_environment(ORDER="A B", A_OK=1, A_TRY=3, B_OK=1, B_TRY=3)

    def write(self, name, text):
        path = self.there / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def add_disk(self, disk, removable, partitions):
        for name, label in {disk: "", **partitions}.items():
            at = f"sys/devices/{disk}" + ("" if name == disk else f"/{name}")
            self.write(f"{at}/uevent", f"DEVNAME={name}\n" + (f"PARTNAME={label}\n" if label else ""))
            self.write(f"dev/{name}", "what was there")
            (self.there / "sys/class/block" / name).symlink_to(f"../../../{at}")
        self.write(f"sys/devices/{disk}/removable", f"{removable}\n")
        self.write(f"sys/devices/{disk}/diskseq", "7\n")

    def plug_stick(self, bundle, content=None, removable=1):
        self.add_disk("sda", removable, {"sda1": "root-b"})
        shutil.copy(BUNDLES / f"{bundle}.raucb", self.there / "stick/tillback/update.raucb")
        if content:
            shutil.copy(content, self.there / "content.squashfs")

    def set_environment(self, **variables):
        self.edit("grubenv", "create", *(f"{name}={value}" for name, value in variables.items()))
        self.edit("spare", "create", "A_TRY=0", "B_TRY=0", "RESCUE=1")

    def edit(self, block, *words):
        """With the program of the image."""
        command = [FIRMWARE / "root/usr/bin/grub-editenv", self.there / "esp/grub" / block, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return read_environment(done.stdout)

    def run(self):
        """Until it restarts; what it said."""
        console = os.open(self.folder / "console", os.O_RDWR | os.O_NONBLOCK)
        command = ["unshare", "--mount", "sh", "-euc", ENTER, "sh", FIRMWARE / "rescue", self.folder]
        subprocess.run(command, capture_output=True, timeout=120)
        assert (self.there / "restarted").exists()
        return os.read(console, 1 << 16).decode()

    def written(self, device):
        return (self.there / "dev" / device).read_bytes()


@pytest.fixture
def rescue(tmp_path):
    return Rescue(tmp_path)


BOTH_ANEW = {"ORDER": "A B", "A_OK": "1", "A_TRY": "0", "B_OK": "1", "B_TRY": "0"}
CONTENT = BUNDLES / f"root-{GOOD}.squashfs"


def test_without_a_stick_the_slots_get_their_starts_back(rescue):
    said = rescue.run()
    assert "neither slot starts: put in a stick" in said and "no stick" in said
    assert rescue.edit("grubenv", "list") == BOTH_ANEW
    assert rescue.edit("spare", "list")["RESCUE"] == "0", "it came up"


def test_one_slot_is_tried_when_neither_may_be_started(rescue):
    rescue.set_environment(ORDER="B A", A_OK=0, A_TRY=0, B_OK=0, B_TRY=0)
    rescue.run()
    assert rescue.edit("grubenv", "list")["A_OK"] == "1"


def test_signed_stick_is_written_to_the_slot_that_is_the_second_to_start(rescue):
    rescue.write("data/boot/good-B", "0.1.0\n")
    rescue.plug_stick("good", CONTENT)
    assert f"version {GOOD} is in slot B, and is started" in rescue.run()
    assert rescue.written("vda3") == CONTENT.read_bytes()
    assert rescue.written("vda2") == rescue.written("sda1") == b"what was there"
    found = rescue.edit("grubenv", "list")
    assert (found["ORDER"], found["B_OK"], found["B_TRY"], found["B_GOOD"]) == ("B A", "1", "0", "")
    assert (rescue.there / "data/boot/installing").read_text() == f"B {GOOD}\n"
    assert not (rescue.there / "data/boot/good-B").exists(), "it has to stand its trial"


REFUSED = {
    "foreign": "signature verification failed",
    "other-product": "it is for somebody-elses-box",
    "older": "version 0.0.9 is older than what ran here",
}


@pytest.mark.parametrize("bundle", REFUSED)
def test_stick_that_must_not_be_taken_is_refused_with_the_reason(rescue, bundle):
    rescue.plug_stick(bundle, CONTENT)
    assert f"rescue: refused: {REFUSED[bundle]}" in rescue.run()
    assert rescue.written("vda3") == b"what was there"
    assert rescue.edit("grubenv", "list") == BOTH_ANEW


def test_version_older_than_what_was_healthy_in_either_slot_is_refused(rescue):
    rescue.write("data/boot/good-B", "0.10.0\n")
    rescue.plug_stick("good", CONTENT)
    assert f"refused: version {GOOD} is older than what ran here" in rescue.run()


def test_content_that_is_not_what_was_signed_is_never_started(rescue):
    rescue.plug_stick("good", BUNDLES / "small.squashfs")
    assert "refused: what the stick holds isn't what was signed" in rescue.run()
    found = rescue.edit("grubenv", "list")
    assert (found["ORDER"], found["B_OK"]) == ("A B", "0")
    assert not (rescue.there / "data/boot/installing").exists()


def test_disk_that_is_built_in_is_no_stick(rescue):
    rescue.plug_stick("good", CONTENT, removable=0)
    assert "no stick" in rescue.run()
    assert rescue.written("vda3") == b"what was there"


@pytest.mark.parametrize(
    ("last_good", "good", "expected"),
    [
        (None, "", {"ORDER": "A B", "A_OK": "1", "B_OK": "1"}),
        ("B", "B", {"ORDER": "B A", "A_OK": "0", "B_OK": "1"}),
        ("B", "AB", {"ORDER": "B A", "A_OK": "1", "B_OK": "1"}),
    ],
)
def test_damaged_environment_is_made_anew(rescue, last_good, good, expected):
    (rescue.there / "esp/grub/grubenv").write_bytes(bytes(1024))
    if last_good:
        rescue.write("data/boot/last-good", f"{last_good}\n")
    for slot in good:
        rescue.write(f"data/boot/good-{slot}", "0.1.0\n")
    rescue.run()
    assert rescue.edit("grubenv", "list") == {**expected, "A_TRY": "0", "B_TRY": "0"}


def test_rescue_without_its_boot_partition_restarts_and_leaves_its_mark(rescue):
    """The boot loader goes by it, and tries the slots."""
    rescue.write("sys/devices/vda/vda1/uevent", "DEVNAME=vda1\n")
    assert "the boot partition can't be mounted" in rescue.run()
    assert rescue.edit("spare", "list")["RESCUE"] == "1"
