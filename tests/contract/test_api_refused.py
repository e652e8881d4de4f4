"""What the appliance's API refuses, and that it names the place."""

import copy
import json

import pytest
from api_document import WRITES
from held import (
    DOCUMENT,
    NOBODY,
    asked,
    check_problem,
    example,
    operation,
    operations,
    problems,
    resolve,
)


def places(value, path=()):
    """Every object within an example."""
    if isinstance(value, dict):
        yield path
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def unknown_members():
    for method, path, found in operations():
        content = resolve(found.get("requestBody", {})).get("content", {})
        if "application/json" not in content:
            continue
        for place in places(content["application/json"].get("example")):
            where = ".".join(map(str, place)) or "body"
            yield pytest.param(method, path, place, id=f"{found['operationId']}-{where}")


@pytest.mark.parametrize("method,path,place", unknown_members())
def test_unknown_member_is_refused_and_named(store, method, path, place):
    body = example(method, path)
    at = body
    for key in place:
        at = at[key]
    at["no_such_member"] = 1
    schema = resolve(DOCUMENT["paths"][path][method]["requestBody"])
    assert problems(schema["content"]["application/json"]["schema"], body)
    as_ = "manager" if "/session" in path or path.endswith("/resolve") else "till"
    target = path.replace("{id}", NOBODY).replace("{step}", "quote")
    answer = store.call(method.upper(), target, body, as_=as_)
    assert answer.status == 400
    assert "no_such_member" in answer.json["field"]


WRONG = [
    ("lines", [], "lines"),
    ("lines", None, "lines"),
    ("lines", "x", "lines"),
    ("receipt", 17, "receipt"),
    ("receipt", "x" * 1000, "receipt"),
    ("currency", "EURO", "currency"),
    ("refund_to", "gold", "refund_to"),
]
WRONG_LINE = [
    ("line", -1),
    ("line", 1.5),
    ("line", "1"),
    ("line", 9),
    ("quantity", 0),
    ("quantity", 10**12),
    ("quantity", "1"),
    ("reason", ""),
    ("reason", "because"),
    ("condition", "fine"),
]


@pytest.mark.parametrize("name,value,field", WRONG)
def test_wrong_member_of_a_return_is_named(store, receipt, name, value, field):
    answer = store.call("POST", "/v1/returns", {**asked(receipt), name: value})
    assert answer.status == 400
    assert answer.json["field"] == field


@pytest.mark.parametrize("name,value", WRONG_LINE)
def test_wrong_member_of_a_line_is_named(store, receipt, name, value):
    body = asked(receipt)
    body["lines"][0][name] = value
    answer = store.call("POST", "/v1/returns", body)
    assert answer.status == 400
    assert answer.json["field"].startswith(f"lines[0].{name}")


SALE_WRONG = [
    (("currency",), "XXQ"),
    (("sold_at",), "yesterday"),
    (("channel",), "telepathy"),
    (("lines", 0, "amount"), -1),
    (("lines", 0, "amount"), 10**17),
    (("lines", 0, "unit"), "dozen"),
    (("lines", 0, "tax", 0, "rate"), "4" * 16),
    (("lines", 0, "tax", 0, "type"), "tithe"),
    (("lines", 0, "tax", 0, "amount"), 2000),
    (("tenders", 0, "amount"), 999),
    (("tenders", 0, "type"), "shells"),
]


@pytest.mark.parametrize("place,value", SALE_WRONG, ids=lambda v: str(v)[:40])
def test_wrong_member_of_a_sale_is_named(store, place, value):
    sale = example("post", "/v1/sales")
    sale["receipt"] = "wrong"
    at = sale
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = value
    answer = store.call("POST", "/v1/sales", sale)
    assert answer.status == 400, answer.text
    assert str(place[0]) in answer.json["field"]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"[]", b"null", b"17", b'{"a":1,"a":2}', b"\xff\xfe", b'{"a":"\\ud800"}', b"{}x"],
)


def test_what_is_no_json_object_is_refused(store, text):
    assert store.call("POST", "/v1/returns", text).status == 400


@pytest.mark.parametrize("depth", [17, 1000, 100_000])
def test_deep_json_is_refused(store, depth):
    text = b"[" * depth + b"]" * depth
    assert store.call("POST", "/v1/returns", b'{"lines":' + text + b"}").status in (400, 413)


def test_body_of_ten_megabytes_is_413(store):
    answer = store.send("POST", "/v1/returns", b" " * 10_000_000, store.till)
    assert answer.status == 413
    store.hold("POST", "/v1/returns", answer)


def test_body_larger_than_a_document_may_be_is_413(store):
    assert store.call("POST", "/v1/returns", b" " * 500_000).status == 413


def guarded():
    for method, path, found in operations():
        if found.get("security", DOCUMENT["security"]) and path != "/v1/session":
            yield pytest.param(method, path, id=found["operationId"])


