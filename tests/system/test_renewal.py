"""Certificates end and are renewed in time: a box's, the hub's, the servers', the authority's own; and
the list of the revoked."""

import fcntl
import json
import re
import shutil
import subprocess
import time

import pytest
from branch import Branch, DAY_S, carried, certificate, days_ago, run
from conftest import open_road, stop_well
from road.road import await_true
from road.till import Till


# --- Boxes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("new_key", ["yes", "no"])
def test_renewed_well_before_its_end_and_tried_before_it_counts(town, tmp_path, cut_shim, new_key):
    with Branch(town, tmp_path, "0301", [f"identity.new_key={new_key}"]) as box:
        carried(town, box, tmp_path, signed=days_ago(cut_shim, 300))
        before = certificate(box.state)
        box.start()
        await_true(
            lambda: certificate(box.state)["serial"] != before["serial"], 30, box.words()
        )
        box.await_online()
        after = certificate(box.state)
        assert (after["key"] == before["key"]) == (new_key == "no")
        assert not (box.state / "identity" / "next.pem").exists()
        box.sell("0301-01-1")
        box.await_nothing_waits()
        assert box.daemon.stop() == 0


def expire(road, box, cut_shim, folder):
    """Enrols the box with a certificate that ends in some seconds, and awaits its end."""
    almost = days_ago(cut_shim, 1)
    almost["CUT_CLOCK"] = str(int(almost["CUT_CLOCK"]) + 6)
    carried(road, box, folder, signed=almost, days="enrol.certificate_days=1")
    end = certificate(box.state)["end"]
    await_true(lambda: time.time() > end + 1, 30, "the certificate's end")


def test_expired_while_offline(town, tmp_path, cut_shim):
    with Branch(town, tmp_path, "0302") as box:
        expire(town, box, cut_shim, tmp_path)
        before = certificate(box.state)
        town.link.cut()
        box.start()
        answer = box.sell("0302-01-1")  # expiry never stops capture
        status = box.status()
        assert status["link"] != "online" and status["identity"]["expired"]
        town.link.restore()
        box.await_online(60)
        assert certificate(box.state)["serial"] != before["serial"]
        assert not box.status()["identity"]["expired"]
        box.await_nothing_waits()
        assert town.ask_hub(f"/v1/returns/{answer['return_id']}")["events"]
        assert box.daemon.stop() == 0


def test_expired_longer_than_the_policy_allows(tmp_path, cut_shim):
    road = open_road(tmp_path, hub_settings=["enrol.late_days=0"])
    with road, Branch(road, tmp_path, "0303") as box:
        expire(road, box, cut_shim, tmp_path)
        before = certificate(box.state)
        box.start()
        box.sell("0303-01-1")
        await_true(
            lambda: "expired more than 0 days ago" in box.daemon.last_words(50), 30, box.words()
        )
        assert certificate(box.state) == before and box.status()["waiting"] > 0
        # A person decides: a new code for the same appliance.
        invited = json.loads(road.device("invite", before["name"], "--json"))
        box.cli("provision", invited["link"], "--again")
        box.await_online()
        box.await_nothing_waits()
        assert box.daemon.stop() == 0


def test_technician_waits_for_an_appliance_that_renews_just_now(town, tmp_path):
    with Branch(town, tmp_path, "0316") as box:
        invited = town.invite(store="0316", name="Box")
        identity = box.state / "identity"
        identity.mkdir(parents=True, mode=0o700)
        words = [town.programs / "tillback", "--state", box.state, "provision", invited["link"]]
        with open(identity / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            process = subprocess.Popen(words)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(1)
        assert process.wait(60) == 0
        assert certificate(box.state)["name"] == invited["device"]


# --- The centre ----------------------------------------------------------------------------------


def test_revocation_list_is_made_anew_before_it_is_too_old(town, cut_shim):
    town.hub.stop()
    run(*town.hub_words("ca", "crl"), env=days_ago(cut_shim, 20))
    before = run("openssl", "crl", "-in", town.hub_state / "ca" / "crl.pem", "-noout", "-crlnumber")
    town.hub.start()
    crl = town.broker_folder / "crl.pem"
    await_true(
        lambda: run("openssl", "crl", "-in", crl, "-noout", "-crlnumber") != before, 20, "a list"
    )
    until = re.search(r"^tillback_hub_revocation_list_until_seconds (\d+)$", town.ask_hub_text("/metrics"), re.M)
    assert int(until[1]) > time.time() + 25 * DAY_S


def issuers(path):
    return re.findall(r"-----BEGIN CERTIFICATE", path.read_text())


def served(port):
    """The serial of the certificate that a server shows."""
    shown = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{port}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
    ).stdout
    told = subprocess.run(
        ["openssl", "x509", "-noout", "-serial"], input=shown, capture_output=True, timeout=30
    )
    return told.stdout.decode().strip()


