"""Factory reset: last, since little is left after it."""

import json

from conftest import BUNDLES, DEVICE
from state import partition


def test_wipe_is_refused_while_events_wait(machine, till, centre):
    centre.hub.stop()
    assert till.sell("0042-01-vm-waits")[0] == 201
    output = machine.run("/usr/lib/tillback/wipe 2>&1 || echo REFUSED")
    assert "REFUSED" in output and "events wait" in output
    machine.run("test -e /data/tillback/tillback.db && systemctl is-active tillbackd")


def test_wipe_forced_by_a_ticket_leaves_a_new_box_and_the_reason(machine, plug, centre, tmp_path):
    words = ("--name", "Ada", "--reason", "the store is closed", "--action", "forced_wipe")
    centre.device("ticket", DEVICE, *words, "--out", tmp_path / "ticket.json")
    machine.expect_restart()
    plug("stick: forced_wipe, ticket for Ada", ticket_json=tmp_path / "ticket.json")
    machine.await_ready()
    found = json.loads(machine.run("cat /data/boot/last-wipe.json"))
    assert found["reason"] == "ticket for Ada"
    assert int(found["waiting"]) > 0
    machine.run("test ! -e /data/tillback/identity")
    status = json.loads(machine.cli("--json status"))
    assert status["streams"]["returns"]["head"] == 0


def test_data_partition_beyond_mending_is_made_anew_for_who_has_a_signed_stick(machine, plug, tmp_path):
    machine.cut_power()
    at, size = partition(machine.disk, "tillback-data")
    with open(machine.disk, "r+b") as disk:
        disk.seek(at)
        for _ in range(0, size, 1 << 20):
            disk.write(bytes(1 << 20))
    machine.start()
    machine.await_status("the data partition can't be mended, and nothing can be saved")
    why = tmp_path / "why"
    why.write_text("the disk was overwritten")
    plug("no signed update is beside new-data.txt", update_raucb=BUNDLES / "foreign.raucb", **{"new-data_txt": why})
    plug("the data partition is made anew: the disk", update_raucb=BUNDLES / "older.raucb", **{"new-data_txt": why})
    machine.await_ready()
    found = json.loads(machine.run("cat /data/boot/last-wipe.json"))
    assert (found["reason"], found["waiting"]) == ("the disk was overwritten", "unknown")
    assert json.loads(machine.cli("--json status"))["streams"]["returns"]["head"] == 0
