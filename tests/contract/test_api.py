"""The running appliance against openapi.json, both ways: every operation is called with its example, and
every route of the code must be in the document."""

import http.client
import re

import jsonschema
import pytest
import schemas
from held import (
    DOCUMENT,
    NOBODY,
    PIN,
    POSLOG,
    TIMEOUT_S,
    asked,
    example,
    operations,
    problems,
    resolve,
    returned,
)

API = schemas.ROOT / "agent" / "api"

# --- Document and code ----------------------------------------------------------------------------


def routes_of_code():
    """The route tables of agent/api; the store page's own files are no API."""
    found = set()
    for file in sorted(API.glob("*.c")):
        if file.name == "page.c":
            continue
        for method, path in re.findall(r'\{"([A-Z]+)", "(/[^"]*)", API_', file.read_text()):
            found.add((method.lower(), path))
    return found


def test_document_and_code_have_the_same_routes():
    documented = {(m, re.sub(r"\{\w+\}", "{}", p)) for m, p, _ in operations()}
    assert routes_of_code() == documented


def test_every_reference_of_the_document_leads_somewhere():
    def walk(part):
        if isinstance(part, dict):
            if "$ref" in part:
                resolve(part)
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(DOCUMENT)


def test_every_operation_has_a_name_of_its_own():
    names = [found["operationId"] for _, _, found in operations()]
    assert len(names) == len(set(names))


def bodies():
    for method, path, found in operations():
        if "requestBody" in found:
            yield pytest.param(method, path, id=found["operationId"])


@pytest.mark.parametrize("method,path", bodies())
def test_example_is_valid(method, path):
    [content] = resolve(DOCUMENT["paths"][path][method]["requestBody"])["content"].values()
    if "example" in content and not isinstance(content["example"], str):
        assert not problems(content["schema"], content["example"])


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_schema_is_draft_2020_12(name):
    jsonschema.Draft202012Validator.check_schema(DOCUMENT["components"]["schemas"][name])


# --- Every operation with its example -------------------------------------------------------------


def test_sale_then_quote_then_return(store):
    sold = store.call("POST", "/v1/sales", example("post", "/v1/sales"))
    assert sold.status == 201
    number = example("post", "/v1/sales")["receipt"]
    found = store.call("GET", f"/v1/sales?receipt={number}").json["sales"]
    assert [one["sale_id"] for one in found] == [sold.json["sale_id"]]
    assert store.call("GET", "/v1/sales?gtin=04006381333931").json["sales"]
    assert store.call("GET", "/v1/sales?order=none").json["sales"] == []
    quote = store.call("POST", "/v1/returns/quote", example("post", "/v1/returns/quote"))
    made = store.call("POST", "/v1/returns", example("post", "/v1/returns"))
    assert (quote.status, made.status) == (200, 201)
    for member in ("decision", "reasons", "lines", "goods", "money"):
        assert quote.json[member] == made.json[member]
    assert made.json["refund"]["total"] == 333
    assert made.json["seq"] >= 1 and made.json["saved"]


def test_return_goes_its_whole_way(store, receipt):
    made = returned(store, receipt, in_hand=False)
    base = f"/v1/returns/{made['return_id']}"
    assert made["goods"] == "expected"
    assert store.call("POST", base + "/receive", example("post", "/v1/returns/{id}/receive")).status == 200
    answer = store.call("POST", base + "/refund", example("post", "/v1/returns/{id}/refund"))
    assert answer.status == 200 and answer.json["money"] == "issued"
    answer = store.call("POST", base + "/dispose", example("post", "/v1/returns/{id}/dispose"))
    assert answer.status in (200, 422)
    answer = store.call("POST", base + "/dispute", example("post", "/v1/returns/{id}/dispute"))
    assert answer.status == 200 and answer.json["money"] == "disputed"
    shown = store.call("GET", base).json
    assert [event["type"] for event in shown["history"]][0].endswith("return.created.v1")
    assert store.call("GET", f"/v1/returns/{made['number']}").json["return_id"] == made["return_id"]


def test_return_is_voided_before_money_moved(store, receipt):
    made = returned(store, receipt)
    answer = store.call("POST", f"/v1/returns/{made['return_id']}/void",
                        example("post", "/v1/returns/{id}/void"))  # fmt: skip
    assert answer.status == 200 and answer.json["decision"] == "voided"


