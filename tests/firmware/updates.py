"""Installing the bundles that lie on a stick in the machine."""

import json
import subprocess

from conftest import DEVICE
from state import partition

FOLDER = "/tmp/bundles"
UPDATE_BYTES = 48 * 1024 * 1024  # that one writes, and a little more
GOOD, PANICS, UNHEALTHY, NEWER, HANGS, STUCK = "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0"


def mount(machine):
    machine.run(
        f"mkdir -p {FOLDER}; until mountpoint -q {FOLDER}; do "
        f"mount -o ro,noexec /dev/disk/by-label/BUNDLES {FOLDER} 2>/dev/null || sleep 1; done"
    )


def install(machine, name, check=True):
    """Into the other slot; the machine is not restarted."""
    mount(machine)
    return machine.run(f"/usr/lib/tillback/update {FOLDER}/{name}.raucb --no-restart", 900, check)


def begin_update(machine, name):
    """Into the other slot, without an end awaited: which slot runs, and what was written and said before."""
    mount(machine)
    machine.run("rm -f /data/boot/last-update.json")
    slot, before, said = running_slot(machine), machine.written(), len(machine.said())
    machine.begin(f"/usr/lib/tillback/update {FOLDER}/{name}.raucb --no-restart")
    return slot, before, said


def is_installed(machine, said):
    return "is installed in slot" in machine.said()[said:]


def verdict(machine, slot):
    """What the box tells became of the update that began in `slot`: as it was."""
    runs = running_slot(machine)
    told = "not begun"
    if machine.run("ls /data/boot/last-update.json 2>/dev/null || true"):
        told = last_update(machine)["result"]
    assert told in ({"interrupted", "not begun"} if runs == slot else {"installed"})
    assert environment(machine)[f"{runs}_OK"] == "1"
    return told


def last_update(machine):
    return json.loads(machine.run("cat /data/boot/last-update.json"))


def software(centre):
    """What the appliance has told the hub of its versions."""
    return centre.ask_hub(f"/v1/devices/{DEVICE}").get("software", {})


def running_slot(machine):
    return machine.run("grep -o 'rauc.slot=[AB]' /proc/cmdline").strip()[-1]


def environment(machine):
    return read_environment(machine.run("grub-editenv /boot/efi/grub/grubenv list"))


def read_environment(listed):
    return dict(line.split("=", 1) for line in listed.split("\n") if "=" in line)


def first_to_start(environment):
    """As the boot loader chooses; None when it would find none."""
    for slot in environment.get("ORDER", "").split():
        if environment.get(f"{slot}_OK") == "1" and environment.get(f"{slot}_TRY") in ("0", "1", "2"):
            return slot
    return None


def read_block(disk, esp):
    """The boot environment as GRUB would read it; None when it is none."""
    words = ["mtype", "-i", f"{disk}@@{esp}", "::/grub/grubenv"]
    block = subprocess.run(words, capture_output=True, check=False).stdout
    if len(block) != 1024 or not block.startswith(b"# GRUB Environment Block\n"):
        return None
    return read_environment(block.decode(errors="replace"))


def environment_block(disk):
    """The block's bytes, of a machine that is off."""
    command = ["mtype", "-i", f"{disk}@@{partition(disk, 'tillback-esp')[0]}", "::/grub/grubenv"]
    return subprocess.run(command, capture_output=True, check=True).stdout


def write_environment_block(disk, content, scratch):
    """The same, replaced by any bytes; by no file, without."""
    where = f"{disk}@@{partition(disk, 'tillback-esp')[0]}"
    subprocess.run(["mdel", "-i", where, "::/grub/grubenv"], check=True)
    if content is not None:
        scratch.write_bytes(content)
        subprocess.run(["mcopy", "-i", where, scratch, "::/grub/grubenv"], check=True)
