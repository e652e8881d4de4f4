"""How a box ends: revoked, replaced, swapped for another, retired, wiped. Real programs, both brokers."""

import json
import os
import re
import sqlite3
import subprocess
import time

import pytest
from branch import Branch, certificate, enrolled_box, give_its_name_away, run, show
from road.road import await_true


def test_revoked_is_cut_off_and_what_it_holds_comes_under_another_identity(town, tmp_path):
    with enrolled_box(town, tmp_path, "0304") as box:
        box.start()
        box.await_online()
        box.sell("0304-01-1")
        box.await_nothing_waits()
        serial = certificate(box.state)["serial"]
        town.device("revoke", box.device, "--reason", "stolen, they say")
        await_true(lambda: show(town, box.device).get("evicted"), 30, "the eviction")
        await_true(lambda: box.status()["link"] != "online", 30, "the session to end")
        assert serial in revoked(town.broker_folder / "crl.pem")
        answer = box.sell("0304-01-2")  # capture goes on
        time.sleep(2)  # long enough for several tries of the link
        status = box.status()
        assert (status["link"] == "online", status["waiting"] > 0) == (False, True)
        seen = town.ask_hub(f"/v1/devices/{box.device}")
        assert not seen["online"]
        # It was found again, and is given another identity: what it holds comes up with it.
        invited = json.loads(town.device("replace", box.device, "--reason", "found", "--json"))
        box.cli("provision", invited["link"], "--again")
        await_true(
            lambda: box.status().get("device") == invited["device"], 30, "the new identity"
        )
        box.await_online()
        box.await_nothing_waits()
        assert town.ask_hub(f"/v1/returns/{answer['return_id']}")["events"]
        assert town.ask_hub("/v1/parked")["parked"] == []
        assert box.daemon.stop() == 0


def await_out_for_good(town, box):
    """Until it is put out, and the broker tells it why when it comes again."""
    await_true(lambda: show(town, box.device).get("evicted"), 30, "the eviction")
    await_true(lambda: box.status()["link"] != "online", 30, "the session to end")
    await_true(lambda: "certificate is revoked" in box.daemon.last_words(), 30, "the refusal")
    assert box.status()["link"] != "online"


def test_former_box_is_cut_off_when_another_takes_its_name(town, tmp_path):
    """Its certificate is worth nothing from the moment on at which the new code is used: a session
    that it has open ends too, whether or not the other has come yet."""
    with enrolled_box(town, tmp_path, "0314") as box:
        box.start()
        box.await_online()
        serial = certificate(box.state)["serial"]
        other = give_its_name_away(town, box, tmp_path / "other")
        await_out_for_good(town, box)
        assert serial in revoked(town.broker_folder / "crl.pem")
        assert show(town, box.device)["state"] == "enrolled"
        box.sell("0314-01-1")  # capture goes on
        box.daemon.stop()
        with other:
            other.start()
            other.await_online()
            other.sell("0314-01-2")
            other.await_nothing_waits()
            assert other.daemon.stop() == 0


def test_former_box_is_not_out_before_the_broker_has_read_its_lists(town, tmp_path):
    """However long that takes: it would only come in again."""
    pid_file = town.broker_folder / "tillback.pid"
    pid = pid_file.read_text()
    with enrolled_box(town, tmp_path, "0315") as box:
        box.start()
        box.await_online()
        pid_file.write_text("0\n")  # the broker isn't told of the list
        try:
            give_its_name_away(town, box, tmp_path / "other")
            await_true(
                lambda: "hub.list_not_read" in town.hub.last_words(), 30, "the hub's question"
            )
            box.await_online()
            assert not show(town, box.device).get("evicted")
        finally:
            pid_file.write_text(pid)
        await_out_for_good(town, box)
        box.daemon.stop()


def revoked(path):
    told = run("openssl", "crl", "-in", path, "-noout", "-text")
    return {match.lower() for match in re.findall(r"Serial Number: (\w+)", told)}


