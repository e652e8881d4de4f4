"""An appliance whose identity can't be used (its token is out, its file has rotted or is gone) goes on
capturing and printing without a link, says so, and is online again by itself once it can be."""

import json
import re
import sqlite3

import pytest
from conftest import open_road, stop_well
from road.audit import all_arrived
from road.road import await_true
from road.till import Till
from technician import findings, tillback
from test_token import token  # noqa: F401  (a fixture)

PERSON = {"name": "Ada Unmistakable", "phone": "+49 30 90182077", "email": "ada@unmistakable.example"}
PIECE = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}


def restart(road):
    road.appliance.stop()
    road.appliance.start()


def health(till):
    status, _, text = till.request("GET", "/healthz", None)
    return status, json.loads(text)


def give_back(till, receipt, **more):
    assert till.sell(receipt)[0] == 201
    body = {"receipt": receipt, "lines": [PIECE], **more}
    status, headers, text = till.request("POST", "/v1/returns", body, key="k-" + receipt)
    assert status == 201, text
    return json.loads(text)


def await_reopened(road, what):
    """It opens anew by itself, in the same process."""
    before = road.appliance.process.pid

    def is_up():
        try:
            return road.ask_store("/v1/status")["link"] == "online"
        except OSError:
            return False  # it is just being opened

    await_true(is_up, 30, "the link")
    assert road.appliance.process.pid == before, what


def check_without_identity(road, till, cause):
    status, body = health(till)
    assert status == 503 and body["code"] == "degraded" and re.search(cause, body["reason"]), body
    assert "tillback doctor" in body["reason"]
    stands = road.ask_store("/v1/status")
    assert stands["health"] == "degraded" and stands["store"] == "0042", stands
    assert stands["device"] != "unenrolled" and re.search(cause, stands["reason"])
    saved = give_back(till, "0042-01-alone")
    assert saved["saved"] and saved["number"].startswith("R0042-") and "contact_unsaved" not in saved
    code, said, _ = tillback(road.store_state, "--json", "doctor")
    found = findings(said)["identity"]
    assert code == 1 and found["result"] == "fail" and "saved meanwhile" in found["next"], found
    assert re.search(cause, found["cause"]), found
    code, said, _ = tillback(road.store_state, "status")
    assert code == 1 and "degraded" in said, said


@pytest.fixture
def token_road(tmp_path, token):  # noqa: F811
    road = open_road(tmp_path / "road")
    road.enrol = lambda: road.cli("provision", road.invite()["link"], "--token", token)
    with road:
        road.await_link()
        yield road
        stop_well(road)


def test_capture_goes_on_without_the_token_and_the_link_comes_with_it(tmp_path, token_road):
    road = token_road
    till = Till(road.store_url, road.token())
    kept = give_back(till, "0042-01-kept", customer="c-1", contact=PERSON)
    assert "contact_unsaved" not in kept
    till.close()
    tokens, away = tmp_path / "tokens", tmp_path / "away"
    tokens.rename(away)
    tokens.mkdir()
    restart(road)
    till = Till(road.store_url, road.token())
    check_without_identity(road, till, "token")

    # A contact can't be sealed: the return is saved without it, which is said, and nothing of the
    # contact is anywhere. Asked again it is the same return, now and later.
    asked = {"customer": "c-1", "contact": PERSON}
    bare = give_back(till, "0042-01-bare", **asked)
    assert bare["contact_unsaved"] is True
    body = {"receipt": "0042-01-bare", "lines": [PIECE], **asked}
    again = till.request("POST", "/v1/returns", body, key="k-0042-01-bare")
    assert again[0] == 201 and json.loads(again[2])["return_id"] == bare["return_id"]
    other = {**body, "lines": [{**PIECE, "reason": "late"}]}
    assert till.request("POST", "/v1/returns", other, key="k-0042-01-bare")[0] == 503
    before = {"receipt": "0042-01-kept", "lines": [PIECE], **asked}
    status, _, text = till.request("POST", "/v1/returns", before, key="k-0042-01-kept")
    assert status == 503 and b"can't be told" in text, text
    for path in road.store_state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"nmistakable" not in content and b"90182077" not in content, path

    till.close()
    tokens.rmdir()
    away.rename(tokens)
    await_reopened(road, "the token is back")
    till = Till(road.store_url, road.token())
    assert health(till) == (200, {"healthy": True})
    await_true(lambda: all_arrived(road), 20, "what was captured without a token")
    for receipt, first in [("0042-01-bare", bare), ("0042-01-kept", kept)]:
        body = {"receipt": receipt, "lines": [PIECE], **asked}
        status, headers, text = till.request("POST", "/v1/returns", body, key="k-" + receipt)
        assert status == 201 and json.loads(text)["return_id"] == first["return_id"], text
    assert till.request("POST", "/v1/returns", other, key="k-0042-01-bare")[0] == 422
    # The customer's key was not forgotten meanwhile.
    give_back(till, "0042-01-after", customer="c-1", contact=PERSON)
    till.close()
    with sqlite3.connect(f"file:{road.store_state}/contact-keys.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM contact_key").fetchone() == (1,)


@pytest.mark.parametrize("how", ["rotten", "missing", "rotten ca", "rotten assignment", "no folder"])
def test_capture_goes_on_with_a_rotten_or_missing_identity(road, how):
    identity = road.store_state / "identity"
    name = {"rotten ca": "ca.pem", "rotten assignment": "assignment.json"}.get(how, "current.pem")
    kept = (identity / name).read_bytes()
    if how == "no folder":
        identity.rename(road.store_state / "elsewhere")
    elif how == "missing":
        (identity / name).unlink()
    else:
        (identity / name).write_bytes(kept[:60] + b"\0" * (len(kept) - 60))
    restart(road)
    till = Till(road.store_url, road.token())
    check_without_identity(road, till, r"identity|pem|assignment\.json")
    unsaved = "contact_unsaved" in give_back(till, "0042-01-bare", customer="c", contact=PERSON)
    assert unsaved == (how != "rotten assignment")  # the key is there then
    till.close()
    if how == "no folder":
        (road.store_state / "elsewhere").rename(identity)
    else:
        (identity / name).write_bytes(kept)
        (identity / name).chmod(0o600)
    await_reopened(road, how)
    await_true(lambda: all_arrived(road), 20, "what was captured meanwhile")
