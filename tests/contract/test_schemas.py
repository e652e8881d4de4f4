"""The documents agree with the code and with what released versions sent."""

import json

import jsonschema
import pytest
import schemas

EVENTS = sorted((schemas.SAMPLES / "event").glob("*.json"))
MESSAGES = sorted((schemas.SAMPLES / "message").glob("*.json"))


def sample(path):
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", schemas.names())
def test_schema_is_draft_2020_12(name):
    schema = schemas.load(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == schemas.BASE + name + ".schema.json"
    jsonschema.Draft202012Validator.check_schema(schema)


def references(schema):
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


@pytest.mark.parametrize("name", schemas.names())
def test_every_reference_leads_somewhere(name):
    resolver = schemas.validator(name).resolver
    for reference in references(schemas.load(name)):
        resolver.resolve(reference)


def test_every_type_of_the_code_has_a_schema_and_a_sample():
    types = schemas.event_types()
    assert schemas.load("cloudevent")["properties"]["type"]["enum"] == types
    assert sorted(sample(path)["type"] for path in EVENTS) == sorted(types)
    for name in types:
        assert name[len("com.tillback.") :] in schemas.names()


def test_every_schema_of_data_belongs_to_a_type():
    types = {name[len("com.tillback.") :] for name in schemas.event_types()}
    assert types == {name for name in schemas.names() if name.endswith(".v1")}


@pytest.mark.parametrize("path", EVENTS, ids=lambda p: p.stem)
def test_sample_event_is_valid(path):
    event = sample(path)
    schemas.validate("cloudevent", event)
    assert event["type"] == f"com.tillback.{path.stem}.v1"


@pytest.mark.parametrize("path", MESSAGES, ids=lambda p: p.stem)
def test_sample_message_is_valid(path):
    schemas.validate(path.stem, sample(path))


def test_every_message_schema_has_a_sample():
    other = {"common", "cloudevent"}
    messages = {name for name in schemas.names() if not name.endswith(".v1")} - other
    assert messages == {path.stem for path in MESSAGES}


WRONG = [
    ("specversion", "0.3"),
    ("id", "17"),
    ("type", "com.tillback.return.imagined.v1"),
    ("source", ""),
    ("time", "yesterday"),
    ("sequence", 1),
    ("monotonicms", 5),
    ("timetrusted", "true"),
    ("requesthash", "short"),
    ("traceparent", "00-1-2-3"),
    ("data", []),
]


@pytest.mark.parametrize("name,value", WRONG)
def test_event_with_a_wrong_attribute_is_refused(name, value):
    event = sample(schemas.SAMPLES / "event" / "return.created.json")
    event[name] = value
    assert schemas.problems("cloudevent", event)


def required_members():
    for path in EVENTS:
        schema = schemas.load(path.stem + ".v1")
        if schema.get("$ref", "").endswith("/sale"):
            schema = schemas.load("common")["$defs"]["sale"]
        for name in schema.get("required", []):
            yield pytest.param(path, name, id=f"{path.stem}-{name}")


@pytest.mark.parametrize("path,name", required_members())
def test_data_without_a_required_member_is_refused(path, name):
    event = sample(path)
    del event["data"][name]
    assert schemas.problems("cloudevent", event)


@pytest.mark.parametrize("path", EVENTS, ids=lambda p: p.stem)
def test_unknown_member_is_refused_only_when_strict(path):
    event = sample(path)
    event["data"]["no_such_member"] = 1
    assert schemas.problems("cloudevent", event, strict=True)
    assert not schemas.problems("cloudevent", event, strict=False)


def test_amounts_are_whole_minor_units():
    event = sample(schemas.SAMPLES / "event" / "refund.issued.json")
    for amount in (3.33, -1, "333", 2**53 + 1):
        event["data"]["amount"] = amount
        assert schemas.problems("cloudevent", event), amount


def test_key_comes_with_its_request_hash():
    event = sample(schemas.SAMPLES / "event" / "return.created.json")
    del event["requesthash"]
    assert schemas.problems("cloudevent", event)


def test_question_names_a_receipt():
    assert schemas.problems("query", {})
    assert schemas.problems("query", {"receipt": ""})


def test_answer_holds_events_or_nothing():
    reply = sample(schemas.SAMPLES / "message" / "reply.json")
    schemas.validate("reply", {**reply, "sale": None, "events": []})
    schemas.validate("reply", {**reply, "sale": None, "events": [], "awaits_holder": True})
    assert schemas.problems("reply", {**reply, "sale": {}})
    assert schemas.problems("reply", {**reply, "events": [{}]})


def test_online_state_carries_health_and_may_carry_more():
    state = sample(schemas.SAMPLES / "message" / "state.json")
    schemas.validate("state", {**state, "disk": {"free_bytes": 1}})
    schemas.validate("state", {"session": state["session"], "online": False})
    del state["waiting"]
    assert schemas.problems("state", state)


def test_limits_are_those_of_the_code():
    ack = schemas.load("ack")["properties"]
    assert schemas.load("batch")["maxItems"] == schemas.constant("batch.h", "BATCH_EVENTS_MAX")
    assert ack["also"]["maxItems"] == schemas.constant("ack.h", "ACK_RANGES_MAX")
    assert ack["parked"]["maxItems"] == schemas.constant("ack.h", "ACK_PARKED_MAX")
    events = schemas.load("reply")["properties"]["events"]
    assert events["maxItems"] == schemas.constant("sale_query.h", "SALE_REPLY_EVENTS_MAX")
    returns = schemas.load("reserved")["properties"]["returns"]
    assert returns["maxItems"] == schemas.constant("reservation.h", "RESERVATION_RETURNS_MAX")
    key = schemas.load("cloudevent")["properties"]["idempotencykey"]
    assert key["maxLength"] == schemas.constant("event.h", "IDEMPOTENCY_KEY_MAX")
