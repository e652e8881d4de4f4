"""Refunds that the hub must have paid out: asked of a provider once, whatever goes wrong on the way, and
their answers on the store's page. The provider is a fake that can be told to misbehave.

TILLBACK_KILLS lengthens the last test; TILLBACK_SEED repeats the moments of an earlier run.
"""

import collections
import json
import os
import random
import time

import pytest
import schemas
from conftest import PROGRAMS, ROOT, Hub, make_database
from provider import SECRET, Provider
from road.road import Road, await_true, free_port_base
from road.till import Till

KILLS = int(os.environ.get("TILLBACK_KILLS") or 10)
REASON = {"reason": "agreed with the customer"}


class Desk:
    """A store whose card refunds are paid out by the hub, by this provider."""

    def __init__(self, road, provider):
        self.road = road
        self.provider = provider
        self.till = Till(road.store_url, road.token())
        self.hub = Hub(road, "finance")

    def give_back(self, receipt, tender="online_payment"):
        sale = self.till.sale(receipt)
        sale["tenders"][0]["type"] = tender
        assert self.till.insist("/v1/sales", sale, f"sale-{receipt}")[0] == 201
        status, answer = self.till.give_back(receipt)
        assert status == 201, answer
        [planned] = answer["refund"]["tenders"]
        assert (planned["executor"], planned["amount"]) == ("hub", 333)
        return answer

    def payments(self, state=""):
        return self.hub.get("/v1/payments" + (f"?state={state}" if state else ""))["payments"]

    def await_payment(self, answer, state, timeout_s=20):
        def found():
            rows = [p for p in self.payments() if p["return_id"] == answer["return_id"]]
            return rows and rows[0]["state"] == state and rows[0]

        return await_true(found, timeout_s, f"the payment to be {state}: {self.payments()}")

    def await_money(self, answer, money):
        path = f"/v1/returns/{answer['return_id']}"
        return await_true(
            lambda: (r := self.road.ask_store(path))["money"] == money and r, 15, f"money {money}"
        )

    def await_expected(self, answer):
        """What settlement files will tell of it: the books follow what was journalled."""

        def found():
            refunds = self.hub.get("/v1/refunds")["refunds"]
            return [refund for refund in refunds if refund["return_id"] == answer["return_id"]]

        return await_true(found, 10, "the refund to be expected")

    def await_returned(self, receipt, pieces):
        """What the store counts as returned of the first line."""

        def counted():
            found = self.road.ask_store(f"/v1/sales?receipt={receipt}")["sales"]
            return found and found[0]["lines"][0]["returned"] == pieces

        await_true(counted, 15, f"{pieces} pieces returned of {receipt} at the store")

    def await_booked(self):
        """What the centre says in a quiet hub comes to the books without anybody's help."""
        nothing = "\ntillback_hub_unbooked_events 0\n"
        await_true(lambda: nothing in self.road.ask_hub_text("/metrics"), 10, "all to be booked")

    def decide(self, payment, verb):
        return self.hub.ask("POST", f"/v1/payments/{payment['number']}/{verb}", REASON)[0]


def open_road(folder, provider, *settings):
    return Road(
        folder,
        free_port_base(),
        PROGRAMS,
        appliance_settings=settings,
        hub_settings=(provider.settings(), "connector.retry_least_ms=20"),
        hub_database=make_database(f"payments-{folder.parent.name}"[-60:]),
    )


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    folder = tmp_path_factory.mktemp("payments")
    provider = Provider(folder)
    with open_road(folder / "road", provider) as road:
        road.await_link()
        yield Desk(road, provider)
        assert road.stop() == []
    provider.close()


def test_success_is_told_to_the_store_and_booked(desk):
    answer = desk.give_back("0042-01-pay-1")
    payment = desk.await_payment(answer, "issued")
    assert desk.provider.executed.count(f"{answer['return_id']}/0/1") == 1
    store = desk.await_money(answer, "issued")
    [tender] = store["refund"]["tenders"]
    assert tender["state"] == "issued"
    entries = desk.hub.await_entries(3, f"return={answer['return_id']}")
    [issued] = [e["journal"] for e in entries if e["journal"]["rule"] == "refund_issued"]
    [line] = [x for x in issued["lines"] if x.get("tender") == "online_payment"]
    assert (line["account"], line["credit"]) == ("1120", 333)
    [expected] = desk.await_expected(answer)
    assert expected["reference"] == payment["reference"]