def test_list_of_the_revoked_reaches_appliances(town, tmp_path):
    with enrolled_box(town, tmp_path, "0305") as box:
        other = town.invite(store="0306", name="Lost")
        run(
            *(town.programs / "tillback", "--state", tmp_path / "lost"),
            *("provision", other["link"]),
        )
        serial = certificate(tmp_path / "lost")["serial"]
        town.device("revoke", other["device"], "--reason", "lost")
        box.start()
        box.await_online()
        await_true(
            lambda: serial in revoked(box.state / "identity" / "crl.pem"), 30, "the list"
        )
        assert box.daemon.stop() == 0


def test_replaced_on_the_same_disk_loses_nothing(town, tmp_path):
    """The box was given up too early: what it had captured and not sent goes up all the same."""
    with enrolled_box(town, tmp_path, "0307") as box:
        box.start()
        box.await_online()
        first = box.sell("0307-01-1")
        box.await_nothing_waits()
        town.link.cut()
        await_true(lambda: box.status()["link"] != "online", 30, "the cut")
        second = box.sell("0307-01-2")
        told = town.device("replace", box.device, "--reason", "it was thought to be broken")
        assert "takes back" in told and "returns" in told
        code = re.search(r"code +(\S+)", told)[1]
        town.link.restore()
        box.cli(
            *("provision", code, "--again"),
            *("--enrol", f"mqtts://127.0.0.1:{town.enrol_port}"),
        )
        await_true(lambda: box.status().get("device", "").endswith("-b"), 30, "the new identity")
        box.await_online()
        box.await_nothing_waits()
        till = box.till()
        assert till.give_back("0307-01-1", 1)[0] == 201  # and goes on with the sales of before
        till.close()
        box.await_nothing_waits()
        for answer in (first, second):
            assert town.ask_hub(f"/v1/returns/{answer['return_id']}")["events"]
        assert town.ask_hub("/v1/parked")["parked"] == []
        old = show(town, box.device)
        assert (old["state"], old["successor"]) == ("replaced", certificate(box.state)["name"])
        assert box.daemon.stop() == 0


