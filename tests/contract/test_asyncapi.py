"""asyncapi.yaml agrees with the schemas and with the topics of the code."""

import json
import re

import pytest
import schemas
from asyncapi import DOCUMENT, resolve

CONTRACT = schemas.ROOT / "sync" / "contract"


def references(part):
    if isinstance(part, dict):
        if "$ref" in part:
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


@pytest.mark.parametrize("reference", sorted(set(references(DOCUMENT))))
def test_every_reference_leads_somewhere(reference):
    if reference.startswith("#/"):
        assert resolve(reference)
    else:
        json.loads((CONTRACT / reference).read_text())


@pytest.mark.parametrize("name", DOCUMENT["channels"])
def test_channel_is_a_topic_that_the_broker_allows(name):
    address = DOCUMENT["channels"][name]["address"]
    assert re.fullmatch(r"tb/v1/\{device\}/(up|down)/[a-z{}/-]+", address)
    parameters = set(re.findall(r"\{(\w+)\}", address))
    assert parameters == set(DOCUMENT["channels"][name]["parameters"])


@pytest.mark.parametrize("name", DOCUMENT["operations"])
def test_appliance_sends_up_and_receives_down(name):
    operation = DOCUMENT["operations"][name]
    address = resolve(operation["channel"]["$ref"])["address"]
    assert ("/up/" in address) == (operation["action"] == "send")
    assert operation["bindings"]["mqtt"]["qos"] == 1
    if "reply" in operation:
        assert "/down/" in resolve(operation["reply"]["channel"]["$ref"])["address"]


def test_every_channel_is_used_and_every_message_schema_too():
    used = {o["channel"]["$ref"] for o in DOCUMENT["operations"].values()}
    used |= {o["reply"]["channel"]["$ref"] for o in DOCUMENT["operations"].values() if "reply" in o}
    assert used == {f"#/channels/{name}" for name in DOCUMENT["channels"]}
    files = {r for r in references(DOCUMENT["components"]) if r.startswith("schema/")}
    expected = {n for n in schemas.names() if not n.endswith(".v1")} - {"common"}
    assert files == {f"schema/{name}.schema.json" for name in expected}
