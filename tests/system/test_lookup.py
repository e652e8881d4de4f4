"""A receipt of another store: the hub knows it, and what of it was returned elsewhere."""

import contextlib
import itertools
import json
import random
import threading
import time

import asyncapi
import pytest
from road.journal import reading
from road.road import await_true
from road.till import Till
from town import Town
from wire import properties_of, text_of

NUMBERS = itertools.count(1)
# What the policy that ships says of another store's receipt, unless that store has just said itself
# what it took back of it.
PENDING = "accepted_pending_check"


@pytest.fixture(scope="module")
def two_stores(tmp_path_factory):
    with Town(tmp_path_factory.mktemp("town"), stores=2) as opened:
        yield opened


@pytest.fixture
def town(two_stores):
    for store in two_stores.stores:
        await_true(lambda s=store: is_online(s), 30, f"link of {store.number}")
    return two_stores


@pytest.fixture
def receipt():
    return f"0042-01-lookup-{next(NUMBERS)}"


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


def of(receipt, pieces):
    return {
        "receipt": receipt,
        "lines": [{"line": 1, "quantity": pieces, "reason": "unwanted", "condition": "new_sealed"}],
    }


def give_back(till, receipt, piece, pieces=1):
    key = f"{till.store}-{receipt}-{piece}"
    status, _, text = till.request("POST", "/v1/returns", of(receipt, pieces), key)
    return status, json.loads(text)


def quote(till, receipt):
    status, _, text = till.request("POST", "/v1/returns/quote", of(receipt, 1))
    return status, json.loads(text)


def insist(till, receipt, piece, pieces=1):
    """As a till does while another store has the receipt in hand."""

    def answered():
        status, answer = give_back(till, receipt, piece, pieces)
        assert status in (201, 503), answer
        return status == 201 and answer

    return await_true(answered, 30, "an answer")


def test_a_receipt_of_another_store_is_known_with_what_came_back_there(town, receipt):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(receipt)[0] == 201
        status, first = here.give_back(receipt)
        assert status == 201
        await_arrival(home)
        [found] = await_true(
            lambda: get(there, f"/v1/sales?receipt={receipt}")["sales"], 10, "the hub's answer"
        )
        assert found["sale"]["receipt"] == receipt and found["sale"]["store"] == "0042"
        assert found["lines"] == [{"line": 1, "returned": 1, "paid": 1000}]

        second = insist(there, receipt, 1, pieces=2)
        assert (second["decision"], second["refund"]["total"]) == ("accepted", 667)
        third = insist(there, receipt, 2)
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
            [known] = get(here, f"/v1/sales?receipt={receipt}")["sales"]
            return known["lines"][0]["returned"] == 3

        await_true(returned, 20, "the news at home")
        assert insist(here, receipt, 3)["decision"] == "declined"
    for store in (home, other):
        await_arrival(store)
        assert store.verify().endswith("the views follow from it.\n")
    other.appliance.stop()
    town.road._run("tillback", "--state", other.store_state, "rebuild")
    assert other.verify().endswith("the views follow from it.\n")
    other.appliance.start()


def test_store_that_has_a_receipt_in_hand_hears_what_came_back_at_home_meanwhile(town, receipt):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(receipt)[0] == 201
        await_arrival(home)
        await_true(lambda: get(there, f"/v1/sales?receipt={receipt}")["sales"], 10, "the answer")
        first = give_back(here, receipt, 1, pieces=3)[1]
        path = f"/v1/returns/{first['return_id']}"  # by which the hub is not asked
        await_true(lambda: there.request("GET", path)[0] == 200, 20, "the news in the other store")
        assert insist(there, receipt, 1)["decision"] == "declined"


def test_quote_is_what_the_return_then_comes_to(town, receipt):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(receipt)[0] == 201
        await_arrival(home)
        status, quoted = quote(there, receipt)
        assert (status, quoted["decision"], quoted["reasons"]) == (200, "accepted", []), quoted
        # The goods lie on the counter there: nobody else takes them back before that is decided.
        status, problem = give_back(here, receipt, 1)
        assert status == 503 and "another store has this receipt" in problem["detail"], problem
        status, answer = give_back(there, receipt, 1)
        assert (status, answer["decision"]) == (201, "accepted"), answer
        assert answer["refund"]["total"] == quoted["refund"]["total"]
        home.appliance.stop()  # and says so
        await_true(lambda: quote(there, receipt)[1].get("decision") == PENDING, 30, "the doubt")
        assert insist(there, receipt, 2)["decision"] == PENDING
        home.appliance.start()


