"""What hangs is started anew: the program by init, and init by the hardware."""

import re
import time

from road.road import await_true
from updates import (
    HANGS, NEWER, STUCK, environment_block, install, last_update, running_slot,
    write_environment_block,
)  # fmt: skip


def test_hung_agent_is_restarted(machine):
    pid = machine.run("systemctl show --property=MainPID --value tillbackd").strip()
    machine.run(f"kill -STOP {pid}")

    def is_another():
        now = machine.run("systemctl show --property=MainPID,StatusText tillbackd").split("\n")
        return not {"MainPID=0", f"MainPID={pid}"} & set(now) and "StatusText=healthy" in now

    await_true(is_another, 300, "another tillbackd")


def test_init_that_hangs_is_reset_by_the_watchdog_device(machine):
    """init that has crashed stands still, and feeds nothing."""
    machine.send("kill -SEGV 1")
    machine.await_status("slot [AB], start 1")
    machine.await_ready()


def test_start_that_hangs_before_init_is_reset_too_and_its_update_rolled_back(machine, tmp_path):
    """Bitten once, its third start is said to have been: each takes two minutes."""
    was = running_slot(machine)
    tried = {"A": "B", "B": "A"}[was]
    install(machine, "hangs")
    machine.restart()
    machine.await_status(f"slot {tried}, start 1")
    machine.await_status(f"slot {tried}, start 2")
    machine.cut_power()
    block = environment_block(machine.disk)
    used_up = block.replace(f"{tried}_TRY=2".encode(), f"{tried}_TRY=3".encode())
    assert used_up != block
    write_environment_block(machine.disk, used_up, tmp_path / "grubenv")
    machine.start()
    machine.await_ready(NEWER, was)
    found = last_update(machine)
    assert (found["result"], found["version"]) == ("rolled_back", HANGS)


def await_standstill(machine):
    """Its processor stays where it is."""

    def stands():
        places = set()
        for _ in range(20):
            places.add(re.search(r"RIP=\w+", machine.where_it_is())[0])
            time.sleep(0.05)
        return len(places) == 1

    await_true(stands, 60, "the kernel that hangs")


def test_kernel_that_hangs_at_once_is_rolled_back_by_who_pulls_the_plug(machine):
    """Nothing bites before the initial RAM disk; but its starts are counted, and so are few."""
    was = running_slot(machine)
    tried = {"A": "B", "B": "A"}[was]
    install(machine, "stuck")
    machine.restart()
    for start in (1, 2, 3):
        machine.await_status(f"slot {tried}, start {start}")
        await_standstill(machine)
        machine.cut_power()
        machine.start()
    machine.await_ready(NEWER, was)
    found = last_update(machine)
    assert (found["result"], found["version"]) == ("rolled_back", STUCK)
    assert "started 3 times" in found["reason"]