def test_step_without_a_body_is_taken_as_planned(store, receipt):
    made = returned(store, receipt)
    paid = store.call("POST", f"/v1/returns/{made['return_id']}/refund")
    assert paid.status == 200 and paid.json["money"] == "issued", paid.text
    lines = store.call("POST", f"/v1/returns/{made['return_id']}/receive")
    assert lines.status == 400 and lines.json["field"] == "lines", "it says what is missing"


def old_receipt(store, name):
    sale = example("post", "/v1/sales")
    sale.update(receipt=name, sold_at="2026-08-01T10:11:12+01:00")
    assert store.call("POST", "/v1/sales", sale).status == 201
    made = returned(store, name)
    assert made["decision"] == "needs_manager"
    return f"/v1/returns/{made['return_id']}"


def test_only_a_manager_approves_and_declines(store):
    for step in ("approve", "decline"):
        base = old_receipt(store, f"old-{step}")
        body = example("post", f"/v1/returns/{{id}}/{step}")
        assert store.call("POST", f"{base}/{step}", body).status == 403
        answer = store.call("POST", f"{base}/{step}", body, as_="manager")
        assert answer.status == 200, answer.text
        assert answer.json["decision"] == ("accepted" if step == "approve" else "declined")


def test_exchange_links_a_return_and_a_sale(store, receipt):
    body = example("post", "/v1/exchanges")
    body["return"]["receipt"] = receipt
    answer = store.call("POST", "/v1/exchanges", body, key="exchange-1")
    assert answer.status == 201, answer.text
    assert answer.json["exchange"]["applied"] == 333
    assert answer.json["exchange"]["due"] == 500 - 333
    again = store.call("POST", "/v1/exchanges", body, key="exchange-1")
    assert again.headers["Idempotent-Replay"] == "true" and again.json == answer.json
    history = store.call("GET", f"/v1/returns/{answer.json['return']['return_id']}").json["history"]
    [linked] = [e for e in history if e["type"] == "com.tillback.exchange.linked.v1"]
    schemas.validate("exchange.linked.v1", linked["data"])


def test_receipt_is_printed_once_more_and_what_waits_is_let_go(store, receipt):
    made = returned(store, receipt)
    body = example("post", "/v1/returns/{id}/print")
    path = f"/v1/returns/{made['return_id']}/print"
    answer = store.call("POST", path, body)
    assert answer.status == 202 and answer.json["number"] == made["number"]
    assert store.call("POST", f"/v1/returns/{NOBODY}/print", body).status == 404
    assert store.call("POST", path, {"language": "xx"}).status == 400
    listed = store.call("GET", "/v1/prints")
    assert listed.status == 200
    assert [one["name"] for one in listed.json["printers"]] == ["counter"]
    assert store.call("DELETE", f"/v1/prints/{NOBODY}").status == 404


def test_technician_is_told_how_the_appliance_is(store):
    def ask(method, path, body=None):
        return store.call(method, f"/v1/service/{path}", body)

    assert ask("GET", "doctor").json["findings"][0]["id"] == "power"
    assert ask("GET", "diag").status == ask("GET", "ports").status == 200
    for step, result in {"quote": "ok", "print": "ok", "scan": "fail", "hub": "skipped"}.items():
        [found] = ask("POST", f"selftest/{step}", {"timeout_s": 1}).json["findings"]
        assert (found["id"], found["result"]) == (step, result), found
    assert ask("POST", "selftest/dance", {}).status == 404
    assert ask("POST", "selftest/scan", {"timeout_s": 0}).status == 400
    assert ask("POST", "ports/bind", example("post", "/v1/service/ports/bind")).status == 422
    assert ask("POST", "ports/bind", {}).status == 400
    assert ask("POST", "report", {"technician": "T"}).status == 422, "it isn't enrolled"
    answer = ask("POST", "provision", example("post", "/v1/service/provision"))
    assert answer.status == 400 and "are missing" in answer.json["detail"], answer.json
    assert ask("POST", "provision", {}).status == 400
    for who in ("till", "manager"):
        answer = store.call("GET", "/v1/service/doctor", as_=None, headers=getattr(store, who))
        assert answer.status == 403, "it is a technician's"


