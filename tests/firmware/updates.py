"""Installing the bundles that lie on a stick in the machine."""

import json

from conftest import DEVICE

FOLDER = "/tmp/bundles"
GOOD, PANICS, UNHEALTHY, NEWER = "0.2.0", "0.3.0", "0.4.0", "0.5.0"


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
