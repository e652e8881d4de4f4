"""The money after the counter: settlement files, the bank, and what finance decides."""

import datetime
import json
import subprocess
import time

import pytest
from conftest import Hub
from road.road import await_true
from shared import ADYEN, hub, refund, road, row, settle, till  # noqa: F401

REASON = {"reason": "agreed with the provider"}
def line_of(hub, receipt):
    lines = hub.get("/v1/settlement-lines")["lines"]
    return [x for x in lines if x["reference"] == f"RF-{receipt}"][-1]


def test_settled_refund_closes_the_money_at_the_store(road, till, hub):
    answer, expected = refund(till, hub, "0042-01-f-1")
    assert (expected["payment"], expected["amount"], expected["currency"]) == ("tok_8f2", 333, "EUR")
    taken = settle(hub, ADYEN + row("0042-01-f-1", "3.33"))
    assert (taken["lines"], taken["known"]) == (1, False)
    again = hub.ask("POST", "/v1/settlements?format=adyen", ADYEN + row("0042-01-f-1", "3.33"))[1]
    assert again["known"] and again["settlement"] == taken["settlement"]
    assert line_of(hub, "0042-01-f-1")["state"] == "matched"
    store = f"/v1/returns/{answer['return_id']}"
    await_true(lambda: road.ask_store(store)["money"] == "settled", 10, "the store to know")
    rules = [
        e["journal"]["rule"]
        for e in hub.await_entries(4, f"return={answer['return_id']}")
    ]
    assert "refund_settled" in rules


def test_variance_is_decided_by_finance_alone_and_audited(road, till, hub):
    _, expected = refund(till, hub, "0042-01-f-2")
    settle(hub, ADYEN + row("0042-01-f-2", "3.00"))
    line = line_of(hub, "0042-01-f-2")
    assert line["state"] == "differs"
    [raised] = [
        e for e in hub.get("/v1/exceptions")["exceptions"] if "amount" in e["detail"]
    ]
    assert (raised["team"], raised["overdue"]) == ("finance", False)
    path = f"/v1/settlement-lines/{line['number']}/match"
    order = {**REASON, "refund": expected["number"]}
    other = Hub(road, "it")
    assert other.ask("POST", path, order)[0] == 403
    assert other.ask("POST", "/v1/settlements?format=adyen", ADYEN)[0] == 403
    other.client.close()
    exception = f"/v1/exceptions/{raised['number']}"
    for _ in range(2):
        assert hub.ask("POST", f"{exception}/assign", {**REASON, "owner": "Mara"})[0] == 200
    assert hub.ask("POST", path, REASON)[0] == 400
    assert hub.ask("POST", path, order)[0] == 200
    assert hub.ask("POST", path, order)[0] == 409
    entries = await_true(
        lambda: (found := hub.entries("return=" + expected["return_id"]))
        and any(e["journal"]["rule"] == "settlement_written_off" for e in found)
        and found,
        10,
        "the rest to be written off",
    )
    lines = [x for e in entries for x in e["journal"]["lines"] if x.get("tender") == "card"]
    assert sum(x.get("debit", 0) - x.get("credit", 0) for x in lines) == 0
    acts = [a for a in hub.get("/v1/audit")["audit"] if a["action"] == "settlement.match"]
    assert acts[0]["reason"] == REASON["reason"]
    assert hub.ask("POST", f"{exception}/resolve", REASON)[0] == 404  # with the line it is decided
    trail = hub.get(f"/v1/returns/{expected['return_id']}")["events"]
    steps = [e["event"]["type"].split(".")[3] for e in trail if "exception" in e["event"]["type"]]
    states = [e["event"]["data"].get("state") for e in trail if "resolved" in e["event"]["type"]]
    assert (steps, states) == (["raised", "resolved", "resolved"], ["assigned", "resolved"])


