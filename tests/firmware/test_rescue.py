"""A box of which no slot starts: it says so, takes nothing but a signed update from a stick, and is what it
was before."""

import json

from conftest import BUNDLES, make_stick
from road.road import await_true
from state import partition
from updates import NEWER, environment, last_update

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


def test_box_of_which_neither_slot_starts_is_brought_back_by_a_signed_stick(machine, tmp_path):
    machine.run("until systemctl is-active --quiet tillbackd; do sleep 1; done")
    before = logs(machine)
    machine.cut_power()
    for name in ("root-a", "root-b"):
        with open(machine.disk, "r+b") as disk:
            disk.seek(partition(machine.disk, name)[0])
            disk.write(bytes(8 * 1024 * 1024))
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


def test_without_a_stick_the_slots_are_tried_once_more(machine):
    """As after a long series of power cuts: nothing is wrong with them."""
    machine.run("grub-editenv /boot/efi/grub/grubenv set A_TRY=3 B_TRY=3")
    machine.cut_power()
    machine.start()
    machine.await_status("rescue: no stick: the slots are tried once more")
    machine.await_ready(NEWER)
