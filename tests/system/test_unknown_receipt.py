"""A receipt whose sale no store and not the hub has: of before Tillback, or lost. Two stores that are
online don't both take the same goods of it back without knowing of each other."""

import json
import threading

import pytest
from road.road import await_true
from road.till import Till
from town import Town

PIN = "736251"
RACES = 8


def body_of(receipt):
    line = {"gtin": "04006381333931", "claimed_price": 500, "quantity": 1}
    line |= {"reason": "unwanted", "condition": "new_sealed"}
    return {"receipt": receipt, "lines": [line]}


class Counter:
    """A till, and the manager beside it."""

    def __init__(self, store):
        self.store = store
        self.till = Till(store.store_url, store.token(), store=store.number)
        store.road._run(
            *("tillback", "--state", store.store_state, "staff", "add", "--number", "7"),
            *("--name", "Mara", "--role", "manager", "--pin", "-"),
            said=PIN,
        )
        page = {"X-Tillback": "1"}
        self.page = Till(store.store_url, "", store=store.number)
        status, headers, _ = self.page.request(
            "POST", "/v1/session", {"number": "7", "pin": PIN}, headers=page
        )
        assert status == 201
        self.manager = page | {"Cookie": headers["Set-Cookie"].split(";")[0]}

    def insist(self, asker, path, body, key, headers=()):
        """As long as another store has the receipt in hand."""

        def answered():
            status, _, text = asker.request("POST", path, body, key, headers)
            return status != 503 and (status, json.loads(text))

        return await_true(answered, 30, "an answer")

    def ask(self, receipt, key="first"):
        body = body_of(receipt)
        status, answer = self.insist(
            self.till, "/v1/returns", body, f"{self.store.number}-{receipt}-{key}"
        )
        assert status == 201 and answer["decision"] == "needs_manager", answer
        return answer["return_id"], {reason["code"] for reason in answer["reasons"]}

    def approve(self, return_id):
        path = f"/v1/returns/{return_id}/approve"
        return self.insist(self.page, path, {}, f"approve-{return_id}", self.manager)


@pytest.fixture(scope="module")
def counters(tmp_path_factory):
    with Town(tmp_path_factory.mktemp("town"), stores=2) as town:
        for store in town.stores:
            await_true(lambda s=store: is_online(s), 30, f"link of {store.number}")
        yield [Counter(store) for store in town.stores]


def is_online(store):
    status = store.ask_store("/v1/status")
    return status["link"] == "online" and status["time_trusted"]


def at_once(*acts):
    """What each of them gives, all begun at the same moment."""
    line = threading.Barrier(len(acts))
    given = [None] * len(acts)

    def run(place, act):
        line.wait()
        given[place] = act()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return given


def test_managers_of_two_stores_who_race_for_it_hear_of_each_other(counters):
    here, there = counters
    for number in range(RACES):
        receipt = f"0099-01-20191122-{number:04}"  # of a store that is neither of them
        asked = at_once(lambda: here.ask(receipt), lambda: there.ask(receipt))
        assert all("history_uncertain" not in reasons for _, reasons in asked)
        answers = at_once(
            lambda: here.approve(asked[0][0]), lambda: there.approve(asked[1][0])
        )
        assert sorted(status for status, _ in answers) == [200, 409], answers
        late = answers[0][0] == 200
        assert "have come back since" in answers[late][1]["detail"]
        _, reasons = counters[late].ask(receipt, "anew")
        assert reasons >= {"receipt_unknown", "history_uncertain"}


def test_store_that_the_number_names_waits_until_it_knows_what_the_other_did(counters):
    home, other = counters
    receipt = "0042-01-20191123-0001"
    return_id, _ = other.ask(receipt)
    assert other.approve(return_id)[0] == 200
    _, reasons = home.ask(receipt)  # at once, and not after two minutes
    assert reasons >= {"receipt_unknown", "history_uncertain"}
