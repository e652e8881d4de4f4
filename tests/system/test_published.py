"""What the programs really publish keeps to the published documents, byte for byte as it went over
the broker: an onlooker that may read every topic collects it."""

import collections
import itertools
import json

import pytest
import schemas
from conftest import open_road
from road.road import DEVICE, await_true
from road.till import Till
from wire import Wire

SCHEMA_OF = {
    "up/events": "batch",
    "up/state": "state",
    "up/inbox-ack": "inbox-ack",
    "up/query": "query",
    "up/restore": "restore",
    "down/ack/returns": "ack",
    "down/ack/sales": "ack",
    "down/reply": "reply",
    "down/logs": "logs",
    "down/inbox": "cloudevent",
    "up/time": "time-ask",
    "down/time": "time",
}
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
    assert till.sell(receipt)[0] == 201
    for steps in STEPS:
        in_hand = steps[0][0] == "refund"
        body = {"receipt": receipt, "lines": [PIECE], "in_hand": in_hand}
        status, answer = ask(till, "/v1/returns", body)
        assert status == 201, answer
        for step, body in steps:
            status, problem = ask(till, f"/v1/returns/{answer['return_id']}/{step}", body)
            assert status == 200, (step, problem)
    for body in ({"receipt": receipt, "lines": [PIECE]}, {"receipt": "nobody", "lines": [PIECE]}):
        assert ask(till, "/v1/returns", body)[0] == 201


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """(topic name, payload, user properties, content type) of all that was published."""
    road = open_road(tmp_path_factory.mktemp("road"), watchers=["watcher"])
    road.provision()
    identity = road.identity("watcher")
    with road:
        with Wire(road, identity, "watcher") as watcher:
            watcher.subscribe("tb/v1/#")
            road.await_link()
            till = Till(road.store_url, road.token())
            work_at_the_counter(till)
            till.close()
            await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 10, "arrival")
            road.appliance.kill()  # so that its last will comes
            road.appliance.start()
            road.await_link()
            return [
                (
                    message.topic.removeprefix(f"tb/v1/{DEVICE}/"),
                    message.payload,
                    dict(getattr(message.properties, "UserProperty", [])),
                    getattr(message.properties, "ContentType", None),
                )
                for message in watcher.drain(1)
            ]


def of(collected, name):
    return [message for message in collected if message[0] == name]


def test_every_message_keeps_to_its_schema(collected):
    assert len(collected) > 10
    for name, payload, _, _ in collected:
        schemas.validate(SCHEMA_OF[name], payload)


def test_every_event_keeps_to_the_schema_of_its_type(collected):
    types = collections.Counter()
    for _, payload, _, _ in of(collected, "up/events"):
        for event in json.loads(payload):
            schemas.validate("cloudevent", event)
            types[event["type"]] += 1
    assert types["com.tillback.sale.recorded.v1"] and types["com.tillback.return.created.v1"]
    print(types)


def test_every_batch_says_where_it_stands(collected):
    for _, payload, properties, content_type in of(collected, "up/events"):
        schemas.validate("batch-properties", properties)
        assert content_type == "application/cloudevents-batch+json"
        count = int(properties["last"]) - int(properties["first"]) + 1
        assert count == len(json.loads(payload))


def test_birth_and_last_will_name_their_session(collected):
    states = [json.loads(payload) for _, payload, _, _ in of(collected, "up/state")]
    born = [state["session"] for state in states if state["online"]]
    died = [state["session"] for state in states if not state["online"]]
    assert len(set(born)) == 2, "two starts, two sessions"
    assert died == born[:1], "the kill's last will"