def test_exception_is_listed_assigned_and_resolved(store, receipt):
    made = returned(store, receipt, quantity=4)
    assert made["decision"] == "declined"
    listed = store.call("GET", "/v1/exceptions").json["exceptions"]
    [mine] = [one for one in listed if one["return_id"] == made["return_id"]]
    assert mine["code"] == "quantity_exceeds_remaining" and mine["state"] == "open"
    base = f"/v1/exceptions/{mine['exception_id']}"
    answer = store.call("POST", base + "/assign", example("post", "/v1/exceptions/{id}/assign"))
    assert answer.status == 200 and answer.json["state"] == "assigned"
    body = example("post", "/v1/exceptions/{id}/resolve")
    for who in ("till", "technician"):
        refused = store.call("POST", base + "/resolve", body, as_=who)
        assert refused.status == 403 and "manager" in refused.json["detail"]
    answer = store.call("POST", base + "/resolve", body, as_="manager")
    assert answer.status == 200 and answer.json["state"] == "resolved"
    again = store.call("POST", base + "/resolve", {"how": "again"}, as_="manager")
    assert again.status == 422
    listed = store.call("GET", "/v1/exceptions?state=resolved").json["exceptions"]
    assert mine["exception_id"] in [one["exception_id"] for one in listed]


def test_returns_are_listed_in_pages(store):
    sale = example("post", "/v1/sales")
    sale["receipt"] = "pages"
    sale["lines"][0].update(quantity=60, amount=60000)
    sale["lines"][0]["tax"][0]["amount"] = 9580
    sale["tenders"][0]["amount"] = 60000
    assert store.call("POST", "/v1/sales", sale).status == 201
    ids = [returned(store, "pages")["return_id"] for _ in range(55)]
    found, path = [], "/v1/returns?receipt=pages"
    cursor = ""
    while True:
        page = store.call("GET", path + cursor).json
        found += [one["return_id"] for one in page["returns"]]
        if "cursor" not in page:
            break
        cursor = f"&cursor={page['cursor']}"
    assert found == ids[::-1]
    assert store.call("GET", "/v1/returns?state=open&from=2020-01-01T00:00:00Z").json["returns"]
    assert store.call("GET", "/v1/returns?state=complete").status == 200


