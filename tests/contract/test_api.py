"""The running appliance against openapi.json, both ways.

Every operation is called with its example; what it answers (status, headers, body) must be in the
document, and hold to it strictly: a member that the document doesn't know is a failure, too. Every
route of the code must be in the document, and the other way round. PROGRAMS= says where tillbackd is.
"""

import copy
import http.client
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

import jsonschema
import pytest
import schemas
from api_document import APPLIANCE, WRITES

sys.path.insert(0, str(schemas.ROOT / "toolchain"))

from road.programs import Program  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or schemas.ROOT / "build" / "release").absolute()
API = schemas.ROOT / "agent" / "api"
TIMEOUT_S = 20
PIN = "739154"
# Test numbers of card schemes (Visa, Mastercard, Amex), plain and as people write them.
CARDS = ["4111111111111111", "5555555555554444", "378282246310005"]
CARDS += ["4111 1111 1111 1111", "4111-1111-1111-1111"]
DOCUMENT = APPLIANCE.document
example, operation, operations = APPLIANCE.example, APPLIANCE.operation, APPLIANCE.operations
problems, resolve = APPLIANCE.problems, APPLIANCE.resolve
NOBODY = "01935a10-7c3d-7300-8300-000000000300"



# --- The appliance --------------------------------------------------------------------------------


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text
        kind = headers.get_content_type()
        self.json = json.loads(text) if kind.endswith("json") and text else None


def formats_of(folder):
    """Receipt numbers of sixteen digits with a check digit of GS1: one in ten looks like a card."""
    check = {"rule": "gs1", "field": "check", "over": ["number"]}
    pattern = {"name": "till", "pattern": "{number:d15}{check:d1}", "check": check}
    path = folder / "formats.json"
    path.write_text(json.dumps({"version": "1", "patterns": [pattern]}))
    return path


class Store:
    """A running tillbackd that holds every answer to the document."""

    def __init__(self, folder):
        self.folder = folder
        self.seen = set()
        self.answers = set()
        self.keys = itertools.count()
        self.program = Program(
            "tillbackd",
            [PROGRAMS / "tillbackd", "--state", folder / "state"]
            + ["--set", "http.listen=127.0.0.1:0", "--set", "store.number=0042"]
            + ["--set", f"scan.formats={formats_of(folder)}"]
            + ["--set", "diagnostics.level=debug"]
            + ["--set", f"printer.counter=file:{folder / 'paper'}"],
            folder,
            ready="ready ",
        ).start()
        self.address = re.search(r"http=(\S+)", self.program.ready_line)[1]
        self.till = {"Authorization": "Bearer " + self.tool("token", "add", "--lane", "01")}
        self.tool("staff", "add", "--number", "7", "--name", "Mara", "--role", "manager", "--pin",
                  "-", said=PIN)  # fmt: skip
        self.tool("staff", "add", "--number", "9", "--name", "Tess", "--role", "technician", "--pin",
                  "-", said=PIN)  # fmt: skip
        self.manager = {"Cookie": self.sign_in()}
        self.technician = {"Cookie": self.sign_in("9")}

    def tool(self, *words, said=None):
        ran = subprocess.run(
            [PROGRAMS / "tillback", "--state", self.folder / "state", *words],
            input=said, capture_output=True, text=True, timeout=TIMEOUT_S,
        )  # fmt: skip
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.strip()

    def sign_in(self, number="7"):
        answer = self.call("POST", "/v1/session", {"number": number, "pin": PIN}, as_=None)
        assert answer.status == 201, answer.text
        return answer.headers["Set-Cookie"].split(";")[0]

    def send(self, method, path, body=None, headers=()):
        """One exchange as it is, held to nothing."""
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        connection = http.client.HTTPConnection(self.address, timeout=TIMEOUT_S)
        try:
            given = {"Content-Type": "application/json", **dict(headers)}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def call(self, method, path, body=None, as_="till", key=None, headers=()):
        given = dict(headers)
        if path.startswith("/v1/service/") and as_ == "till":
            as_ = "technician"  # a till has no business there
        person = {who: getattr(self, who, {}) for who in ("till", "manager", "technician")}
        given.update(person.get(as_, {}))
        given["X-Tillback"] = "1"
        if key:
            given["Idempotency-Key"] = key
        answer = self.send(method, path, body, given)
        self.hold(method, path, answer)
        return answer

    def new_key(self):
        return f"key-{next(self.keys)}"

    def hold(self, method, path, answer):
        """The answer is in the document, and is as the document says."""
        template = APPLIANCE.hold(method, path, answer.status, answer.headers, answer.text)
        self.seen.add((method.lower(), template))
        self.answers.add((method.lower(), template, str(answer.status)))
        if answer.status >= 400:
            check_problem(answer)

    def stop(self):
        assert self.program.stop() == 0


def check_problem(answer):
    """RFC 9457."""
    assert answer.headers.get_content_type() == "application/problem+json"
    assert answer.json["status"] == answer.status
    assert answer.json["title"]
    assert answer.json["detail"]
    if answer.status == 400:
        readable = not re.search(r"offset|line|must be an object|XML", answer.json["detail"])
        assert answer.json.get("field") or not readable, answer.json


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    opened = Store(tmp_path_factory.mktemp("store"))
    yield opened
    opened.stop()


@pytest.fixture
def receipt(store, request):
    """A sale of three pieces, of this test alone."""
    number = f"r-{request.node.name}"[:60]
    sale = example("post", "/v1/sales")
    sale["receipt"] = number
    assert store.call("POST", "/v1/sales", sale).status == 201
    return number


