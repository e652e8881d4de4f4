"""The policy document: what ships holds to its JSON Schema, and schema and reader refuse the same."""

import copy
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest
import schemas

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or schemas.ROOT / "build" / "release").absolute()
FOLDER = schemas.ROOT / "agent" / "returns"
SCHEMA = json.loads((FOLDER / "policy.schema.json").read_text())
SHIPPED = json.loads((FOLDER / "policy.default.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

# One of everything that a policy may hold.
FULL = {
    **copy.deepcopy(SHIPPED),
    "fees": [{"rule": "fee", "rate": "15", "taxed": True, "when": {"kinds": ["item"]}}],
    "returnless": [{"rule": "keep", "when": {"value_below": [{"currency": "EUR", "amount": 500}]}}],
    "rates": [{"from": "GBP", "to": "EUR", "since": "2026-11-01", "rate": "1.1523"}],
}
FULL["tenders"]["executors"] = [{"type": "card", "executor": "hub"}]
FULL["texts"] = FULL["texts"][:1]


def is_valid(policy):
    return VALIDATOR.is_valid(policy)


@pytest.fixture(scope="module")
def is_taken(tmp_path_factory):
    path = tmp_path_factory.mktemp("policy") / "policy.json"

    def check(policy):
        path.write_text(json.dumps(policy))
        ran = subprocess.run(
            [PROGRAMS / "tillback", "policy", "check", path], capture_output=True, text=True
        )
        assert ran.returncode in (0, 1), ran.stderr
        assert ran.returncode == 0 or ":" in ran.stderr, "a refusal names its place"
        return ran.returncode == 0

    return check


def test_schema_is_draft_2020_12():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("policy", [SHIPPED, FULL], ids=["shipped", "full"])
def test_policy_is_valid_and_taken(policy, is_taken):
    assert [e.message for e in VALIDATOR.iter_errors(policy)] == []
    assert is_taken(policy)


def words_of(header, table):
    text = (FOLDER / header).read_text()
    body = re.search(rf"#define {table}\(X\)(.*?[^\\])\n", text, re.DOTALL)[1]
    return set(re.findall(r"X\(\w+, (\w+)\)", body))


def enum_at(*path):
    found = SCHEMA
    for key in path:
        found = found[key]
    return set(found["enum"])


def test_words_of_the_schema_are_those_of_the_code():
    rule = ("$defs", "rule", "properties")
    assert enum_at(*rule, "check") == words_of("policy.h", "POLICY_CHECKS")
    assert enum_at(*rule, "outcome") == words_of("words.h", "WORDS_OUTCOME")
    assert enum_at(*rule, "per") == words_of("words.h", "WORDS_VELOCITY")
    reasons = ("properties", "reasons", "items", "properties", "means")
    assert enum_at(*reasons) == words_of("words.h", "WORDS_REASON")
    conditions = ("properties", "conditions", "items", "properties", "means")
    assert enum_at(*conditions) == words_of("words.h", "WORDS_CONDITION")
    executors = ("$defs", "tenders", "properties", "executors", "items", "properties")
    assert enum_at(*executors, "type") == words_of("words.h", "WORDS_TENDER") - {"rounding"}
    assert enum_at(*executors, "executor") == words_of("words.h", "WORDS_EXECUTOR")


def places(value, path=()):
    yield path, value
    """Every place of a document; lists by their first item."""
    if isinstance(value, list):
        value = dict(enumerate(value[:1]))
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))


def at(policy, path):
    for key in path:
        policy = policy[key]
    return policy


def changed(path, value):
    policy = copy.deepcopy(FULL)
    at(policy, path[:-1])[path[-1]] = value
    return policy


OBJECTS = [path for path, value in places(FULL) if isinstance(value, dict)]
LEAVES = [path for path, value in places(FULL) if not isinstance(value, (dict, list))]


@pytest.mark.parametrize("path", OBJECTS, ids=lambda p: ".".join(map(str, p)) or "policy")
def test_unknown_member_is_refused_by_both(path, is_taken):
    policy = copy.deepcopy(FULL)
    at(policy, path)["no_such_member"] = 1
    assert not is_valid(policy)
    assert not is_taken(policy)


@pytest.mark.parametrize("path", LEAVES, ids=lambda p: ".".join(map(str, p)))
def test_value_of_another_type_is_refused_by_both(path, is_taken):
    policy = changed(path, [])
    assert not is_valid(policy)
    assert not is_taken(policy)


@pytest.mark.parametrize("path", LEAVES, ids=lambda p: ".".join(map(str, p)))
def test_what_the_reader_takes_the_schema_allows(path, is_taken):
    """The reader is never laxer than the schema."""
    for value in ("no such word", -1):
        policy = changed(path, value)
        assert is_valid(policy) or not is_taken(policy), (path, value)