def test_refund_that_is_never_settled_is_written_off_once(road, till, hub):
    answer, expected = refund(till, hub, "0042-01-f-off")
    path = f"/v1/refunds/{expected['number']}/write-off"
    other = Hub(road, "it")
    assert other.ask("POST", path, REASON)[0] == 403
    other.client.close()
    assert hub.ask("POST", path, REASON)[0] == 200
    assert hub.ask("POST", path, REASON)[0] == 409
    of_return = f"return={answer['return_id']}"
    entries = await_true(
        lambda: (found := hub.entries(of_return))
        and "settlement_written_off" in [e["journal"]["rule"] for e in found]
        and found,
        10,
        "the write-off to be booked",
    )
    lines = [x for e in entries for x in e["journal"]["lines"] if x.get("tender") == "card"]
    assert sum(x.get("debit", 0) - x.get("credit", 0) for x in lines) == 0
    written_off = hub.get("/v1/refunds?state=written_off")["refunds"]
    assert expected["number"] in [r["number"] for r in written_off]


def test_line_that_is_nobodys_refund_is_set_aside_once(hub):
    settle(hub, ADYEN + row("nobody", "7.77", batch="B-aside"))
    line = line_of(hub, "nobody")
    assert line["state"] == "unmatched"
    path = f"/v1/settlement-lines/{line['number']}/set-aside"
    before = len(hub.entries())
    assert hub.ask("POST", path, REASON)[0] == 200
    assert hub.ask("POST", path, REASON)[0] == 409
    assert line_of(hub, "nobody")["state"] == "set_aside"
    assert len(hub.entries()) == before


def test_reconciliation_tells_ages_and_what_waits(till, hub):
    refund(till, hub, "0042-01-f-3")
    settle(hub, ADYEN + row("0042-01-nobody", "9.00", "B101"))
    told = hub.get("/v1/reconciliation")
    [ages] = told["open_refunds"]
    assert (ages["refunds"], ages["to_3_days"]) == (1, 333)
    assert told["waiting_lines"][0]["amount"] == 900
    assert told["refund_lines"]["waiting"] == 1
    assert {e["team"] for e in told["exceptions"]} == {"finance"}


def test_month_end_tells_accruals_and_what_is_not_posted(till, hub):
    _, expected = refund(till, hub, "0042-01-f-4")
    hub.await_entries(1, f"return={expected['return_id']}")
    month = time.strftime("%Y-%m", time.gmtime())
    told = hub.get(f"/v1/closing?month={month}")
    assert sum(row["balance"] for row in told["balances"]) == 0
    open_minor = sum(r["amount"] for r in hub.get("/v1/refunds?state=open")["refunds"])
    [card] = [row for row in told["accruals"] if row.get("tender") == "card"]
    assert (card["what"], card["balance"]) == ("refunded, not settled", -open_minor)
    assert all(row["state"] != "posted" for row in told["cut_off"])
    assert hub.get("/v1/closing?month=2020-01")["balances"] == []
    for wrong in ("", "month=2026", "month=2026-13", "month=2026-1x"):
        assert hub.ask("GET", f"/v1/closing?{wrong}")[0] == 400


def test_accrual_of_a_month_ends_in_the_month_of_its_settlement(till, hub):
    answer, _ = refund(till, hub, "0042-01-f-accrual")
    hub.await_entries(3, f"return={answer['return_id']}")
    this = time.strftime("%Y-%m", time.gmtime())
    paid = (datetime.date.fromisoformat(f"{this}-28") + datetime.timedelta(7)).isoformat()

    def cards(month):
        told = hub.get(f"/v1/closing?month={month}")
        assert sum(row["balance"] for row in told["balances"]) == 0
        return sum(row["balance"] for row in told["accruals"] if row.get("tender") == "card")

    open_minor = cards(this)
    assert open_minor <= -333 and cards(paid[:7]) == open_minor  # it stands until it is settled
    settle(hub, ADYEN + row("0042-01-f-accrual", "3.33", "B-accrual").replace("2026-11-23", paid))
    await_true(lambda: cards(paid[:7]) == open_minor + 333, 10, "the settlement to be booked")
    assert cards(this) == open_minor
    assert cards("2020-01") == 0