def test_decline_fails_the_refund_and_finance_may_ask_again(desk):
    desk.provider.plan("decline")
    answer = desk.give_back("0042-01-pay-2")
    payment = desk.await_payment(answer, "failed")
    assert "the card is closed" in payment["detail"]
    desk.await_money(answer, "failed")
    details = [e["detail"] for e in desk.hub.get("/v1/exceptions")["exceptions"]]
    assert any("declined: the card is closed" in d for d in details)
    viewer = Hub(desk.road, "viewer")
    path = f"/v1/payments/{payment['number']}/ask"
    assert viewer.ask("POST", path, REASON)[0] == 403
    viewer.client.close()
    assert desk.decide(payment, "ask") == 200
    desk.await_payment(answer, "issued")
    desk.await_money(answer, "issued")
    assert desk.provider.executed.count(f"{answer['return_id']}/0/2") == 1
    assert desk.decide(payment, "ask") == 409
    acts = [a["action"] for a in desk.hub.get("/v1/audit")["audit"]]
    assert acts.count("payment.ask") == 1


@pytest.mark.parametrize("kind", ["lose", "deaf", "busy"])
def test_unknown_outcome_is_looked_up_before_asking_again(desk, kind):
    desk.provider.plan(kind)
    answer = desk.give_back(f"0042-01-pay-{kind}")
    desk.await_payment(answer, "issued")
    key = f"{answer['return_id']}/0/1"
    assert desk.provider.executed.count(key) == 1
    assert desk.provider.asked.count(key) == (1 if kind == "lose" else 2)
    assert desk.provider.looked.count(key) == 2


def test_late_answer_comes_by_signed_webhook(desk):
    desk.provider.plan("pending")
    answer = desk.give_back("0042-01-pay-late")
    desk.await_payment(answer, "pending")
    refund = desk.provider.finish(f"{answer['return_id']}/0/1", "succeeded")
    url = desk.road.hub_url
    assert desk.provider.tell(url, refund, secret=SECRET[:-4] + "AAAA") == 401
    assert desk.provider.tell(url, refund, at=time.time() - 3600) == 401
    assert desk.provider.tell(url, refund, altered=b"{}") == 401
    assert desk.payments("pending")[-1]["return_id"] == answer["return_id"]
    [told] = await_true(
        lambda: [
            e for e in desk.hub.get("/v1/exceptions")["exceptions"] if e["code"] == "signature_invalid"
        ],
        10,
        "people to be told of the forgeries",
    )
    assert (told["team"], told["times"], told["state"]) == ("it", 1, "open")  # not one for each
    assert told["due"] > told["raised"]
    desk.await_booked()
    assert desk.provider.tell(url, refund) == 201
    desk.await_money(answer, "issued")
    assert desk.provider.tell(url, refund) == 201
    history = desk.road.ask_store(f"/v1/returns/{answer['return_id']}")["history"]
    assert sum("refund.issued" in step["type"] for step in history) == 1
    unknown = {**refund, "reference": "0193-nobody"}
    assert desk.provider.tell(url, unknown) == 404


def test_refund_that_comes_back_later_fails_at_the_store_too(desk):
    answer = desk.give_back("0042-01-pay-back")
    desk.await_money(answer, "issued")
    refund = desk.provider.finish(f"{answer['return_id']}/0/1", "failed", "account closed")
    assert desk.provider.tell(desk.road.hub_url, refund) == 201
    desk.await_money(answer, "failed")
    entries = desk.hub.await_entries(4, f"return={answer['return_id']}")
    assert "refund_failed" in [e["journal"]["rule"] for e in entries]


def test_answer_about_another_amount_is_parked(desk):
    desk.provider.plan("other")
    answer = desk.give_back("0042-01-pay-other")
    payment = desk.await_payment(answer, "parked")
    assert payment["code"] == "answered_otherwise" and "says 3.34 EUR" in payment["detail"]
    assert desk.decide(payment, "issued") == 200
    desk.await_money(answer, "issued")


