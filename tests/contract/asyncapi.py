"""Holds what goes over MQTT to sync/contract/asyncapi.yaml: topic, headers, content type, QoS, body.

    asyncapi.validate(topic, payload, properties, content_type, qos)   # returns the channel's name
"""

import re

import schemas
import yaml

DOCUMENT = yaml.safe_load((schemas.ROOT / "sync" / "contract" / "asyncapi.yaml").read_text())


def resolve(reference):
    part = DOCUMENT
    for key in reference.removeprefix("#/").split("/"):
        part = part[key]
    return part


def _pattern(channel):
    """The address as a regular expression; a parameter is one level, or one of its values."""

    def level(found):
        parameter = channel["parameters"][found[1]]
        if "$ref" in parameter:
            parameter = resolve(parameter["$ref"])
        return f"({'|'.join(parameter['enum'])})" if "enum" in parameter else "[^/]+"

    return re.sub(r"{(\w+)}", level, channel["address"])


def channel_of(topic):
    found = [n for n, c in DOCUMENT["channels"].items() if re.fullmatch(_pattern(c), topic)]
    assert len(found) == 1, f"{topic} is no channel of asyncapi.yaml"
    return found[0]


def _operation_of(name):
    for operation in DOCUMENT["operations"].values():
        if operation["channel"]["$ref"] == f"#/channels/{name}":
            return operation
        if operation.get("reply", {}).get("channel", {}).get("$ref") == f"#/channels/{name}":
            return operation
    raise AssertionError(f"no operation has the channel {name}")


def _schema(part):
    return part["schema"]["$ref"].removeprefix("schema/").removesuffix(".schema.json")


def validate(topic, payload, properties, content_type, qos):
    name = channel_of(topic)
    [reference] = DOCUMENT["channels"][name]["messages"].values()
    message = resolve(reference["$ref"])
    schemas.validate(_schema(message["payload"]), payload)
    if "headers" in message:
        schemas.validate(_schema(message["headers"]), properties)
    else:
        assert not properties, f"{topic}: user properties that asyncapi.yaml doesn't know: {properties}"
    expected = message.get("contentType", DOCUMENT["defaultContentType"])
    assert content_type == expected, f"{topic}: content type {content_type}, not {expected}"
    assert qos == _operation_of(name)["bindings"]["mqtt"]["qos"], f"{topic}: QoS {qos}"
    return name