def asked(receipt, quantity=1, **more):
    line = {"line": 1, "quantity": quantity, "reason": "unwanted", "condition": "open_box"}
    return {"receipt": receipt, "lines": [line], **more}


def returned(store, receipt, **more):
    answer = store.call("POST", "/v1/returns", asked(receipt, **more))
    assert answer.status == 201, answer.text
    return answer.json


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
        assert answer.status == (401 if who == "till" else 403)


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


POSLOG = """<?xml version="1.0"?>
<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/"><Transaction>
<RetailStoreID>0042</RetailStoreID><WorkstationID>03</WorkstationID><SequenceNumber>NUMBER</SequenceNumber>
<BusinessDayDate>2026-11-22</BusinessDayDate><EndDateTime>2026-11-22T10:11:12+01:00</EndDateTime>
<CurrencyCode>EUR</CurrencyCode><RetailTransaction>
<LineItem><SequenceNumber>1</SequenceNumber><Sale ItemType="Stock"><ItemID>4711</ItemID>
<Description>Socks</Description><ExtendedAmount>10.00</ExtendedAmount><Quantity>1</Quantity>
<Tax TaxType="VAT" TypeCode="Sale"><TaxAuthority>DE</TaxAuthority>
<TaxGroupID>Standard</TaxGroupID><Amount>1.60</Amount><Percent>19</Percent></Tax></Sale></LineItem>
<LineItem><SequenceNumber>2</SequenceNumber><Tender TenderType="Cash" TypeCode="Sale">
<Amount>10.00</Amount></Tender></LineItem>
</RetailTransaction></Transaction></POSLog>"""


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


# --- Refusals -------------------------------------------------------------------------------------


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


# --- Card numbers ---------------------------------------------------------------------------------


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


def test_no_card_number_is_found_on_the_disk_or_in_diagnostics(store):
    """Runs after all that tried: database, WAL, head, diagnostics, whatever else lies there."""
    looked_at = 0
    for file in sorted(store.folder.rglob("*")):
        if not file.is_file():
            continue
        content = file.read_bytes()
        looked_at += 1
        for card in CARDS:
            assert card.encode() not in content, f"{card} is in {file.name}"
    assert looked_at >= 3


# --- The end --------------------------------------------------------------------------------------


def test_what_is_saved_holds_to_the_event_schemas(store):
    """Every event that the calls above made, as it stands in the log."""
    queue = json.loads(store.tool("--json", "queue", "--max", "10000"))
    assert len(queue) > 100
    for item in queue:
        schemas.validate("cloudevent", item["event"])


def test_every_operation_was_called(store):
    assert {(m, p) for m, p, _ in operations()} == store.seen


# The first four are held to the document by tests/hub/test_parked.py and tests/system/test_keep.py;
# the last three are given in tests/system/test_doctor.py and test_enrol.py.
NEEDS_HUB_OR_PRINTER = {
    ("get", "/v1/parked/{id}", "200"),
    ("post", "/v1/parked/{id}/resubmit", "202"),
    ("post", "/v1/parked/{id}/discard", "202"),
    ("post", "/v1/replay", "202"),
    ("delete", "/v1/prints/{id}", "204"),
    ("post", "/v1/service/report", "200"),
    ("post", "/v1/service/ports/bind", "200"),
    ("post", "/v1/service/provision", "200"),
}


def test_every_answer_of_success_was_given(store):
    promised = {
        (method, path, status)
        for method, path, found in operations()
        for status in found["responses"]
        if status.startswith("2")
    }
    assert promised - store.answers == NEEDS_HUB_OR_PRINTER


def test_log_and_views_are_sound_after_all_this(store):
    assert json.loads(store.tool("--json", "verify"))["sound"]


# --- The policy's tools ---------------------------------------------------------------------------


def tool(*words, said=None):
    return subprocess.run(
        [PROGRAMS / "tillback", *map(str, words)],
        input=said, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip


def policy_of(folder, change=None):
    policy = json.loads((schemas.ROOT / "agent/returns/policy.default.json").read_text())
    if change:
        change(policy)
    path = folder / "policy.json"
    path.write_text(json.dumps(policy))
    return path


def test_policy_is_checked(tmp_path):
    assert tool("policy", "check", policy_of(tmp_path)).returncode == 0
    bad = policy_of(tmp_path, lambda p: p["rules"][0].update(check="mood"))
    ran = tool("policy", "check", bad)
    assert ran.returncode == 1 and "rules[0].check" in ran.stderr


def test_policy_of_the_day_changes_no_past_return(store, tmp_path):
    ran = tool("policy", "test", policy_of(tmp_path), "--against", store.folder / "state", "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["returns"] > 50
    assert found["changes"] == []


def test_stricter_policy_shows_what_would_change(store, tmp_path):
    def refuse_all(policy):
        policy["version"] = "stricter"
        policy["rules"].insert(0, {"rule": "nothing", "check": "refuse", "code": "hygiene", "outcome": "declined"})

    path = policy_of(tmp_path, refuse_all)
    ran = tool("policy", "test", path, "--against", store.folder / "state", "--json")
    found = json.loads(ran.stdout)
    assert found["policy"] == "stricter"
    assert found["changed"] == len(found["changes"]) > 50
    assert all(one["now"]["decision"] == "declined" for one in found["changes"])
    assert any(one["now"]["rule"] == "nothing" for one in found["changes"])
    assert "would change" in tool("policy", "test", path, "--against", store.folder / "state").stdout