def test_authorised_goods_in_a_warehouse_are_paid_back_without_a_store(desk):
    shop = Hub(desk.road, "commerce")
    sale = desk.till.sale("WEB-warehouse")
    sale["channel"] = "online"
    sale["tenders"][0]["type"] = "online_payment"
    assert shop.ask("POST", "/v1/orders", sale)[0] == 201
    line = {"line": 1, "quantity": 1}
    asked = {"number": "RMA-w", "receipt": "WEB-warehouse", "lines": [line]}
    status, allowed = shop.ask("POST", "/v1/authorisations", asked)
    assert status == 201, allowed
    goods = {"return": allowed["return_id"], "lines": [{**line, "condition": "new_sealed"}]}
    status, came = shop.ask("POST", "/v1/goods-received", goods)
    assert (status, came["return_id"]) == (201, allowed["return_id"])
    shop.client.close()
    paid = desk.await_payment(allowed, "issued")
    assert (paid["type"], paid["amount"]) == ("online_payment", 333)
    entries = desk.hub.await_entries(3, f"return={allowed['return_id']}")
    rules = {e["journal"]["rule"] for e in entries}
    assert {"accepted", "goods_received", "refund_issued"} <= rules
    owed = [x for e in entries for x in e["journal"]["lines"] if x["role"] == "refunds_payable"]
    assert sum(x.get("debit", 0) - x.get("credit", 0) for x in owed) == 0
    trail = desk.hub.get(f"/v1/returns/{allowed['return_id']}")["events"]
    for e in trail:
        schemas.validate("cloudevent", e["event"])
    steps = [e["event"]["type"].removeprefix("com.tillback.") for e in trail]
    assert [step for step in steps if not step.startswith("journal")] == [
        "return.authorised.v1",
        "return.created.v1",
        "item.received.v1",
        "refund.requested.v1",
        "refund.issued.v1",
    ]


def authorise(desk, shop, receipt, pieces, **more):
    lines = [{"line": 1, "quantity": pieces}]
    asked = {"number": f"RMA-{receipt}", "receipt": receipt, "lines": lines, **more}
    status, allowed = shop.ask("POST", "/v1/authorisations", asked)
    assert status == 201, allowed
    return allowed


def receive(shop, allowed, notice, pieces=1):
    line = {"line": 1, "quantity": pieces, "condition": "new_sealed"}
    goods = {"return": allowed["return_id"], "notice": notice, "lines": [line]}
    assert shop.ask("POST", "/v1/goods-received", goods)[0] == 201


@pytest.mark.parametrize("seller", ["till", "shop"])
def test_store_of_the_sale_knows_how_a_return_of_the_centre_goes_on(desk, seller):
    """Whether its till sold the goods or a web shop did in its name."""
    shop = Hub(desk.road, "commerce")
    receipt = f"WEB-told-{seller}"
    sale = desk.till.sale(receipt) | {"channel": "online"}
    sale["tenders"][0]["type"] = "online_payment"
    if seller == "till":
        assert desk.till.insist("/v1/sales", sale, f"sale-{receipt}")[0] == 201
        subject = f"receipt/{receipt}"
        await_true(
            lambda: subject in json.dumps(desk.road.ask_hub("/v1/events")),
            10,
            "the sale at the centre",
        )
    else:
        assert shop.ask("POST", "/v1/orders", sale)[0] == 201
    allowed = authorise(desk, shop, receipt, 2)
    receive(shop, allowed, f"{receipt}-1")
    path = f"/v1/returns/{allowed['return_id']}"

    desk.await_returned(receipt, 2)
    receive(shop, allowed, f"{receipt}-2")
    told = desk.await_money(allowed, "issued")
    desk.await_booked()
    assert (told["goods"], told["decision"]) == ("received", "accepted")
    for verb in ("void", "refund", "decline"):
        status, answer = desk.till.insist(f"{path}/{verb}", {}, f"{receipt}-{verb}")
        assert (status, "only there" in answer["detail"]) == (422, True), answer
    shop.client.close()


