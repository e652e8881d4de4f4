"""What the programs really publish keeps to the published documents, byte for byte as it went over
the broker: an onlooker that may read every topic collects it."""

import collections
import itertools
import json

import asyncapi
import pytest
import schemas
from conftest import open_road
from road.road import DEVICE, await_true
from road.till import Till
from test_restore import lose_everything
from wire import Wire, properties_of, text_of

# Nothing at the counter looks up a sale at the hub yet, and nobody configures this appliance.
UNUSED = {"config", "configReport", "configAck", "command", "commandReply"}
UNUSED |= {"parkedAsk", "parkedPage", "inboxBatch"}  # when more waits or is parked than goes in one
UNUSED |= {"reserve", "reserved"}  # between two stores: test_lookup.py
KEYS = itertools.count()
PIECE = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}


RECEIVED = {"lines": [{"line": 1, "quantity": 1, "condition": "damaged"}]}
STEPS = [
    [("refund", {}), ("dispute", {"stage": "opened"})],
    [("void", {"note": "a slip"})],
    [("receive", RECEIVED), ("refund", {})],
]


def ask(till, path, body):
    status, _, text = till.request("POST", path, body, f"published-{next(KEYS)}")
    return status, json.loads(text)


def work_at_the_counter(till):
    """Three pieces of a sale on three ways, and two requests that are saved without a refund."""
    receipt = "0042-01-published"
    made = []
    assert till.sell(receipt)[0] == 201
    for steps in STEPS:
        in_hand = steps[0][0] == "refund"
        body = {"receipt": receipt, "lines": [PIECE], "in_hand": in_hand}
        status, answer = ask(till, "/v1/returns", body)
        assert status == 201, answer
        made.append(answer["return_id"])
        for step, body in steps:
            status, problem = ask(till, f"/v1/returns/{answer['return_id']}/{step}", body)
            assert status == 200, (step, problem)
    known = {"customer": "c-1", "contact": {"name": "Ada Byron"}}
    for body in (
        {"receipt": receipt, "lines": [PIECE], **known},
        {"receipt": "nobody", "lines": [PIECE]},
    ):
        assert ask(till, "/v1/returns", body)[0] == 201
    return made[0]


def is_posted(road, return_id):
    """The centre told the store so, by its inbox."""
    return road.ask_store(f"/v1/returns/{return_id}")["posting"] == "posted"


def settled(road):
    status = road.ask_store("/v1/status")
    return status["link"] == "online" and status["waiting"] == 0 and status["lost"] == 0


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """All that was published in a day with a kill and a lost disk."""
    road = open_road(tmp_path_factory.mktemp("road"), watchers=["watcher"])
    road.provision()
    identity = road.identity("watcher")
    with road:
        with Wire(road, identity, "watcher") as watcher:
            watcher.subscribe("tb/v1/#")
            road.await_link()
            till = Till(road.store_url, road.token())
            first = work_at_the_counter(till)
            till.close()
            await_true(lambda: settled(road) and is_posted(road, first), 30, "arrival")
            road.appliance.kill()  # so that its last will comes
            road.appliance.start()
            await_true(lambda: settled(road), 30, "the second start")
            lose_everything(road)
            road.appliance.start()
            await_true(lambda: settled(road), 30, "what was lost to come back")
            found = watcher.until("/down/enrol")  # asked for once a start, at a moment by lot
            return found + watcher.drain(1)


def of(collected, channel):
    topics = f"tb/v1/{DEVICE}/{channel}"
    return [message for message in collected if message.topic == topics]


def test_every_message_keeps_to_the_document_and_every_channel_was_used(collected):
    used = {
        asyncapi.validate(
            message.topic,
            text_of(message),
            properties_of(message),
            getattr(message.properties, "ContentType", None),
            message.qos,
        )
        for message in collected
    }
    assert set(asyncapi.DOCUMENT["channels"]) - used - UNUSED == set()


def test_every_event_keeps_to_the_schema_of_its_type(collected):
    types = collections.Counter()
    for message in of(collected, "up/events"):
        for event in json.loads(text_of(message)):
            schemas.validate("cloudevent", event)
            types[event["type"]] += 1
    assert types["com.tillback.sale.recorded.v1"] and types["com.tillback.return.created.v1"]
    print(types)


def test_every_batch_says_where_it_stands(collected):
    for message in of(collected, "up/events"):
        place = properties_of(message)
        count = int(place["last"]) - int(place["first"]) + 1
        assert count == len(json.loads(text_of(message)))


def test_batches_go_compressed_to_less_than_a_third_of_their_json(collected):
    packed = [m for m in of(collected, "up/events") if "content-encoding" in properties_of(m)]
    share = sum(len(m.payload) for m in packed) / sum(len(text_of(m)) for m in packed)
    assert share < 0.33, share


def test_birth_and_last_will_name_their_session(collected):
    states = [json.loads(message.payload) for message in of(collected, "up/state")]
    born = [state["session"] for state in states if state["online"]]
    died = [state["session"] for state in states if not state["online"]]
    sessions = list(dict.fromkeys(born))
    assert len(sessions) == 3, "three starts, three sessions"
    assert died == sessions[:2], "the kills' last wills"