@pytest.mark.parametrize(
    "currency,amount,tax,said",
    [("JPY", 1000, 91, ["333", "334", "333"]), ("KWD", 10004, 477, ["3.335", "3.334", "3.335"])],
)
def test_currency_without_or_with_three_decimals_comes_through(till, hub, currency, amount, tax, said):
    receipt = f"0042-01-f-{currency}"
    sale = till.sale(receipt) | {"currency": currency}
    sale["lines"][0]["amount"] = sale["tenders"][0]["amount"] = amount
    sale["lines"][0]["tax"][0]["amount"] = tax
    assert till.insist("/v1/sales", sale, receipt)[0] == 201
    rows = ""
    for piece, money in enumerate(said):
        answer = till.give_back(receipt, piece)[1]
        minor = int(money.replace(".", ""))
        assert answer["refund"]["total"] == minor
        tenders = [{"tender": 1, "amount": minor, "reference": f"RF-{receipt}-{piece}"}]
        path = f"/v1/returns/{answer['return_id']}/refund"
        assert till.insist(path, {"tenders": tenders}, path)[0] in (200, 201)
        rows += row(f"{receipt}-{piece}", money, currency).replace("EUR", currency)
        hub.await_entries(3, f"return={answer['return_id']}")
    settle(hub, ADYEN + rows)
    assert line_of(hub, f"{receipt}-2")["state"] == "matched"
    month = time.strftime("%Y-%m", time.gmtime())

    def at_the_end():
        found = hub.get(f"/v1/closing?month={month}")["balances"]
        of = {b["role"]: b["balance"] for b in found if b["currency"] == currency}
        return of.get("bank") == -amount and of

    of = await_true(at_the_end, 10, "it to be booked")
    assert (of["returns"], of["tax"], of["tender"], of["refunds_payable"]) == (amount - tax, tax, 0, 0)
    exported = hub.get("/v1/journal/export?format=ledger")
    assert f"{currency} -{said[1]}  ; role: bank" in exported
    told = subprocess.run(["hledger", "-f-", "check"], input=exported, text=True, check=False)
    assert told.returncode == 0


@pytest.mark.parametrize(
    "query,body,field",
    [
        ("format=odd", ADYEN, "format"),
        ("", ADYEN, "format"),
        ("format=adyen", "a,b\n1,2\n", ""),
        ("format=camt053", "<Document>", ""),
        ("format=camt053", '<!DOCTYPE x [<!ENTITY a "b">]><Document/>', ""),
    ],
)
def test_what_is_no_settlement_is_refused_whole(hub, query, body, field):
    before = len(hub.get("/v1/settlements")["settlements"])
    status, problem = hub.ask("POST", f"/v1/settlements?{query}", body)
    assert status in (400, 422), problem
    assert problem.get("field", "").startswith(field)
    assert len(hub.get("/v1/settlements")["settlements"]) == before


def test_tax_is_adjusted_by_finance_once_and_within_the_tax_of_the_sale(road, till, hub):
    answer, _ = refund(till, hub, "0042-01-f-tax")
    path = f"/v1/returns/{answer['return_id']}/adjust-tax"
    given = {"type": "vat", "class": "standard", "jurisdiction": "DE", "rate": "19"}

    def adjust(amount, key, who=hub, **other):
        body = {"tax": [{**given, "amount": amount, **other}], "reason": "wrong rate at the till"}
        return who.ask("POST", path, body, key)

    assert adjust(3, "adjust-1")[0] == 200
    assert adjust(3, "adjust-1")[0] == 200
    assert adjust(4, "adjust-1")[0] == 409
    for amount in (105, -57):  # 160 were charged on the sale, and 56 are given back now
        status, problem = adjust(amount, f"adjust{amount}")
        assert (status, problem["field"]) == (422, "tax") and "56" in problem["detail"]
    assert adjust(1, "other", jurisdiction="FR")[0] == 422
    assert adjust(0, "none")[0] == 400
    other = Hub(road, "it")
    assert adjust(1, "it", other)[0] == 403
    other.client.close()
    assert adjust(-2, "adjust-2")[0] == 200

    def booked():
        found = hub.entries(f"return={answer['return_id']}")
        found = [e["journal"] for e in found if e["journal"]["rule"] == "tax_adjusted"]
        return len(found) == 2 and found

    entries = await_true(booked, 10, "the adjustments to be booked")
    taxes = [x for e in entries for x in e["lines"] if x["role"] == "tax"]
    assert sum(x.get("debit", 0) - x.get("credit", 0) for x in taxes) == 1
    acts = [a for a in hub.get("/v1/audit")["audit"] if a["action"] == "tax.adjust"]
    assert acts[0]["reason"] == "wrong rate at the till"
    store = f"/v1/returns/{answer['return_id']}"
    await_true(
        lambda: json.dumps(road.ask_store(store)["history"]).count("tax.adjusted") == 2,
        15,
        "the store to know",
    )
