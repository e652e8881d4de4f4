"""What hangs is started anew: the program by init, and init by the hardware."""

from road.road import await_true
from updates import (
    HANGS, NEWER, environment_block, install, last_update, running_slot, write_environment_block,
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
