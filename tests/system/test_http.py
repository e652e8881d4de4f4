"""Bad input over HTTP gets a clear answer and changes nothing, at the store and at the hub."""

import contextlib
import json
import socket
import time

import pytest
from road.audit import all_arrived
from road.road import await_true
from road.till import Till

HEADERS_S = 10  # how long the server waits for a whole head
PROMPT_S = 5  # on a busy machine; who waits for a slow peer waits twice as long
PROBLEM = "application/problem+json"


@contextlib.contextmanager
def nothing_changes(road):
    await_true(lambda: all_arrived(road), 10, "what came before")
    before = road.ask_store("/v1/status")["streams"]
    held = road.ask_hub("/v1/events")["events"]
    yield
    after = road.ask_store("/v1/status")["streams"]
    assert {n: (s["head"], s["hash"]) for n, s in after.items()} == {
        n: (s["head"], s["hash"]) for n, s in before.items()
    }
    assert len(road.ask_hub("/v1/events")["events"]) == len(held)


def assert_problem(answer, status, word):
    """RFC 9457, with the word that leads a person to the mistake."""
    got, headers, text = answer
    assert (got, headers.get_content_type()) == (status, PROBLEM), text
    problem = json.loads(text)
    assert problem["status"] == status and problem["title"]
    assert word in text.decode(), text


def sale_with(**changes):
    sale = Till("http://nowhere", "").sale("0042-01-bad")
    sale.update(changes)
    return sale


def sale_line_with(**changes):
    sale = sale_with()
    sale["lines"][0].update(changes)
    return sale


BODIES = {
    "no JSON": ("{", 400, ""),
    "nothing": ("", 400, ""),
    "a list": ("[]", 400, "object"),
    "deep JSON": ('{"receipt":' + "[" * 5000 + "]" * 5000 + "}", 400, "deep"),
    "not UTF-8": (b'{"receipt":"\xff\xfe"}', 400, "UTF-8"),
    "a member twice": ('{"receipt":"a","receipt":"b"}', 400, "receipt"),
    "an unknown member": (sale_with(colour="red"), 400, "colour"),
    "a missing member": ({"receipt": "0042-01-bad"}, 400, "missing"),
    "text for a number": (sale_line_with(amount="1000"), 400, "amount"),
    "a broken number": (sale_line_with(amount=10.5), 400, "amount"),
    "a number out of range": (sale_line_with(quantity=10**30), 400, "quantity"),
    "an impossible time": (sale_with(sold_at="yesterday"), 400, "sold_at"),
    "no such currency": (sale_with(currency="EURO"), 400, "currency"),
}


@pytest.mark.parametrize("body", BODIES)
def test_bad_sale_is_refused_by_name_and_place(shared_road, till, body):
    content, status, word = BODIES[body]
    with nothing_changes(shared_road):
        answer = till.request("POST", "/v1/sales", content, key=f"bad-{body}".replace(" ", "-"))
    assert_problem(answer, status, word)


PIECE = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}
RETURNS = {
    "no JSON": ("nonsense", 400, ""),
    "no lines": ({"receipt": "0042-01-bad"}, 400, "lines"),
    "an unknown member": ({"receipt": "x", "lines": [PIECE], "colour": "red"}, 400, "colour"),
    "nothing of a line": ({"receipt": "x", "lines": [{**PIECE, "quantity": 0}]}, 400, "quantity"),
}


@pytest.mark.parametrize("body", RETURNS)
def test_bad_return_is_refused_by_name_and_place(shared_road, till, body):
    content, status, word = RETURNS[body]
    with nothing_changes(shared_road):
        answer = till.request("POST", "/v1/returns", content, key=f"bad-return-{body}".replace(" ", "-"))
    assert_problem(answer, status, word)


def test_ten_megabytes_are_refused(shared_road, till):
    with nothing_changes(shared_road):
        answer = till.request("POST", "/v1/sales", b"x" * 10_000_000, key="large")
    assert_problem(answer, 413, "body")


@pytest.mark.parametrize("token", ["", "wrong", "x" * 4000])
def test_stranger_is_refused(shared_road, token):
    stranger = Till(shared_road.store_url, token)
    with nothing_changes(shared_road):
        answer = stranger.request("POST", "/v1/sales", stranger.sale("0042-01-none"), key="none")
    assert_problem(answer, 401, "tillback token add")
    stranger.close()


def test_same_key_with_another_body_is_refused(shared_road, till):
    assert till.request("POST", "/v1/sales", till.sale("0042-01-same"), key="same")[0] == 201
    with nothing_changes(shared_road):
        answer = till.request("POST", "/v1/sales", till.sale("0042-01-other"), key="same")
    assert_problem(answer, 422, "key")


def test_same_key_and_body_answers_the_same_again(shared_road, till):
    sale = till.sale("0042-01-again")
    status, _, first = till.request("POST", "/v1/sales", sale, key="again")
    with nothing_changes(shared_road):
        again, headers, second = till.request("POST", "/v1/sales", sale, key="again")
    assert (status, again, headers["Idempotent-Replay"]) == (201, 201, "true")
    assert json.loads(first) == json.loads(second)


