"""What the centre authorised, at the counter: its pieces, its time, with and without a link."""

import pytest
from conftest import Hub
from road.road import await_true
from shared import order

ASKED = {"line": 1, "reason": "unwanted", "condition": "new_sealed"}


@pytest.fixture
def shop(road):
    opened = Hub(road, "commerce")
    yield opened
    opened.client.close()


def give_back(till, number, quantity, key):
    body = {"receipt": "WEB-1", "authorisation": number, "lines": [{**ASKED, "quantity": quantity}]}
    status, answer = till.insist("/v1/returns", body, key)
    assert status == 201, answer
    return answer


def reasons(answer):
    return [reason["code"] for reason in answer["reasons"]]


def test_counter_holds_a_return_to_its_authorisation_without_a_link_too(road, till, hub, shop):
    assert till.sell("0042-01-a-1")[0] == 201
    await_true(lambda: road.ask_hub("/v1/events")["events"], 10, "the store's first event")
    assert shop.ask("POST", "/v1/orders", order(till, "WEB-1"))[0] == 201
    asked = {"receipt": "WEB-1", "lines": [{"line": 1, "quantity": 1}]}
    over = {"number": "RMA-over", "valid_until": "2026-01-01T00:00:00Z"}
    for more in ({"number": "RMA-1", "valid_until": "2999-01-01T00:00:00Z"}, over):
        assert shop.ask("POST", "/v1/authorisations", {**asked, **more})[0] == 201
    [found] = await_true(
        lambda: road.ask_store("/v1/sales?receipt=RMA-over")["sales"], 15, "what is authorised"
    )
    assert (found["sale"]["receipt"], found["authorisation"]) == ("WEB-1", "RMA-over")

    many = give_back(till, "RMA-1", 2, "two")
    assert (many["decision"], reasons(many)) == ("declined", ["authorisation_exceeded"])
    road.broker.stop()
    given = give_back(till, "RMA-1", 1, "one")
    assert given["decision"] == "accepted", given
    again = give_back(till, "RMA-1", 1, "one-more")
    assert (again["decision"], reasons(again)) == ("declined", ["authorisation_exceeded"])
    late = give_back(till, "RMA-over", 1, "late")
    assert (late["decision"], reasons(late)) == ("needs_manager", ["authorisation_expired"])

    road.start_broker()
    path = f"/v1/returns/{given['return_id']}"
    hub.await_entries(1, f"return={given['return_id']}", 60)
    created = hub.get(path)["events"][0]["event"]
    assert created["data"]["authorisation"] == "RMA-1"
    status, problem = shop.ask("POST", "/v1/authorisations", {**asked, "number": "RMA-2"})
    assert (status, problem.get("field")) == (201, None), problem  # 3 sold, 1 back, 1 promised
