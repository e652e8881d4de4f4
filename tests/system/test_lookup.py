"""A receipt of another store: the hub knows it, and what of it was returned elsewhere."""

import contextlib
import json

import pytest
from road.road import await_true
from road.till import Till
from town import Town

RECEIPT = "0042-01-lookup-1"
PENDING = "accepted_pending_check"  # what the policy that ships says of other stores' receipts


@pytest.fixture
def town(tmp_path):
    with Town(tmp_path, stores=2) as opened:
        for store in opened.stores:
            await_true(lambda s=store: is_online(s), 20, f"link of {store.number}")
        yield opened


def is_online(store):
    status = store.ask_store("/v1/status")
    return status["link"] == "online" and status["time_trusted"]


@contextlib.contextmanager
def till_of(store):
    till = Till(store.store_url, store.token(), store=store.number)
    yield till
    till.close()


def get(till, path):
    status, _, body = till.request("GET", path)
    assert status == 200, body
    return json.loads(body)


def await_arrival(store):
    def arrived():
        streams = store.ask_store("/v1/status")["streams"].values()
        return all(stream["waiting"] == 0 for stream in streams)

    await_true(arrived, 20, "arrival")


def give_back(till, piece, pieces=1):
    body = {
        "receipt": RECEIPT,
        "lines": [{"line": 1, "quantity": pieces, "reason": "unwanted", "condition": "new_sealed"}],
    }
    status, _, text = till.request("POST", "/v1/returns", body, f"return-{till.store}-{piece}")
    return status, json.loads(text)


def test_a_receipt_of_another_store_is_known_with_what_came_back_there(town):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(RECEIPT)[0] == 201
        status, first = here.give_back(RECEIPT)
        assert status == 201
        await_arrival(home)
        [found] = await_true(
            lambda: get(there, f"/v1/sales?receipt={RECEIPT}")["sales"], 10, "the hub's answer"
        )
        assert found["sale"]["receipt"] == RECEIPT and found["sale"]["store"] == "0042"
        assert found["lines"] == [{"line": 1, "returned": 1, "paid": 1000}]

        status, second = give_back(there, 1, pieces=2)
        assert (status, second["decision"], second["refund"]["total"]) == (201, PENDING, 667)
        status, third = give_back(there, 2)
        assert third["decision"] == "declined"
        assert "quantity_exceeds_remaining" in [r["code"] for r in third["reasons"]]

        # The first is known there, is no return of that store's, and can't be gone on with there.
        listed = [r["return_id"] for r in get(there, "/v1/returns")["returns"]]
        assert first["return_id"] not in listed and second["return_id"] in listed
        status, _, text = there.request(
            "POST", f"/v1/returns/{first['return_id']}/void", {}, "void-elsewhere"
        )
        assert status == 422, text
        assert "store 0042 captured this return" in json.loads(text)["detail"]

        # And the store that wrote the receipt knows of the second, by itself.
        def returned():
            [known] = get(here, f"/v1/sales?receipt={RECEIPT}")["sales"]
            return known["lines"][0]["returned"] == 3

        await_true(returned, 20, "the news at home")
        assert give_back(here, 3)[1]["decision"] == "declined"
    for store in (home, other):
        await_arrival(store)
        assert store.verify().endswith("the views follow from it.\n")
    other.appliance.stop()
    town.road._run("tillback", "--state", other.store_state, "rebuild")
    assert other.verify().endswith("the views follow from it.\n")


def test_store_that_has_a_receipt_in_hand_hears_what_came_back_at_home_meanwhile(town):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(RECEIPT)[0] == 201
        await_arrival(home)
        await_true(lambda: get(there, f"/v1/sales?receipt={RECEIPT}")["sales"], 10, "the answer")
        first = give_back(here, 1, pieces=3)[1]
        path = f"/v1/returns/{first['return_id']}"  # by which the hub is not asked
        await_true(lambda: there.request("GET", path)[0] == 200, 20, "the news in the other store")
        status, answer = give_back(there, 1)
        assert (status, answer["decision"]) == (201, "declined"), answer


def test_two_stores_are_not_at_one_receipt_at_a_time(town):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        sale = here.sale(RECEIPT) | {"store": "0099"}  # of neither of them
        assert here.request("POST", "/v1/sales", sale, "sale")[0] == 201
        await_arrival(home)
        assert await_true(
            lambda: get(there, f"/v1/sales?receipt={RECEIPT}")["sales"], 10, "the hub's answer"
        )
        status, problem = give_back(here, 1)
        assert status == 503, problem
        assert "another store has this receipt in hand" in problem["detail"]


def test_without_the_link_the_policy_decides_at_once(town):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(RECEIPT)[0] == 201
        await_arrival(home)
        other.link.black_hole()
        status, answer = give_back(there, 1)
        assert status == 201 and answer["decision"] in ("needs_link", "needs_manager")
