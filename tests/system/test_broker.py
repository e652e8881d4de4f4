"""The broker as it is configured for production: what a client with a certificate may not do, what a
revoked one still can, and what a list past its time does. SUBACK and PUBACK prove nothing here, so
each looks at what arrives."""

import contextlib
import os
import signal
import ssl
import subprocess
import uuid

import pytest
from conftest import open_road, stop_well
from road.road import DEVICE, await_true
from road.till import Till
from stranger import Stranger
from wire import Wire, batch, event

ROGUE = "store-0666-x"


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    with open_road(tmp_path_factory.mktemp("road"), watchers=["watcher"]) as opened:
        opened.await_link(30)
        yield opened
        stop_well(opened)


@pytest.fixture
def rogue(road):
    with Wire(road, road.identity(ROGUE), ROGUE) as wire:
        yield wire


def make_traffic(road):
    """Something on each of the victim's topics: an event, its acknowledgement, a state."""
    till = Till(road.store_url, road.token())
    make_traffic.sales += 1
    till.sell(f"0042-01-broker-{make_traffic.sales}")
    till.close()
    await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 20, "arrival")


make_traffic.sales = 0

FILTERS = [
    "#",
    "+/+/+/+/+",
    f"tb/v1/{DEVICE}/#",
    f"tb/v1/{DEVICE}/up/events",
    "tb/v1/+/up/#",
    "tb/v1/+/down/#",
    f"tb/v1/{ROGUE}/up/#",
    "$share/hub/tb/v1/+/up/#",
    f"$share/mine/tb/v1/{DEVICE}/down/#",
    "$SYS/#",
]


def test_no_filter_brings_what_is_others(road, rogue):
    for filter_ in FILTERS:
        rogue.subscribe(filter_)
    rogue.publish(f"tb/v1/{ROGUE}/up/state", b"{}")
    make_traffic(road)
    road.appliance.kill()  # its last will is not for others either
    road.appliance.start()
    road.await_link(30)
    assert [message.topic for message in rogue.drain(1)] == []


GROUPS = ("hub", "registrar", "tillback-hub")


def test_no_client_gets_a_share_of_what_is_for_the_hub(road, rogue):
    """Mosquitto lets anybody into a group, and drops what it would hand to who may not read it."""
    for group in GROUPS:
        rogue.subscribe(f"$share/{group}/tb/v1/+/up/#")
    with Wire(road, road.identity("honest"), "honest") as honest:
        honest.subscribe("tb/v1/honest/down/#")
        for _ in range(6):
            log_id = uuid.uuid4()
            payload, properties = batch([event("honest")], log_id)
            honest.publish("tb/v1/honest/up/events", payload, properties)
            assert honest.next_from(log_id)["through"] == 1  # sent once: no share was lost


def test_no_stranger_gets_a_share_of_what_strangers_ask(road):
    with Stranger(road) as rogue, Stranger(road) as honest:
        for group in GROUPS:
            rogue.subscribe(f"$share/{group}/tb/v1/+/up/#")
        for _ in range(6):
            assert honest.ask(ask="renewal", request="none")["refused"]


TOPICS = [
    f"tb/v1/{DEVICE}/down/config",
    f"tb/v1/{DEVICE}/down/cmd/restart",
    f"tb/v1/{DEVICE}/up/config",
    f"tb/v1/{ROGUE}/down/config",
    f"tb/v1/{ROGUE}/other/x",
    "tb/v1/x",
    "x",
]


def test_no_topic_but_the_own_takes_anything_retained_or_not(road, rogue):
    with Wire(road, road.identity("watcher"), "watcher") as watcher:
        watcher.subscribe("tb/v1/#")
        watcher.drain()
        for topic in TOPICS:
            rogue.publish(topic, b"poison")
            rogue._client.publish(topic, b"poison", 1, retain=True).wait_for_publish(5)
        assert [m.topic for m in watcher.drain(1) if m.payload == b"poison"] == []
    with Wire(road, road.identity("watcher"), "watcher") as late:
        late.subscribe("tb/v1/#")
        assert [m.topic for m in late.drain(1) if m.payload == b"poison"] == []


def reload_with(road, crl):
    """The broker's list becomes this one, as SIGHUP makes it, in a moment."""
    (road.broker_folder / "crl.pem").write_bytes(crl)
    os.kill(road.broker.process.pid, signal.SIGHUP)


def is_let_in(road, name):
    with contextlib.suppress(ConnectionError, ssl.SSLError, OSError):
        Wire(road, road.identity(name), name).close()
        return True
    return False


def test_revoked_one_gets_in_no_more_and_its_session_goes_on_until_it_is_ended(road):
    with Wire(road, road.identity("fired"), "fired") as session:
        session.subscribe("tb/v1/fired/down/#")
        road.authority("revoke", "fired")
        reload_with(road, (road.hub_state / "trust" / "crl.pem").read_bytes())
        await_true(lambda: not is_let_in(road, "fired"), 10, "the list")
        assert is_let_in(road, ROGUE)
        with Wire(road, road.identity("watcher"), "watcher") as watcher:
            watcher.subscribe("tb/v1/fired/up/#")
            session.publish("tb/v1/fired/up/x", b"still here")
            assert [m.payload for m in watcher.drain(1)] == [b"still here"]


def expired_list(road):
    """One of our authority whose next update is long past."""
    folder = road.folder / "expired"
    folder.mkdir()
    (folder / "index").touch()
    (folder / "conf").write_text(
        f"[ca]\ndefault_ca = a\n[a]\ndatabase = {folder}/index\ndefault_md = sha256\n"
    )
    authority = road.hub_state / "ca"
    done = subprocess.run(
        [
            *("openssl", "ca", "-gencrl", "-config", folder / "conf"),
            *("-keyfile", authority / "ca-key.pem", "-cert", authority / "ca.pem"),
            *("-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", "20200201000000Z"),
        ],
        capture_output=True,
        check=True,
    )
    return done.stdout


def test_list_past_its_time_keeps_everybody_out_and_the_sessions_in(road):
    good = (road.hub_state / "trust" / "crl.pem").read_bytes()
    road.hub.freeze()  # or it would put the right list back
    try:
        reload_with(road, expired_list(road))
        await_true(lambda: not is_let_in(road, ROGUE), 10, "the list")
        assert not is_let_in(road, "watcher")
    finally:
        road.hub.thaw()
    make_traffic(road)  # who is in stays in
    reload_with(road, good)
    await_true(lambda: is_let_in(road, ROGUE), 10, "the good list")
