"""What becomes of an appliance's identity: renewed, expired, revoked, replaced, given up, wiped; and
of the authority behind it. Real programs, both brokers."""

import json
import os
import pathlib
import re
import shutil
import ssl
import sqlite3
import subprocess
import time
import urllib.request

import pytest
from conftest import open_road, stop_well
from road.programs import Program
from road.road import await_true
from road.till import Till

DAY_S = 24 * 3600


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """cut.c, to be preloaded."""
    library = tmp_path_factory.mktemp("cut") / "cut.so"
    source = pathlib.Path(__file__).with_name("cut.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    with open_road(tmp_path_factory.mktemp("road")) as road:
        road.await_link()
        yield road
        stop_well(road)


def days_ago(shim, days):
    """The environment of a program that lives then."""
    return {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "CUT_CLOCK": str(int(time.time()) - days * DAY_S),
    }


def run(*words, code=0, env=None):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, env=env
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def certificate(state):
    told = run(
        *("openssl", "x509", "-in", state / "identity" / "current.pem", "-noout"),
        *("-serial", "-issuer", "-pubkey", "-subject", "-enddate"),
    )
    return {
        "serial": re.search(r"serial=(\w+)", told)[1].lower(),
        "issuer": re.search(r"issuer=CN = (.*)", told)[1],
        "name": re.search(r"subject=CN = (.*)", told)[1],
        "key": re.search(r"-----BEGIN.*-----END", told, re.S)[0],
        "end": ssl.cert_time_to_seconds(re.search(r"notAfter=(.*)", told)[1]),
    }


class Box:
    """One more appliance, at a store of its own."""

    def __init__(self, road, folder, number, settings=()):
        self.road = road
        self.state = folder / "box"
        self.port = road.base + 15
        self.url = f"http://127.0.0.1:{self.port}"
        command = [road.programs / "tillbackd", "--state", self.state]
        for setting in (f"http.listen=127.0.0.1:{self.port}", "identity.look_s=1", *settings):
            command += ["--set", setting]
        self.daemon = Program("box", command, folder, ready="ready http=")
        self.number = number
        self.token = None

    def cli(self, *words, **options):
        return run(self.road.programs / "tillback", "--state", self.state, *words, **options)

    def start(self):
        self.daemon.start()
        return self

    def status(self):
        try:
            with urllib.request.urlopen(self.url + "/v1/status", timeout=10) as answer:
                return json.loads(answer.read())
        except OSError:
            return {}

    def till(self):
        if not self.token:
            self.token = self.cli("token", "add", "--lane", "01").strip()
        return Till(self.url, self.token)

    def sell(self, receipt):
        till = self.till()
        assert till.sell(receipt)[0] == 201
        answer = till.give_back(receipt)
        till.close()
        assert answer[0] == 201
        return answer[1]

    def await_online(self, timeout_s=30):
        await_true(lambda: self.status().get("link") == "online", timeout_s, self.words())

    def await_nothing_waits(self):
        await_true(lambda: self.status().get("waiting") == 0, 30, "arrival")

    def words(self):
        return f"the box's link\n{self.daemon.last_words(8)}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.kill()


def carried(road, box, folder, signed, days="enrol.certificate_days=397"):
    """Enrols the box by hand; the hub signs in the environment of another time."""
    bundle, request, answer = (folder / name for name in ("bundle", "request", "answer"))
    hub = [
        *road.hub_words(),
        *("--set", f"public.broker_url=mqtts://127.0.0.1:{road.link_port}"),
        *("--set", f"public.enrol_url=mqtts://127.0.0.1:{road.enrol_port}"),
        *("--set", days),
        "device",
    ]
    run(*hub, "add", "--store", box.number, "--name", "then", "--out", bundle)
    box.cli("csr", "export", "--bundle", bundle, "--out", request)
    run(*hub, "sign", request, "--out", answer, env=signed)
    box.cli("cert", "import", answer)


# --- Renewal -------------------------------------------------------------------------------------


@pytest.mark.parametrize("new_key", ["yes", "no"])
def test_renewed_well_before_its_end_and_tried_before_it_counts(town, tmp_path, shim, new_key):
    with Box(town, tmp_path, "0301", [f"identity.new_key={new_key}"]) as box:
        carried(town, box, tmp_path, signed=days_ago(shim, 300))
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


def expire(road, box, shim, folder):
    """Enrols the box with a certificate that ends in some seconds, and awaits its end."""
    almost = days_ago(shim, 1)
    almost["CUT_CLOCK"] = str(int(almost["CUT_CLOCK"]) + 6)
    carried(road, box, folder, signed=almost, days="enrol.certificate_days=1")
    end = certificate(box.state)["end"]
    await_true(lambda: time.time() > end + 1, 30, "the certificate's end")


def test_expired_while_offline(town, tmp_path, shim):
    with Box(town, tmp_path, "0302") as box:
        expire(town, box, shim, tmp_path)
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


def test_expired_longer_than_the_policy_allows(tmp_path, shim):
    road = open_road(tmp_path, hub_settings=["enrol.late_days=0"])
    with road, Box(road, tmp_path, "0303") as box:
        expire(road, box, shim, tmp_path)
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


# --- Closing -------------------------------------------------------------------------------------


def enrolled_box(road, folder, number):
    box = Box(road, folder, number)
    invited = road.invite(store=number, name="Box")
    box.cli("provision", invited["link"])
    box.device = invited["device"]
    return box


def show(road, device):
    return json.loads(road.device("show", device, "--json"))


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


def test_former_box_is_cut_off_when_another_takes_its_name(town, tmp_path):
    """Its certificate is worth nothing from the moment on at which the new code is used: a session
    that it has open ends too, whether or not the other has come yet."""
    with enrolled_box(town, tmp_path, "0314") as box:
        box.start()
        box.await_online()
        invited = json.loads(town.device("invite", box.device, "--json"))
        (tmp_path / "other").mkdir()
        other = Box(town, tmp_path / "other", "0314")
        other.cli("provision", invited["link"])
        assert certificate(other.state)["name"] == box.device
        await_true(lambda: show(town, box.device).get("evicted"), 30, "the eviction")
        await_true(lambda: box.status()["link"] != "online", 30, "the session to end")
        assert show(town, box.device)["state"] == "enrolled"
        box.sell("0314-01-1")  # capture goes on
        box.daemon.stop()
        with other:
            other.start()
            other.await_online()
            other.sell("0314-01-2")
            other.await_nothing_waits()
            assert other.daemon.stop() == 0


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
        with Box(town, tmp_path / "new", "0308") as new:
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
        with Box(town, tmp_path / "new", "0311") as new:
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
        town.device("retire", box.device)
        assert show(town, box.device)["state"] == "retired"
        box.cli("wipe")
        assert {path.name for path in box.state.iterdir()} == {"wiped.json", "lock"}
        record = json.loads((box.state / "wiped.json").read_text())
        assert record["returns"]["head"] == record["returns"]["through"] > 0


def test_wipe_is_refused_while_events_wait(town, tmp_path):
    with Box(town, tmp_path, "0310") as box:
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


def test_wipe_that_was_cut_goes_on(town, tmp_path, shim):
    for step in range(1, 60):
        (tmp_path / str(step)).mkdir()
        with Box(town, tmp_path / str(step), "0311") as box:
            invited = town.invite("--id", f"wipe-{step}", store="0311", name="Box")
            box.cli("provision", invited["link"])
            cut = {**os.environ, "LD_PRELOAD": str(shim), "CUT_AT": str(step)}
            first = subprocess.run(
                [town.programs / "tillback", "--state", box.state, "wipe"], env=cut, timeout=60
            )
            if first.returncode == 0:
                assert step > 5
                return
            box.cli("wipe")
            assert {path.name for path in box.state.iterdir()} == {"wiped.json", "lock"}
    pytest.fail("it never came to its end")


# --- The authority -------------------------------------------------------------------------------


def test_revocation_list_is_made_anew_before_it_is_too_old(town, shim):
    town.hub.stop()
    run(*town.hub_words("ca", "crl"), env=days_ago(shim, 20))
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


def test_hub_renews_its_own_certificate_and_the_brokers(tmp_path, shim):
    """All of them were made 300 of 397 days ago."""
    road = open_road(tmp_path)
    then = days_ago(shim, 300)
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