def test_swapped_box_knows_what_was_returned_before_it_came(town, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    with enrolled_box(town, tmp_path / "old", "0308") as old:
        old.start()
        old.await_online()
        answer = old.sell("0308-01-1")
        old.await_nothing_waits()
        old.daemon.kill()
        invited = json.loads(
            town.device("replace", old.device, "--reason", "water damage", "--json")
        )
        closed = show(town, old.device)
        assert closed["logs"][0]["through"] > 0
        with Branch(town, tmp_path / "new", "0308") as new:
            new.cli("provision", invited["link"])
            new.start()
            new.await_online()
            till = new.till()

            def knows():
                status, _, text = till.request("GET", f"/v1/returns/{answer['return_id']}")
                return status == 200

            await_true(knows, 30, "the returns of the old box")
            assert till.give_back("0308-01-1", 0)[1].get("return_id") != answer["return_id"]
            till.close()
            new.await_nothing_waits()
            assert new.daemon.stop() == 0
    assert [p for p in town.ask_hub("/v1/parked")["parked"]] == []


def hub_words(town, *words):
    return town._run(*town.hub_words(*words))


def test_box_in_the_place_of_another_gets_what_was_meant_for_it(town, tmp_path):
    """Its configuration and its groups, and the messages that the old one had not taken."""
    (tmp_path / "old").mkdir()
    (tmp_path / "new").mkdir()
    layer = tmp_path / "layer.json"
    with enrolled_box(town, tmp_path / "old", "0311") as old:
        old.start()
        old.await_online()
        old.sell("0311-01-1")
        old.await_nothing_waits()
        old.daemon.kill()
        hub_words(town, "config", "group", "add", "pilots", old.device)
        for scope, days in ((f"device/{old.device}", 77), ("group/pilots", 500)):
            layer.write_text(json.dumps({"retention": {"days" if days == 77 else "events": days}}))
            hub_words(town, "config", "put", scope, layer, "--reason", "for a test")
        with sqlite3.connect(town.hub_state / "hub.db", timeout=30) as db:
            # As one that waits: an appliance keeps even what it can't read.
            db.execute(
                "INSERT INTO inbox_out (device, number, body, created_ms)"
                " SELECT id, inbox_next, CAST('{}' AS BLOB), 1 FROM device WHERE id = ?",
                [old.device],
            )
            db.execute(
                "UPDATE device SET inbox_next = inbox_next + 1 WHERE id = ?", [old.device]
            )
        invited = json.loads(town.device("replace", old.device, "--reason", "fire", "--json"))
        with Branch(town, tmp_path / "new", "0311") as new:
            new.cli("provision", invited["link"])
            new.start()
            new.await_online()
            device = certificate(new.state)["name"]

            def taken():
                with sqlite3.connect(f"file:{town.hub_state}/hub.db?mode=ro", uri=True) as db:
                    left = "SELECT inbox_next - 1 - inbox_through, inbox_through FROM device WHERE id = ?"
                    behind, _ = db.execute(left, [old.device]).fetchone()
                    waits, through = db.execute(left, [device]).fetchone()
                    return behind == 0 and waits == 0 and through > 0

            await_true(taken, 30, "the old one's messages at the new one")
            hub_words(town, "config", "push", "store/0311", "--reason", "for a test")

            def settings():
                with sqlite3.connect(f"file:{town.hub_state}/hub.db?mode=ro", uri=True) as db:
                    row = db.execute(
                        "SELECT settings FROM config_desired WHERE device = ?", [device]
                    ).fetchone()
                    return row and json.loads(row[0]).get("retention")

            await_true(lambda: settings() == {"days": 77, "events": 500}, 30, "its configuration")
            assert new.daemon.stop() == 0


def test_retired_and_wiped_in_order(town, tmp_path):
    with enrolled_box(town, tmp_path, "0309") as box:
        box.start()
        box.await_online()
        box.sell("0309-01-1")
        box.await_nothing_waits()
        assert "in use" in box.cli("wipe", code=1)
        assert box.daemon.stop() == 0
        assert "0 of 1 appliances" in town._run(*town.hub_words("config", "plan", "store/0309"))
        town.device("retire", box.device)
        assert show(town, box.device)["state"] == "retired"
        assert "0 of 0 appliances" in town._run(*town.hub_words("config", "plan", "store/0309"))
        box.cli("wipe")
        assert {path.name for path in box.state.iterdir()} == {"wiped.json", "lock"}
        record = json.loads((box.state / "wiped.json").read_text())
        assert record["returns"]["head"] == record["returns"]["through"] > 0


def test_wipe_is_refused_while_events_wait(town, tmp_path):
    with Branch(town, tmp_path, "0310") as box:
        box.start()
        box.sell("0000-01-1")
        assert box.daemon.stop() == 0
        said = box.cli("wipe", code=1)
        assert "not at the hub yet" in said
        assert (box.state / "tillback.db").exists()
        assert "must say why" in box.cli("wipe", "--force", code=1)
        box.cli("wipe", "--force", "--reason", "a demonstration box")
        record = json.loads((box.state / "wiped.json").read_text())
        assert record["reason"] == "a demonstration box" and record["returns"]["head"] > 0
        assert not (box.state / "tillback.db").exists()


def test_wipe_that_was_cut_goes_on(town, tmp_path, cut_shim):
    for step in range(1, 60):
        (tmp_path / str(step)).mkdir()
        with Branch(town, tmp_path / str(step), "0311") as box:
            invited = town.invite("--id", f"wipe-{step}", store="0311", name="Box")
            box.cli("provision", invited["link"])
            cut = {**os.environ, "LD_PRELOAD": str(cut_shim), "CUT_AT": str(step)}
            first = subprocess.run(
                [town.programs / "tillback", "--state", box.state, "wipe"], env=cut, timeout=60
            )
            if first.returncode == 0:
                assert step > 5
                return
            box.cli("wipe")
            assert {path.name for path in box.state.iterdir()} == {"wiped.json", "lock"}
    pytest.fail("it never came to its end")