@pytest.mark.parametrize("method,path", guarded())
def test_stranger_is_told_to_sign_in(store, method, path):
    for headers in ({}, {"Authorization": "Bearer x"}, {"Cookie": "tillback_session=x"}):
        real = path.replace("{id}", NOBODY)
        answer = store.send(method.upper(), real, b"{}", headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"]
        store.hold(method.upper(), real, answer)


def test_unknown_address_is_404_and_wrong_method_405(store):
    check_problem(store.send("GET", "/v1/nothing", None, store.till))
    assert store.send("GET", "/v1/nothing", None, store.till).status == 404
    answer = store.send("PUT", "/v1/returns", b"{}", store.till)
    assert answer.status == 405
    check_problem(answer)
    assert sorted(answer.headers["Allow"].split(", ")) == ["GET", "POST"]


@pytest.mark.parametrize("path", ["/healthz", "/v1/status", "/", "/v1/returns", "/v1/nothing"])
def test_head_is_the_get_without_its_body(store, path):
    full, head = (store.send(method, path, None, store.till) for method in ("GET", "HEAD"))
    assert (head.status, head.text) == (full.status, b"")
    assert head.headers["Content-Type"] == full.headers["Content-Type"]


@pytest.mark.parametrize("kind", ["application/xml", "application/octet-stream", "multipart/form-data; boundary=x"])
def test_body_that_is_said_to_be_no_json_is_415(store, kind):
    headers = {**store.till, "Content-Type": kind}
    answer = store.send("POST", "/v1/returns", b"{}", headers)
    assert answer.status == 415 and answer.json["field"] == "Content-Type"
    store.hold("POST", "/v1/returns", answer)


@pytest.mark.parametrize("kind", ["", "application/json; charset=utf-8", "application/x-www-form-urlencoded", "text/plain;charset=UTF-8"])
def test_json_is_taken_from_who_says_nothing_of_it(store, kind):
    body = json.dumps(example("post", "/v1/returns/quote")).encode()
    answer = store.send("POST", "/v1/returns/quote", body, {**store.till, "Content-Type": kind})
    assert answer.status == 200, answer.text


@pytest.mark.parametrize("query", ["", "receipt=a&order=b", "gtin=04006381333931&sku=4711"])
def test_sales_are_looked_up_by_one_thing(store, query):
    answer = store.call("GET", f"/v1/sales?{query}")
    assert answer.status == 400 and "one of" in answer.json["detail"]


def test_empty_key_is_refused(store):
    answer = store.send("POST", "/v1/returns", b"{}", {**store.till, "Idempotency-Key": ""})
    assert answer.status == 400 and answer.json["field"] == "Idempotency-Key"


@pytest.mark.parametrize("path", ["/v1/returns?reciept=x", "/v1/exceptions?owner=x", "/v1/sales?receipt=x&lane=1"])
def test_what_cannot_be_asked_for_is_named(store, path):
    answer = store.send("GET", path, None, store.till)
    assert answer.status == 400 and answer.json["field"] in ("reciept", "owner", "lane")


def undocumented_methods():
    for path in DOCUMENT["paths"]:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            if not operation(method, path.replace("{id}", NOBODY))[0]:
                yield pytest.param(method, path, id=f"{method}-{path}")


@pytest.mark.parametrize("method,path", undocumented_methods())
def test_method_that_the_document_does_not_name_is_405(store, method, path):
    body = None if method == "GET" else b"{}"
    answer = store.send(method, path.replace("{id}", NOBODY), body, store.till)
    assert answer.status == 405
    check_problem(answer)


@pytest.mark.parametrize("path", DOCUMENT["paths"])
def test_address_beside_a_documented_one_is_404(store, path):
    real = path.replace("{id}", NOBODY)
    for beside in (real + "/x", real + "x/y", real + "/", "/v2" + real.removeprefix("/v1"), real.upper()):
        if any(operation(method, beside)[0] for method in ("get", *WRITES)):
            continue
        answer = store.send("GET", beside, None, store.till)
        assert answer.status == 404, beside
        check_problem(answer)


def by_id():
    for method, path, found in operations():
        if "{id}" in path:
            yield pytest.param(method, path, id=found["operationId"])


@pytest.mark.parametrize("method,path", by_id())
@pytest.mark.parametrize("id_", [NOBODY, "x", "R0042-000000-0"])
def test_unknown_id_is_404(store, method, path, id_):
    body = example(method, path)
    answer = store.call(method.upper(), path.replace("{id}", id_), body, as_="manager")
    assert answer.status == 404


@pytest.mark.parametrize("query", ["state=odd", "from=yesterday", "to=x", "cursor=x", "cursor=1.x"])
def test_wrong_query_is_named(store, query):
    answer = store.call("GET", f"/v1/returns?{query}")
    assert answer.status == 400
    assert answer.json["field"] == query.split("=")[0]


def test_a_sale_is_found_by_something(store):
    assert store.call("GET", "/v1/sales").status == 400


def test_known_receipt_with_other_content_is_409(store, receipt):
    sale = example("post", "/v1/sales")
    sale["receipt"] = receipt
    assert store.call("POST", "/v1/sales", sale).status == 201
    sale["lines"][0]["description"] = "Other socks"
    assert store.call("POST", "/v1/sales", sale).status == 409


def test_sale_of_fifty_lines_is_returned_whole(store):
    sale = example("post", "/v1/sales")
    line = sale["lines"][0]
    sale["receipt"] = "fifty"
    sale["lines"] = [{**copy.deepcopy(line), "line": i + 1, "sku": str(i)} for i in range(50)]
    sale["tenders"][0]["amount"] = 50 * line["amount"]
    assert store.call("POST", "/v1/sales", sale).status == 201
    body = asked("fifty")
    body["lines"] = [{**body["lines"][0], "line": i + 1, "quantity": 3} for i in range(50)]
    answer = store.call("POST", "/v1/returns", body, as_="manager")
    assert answer.status == 201, answer.text
    assert answer.json["refund"]["total"] == 50 * line["amount"]
    assert sum(one["gross"] for one in answer.json["lines"]) == 50 * line["amount"]
