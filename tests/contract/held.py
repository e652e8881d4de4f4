"""A running tillbackd, each of whose answers is held to openapi.json: status, headers, body, strictly. A
member that the document doesn't know is a failure, too. PROGRAMS= says where tillbackd is."""

import http.client
import itertools
import json
import os
import pathlib
import re
import subprocess
import sys

import schemas
from api_document import APPLIANCE

sys.path.insert(0, str(schemas.ROOT / "toolchain"))

from road.programs import Program  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or schemas.ROOT / "build" / "release").absolute()
TIMEOUT_S = 20
PIN = "739154"
# Test numbers of card schemes (Visa, Mastercard, Amex), plain and as people write them.
CARDS = ["4111111111111111", "5555555555554444", "378282246310005"]
CARDS += ["4111 1111 1111 1111", "4111-1111-1111-1111"]
DOCUMENT = APPLIANCE.document
example, operation, operations = APPLIANCE.example, APPLIANCE.operation, APPLIANCE.operations
problems, resolve = APPLIANCE.problems, APPLIANCE.resolve
NOBODY = "01935a10-7c3d-7300-8300-000000000300"
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


def asked(receipt, quantity=1, **more):
    line = {"line": 1, "quantity": quantity, "reason": "unwanted", "condition": "open_box"}
    return {"receipt": receipt, "lines": [line], **more}


def returned(store, receipt, **more):
    answer = store.call("POST", "/v1/returns", asked(receipt, **more))
    assert answer.status == 201, answer.text
    return answer.json


def tool(*words, said=None):
    return subprocess.run(
        [PROGRAMS / "tillback", *map(str, words)],
        input=said, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
