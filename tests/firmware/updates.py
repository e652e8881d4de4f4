"""Installing the bundles that lie on a stick in the machine."""

import json
import subprocess

from conftest import DEVICE
from state import partition

FOLDER = "/tmp/bundles"
GOOD, PANICS, UNHEALTHY, NEWER, HANGS = "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0"


def mount(machine):
    machine.run(
        f"mkdir -p {FOLDER}; until mountpoint -q {FOLDER}; do "
        f"mount -o ro,noexec /dev/disk/by-label/BUNDLES {FOLDER} 2>/dev/null || sleep 1; done"
    )


def install(machine, name, check=True):
    """Into the other slot; the machine is not restarted."""
    mount(machine)
    return machine.run(f"/usr/lib/tillback/update {FOLDER}/{name}.raucb --no-restart", 900, check)


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
