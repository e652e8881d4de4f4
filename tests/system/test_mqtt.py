"""A rogue with a valid certificate, but of another device: it reaches nobody's topics but its own,
and what it sends there is refused or parked with a reason. Nothing of others changes."""

import contextlib
import re
import shutil
import ssl
import uuid

import pytest
from conftest import open_road, stop_well
from road.audit import Audit, read_hub
from road.road import DEVICE, await_true
from road.till import Kept, Till
from wire import Wire, batch, event

ROGUE = "store-0666-x"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A road with something on it, and the rogue's identity."""
    road = open_road(tmp_path_factory.mktemp("road"), watchers=["watcher"])
    road.provision()
    road.rogue = road.identity(ROGUE)
    road.watcher = road.identity("watcher")
    with road:
        road.await_link()
        till = Till(road.store_url, road.token())
        road.kept = Kept()
        road.kept.note("sales", "sale-0042-01-r", *till.sell("0042-01-r"))
        road.kept.note("returns", "return-0042-01-r-0", *till.give_back("0042-01-r"))
        till.close()
        await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 10, "arrival")
        yield road
        stop_well(road)


@pytest.fixture
def rogue(town, untouched):
    with Wire(town, town.rogue, ROGUE) as wire:
        yield wire


@pytest.fixture
def untouched(town):
    """The victim, after the test: the same watermarks, the same link, the same events, an unbroken road."""
    before = town.ask_store("/v1/status")
    held = {key: log.entries for key, log in read_hub(town.hub_state, DEVICE).items()}
    yield
    after = town.ask_store("/v1/status")
    for part in ("streams", "link", "since", "hub_epoch"):
        assert after[part] == before[part]
    assert {k: log.entries for k, log in read_hub(town.hub_state, DEVICE).items()} == held
    assert town.ask_hub("/healthz")["status"] == "ok"


def counted(road, name):
    text = road.ask_hub_text("/metrics")
    return int(re.search(rf"^tillback_hub_{name} (\d+)$", text, re.M)[1])


VICTIMS_TOPICS = ["up/events", "up/state", "up/query", "down/ack/returns", "down/inbox", "down/inbox-batch"]


@pytest.mark.parametrize("name", VICTIMS_TOPICS)
def test_others_topic_takes_nothing(town, rogue, name):
    with Wire(town, town.watcher, "watcher") as watcher:
        watcher.subscribe(f"tb/v1/{DEVICE}/#")
        watcher.drain()
        payload, properties = batch([event(DEVICE)])
        rogue.publish(f"tb/v1/{DEVICE}/{name}", payload, properties)
        assert payload not in [message.payload for message in watcher.drain()]


def test_others_topics_tell_nothing(town, rogue):
    rogue.subscribe(f"tb/v1/{DEVICE}/#")
    rogue.subscribe("tb/v1/+/down/#")
    rogue.subscribe("#")
    town.hub.stop()
    town.hub.start()  # it tells every acknowledgement again
    await_true(lambda: town.ask_hub("/healthz")["broker"], 10, "the hub's link")
    assert [message.topic for message in rogue.drain(1)] == []


@pytest.mark.usefixtures("untouched")
def test_others_client_id_is_not_to_be_had(town):
    with Wire(town, town.rogue, DEVICE) as wire:
        wire.publish(f"tb/v1/{DEVICE}/up/state", b"{}")
        assert not wire.lost.is_set()
        assert town.ask_store("/v1/status")["link"] == "online"


@pytest.mark.usefixtures("untouched")
def test_stranger_is_turned_away(town, tmp_path):
    own = open_road(tmp_path)
    own.provision()
    identity = own.identity(DEVICE, own.store_state / "identity")
    shutil.copy(town.rogue / "ca.pem", identity / "ca.pem")
    with pytest.raises((ConnectionError, ssl.SSLError)):
        Wire(town, identity, DEVICE)
    own.stop()


@pytest.mark.usefixtures("untouched")
def test_client_without_a_certificate_is_turned_away(town):
    with pytest.raises((ConnectionError, ssl.SSLError)):
        Wire(town, None, DEVICE, ca=town.rogue / "ca.pem")