def test_hub_renews_its_own_certificate_and_the_brokers(tmp_path, cut_shim):
    """All of them were made 300 of 397 days ago."""
    road = open_road(tmp_path)
    then = days_ago(cut_shim, 300)
    hub = road.programs / "tillback-hub", "--state", road.hub_state, "ca"
    run(*hub, "init", env=then)
    run(*hub, "server", "broker", "127.0.0.1", "localhost", env=then)
    files = [road.hub_state / name for name in ("identity/current.pem", "servers/broker.pem")]
    before = [file.read_bytes() for file in files]
    with road:
        road.await_link(30)
        after = [file.read_bytes() for file in files]
        assert all(old != new for old, new in zip(before, after, strict=True))
        pem = run("openssl", "x509", "-in", files[1], "-noout", "-serial", "-ext", "subjectAltName")
        assert "127.0.0.1" in pem and "localhost" in pem
        serial = pem.splitlines()[0]
        for port in (road.broker_port, road.enrol_port):
            await_true(lambda p=port: served(p) == serial, 20, "the new certificate at the broker")
        mode = (road.broker_folder / "server-key.pem").stat().st_mode
        assert mode & 0o777 == 0o644, "not as whoever installed it here has chosen"
        # New connections of both sides find it in order.
        road.link.cut()
        await_true(lambda: road.ask_store("/v1/status")["link"] != "online", 30, "the cut")
        road.link.restore()
        road.await_link(30)
        stop_well(road)
    road = open_road(tmp_path)
    with road:
        road.await_link(30)
        assert [file.read_bytes() for file in files] == after  # and none before its time
        stop_well(road)


def test_authority_is_replaced_while_all_stay_online(tmp_path):
    road = open_road(tmp_path, appliance_settings=["identity.look_s=1"])
    with road:
        road.await_link()
        first = certificate(road.store_state)
        road.authority("next")
        restart(road.hub, road)
        restart(road.appliance, road)
        await_true(
            lambda: len(issuers(road.store_state / "identity" / "ca.pem")) == 2, 30, "both CAs"
        )
        road.await_link()
        road.authority("switch")
        road.authority("server", "broker", "127.0.0.1", "localhost")
        servers = road.hub_state / "servers"
        shutil.copy(servers / "broker.pem", road.broker_folder / "server.pem")
        shutil.copy(servers / "broker-key.pem", road.broker_folder / "server-key.pem")
        for program in (road.hub, road.broker, road.enrol_broker):
            program.stop()
        road.start_broker()
        road.enrol_broker.start()
        road.hub.start()
        restart(road.appliance, road)
        await_true(
            lambda: certificate(road.store_state)["issuer"] != first["issuer"], 40, "renewal"
        )
        road.await_link()
        road.authority("retire")
        restart(road.hub, road)
        restart(road.appliance, road)
        await_true(
            lambda: len(issuers(road.store_state / "identity" / "ca.pem")) == 1, 30, "one CA"
        )
        road.await_link()
        till = Till(road.store_url, road.token())
        assert till.sell("0042-01-new")[0] == 201
        till.close()
        await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 20, "arrival")
        stop_well(road)


def restart(program, road):
    assert program.stop() == 0
    program.start()
