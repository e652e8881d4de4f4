"""Factory reset: last, since little is left after it."""

import json


def test_wipe_is_refused_while_events_wait(machine, till, centre):
    centre.hub.stop()
    assert till.sell("0042-01-vm-waits")[0] == 201
    output = machine.run("/usr/lib/tillback/wipe 2>&1 || echo REFUSED")
    assert "REFUSED" in output and "events wait" in output
    machine.run("test -e /data/tillback/tillback.db && systemctl is-active tillbackd")


def test_forced_wipe_leaves_a_new_box_and_the_reason(machine):
    machine.send("/usr/lib/tillback/wipe --force 'the store is closed'")
    machine.await_ready()
    found = json.loads(machine.run("cat /data/boot/last-wipe.json"))
    assert found["reason"] == "the store is closed"
    assert int(found["waiting"]) > 0
    machine.run("test ! -e /data/tillback/identity")
    status = json.loads(machine.cli("--json status"))
    assert status["streams"]["returns"]["head"] == 0
