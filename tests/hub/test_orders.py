"""Orders, authorisations and goods of others: pushed to the stores, checked over all of them."""

import copy

import pytest
from conftest import Hub
from road.road import await_true
from shared import hub, order, road, till  # noqa: F401


@pytest.fixture(scope="module")
def shop(road):  # noqa: F811
    opened = Hub(road, "commerce")
    yield opened
    opened.client.close()


def test_order_is_pushed_and_returned_at_a_store_that_never_sold_it(road, till, hub, shop):  # noqa: F811
    assert till.sell("0042-01-o-1")[0] == 201
    await_true(lambda: road.ask_hub("/v1/devices")["devices"], 10, "the store")
    await_true(lambda: road.ask_hub("/v1/events")["events"], 10, "the store's first event")
    status, answer = shop.ask("POST", "/v1/orders", order(till, "WEB-77"))
    assert (status, answer["known"]) == (201, False)
    await_true(
        lambda: road.ask_store("/v1/sales?receipt=WEB-77").get("sales"), 10, "the order at the store"
    )
    status, returned = till.give_back("WEB-77")
    assert status == 201 and returned["decision"] in ("accepted", "accepted_pending_check")
    hub.await_entries(1, f"return={returned['return_id']}")


def test_order_again_is_known_and_otherwise_a_conflict(till, shop):  # noqa: F811
    sale = order(till, "WEB-78")
    assert shop.ask("POST", "/v1/orders", sale)[1]["known"] is False
    assert shop.ask("POST", "/v1/orders", sale)[1]["known"] is True
    other = copy.deepcopy(sale)
    other["lines"][0]["amount"] = 999
    status, problem = shop.ask("POST", "/v1/orders", other)
    assert (status, problem["field"]) == (409, "receipt")


def test_authorisation_counts_what_is_left(till, shop, hub):  # noqa: F811
    shop.ask("POST", "/v1/orders", order(till, "WEB-79"))
    asked = {"number": "RMA-1", "receipt": "WEB-79", "lines": [{"line": 1, "quantity": 2}]}
    status, answer = shop.ask("POST", "/v1/authorisations", asked)
    assert status == 201 and answer["number"] == "RMA-1"
    status, problem = shop.ask("POST", "/v1/authorisations", {**asked, "number": "RMA-2"})
    assert status == 422 and "quantity_exceeds_remaining" in problem["detail"]
    trail = hub.get(f"/v1/returns/{answer['return_id']}")["events"]
    assert [e["event"]["type"] for e in trail] == ["com.tillback.return.authorised.v1"]


def test_authorised_return_is_found_at_the_counter_by_its_number(road, till, hub, shop):  # noqa: F811
    sale = order(till, "WEB-80")
    shop.ask("POST", "/v1/orders", sale)
    asked = {"number": "RMA-80", "receipt": "WEB-80", "lines": [{"line": 1, "quantity": 1}]}
    assert shop.ask("POST", "/v1/authorisations", asked)[0] == 201
    for number in ("RMA-80", sale["order"]):
        found = await_true(
            lambda number=number: road.ask_store(f"/v1/sales?receipt={number}")["sales"],
            15,
            "the authorised sale at the store",
        )
        assert [s["sale"]["receipt"] for s in found] == ["WEB-80"]
    status, answer = till.give_back("WEB-80")
    assert status == 201 and answer["decision"] in ("accepted", "accepted_pending_check")
    hub.await_entries(1, f"return={answer['return_id']}")
    types = [e["event"]["type"] for e in hub.get(f"/v1/returns/{answer['return_id']}")["events"]]
    assert "com.tillback.return.conflicted.v1" not in types


def quarantined(entries):
    """What the books have of the goods that came back, at cost."""
    lines = [x for e in entries for x in e["journal"]["lines"] if x["role"] == "quarantine_stock"]
    return sum(x.get("debit", 0) - x.get("credit", 0) for x in lines)


def test_what_comes_twice_has_one_effect(till, hub, shop):  # noqa: F811
    sale = order(till, "WEB-81")
    sale["lines"][0]["cost"] = 600
    asked = {"number": "RMA-81", "receipt": "WEB-81", "lines": [{"line": 1, "quantity": 3}]}
    for known in (False, True):
        assert shop.ask("POST", "/v1/orders", sale)[1]["known"] is known
    for known in (False, True):
        status, answer = shop.ask("POST", "/v1/authorisations", asked)
        assert (status, answer["known"]) == (201, known)
    other = {**asked, "lines": [{"line": 1, "quantity": 1}]}
    status, problem = shop.ask("POST", "/v1/authorisations", other)
    assert (status, problem["field"]) == (409, "number")

    piece = {"return": answer["return_id"], "lines": [{"line": 1, "quantity": 1}]}
    notices = [(piece, None), (piece, "parcel-2"), ({**piece, "notice": "WR-3"}, None)]
    for body, key in notices:
        for known in (False, True):
            status, taken = shop.ask("POST", "/v1/goods-received", body, key)
            assert (status, taken["known"]) == (201, known), taken
    status, problem = shop.ask(
        "POST", "/v1/goods-received", {**piece, "lines": [{"line": 1, "quantity": 2}]}, "parcel-2"
    )
    assert (status, problem["field"]) == (409, "Idempotency-Key")

    of_return = f"return={answer['return_id']}"
    await_true(lambda: quarantined(hub.entries(of_return)) == 600, 15, "three pieces in the books")
    trail = hub.get(f"/v1/returns/{answer['return_id']}")["events"]
    types = [e["event"]["type"].split(".", 2)[2] for e in trail]
    once = ("return.authorised.v1", "return.created.v1")
    assert [types.count(t) for t in once] == [1, 1] and types.count("item.received.v1") == 3
    assert not hub.get("/v1/parked")["parked"]


def test_only_those_who_may_bring_orders(road, till, hub):  # noqa: F811
    other = Hub(road, "finance")
    for path in ("/v1/orders", "/v1/authorisations", "/v1/goods-received"):
        assert other.ask("POST", path, {})[0] == 403
    other.client.close()