OTHERS_LOG = "a log of another device or stream"
REFUSED = {
    "no header": (lambda town: (batch([event(ROGUE)])[0], None), "is missing"),
    "bytes": (lambda town: (bytes(range(256)) * 40, batch([event(ROGUE)])[1]), ""),
    "half a batch": (lambda town: (batch([event(ROGUE)])[0][:-9], batch([event(ROGUE)])[1]), ""),
    "deep JSON": (lambda town: (b"[" * 100_000, batch([event(ROGUE)])[1]), ""),
    "wrong hash": (lambda town: batch([event(ROGUE)], hash="0" * 64), "hash"),
    "no hash": (lambda town: batch([event(ROGUE)], hash="zz"), "hash"),
    "wrong origin": (lambda town: batch([event(ROGUE)], prev="1" * 64), ""),
    "no such stream": (lambda town: batch([event(ROGUE)], stream="refunds"), "stream"),
    "seq zero": (lambda town: batch([event(ROGUE)], first=0), "first"),
    "fewer than said": (lambda town: batch([event(ROGUE)], last=3), ""),
    "too many": (lambda town: batch([event(ROGUE)] * 501), "500"),
    "other's log": (lambda town: batch([event(ROGUE)], log_id=log_of(town)), OTHERS_LOG),
    "other's log continued": (
        lambda town: batch([event(ROGUE)], log_id=log_of(town), first=3),
        OTHERS_LOG,
    ),
}


def log_of(town):
    return uuid.UUID(town.ask_store("/v1/status")["streams"]["returns"]["log_id"])


def words_of(program):
    return program.log.read_text()


@pytest.mark.parametrize("name", REFUSED)
def test_bad_batch_is_refused_with_a_reason(town, rogue, name):
    make, word = REFUSED[name]
    payload, properties = make(town)
    refused = counted(town, "refused_messages_total")
    said = len(words_of(town.hub))
    rogue.publish(f"tb/v1/{ROGUE}/up/events", payload, properties)
    await_true(lambda: counted(town, "refused_messages_total") > refused, 5, "the refusal")
    news = words_of(town.hub)[said:]
    assert "hub.message_refused" in news or "hub.batch_not_taken" in news
    assert word in news, news
    assert read_hub(town.hub_state, ROGUE) == {}


MESSAGES = {
    "up/state": b'{"session":17}',
    "up/inbox-ack": b"\xff",
    "up/query": b'{"receipt":""}',
}


@pytest.mark.parametrize("name", MESSAGES)
def test_bad_message_is_refused(town, rogue, name):
    said = len(words_of(town.hub))
    rogue.publish(f"tb/v1/{ROGUE}/{name}", MESSAGES[name])
    await_true(lambda: len(words_of(town.hub)) > said, 5, "a word about it")


@pytest.mark.usefixtures("untouched")
def test_ten_megabytes_end_the_senders_connection(town):
    with Wire(town, town.rogue, ROGUE) as wire:
        with contextlib.suppress(OSError):
            wire.publish(f"tb/v1/{ROGUE}/up/events", b"x" * 10_000_000, wait=False)
        assert wire.lost.wait(60)


PARKED = {
    "unreadable": lambda victims: [b'{"id":"x"}', "unreadable"],
    "unknown type": lambda victims: [event(ROGUE, type="com.tillback.coffee.v1"), "unknown_type"],
    "other's id": lambda victims: [event(ROGUE, id=victims[0]["id"]), "id_body_conflict"],
    "wrong stream": lambda victims: [
        event(ROGUE, type="com.tillback.sale.recorded.v1"),
        "wrong_stream",
    ],
}


@pytest.mark.parametrize("name", PARKED)
def test_bad_event_is_parked_alone_with_a_reason(town, rogue, name):
    victims = [e["event"] for e in town.ask_hub(f"/v1/events?device={DEVICE}")["events"]]
    body, code = PARKED[name](victims)
    rogue.subscribe(f"tb/v1/{ROGUE}/down/ack/returns")
    payload, properties = batch([body, event(ROGUE)])
    rogue.publish(f"tb/v1/{ROGUE}/up/events", payload, properties)
    ack = rogue.next_from(properties["log_id"])
    assert ack["through"] == 2
    assert [(p["seq"], p["code"]) for p in ack["parked"]] == [(1, code)]
    return_id = town.kept.returns["return-0042-01-r-0"]["return_id"]
    trail = town.ask_hub(f"/v1/returns/{return_id}")["events"]
    assert {entry["device"] for entry in trail} <= {DEVICE, "centre"}


def test_event_ahead_of_a_gap_is_held_and_not_counted(town, rogue):
    rogue.subscribe(f"tb/v1/{ROGUE}/down/ack/returns")
    payload, properties = batch([event(ROGUE)], first=7)
    rogue.publish(f"tb/v1/{ROGUE}/up/events", payload, properties)
    ack = rogue.next_from(properties["log_id"])
    assert (ack["through"], ack["also"]) == (0, [[7, 7]])


def test_the_victims_promise_still_holds(town):
    till = Till(town.store_url, town.token())
    status, answer = till.give_back("0042-01-r", 1)
    till.close()
    town.kept.note("returns", "return-0042-01-r-1", status, answer)
    await_true(lambda: town.ask_store("/v1/status")["waiting"] == 0, 10, "arrival")
    problems = Audit(town, DEVICE, town.kept).problems
    assert [p for p in problems if not p.startswith(("parked:", "hub_exception:"))] == []
