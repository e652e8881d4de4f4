"""Copies of an appliance's disk, each as a cut of the power would have left it at that moment, and what
the system that is shipped makes of them.

A start in full takes most of a minute without hardware acceleration, nearly all of it for what no
cut can change: the firmware, the kernel, the root of the slot. So the first copy that starts from a root
does so in full; then that machine is put away, with its data and boot partitions unmounted and what
uses them stopped. Each further copy is given to it as its disk, the root of which is compared
first, and goes on from there: fsck, the journal's replay, the boot environment, tillbackd, the
verdict on its health. What the boot loader would have done is done from outside."""

import hashlib
import socket
import time

from machine import Machine
from state import partition
from updates import (
    environment_block, first_to_start, read_block, running_slot, write_environment_block,
)  # fmt: skip

PUT_AWAY = (
    "systemctl stop 'tillback-screen@*' tillback-health tillback-installer.socket tillbackd rauc;"
    " systemctl stop tillback-boot; systemctl stop data.mount boot-efi.mount;"
    " systemctl stop systemd-fsck@dev-tillback-data; cd /; udevadm settle;"
    " ! grep -E ' (/data|/boot/efi) ' /proc/mounts"
)
GO_ON = (
    "date -s @{now} && systemctl --no-block start boot-efi.mount data.mount"
    " tillback-boot tillback-installer.socket tillbackd tillback-health"
)


class Copies:
    """Of the disk of `machine`, which is not on while one of them is; `roots` are the files that a
    slot may hold."""

    def __init__(self, folder, machine, roots):
        self.folder = folder
        self.devices = machine.devices
        self.port = _free_port()
        self.roots = {_digest(path, 0, path.stat().st_size): path.stat().st_size for path in roots}
        self.saved = {}

    def start(self, disk):
        """Ready; and how it came there. It reaches no hub: there, the original is this box."""
        copy = Machine(self.folder, disk, {self.port: 8443}, self.devices)
        copy.alone = True
        block = read_block(disk, partition(disk, "tillback-esp")[0])
        slot = block and first_to_start(block)
        found = slot and (slot, self._root(disk, slot))
        if found not in self.saved:
            copy.start()
            copy.await_ready()
            return copy, "started"
        count_start(disk, slot, self.folder / "environment")
        self._go_on(copy, found)
        return copy, "resumed"

    def finish(self, copy, how):
        """The first of its kind is put away."""
        if how == "started":
            self._put_away(copy)
        copy.cut_power()

    def prepare(self, machine):
        """The original, which is ready, as the one that is put away; it goes on, and is ready again."""
        self._go_on(machine, self._put_away(machine))

    def _put_away(self, machine):
        slot = running_slot(machine)
        machine.run(PUT_AWAY)
        saved = self.folder / f"saved-{len(self.saved)}"
        machine.save(saved)
        found = (slot, self._root(machine.disk, slot))
        self.saved[found] = saved
        return found

    def _go_on(self, machine, found):
        machine.start(self.saved[found])
        machine.run(GO_ON.format(now=int(time.time())))
        machine.await_ready(slot=found[0])

    def _root(self, disk, slot):
        at = partition(disk, f"root-{slot.lower()}")[0]
        for size in set(self.roots.values()):
            if (found := _digest(disk, at, size)) in self.roots:
                return found
        raise AssertionError(f"slot {slot} is to start, and is not whole")


def count_start(disk, slot, scratch):
    """As the boot loader does."""
    block = environment_block(disk)
    starts = read_block(disk, partition(disk, "tillback-esp")[0])[f"{slot}_TRY"]
    counted = block.replace(f"{slot}_TRY={starts}".encode(), f"{slot}_TRY={int(starts) + 1}".encode())
    assert counted != block
    write_environment_block(disk, counted, scratch)


def _digest(path, at, size):
    with open(path, "rb") as file:
        file.seek(at)
        return hashlib.sha256(file.read(size)).hexdigest()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
