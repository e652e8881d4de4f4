"""A box of which no slot starts: it says so, takes nothing but a signed update from a stick, and is what it
was before."""

import json
import struct

from conftest import BUNDLES, make_stick
from machine import MIB
from road.road import await_true
from state import SECTOR, partition
from updates import NEWER, environment, last_update, write_environment_block

REFUSED = {
    "foreign": "signature verification failed",
    "other-product": "it is for somebody",
    "older": "version 0.0.9 is older",
    "tampered": "what the stick holds isn't what was signed",
}


def logs(machine):
    streams = json.loads(machine.cli("--json status"))["streams"]
    return {name: stream["log_id"] for name, stream in streams.items()}


def stick_with(folder, name):
    file = folder / f"{name}.img"
    return make_stick(file, "RESCUE", 64, {"update.raucb": BUNDLES / f"{name}.raucb"}, "tillback")


def overwrite(disk, at, size):
    """All of it: of a slot that held the same version half a stick would make a whole one, and rightly."""
    with open(disk, "r+b") as file:
        file.seek(at)
        for _ in range(0, size, MIB):
            file.write(bytes(MIB))


def test_box_of_which_neither_slot_starts_is_brought_back_by_a_signed_stick(machine, tmp_path):
    machine.run("until systemctl is-active --quiet tillbackd; do sleep 1; done")
    before = logs(machine)
    machine.cut_power()
    for name in ("root-a", "root-b"):
        overwrite(machine.disk, *partition(machine.disk, name))
    machine.start()
    machine.await_status("rescue: neither slot starts")
    for name, why in REFUSED.items():
        machine.plug_stick(name, stick_with(tmp_path, name))
        machine.await_status(f"rescue: refused: {why}")
        machine.pull_stick(name)
    signed = stick_with(tmp_path, "newer")
    machine.more_devices = [  # it stays in over the starts that follow
        *("-drive", f"if=none,id=signed,file={signed},format=raw,readonly=on"),
        *("-device", "usb-storage,bus=usb.0,drive=signed,removable=on"),
    ]
    machine.plug_stick("newer", signed)
    machine.await_status(f"rescue: version {NEWER} is in slot [AB], and is started")
    machine.await_ready(NEWER)
    assert last_update(machine)["result"] == "installed"
    machine.await_status(f"version {NEWER} is installed in slot [AB]")  # the other, which is mended so
    machine.await_ready(NEWER)
    await_true(lambda: f"stick: version {NEWER} runs already" in machine.said(), 240, "nothing more")
    machine.more_devices = []
    assert logs(machine) == before
    found = environment(machine)
    assert (found["A_OK"], found["B_OK"]) == ("1", "1")


def use_up_all_starts(machine):
    for block in ("grubenv", "spare"):
        machine.run(f"grub-editenv /boot/efi/grub/{block} set A_TRY=3 B_TRY=3")
    machine.cut_power()


def test_without_a_stick_the_slots_are_tried_once_more(machine):
    """As after a long series of power cuts: nothing is wrong with them."""
    use_up_all_starts(machine)
    machine.start()
    machine.await_status("rescue: no stick: the slots are tried once more")
    machine.await_ready(NEWER)


def test_damaged_boot_environment_is_made_anew_by_the_rescue(machine, tmp_path):
    """With the slot that was last good as the first: no other is started on the way."""
    before = environment(machine)
    last_good = machine.run("cat /data/boot/last-good").strip()
    use_up_all_starts(machine)
    write_environment_block(machine.disk, bytes(1024), tmp_path / "grubenv")
    machine.start()
    machine.await_status("rescue: no stick: the slots are tried once more")
    machine.await_status(f"slot {last_good}, start 1")
    said = len(machine.said())
    machine.await_ready(NEWER, last_good)
    assert "the boot environment is damaged" not in machine.said()[said:]
    found = environment(machine)
    assert (found["A_OK"], found["B_OK"]) == (before["A_OK"], before["B_OK"])
    assert found["ORDER"].startswith(last_good)


def write_media_bytes(disk, value):
    """Of the boot partition, which is FAT16: of its first sector, and of both tables. Of 0 the firmware and
    the boot loader take no notice; Linux mounts no such thing."""
    at = partition(disk, "tillback-esp")[0]
    with open(disk, "r+b") as file:
        file.seek(at)
        boot = file.read(64)
        assert boot[54:59] == b"FAT16"
        reserved, sectors_of_table = struct.unpack_from("<H", boot, 14)[0], struct.unpack_from("<H", boot, 22)[0]
        for offset in (21, reserved * SECTOR, (reserved + sectors_of_table) * SECTOR):
            file.seek(at + offset)
            file.write(bytes([value]))
    return boot[21]


def test_rescue_that_cannot_help_is_not_all_that_is_ever_started(machine, till):
    """Here it can't mount the boot partition. The slots can't either, and yet do their work."""
    use_up_all_starts(machine)
    media = write_media_bytes(machine.disk, 0)
    machine.start()
    machine.await_status("rescue: the boot partition can't be mounted")
    machine.await_status("slot [AB], start 1")
    assert till.sell("0042-01-vm-no-boot-partition")[0] == 201
    machine.cut_power()
    write_media_bytes(machine.disk, media)
    machine.start()
    machine.await_ready(NEWER)
