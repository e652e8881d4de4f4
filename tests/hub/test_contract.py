"""The hub's API as its openapi.json says: who may do what, what is refused, and what is open."""

import json

import pytest
from api_document import HUB, WRITES
from conftest import Hub
from road.road import await_true
from shared import hub, road, till  # noqa: F401

ROLES = ("viewer", "it", "finance", "commerce")
CHANGES = [(m, p, found) for m, p, found in HUB.operations() if m != "get"]
READS = [p for m, p, _ in HUB.operations() if m == "get"]
READERS = {p: found.get("x-roles", ROLES) for m, p, found in HUB.operations() if m == "get"}
NOBODY = "01935a10-7c3d-7300-8300-000000000300"
QUERIES = {
    "/v1/returns": "?receipt=nobody",
    "/v1/journal/export": "?format=csv",
    "/v1/closing": "?month=2026-11",
}
WRITE_QUERIES = {"/v1/settlements": "?format=adyen"}


def real(path):
    path = path.replace("{scope}", "store/0042").replace("{id}", NOBODY)
    return path


def example(method, path):
    content = HUB.document["paths"][path][method]["requestBody"]["content"]
    return content["application/json"]["example"] if "application/json" in content else "x"


@pytest.fixture(scope="module")
def people(road):  # noqa: F811
    opened = {role: Hub(road, role) for role in ROLES}
    yield opened
    for one in opened.values():
        one.client.close()


@pytest.fixture(scope="module")
def stranger(road):  # noqa: F811
    opened = Hub(road, None)
    opened.client.token = "of-nobody"
    yield opened
    opened.client.close()


@pytest.mark.parametrize("method,path,found", CHANGES)
def test_only_the_roles_of_the_document_change_it(people, stranger, method, path, found):
    if found["x-roles"] == ["provider"]:
        pytest.skip("known by a signature: test_payments.py")
    asked = (method.upper(), real(path) + WRITE_QUERIES.get(path, ""), example(method, path))
    assert stranger.ask(*asked)[0] == 401
    for role in ROLES:
        status, answer = people[role].ask(*asked)
        assert (status == 403) == (role not in found["x-roles"]), (role, status, answer)


@pytest.mark.parametrize("path", READS)
def test_only_the_roles_of_the_document_read_it(people, stranger, path):
    is_open = HUB.document["paths"][path]["get"].get("security") == []
    status, answer = stranger.ask("GET", real(path) + QUERIES.get(path, ""))
    assert status == (200 if is_open else 401), answer
    for role in ROLES:
        status, answer = people[role].ask("GET", real(path) + QUERIES.get(path, ""))
        assert status in ((200, 404) if role in READERS[path] else (403,)), (role, answer)


@pytest.mark.parametrize("method,path,found", CHANGES)
@pytest.mark.parametrize("body", ["", "[]", '{"reason":', '{"reason":"no"}', "[" * 100])
def test_what_is_no_request_is_refused_and_changes_nothing(people, method, path, found, body):
    if found["x-roles"] == ["provider"]:
        pytest.skip("known by a signature: test_payments.py")
    asker = people[found["x-roles"][0]]
    status, problem = asker.ask(method.upper(), real(path) + WRITE_QUERIES.get(path, ""), body)
    assert status in (400, 422) and problem["detail"], problem


def test_document_is_served_as_it_is_in_the_tree(people):
    assert people["viewer"].get("/openapi.json") == HUB.document


def test_unknown_address_is_404_and_unknown_method_405(people):
    client = people["it"].client
    for method in ("GET", "POST", "PUT"):
        assert client.request(method, "/v1/nothing", "{}")[0] == 404
    for path in READS:
        for method in WRITES:
            if method in HUB.document["paths"][path]:
                continue
            if path == "/v1/config/{scope}" or method == "patch":
                continue
            status, headers, text = client.request(method.upper(), real(path), "{}")
            assert status == 405, (method, path)
            assert json.loads(text)["status"] == 405
            known = {m.upper() for m in HUB.document["paths"][path] if m in ("get", *WRITES)}
            assert set(headers["Allow"].split(", ")) == known, path


def test_body_that_is_said_to_be_no_json_is_415(people):
    client = people["it"].client
    for method, path in (("POST", "/v1/parked/x/discard"), ("PUT", "/v1/config/fleet"), ("POST", "/v1/orders")):
        status, _, text = client.request(
            method, path, "{}", headers={"Content-Type": "application/xml"}
        )
        assert status == 415, (path, text)


def test_what_cannot_be_asked_for_is_named(people):
    for path, field in (
        ("/v1/exceptions?owner=x", "owner"),
        ("/v1/devices?cursor=x", "cursor"),
        ("/v1/journal?state=odd", "state"),
        ("/v1/refunds?state=matched", "state"),
    ):
        asker = people["it"] if "state" not in path else people["finance"]
        status, problem = asker.ask("GET", path)
        assert (status, problem["field"]) == (400, field), path


def test_contact_is_shown_and_erased_by_the_back_office(people, till, hub):  # noqa: F811
    person = {"name": "Ada", "email": "ada@example.com"}
    piece = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}
    assert till.sell("0042-01-who")[0] == 201
    body = {"receipt": "0042-01-who", "customer": "c-1", "contact": person, "lines": [piece]}
    status, answer = till.insist("/v1/returns", body, "who-1")
    assert status == 201
    path, why = f"/v1/returns/{answer['return_id']}/contact", {"reason": "asked by the customer"}
    await_true(lambda: people["it"].ask("POST", path, why)[0] == 200, 20, "the key's arrival")
    assert hub.ask("POST", path, why)[1]["contact"] == person
    assert hub.ask("POST", "/v1/customers/c-1/erase", why)[0] == 200
    assert hub.ask("POST", path, why)[0] in (404, 409, 422)


def test_revoked_token_opens_nothing(road):  # noqa: F811
    words = road.hub_words("token", "add", "--role", "it", "--name", "leaver")
    token = road._run(*words).strip()
    leaver = Hub(road, None)
    leaver.client.token = token
    assert leaver.ask("GET", "/v1/devices")[0] == 200
    listed = road._run(*road.hub_words("token", "list"))
    [number] = [row.split()[0] for row in listed.splitlines() if "leaver" in row]
    road._run(*road.hub_words("token", "revoke", number))
    assert leaver.ask("GET", "/v1/devices")[0] == 401
    leaver.client.close()
