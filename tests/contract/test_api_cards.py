"""A card number gets nowhere, in whatever member, header or address it comes."""

import json
import re

import pytest
from held import CARDS, PIN, POSLOG, asked, example, operations, resolve, returned, tool


def texts_of(schema, place=()):
    """The places of all texts that a schema leaves free; lists by their first item."""
    schema = resolve(schema)
    for choice in schema.get("anyOf", []):
        yield from texts_of(choice, place)
    kinds = schema.get("type", [])
    if "string" in kinds and not {"enum", "const", "format", "pattern"} & set(schema):
        yield place
    for name, part in schema.get("properties", {}).items():
        yield from texts_of(part, (*place, name))
    if "items" in schema:
        yield from texts_of(schema["items"], (*place, 0))


def free_texts():
    for method, path, found in operations():
        content = resolve(found.get("requestBody", {})).get("content", {})
        if "application/json" not in content or "/session" in path:
            continue
        for place in texts_of(content["application/json"]["schema"]):
            yield method, path, place


def put(value, place, text):
    for key, following in zip(place, place[1:]):
        fresh = [{}] if isinstance(following, int) else {}
        if isinstance(value, list):
            while len(value) <= key:
                value.append({})
            value = value[key]
        else:
            if not value.get(key):
                value[key] = fresh
            value = value[key]
    value[place[-1]] = text


FREE_TEXTS = [
    pytest.param(*found, id=f"{found[1]}-{'.'.join(map(str, found[2]))}") for found in free_texts()
]


@pytest.mark.parametrize("method,path,place", FREE_TEXTS)
def test_card_number_in_a_free_text_is_refused(store, receipt, method, path, place):
    for number, card in enumerate(CARDS):
        body = example(method, path)
        put(body, place, card)
        if "{id}" in path:
            made = returned(store, receipt, in_hand=False) if number == 0 else made
            target = path.replace("{id}", made["return_id"])
        else:
            target = path
        answer = store.call(method.upper(), target, body, as_="manager" if "{id}" in path else "till")
        assert answer.status in (400, 403, 404, 422), f"{place}: {answer.status}"
        assert re.sub("[ -]", "", card) not in re.sub("[ -]", "", answer.text.decode())


def test_receipt_that_only_looks_like_a_card_number_is_taken(store):
    sale = example("post", "/v1/sales")
    sale["receipt"] = "4000042010000036"  # passes the check digit of cards, and that of the store's receipts
    assert store.call("POST", "/v1/sales", sale).status == 201
    made = returned(store, sale["receipt"])
    assert made["decision"] == "accepted"
    approved = store.call("GET", f"/v1/returns?receipt={sale['receipt']}").json["returns"]
    assert [one["return_id"] for one in approved] == [made["return_id"]]
    sale["receipt"] = "4000042010000002"  # only that of cards
    answer = store.call("POST", "/v1/sales", sale)
    assert answer.status in (400, 422) and answer.json["field"] == "receipt"


def test_card_number_in_headers_and_address_is_not_kept(store, receipt):
    for card in CARDS[:3]:
        answer = store.call("POST", "/v1/returns", asked(receipt), key=card)
        assert answer.status == 400 and answer.json["field"] == "Idempotency-Key"
        store.send("POST", "/v1/returns", json.dumps(asked(receipt)),
                   {**store.manager, "X-Tillback": "1", "Tillback-Lane": card})  # fmt: skip
        session = {"number": card, "pin": "000000"}
        answer = store.send("POST", "/v1/session", session, {"X-Tillback": "1"})
        assert answer.status in (400, 401, 403, 429)
        store.send("POST", "/v1/poslog", POSLOG.replace("Socks", card), store.till)
        store.send("POST", "/v1/poslog", POSLOG.replace("Cash", card), store.till)
        store.send("POST", "/v1/poslog", POSLOG.replace("NUMBER", card), store.till)
        for words in (("token", "add", "--lane", "09", "--name", card),
                      ("staff", "add", "--number", "77", "--name", card, "--role", "associate",
                       "--pin", "-")):  # fmt: skip
            ran = tool("--state", store.folder / "state", *words, said=PIN)
            assert ran.returncode == 1 and card not in ran.stderr + ran.stdout, ran
        store.send("POST", "/v1/returns", b'{"note":"' + card.encode() + b'"}', store.till)
        store.send("GET", f"/v1/returns/{card}", None, store.till)
        store.send("GET", f"/v1/sales?receipt={card}", None, store.till)