def test_return_of_a_warehouse_is_taken_back_while_part_of_it_is_on_its_way(desk):
    shop = Hub(desk.road, "commerce")
    sale = desk.till.sale("WEB-partly")
    sale["channel"] = "online"
    sale["tenders"][0]["type"] = "online_payment"
    assert shop.ask("POST", "/v1/orders", sale)[0] == 201
    lines = [{"line": 1, "quantity": 2}]
    asked = {"number": "RMA-partly", "receipt": "WEB-partly", "lines": lines}
    status, allowed = shop.ask("POST", "/v1/authorisations", asked)
    assert status == 201, allowed
    came = {"line": 1, "quantity": 1, "condition": "new_sealed"}
    goods = {"return": allowed["return_id"], "notice": "P-1", "lines": [came]}
    assert shop.ask("POST", "/v1/goods-received", goods)[0] == 201
    desk.hub.await_entries(2, f"return={allowed['return_id']}")
    desk.await_returned("WEB-partly", 2)
    path = f"/v1/returns/{allowed['return_id']}/void"
    assert shop.ask("POST", path, REASON)[0] == 403
    await_true(  # 503 while something of it is not in the books yet
        lambda: desk.hub.ask("POST", path, REASON)[0] == 200,
        10,
        "the return to be taken back",
    )
    entries = desk.hub.await_entries(3, f"return={allowed['return_id']}")
    sums = {}
    for line in (x for e in entries for x in e["journal"]["lines"]):
        amount = line.get("debit", 0) - line.get("credit", 0)
        sums[line["account"]] = sums.get(line["account"], 0) + amount
    assert set(sums.values()) == {0}
    desk.await_returned("WEB-partly", 0)
    assert desk.hub.ask("POST", path, REASON)[0] == 422
    status, problem = shop.ask("POST", "/v1/goods-received", {**goods, "notice": "P-2"})
    assert (status, "taken back" in str(problem)) == (422, True), problem
    payments = desk.hub.get("/v1/payments")["payments"]
    assert not [p for p in payments if p["return_id"] == allowed["return_id"]]
    shop.client.close()


def test_tender_that_no_provider_pays_waits_for_a_person(desk):
    answer = desk.give_back("0042-01-pay-cheque", tender="store_account")
    payment = desk.await_payment(answer, "parked")
    assert "no provider pays store_account" in payment["detail"]
    assert desk.decide(payment, "issued") == 200
    desk.await_money(answer, "issued")


def test_payment_that_a_person_knows_failed_is_owed_again(desk):
    answer = desk.give_back("0042-01-pay-never", tender="store_account")
    payment = desk.await_payment(answer, "parked")
    assert desk.decide(payment, "failed") == 200
    desk.await_money(answer, "failed")
    assert desk.decide(payment, "failed") == 409
    assert desk.provider.asked.count(f"{answer['return_id']}/0/1") == 0


def test_card_refund_taken_offline_is_asked_for_when_the_link_is_back(tmp_path):
    policy = json.loads((ROOT / "agent/returns/policy.default.json").read_text())
    policy["tenders"]["executors"] = [{"type": "card", "executor": "hub"}]
    (tmp_path / "policy.json").write_text(json.dumps(policy))
    provider = Provider(tmp_path)
    with open_road(
        tmp_path / "road", provider, f"policy.file={tmp_path / 'policy.json'}"
    ) as road:
        road.await_link()
        desk = Desk(road, provider)
        road.link.cut()
        answer = desk.give_back("0042-01-pay-offline", tender="card")
        assert desk.road.ask_store(f"/v1/returns/{answer['return_id']}")["money"] == "pending"
        assert provider.asked == []
        road.link.restore()
        desk.await_money(answer, "issued")
        assert provider.executed == [f"{answer['return_id']}/0/1"]
        assert road.stop() == []
    provider.close()


def test_killed_hub_executes_no_refund_twice(tmp_path, capsys):
    """The provider knows no idempotency keys here: only looking before asking can help."""
    seed = int(os.environ.get("TILLBACK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"TILLBACK_SEED={seed}")
    dice = random.Random(seed)
    provider = Provider(tmp_path, forgets=True)
    with open_road(tmp_path / "road", provider) as road:
        road.await_link()
        desk = Desk(road, provider)
        answers = []
        for number in range(KILLS):
            for piece in range(3):
                fault = dice.choice(("lose", "deaf", "busy"))
                # Many in a row, when the refunds come late and all at once, are waited for for minutes.
                if dice.random() < 0.4 and len(provider.planned()) < 3:
                    provider.plan(fault)
                answers.append(desk.give_back(f"0042-01-kill-{number}-{piece}"))
            time.sleep(dice.uniform(0, 0.2))
            road.hub.kill()
            road.hub.start()
        for answer in answers:
            desk.await_payment(answer, "issued", 60)
            desk.await_money(answer, "issued")
        times = collections.Counter(provider.executed)
        with capsys.disabled():
            print(
                f"\n  {KILLS} kills, TILLBACK_SEED={seed}: {len(answers)} refunds,"
                f" {len(provider.executed)} executed, {len(provider.asked)} times asked"
            )
        assert set(times.values()) == {1}
        assert set(times) == {f"{a['return_id']}/0/1" for a in answers}
        assert road.stop() == []
    provider.close()
