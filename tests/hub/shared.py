"""A house that the tests of one file share, and what several files do in it."""

import pytest
from conftest import PROGRAMS, Hub, make_database
from road.road import Road, await_true, free_port_base
from road.till import Till

ADYEN = (
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch Number\n"
)


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    folder = tmp_path_factory.mktemp("house")
    database = make_database("-".join(folder.parts[-3:])[-60:])
    with Road(folder, free_port_base(), PROGRAMS, hub_database=database) as opened:
        opened.await_link()
        yield opened
        assert opened.stop() == []


@pytest.fixture(scope="module")
def till(road):
    opened = Till(road.store_url, road.token())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def hub(road):
    opened = Hub(road, "finance")
    yield opened
    opened.client.close()


def order(till, receipt):
    sale = till.sale(receipt)
    sale.update(channel="online", order=f"O-{receipt}")
    return sale


def refund(till, hub, receipt):
    """A return whose card refund the terminal paid under a reference of the provider."""
    assert till.sell(receipt)[0] == 201
    status, answer = till.give_back(receipt)
    assert status == 201
    tenders = [{"tender": 1, "amount": 333, "reference": f"RF-{receipt}"}]
    path = f"/v1/returns/{answer['return_id']}/refund"
    status, text = till.insist(path, {"tenders": tenders}, f"refund-{receipt}")
    assert status in (200, 201), text
    found = await_true(
        lambda: [r for r in hub.get("/v1/refunds?state=open")["refunds"] if r["receipt"] == receipt],
        10,
        "the refund to be expected",
    )
    return answer, found[0]


def row(receipt, amount, batch="B100", kind="Refunded"):
    return f"P,X,2026-11-23 10:00:00,{kind},RF-{receipt},EUR,{amount},,EUR,{amount},,{batch}\n"


def settle(hub, lines, form="adyen"):
    status, answer = hub.ask("POST", f"/v1/settlements?format={form}", lines)
    assert status == 201, answer
    await_true(
        lambda: hub.get(f"/v1/settlements?from={answer['settlement'] - 1}")["settlements"][0]["state"]
        == "matched",
        10,
        "the file to be matched",
    )
    return answer