def test_two_stores_are_not_at_one_receipt_at_a_time(town, receipt):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        sale = here.sale(receipt) | {"store": "0099"}  # of neither of them
        assert here.request("POST", "/v1/sales", sale, "sale")[0] == 201
        await_arrival(home)
        assert await_true(
            lambda: get(there, f"/v1/sales?receipt={receipt}")["sales"], 10, "the hub's answer"
        )
        status, problem = give_back(here, receipt, 1)
        assert status == 503, problem
        assert "another store has this receipt in hand" in problem["detail"]


def test_without_the_link_the_policy_decides_at_once(town, receipt):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(receipt)[0] == 201
        await_arrival(home)
        other.link.black_hole()
        status, answer = give_back(there, receipt, 1)
        assert status == 201 and answer["decision"] in ("needs_link", "needs_manager")
    other.link.restore()


def test_store_of_the_sale_that_goes_silent_holds_nobody_up_for_long(town, receipt):
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        assert here.sell(receipt)[0] == 201
        await_arrival(home)
        home.link.black_hole()  # the hub takes it to be online still
        status, problem = give_back(there, receipt, 1)
        assert status == 503, problem
        assert "the store that wrote this receipt is being asked" in problem["detail"]
        assert insist(there, receipt, 1)["decision"] == PENDING
        home.link.restore()

        def known_at_home():
            [known] = get(here, f"/v1/sales?receipt={receipt}")["sales"]
            return known["lines"][0]["returned"] == 1

        await_true(known_at_home, 30, "the news at home")
        assert insist(here, receipt, 1, pieces=3)["decision"] == "declined"


RACES = 25
HANDICAP_S = 0.12
GIVEN = ("accepted", PENDING)


class Racer(threading.Thread):
    """A till that takes all of each receipt back, at the same moment as another or a bit later."""

    def __init__(self, till, receipts, start, handicap_s):
        super().__init__(daemon=True)
        self.till = till
        self.receipts = receipts
        self.line = start
        self.handicap_s = handicap_s
        self.dice = random.Random(7)
        self.answers = []
        self.start()

    def run(self):
        for receipt in self.receipts:
            self.line.wait()
            time.sleep(self.handicap_s * self.dice.random() ** 3)  # mostly short: the way takes ms
            self.answers.append(insist(self.till, receipt, 1, pieces=3))


def booked(road):
    with reading(road.hub_state / "hub.db") as db:
        query = (
            "SELECT count(*) FROM journal_entry JOIN return_index USING (correlation)"
            " WHERE reference LIKE '%/accepted' AND receipt LIKE '0042-01-race-%'"
        )
        return db.execute(query).fetchone()[0]


def channels_used(town, ends):
    """Of what went over the broker, some of it twice (town.py): each keeps to the document."""
    return {
        asyncapi.validate(
            message.topic,
            text_of(message),
            properties_of(message),
            getattr(message.properties, "ContentType", None),
            message.qos,
        )
        for message in list(town.meddler.seen)
        if message.topic.endswith(ends)
    }


def test_two_stores_that_race_for_the_same_pieces_pay_them_back_once(town):
    receipts = [f"0042-01-race-{number}" for number in range(RACES)]
    home, other = town.stores
    with till_of(home) as here, till_of(other) as there:
        for receipt in receipts:
            assert here.sell(receipt)[0] == 201
        await_arrival(home)
        line = threading.Barrier(2)
        # The store that wrote the receipt has no way to go: late, it meets the other on its way.
        racers = [Racer(here, receipts, line, HANDICAP_S), Racer(there, receipts, line, 0)]
        for racer in racers:
            racer.join(300)
        both = list(zip(*(racer.answers for racer in racers), strict=True))
        assert len(both) == RACES
        for answers in both:
            given = [answer["decision"] in GIVEN for answer in answers]
            assert sorted(given) == [False, True], answers
        wins = [sum(a["decision"] in GIVEN for a in racer.answers) for racer in racers]
        assert min(wins) > 0, f"one store always came first: {wins}"  # then they did not race
    asked = ("/down/reserve", "/up/reserved")
    await_true(lambda: channels_used(town, asked) == {"reserve", "reserved"}, 20, "the messages")
    await_true(lambda: booked(town.road) == RACES, 60, "the refunds in the books")
    found = town.road.ask_hub("/v1/exceptions", "finance")["exceptions"]
    assert not [e for e in found if e["code"] == "amount_rebased" and "race" in e["detail"]]