PATHS = {
    ("GET", "/v1/nothing"): 404,
    ("DELETE", "/v1/sales"): 405,
    ("GET", "/v1/returns/../../etc/passwd"): 404,
    ("GET", "/v1/returns/not-an-id"): 404,
    ("GET", "/v1/returns?from=yesterday"): 400,
    ("GET", "/page/..%2f..%2ftokens"): 404,
}


@pytest.mark.parametrize("asked", PATHS, ids="{0[0]} {0[1]}".format)
def test_bad_address_is_refused(till, asked):
    assert_problem(till.request(*asked), PATHS[asked], "")


HUB_PATHS = {
    ("GET", "/v1/nothing"): 404,
    ("POST", "/v1/events"): 405,
    ("GET", "/v1/events?from=x"): 400,
    ("GET", "/v1/events?from=-1"): 400,
    ("GET", "/v1/returns/not-an-id"): 404,
    ("GET", "/v1/returns"): 400,
}


@pytest.mark.parametrize("asked", HUB_PATHS, ids="{0[0]} {0[1]}".format)
def test_bad_address_is_refused_at_the_hub(shared_road, asked):
    visitor = Till(shared_road.hub_url, shared_road.hub_token())
    assert_problem(visitor.request(*asked), HUB_PATHS[asked], "")
    visitor.close()


HUB_BODIES = {
    "no JSON": (b"{", 400),
    "deep JSON": (b"[" * 5000 + b"]" * 5000, 400),
    "not UTF-8": (b'{"receipt":"\xff\xfe"}', 400),
    "ten megabytes": (b"x" * 10_000_000, 413),
}


@pytest.mark.parametrize("body", HUB_BODIES)
def test_bad_order_is_refused_at_the_hub(shared_road, body):
    content, status = HUB_BODIES[body]
    shop = Till(shared_road.hub_url, shared_road.hub_token("commerce"))
    with nothing_changes(shared_road):
        answer = shop.request("POST", "/v1/orders", content, key="bad-order")
    assert_problem(answer, status, "")
    shop.close()


# --- Peers that don't keep to HTTP ---------------------------------------------------------------


def connect(url):
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=2 * HEADERS_S)


def head(method, path, token, length):
    return (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: raw\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def read_line(peer):
    """What it answers first; b"" when it closes."""
    try:
        return peer.recv(4096).split(b"\r\n")[0]
    except ConnectionResetError:
        return b""


NONSENSE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50 + b"\r\n\r\n",
    "a head without an end": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"b" * 200_000,
    "two lengths": b"POST /v1/sales HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Content-Length: 6\r\n\r\nhello!",
    "length and chunks": b"POST /v1/sales HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": b"POST /v1/sales HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
}


@pytest.mark.parametrize("face", ["store_url", "hub_url"])
@pytest.mark.parametrize("nonsense", NONSENSE)
def test_nonsense_is_refused_or_cut_off(shared_road, nonsense, face):
    with connect(getattr(shared_road, face)) as peer, nothing_changes(shared_road):
        with contextlib.suppress(OSError):
            peer.sendall(NONSENSE[nonsense])
        answer = read_line(peer)
    assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), answer


def test_body_that_breaks_off_changes_nothing(shared_road):
    with nothing_changes(shared_road):
        with connect(shared_road.store_url) as peer:
            peer.sendall(head("POST", "/v1/sales", shared_road.token(), 500) + b'{"receipt":"0')


def test_slow_peers_are_cut_off_and_hold_nobody_up(shared_road, till):
    peers = [connect(shared_road.store_url) for _ in range(8)]
    began = time.monotonic()
    try:
        for number, byte in enumerate(b"GET /v1/status HTTP/1.1\r\nX-Slow: " + b"a" * 1000):
            for peer in peers:
                with contextlib.suppress(OSError):
                    peer.send(bytes([byte]))
            asked = time.monotonic()
            assert till.request("GET", "/v1/status")[0] == 200
            assert time.monotonic() - asked < PROMPT_S
            if all(closed(peer) for peer in peers):
                break
            time.sleep(0.2)
            assert time.monotonic() - began < 6 * HEADERS_S, "slow peers were not cut off"
    finally:
        for peer in peers:
            peer.close()
    assert number > 10


def closed(peer):
    peer.setblocking(False)
    try:
        return peer.recv(4096) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def serves(road):
    try:
        return road.ask_store("/v1/status")["device"]
    except OSError:
        return False


def test_too_many_connections_of_one_address_are_turned_away(shared_road):
    peers = [connect(shared_road.store_url) for _ in range(100)]
    await_true(lambda: sum(closed(peer) for peer in peers) >= 20, 5, "twenty to be refused")
    for peer in peers:
        peer.close()
    await_true(lambda: serves(shared_road), 5, "room for others")