def test_poslog_is_answered_transaction_by_transaction(store):
    xml = {"Content-Type": "application/xml"}
    for body in (POSLOG.replace("NUMBER", "17"), POSLOG.replace("NUMBER", "18")):
        answer = store.call("POST", "/v1/poslog", body, headers=xml)
        assert answer.status == 200 and len(answer.json["captured"]) == 1, answer.text
        again = store.call("POST", "/v1/poslog", body, headers=xml)
        assert len(again.json["duplicates"]) == 1
    for body in ("", "{}", "<POSLog>", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'):
        answer = store.call("POST", "/v1/poslog", body, headers=xml)
        assert answer.status in (400, 422), answer.text


BACK = """<LineItem><SequenceNumber>2</SequenceNumber><Return><ItemID>4711</ItemID>
<Reason>Unwanted</Reason><Disposal Method="ReturnToStock"/><TransactionLink ReasonCode="Return">
<WorkstationID>03</WorkstationID><BusinessDayDate>2026-11-22</BusinessDayDate>
<SequenceNumber>27</SequenceNumber></TransactionLink></Return></LineItem>
</RetailTransaction></Transaction></POSLog>"""


def test_poslog_exchange_is_answered_as_one(store):
    xml = {"Content-Type": "application/xml"}
    sold = store.call("POST", "/v1/poslog", POSLOG.replace("NUMBER", "27"), headers=xml)
    assert len(sold.json["captured"]) == 1
    goods, _ = POSLOG.replace("NUMBER", "28").split("<LineItem><SequenceNumber>2")
    answer = store.call("POST", "/v1/poslog", goods + BACK, headers=xml)
    [made] = answer.json["captured"]
    assert made["kind"] == "exchange" and made["sale_id"], answer.text
    shown = store.call("GET", f"/v1/returns/{made['return_id']}").json
    assert (shown["decision"], shown["money"]) == ("accepted", "none")
    [again] = store.call("POST", "/v1/poslog", goods + BACK, headers=xml).json["duplicates"]
    assert (again["kind"], again["return_id"]) == ("exchange", made["return_id"])


def test_refused_transaction_raises_an_exception_of_no_return(store):
    xml = {"Content-Type": "application/xml"}
    body = POSLOG.replace("NUMBER", "19").replace('TenderType="Cash"', 'TenderType="Shells"')
    assert body.count("Shells") == 1
    for _ in range(2):
        [refused] = store.call("POST", "/v1/poslog", body, headers=xml).json["refused"]
        assert refused["code"] == "unmapped_code"
    listed = store.call("GET", "/v1/exceptions").json["exceptions"]
    [mine] = [one for one in listed if "/19: " in one["detail"]]
    assert mine["exception_id"] == refused["exception_id"]
    assert mine["code"] == "unmapped_code" and "return_id" not in mine
    path = f"/v1/exceptions/{mine['exception_id']}/resolve"
    answer = store.call("POST", path, {"how": "the till was mended"}, as_="manager")
    assert answer.status == 200


def test_session_is_begun_shown_changed_and_ended(store):
    cookie = {"Cookie": store.sign_in()}
    assert store.call("GET", "/v1/session", as_=None, headers=cookie).status == 200
    answer = store.call("POST", "/v1/session/pin", {"pin": PIN, "new_pin": "1234"}, as_=None,
                        headers=cookie)  # fmt: skip
    assert answer.status == 400 and answer.json["field"] == "new_pin", answer.text
    answer = store.call("POST", "/v1/session/pin", {"pin": PIN, "new_pin": "820461"}, as_=None,
                        headers=cookie)  # fmt: skip
    assert answer.status == 200, answer.text
    cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
    answer = store.call("POST", "/v1/session/pin", {"pin": "820461", "new_pin": PIN}, as_=None,
                        headers=cookie)  # fmt: skip
    assert answer.status == 200, answer.text
    cookie = {"Cookie": answer.headers["Set-Cookie"].split(";")[0]}
    assert store.call("DELETE", "/v1/session", as_=None, headers=cookie).status == 204
    assert store.call("GET", "/v1/session", as_=None, headers=cookie).status == 401
    store.manager = {"Cookie": store.sign_in()}


@pytest.mark.parametrize("path", ["/v1/status", "/healthz", "/openapi.json", "/metrics", "/v1/policy", "/v1/parked"])
def test_read_only_operation(store, path):
    if path in DOCUMENT["paths"]:
        assert store.call("GET", path).status == 200


def test_stream_tells_how_the_link_stands(store):
    connection = http.client.HTTPConnection(store.address, timeout=TIMEOUT_S)
    connection.request("GET", "/v1/stream", headers=store.till)
    answer = connection.getresponse()
    first = answer.readline()
    connection.close()
    assert answer.status == 200
    assert answer.headers.get_content_type() == "text/event-stream"
    assert "200" in DOCUMENT["paths"]["/v1/stream"]["get"]["responses"]
    assert first.strip()
    store.seen.add(("get", "/v1/stream"))
    store.answers.add(("get", "/v1/stream", "200"))


# --- Idempotency ----------------------------------------------------------------------------------


def test_same_key_and_body_answer_the_same(store, receipt):
    first = store.call("POST", "/v1/returns", asked(receipt), key="same-1")
    again = store.call("POST", "/v1/returns", asked(receipt), key="same-1")
    assert first.headers["Idempotent-Replay"] is None
    assert again.headers["Idempotent-Replay"] == "true"
    assert (again.status, again.text) == (first.status, first.text)


@pytest.mark.parametrize("path", ["/v1/returns", "/v1/sales"])
def test_same_key_with_another_request_is_422(store, receipt, path):
    key = store.new_key()
    store.call("POST", "/v1/returns", asked(receipt), key=key)
    body = asked(receipt, 2) if path == "/v1/returns" else example("post", "/v1/sales")
    answer = store.call("POST", path, body, key=key)
    assert answer.status == 422
    assert answer.json["field"] == "Idempotency-Key"


@pytest.mark.parametrize("key", ["k" * 129, "with space", "ümlaut".encode().decode("latin-1")])
def test_bad_key_is_refused(store, receipt, key):
    assert store.call("POST", "/v1/returns", asked(receipt), key=key).status == 400
