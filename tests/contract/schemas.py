"""Holds what the programs say to the published documents (sync/contract).

    import schemas
    schemas.validate("cloudevent", body)      # bytes, text or parsed JSON
    schemas.validate("ack", payload)

Raises AssertionError that names each place and rule. `strict` also refuses members that the
document doesn't know: readers must ignore them, our own programs must not send them.
"""

import copy
import functools
import json
import pathlib
import re

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "sync" / "contract" / "schema"
SAMPLES = pathlib.Path(__file__).resolve().parent / "samples" / "v1"
BASE = "https://tillback.com/schema/"

FORMATS = jsonschema.FormatChecker(formats=["uuid"])


@FORMATS.checks("date-time")
def _is_rfc3339(value):
    return not isinstance(value, str) or bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", value)
    )


def names():
    return sorted(p.name[: -len(".schema.json")] for p in SCHEMAS.glob("*.schema.json"))


def load(name):
    return json.loads((SCHEMAS / f"{name}.schema.json").read_text())


def _close(schema):
    """Refuses unknown members wherever a schema lists its members."""
    if isinstance(schema, list):
        return [_close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _close(value) for key, value in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


@functools.lru_cache(maxsize=None)
def _store(strict):
    documents = {BASE + name + ".schema.json": load(name) for name in names()}
    return {url: _close(copy.deepcopy(doc)) if strict else doc for url, doc in documents.items()}


@functools.lru_cache(maxsize=None)
def validator(name, strict=True):
    store = _store(strict)
    schema = store[BASE + name + ".schema.json"]
    resolver = jsonschema.RefResolver(base_uri=schema["$id"], referrer=schema, store=store)
    return jsonschema.Draft202012Validator(schema, resolver=resolver, format_checker=FORMATS)


def _deepest(error):
    while error.context:
        error = error.context[0]
    return error


def problems(name, payload, strict=True):
    if isinstance(payload, (bytes, bytearray, str)):
        payload = json.loads(payload)
    found = (_deepest(e) for e in validator(name, strict).iter_errors(payload))
    return [f"{e.json_path}: {e.message}" for e in found]


def validate(name, payload, strict=True):
    found = problems(name, payload, strict)
    assert not found, f"not a valid {name}:\n" + "\n".join(found)


def event_types():
    """The types of the code's own table."""
    header = (ROOT / "sync" / "contract" / "event_type.h").read_text()
    return re.findall(r'"(com\.tillback\.[a-z.]+\.v\d+)"', header)


def constant(header, name):
    """A number that a header of sync/contract defines."""
    text = (ROOT / "sync" / "contract" / header).read_text()
    return eval(re.search(rf"\b{name} = ([0-9 *]+)", text).group(1))  # digits and '*' only
