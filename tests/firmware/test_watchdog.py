"""What hangs is started anew: the program by init, and init by the hardware."""

from road.road import await_true


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
