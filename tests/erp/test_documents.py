"""The debt of a return becomes Tryton's own documents: a return sale, its shipment and its credit
note, once each, while the tenders and the goods' values stay moves; the books come to the same."""

from test_tryton import MONTH, sums_of


def assert_the_same_documents(shop, tryton):
    """Each entry is posted once, as a credit note or a move, with the same amounts by account."""
    moves, notes = tryton.moves("posted"), tryton.credit_notes()
    entries = shop.entries()
    for entry in entries:
        reference = entry["journal"]["reference"]
        posted = notes if entry["journal"]["rule"] == "accepted" else moves
        assert posted.pop(reference) == [sums_of(entry)], reference
    assert moves == {} and notes == {}
    assert tryton.balances() == shop.balances()
    return entries


def test_return_becomes_a_sale_with_its_shipment_and_credit_note(document_shop, documents):
    shop = document_shop
    [first, second] = shop.give_back("0042-01-d-1", 2)
    refund = {"tenders": [{"tender": 1, "amount": 333, "reference": "RF-1"}]}
    shop.till.insist(f"/v1/returns/{first['return_id']}/refund", refund, "refund-1")
    shop.await_entries(5, "state=posted", 60)
    entries = assert_the_same_documents(shop, documents)
    # What was paid by card is no debt any more; the second return's is.
    assert documents.balances()["2100"] == -334
    sales = documents.read(
        "sale.sale",
        [],
        ["reference", "description", "state", "shipment_state", "lines.quantity", "invoices"],
    )
    accepted = {
        e["journal"]["reference"]: e for e in entries if e["journal"]["rule"] == "accepted"
    }
    assert {s["reference"] for s in sales} == accepted.keys()
    assert {s["description"] for s in sales} == {first["number"], second["number"]}
    for sale in sales:
        assert (sale["state"], sale["shipment_state"]) == ("processing", "sent")
        assert [line["quantity"] for line in sale["lines."]] == [-1]
        [note] = documents.read("account.invoice", [["id", "in", sale["invoices"]]], ["number"])
        assert note["number"] == accepted[sale["reference"]]["posted_number"]
        assert note["number"].startswith("CN")
    # The pieces stand where what came in waits.
    moved = documents.read(
        "stock.move", [["state", "=", "done"]], ["product.code", "quantity", "to_location.type"]
    )
    assert [(m["product."]["code"], m["quantity"]) for m in moved] == [("4711", 1), ("4711", 1)]
    # Tax is what the sale stored: 53 and 54 of 280 each, which no rate gives.
    taxes = documents.read("account.invoice.tax", [], ["amount", "base"])
    assert sorted(t["amount"]["decimal"] for t in taxes) == ["-0.53", "-0.54"]
    assert {t["base"]["decimal"] for t in taxes} == {"-2.80"}


def test_lost_answers_make_no_second_document(document_shop, documents, line):
    for method in ("sale.sale.create", "sale.sale.confirm", "out.return.receive", "invoice.post"):
        line.lose(method, 2)
    document_shop.give_back("0042-01-l-1", 2)
    document_shop.await_all_posted(2)
    assert line.left() == 0
    assert_the_same_documents(document_shop, documents)
    assert len(documents.read("sale.sale", [["state", "!=", "cancelled"]], ["id"])) == 2
    assert len(documents.read("account.invoice", [], ["id"])) == 2


def test_unknown_product_is_parked_by_name_and_leaves_nothing(document_shop, documents):
    shop = document_shop
    [product] = documents.read("product.product", [], ["template"])
    write = "model.product.product.write"
    documents.call(write, [[product["id"]], {"suffix_code": "4712"}])
    shop.give_back("0042-01-u-1")
    shop.await_entries(1, "state=parked")
    [parked] = shop.road.ask_hub("/v1/parked")["entries"]
    assert 'product.product whose code is "4711"' in parked["detail"]
    assert documents.read("sale.sale", [], ["id"]) == []
    documents.call(write, [[product["id"]], {"suffix_code": "4711"}])
    again = f"/v1/parked/e-{parked['entry']}/resubmit"
    assert shop.finance.request("POST", again, {"reason": "it is there now"})[0] == 200
    shop.await_all_posted(1)
    assert_the_same_documents(shop, documents)


def test_void_after_the_credit_note_takes_it_back_by_a_move(document_shop, documents):
    [answer] = document_shop.give_back("0042-01-v-1")
    document_shop.await_all_posted(1)
    body = {"note": "changed their mind"}
    path = f"/v1/returns/{answer['return_id']}/void"
    assert document_shop.till.insist(path, body, "void-1")[0] < 300
    document_shop.await_entries(3, "state=posted", 60)
    assert_the_same_documents(document_shop, documents)
    assert documents.balances() == {}


def test_warehouse_of_one_place_has_the_pieces_put_away(document_shop, documents):
    """Where goods are stored as they come in, nobody has a way to go: Tryton says so itself."""
    [warehouse] = documents.read("stock.location", [["type", "=", "warehouse"]], ["storage_location"])
    one_place = {"input_location": warehouse["storage_location"]}
    documents.call("model.stock.location.write", [[warehouse["id"]], one_place])
    document_shop.give_back("0042-01-w-1", 2)
    document_shop.await_all_posted(2)
    assert_the_same_documents(document_shop, documents)
    shipments = documents.read("stock.shipment.out.return", [], ["state"])
    assert [shipment["state"] for shipment in shipments] == ["done", "done"]
    moved = documents.read("stock.move", [], ["to_location", "state", "quantity"])
    assert moved and {(m["to_location"], m["state"], m["quantity"]) for m in moved} == {
        (warehouse["storage_location"], "done", 1)
    }


def test_return_of_a_closed_month_is_dated_in_the_next(document_shop, documents):
    documents.set_period(MONTH, "close")
    document_shop.give_back("0042-01-c-1")
    document_shop.await_all_posted(1)
    assert_the_same_documents(document_shop, documents)
    [note] = documents.read("account.invoice", [], ["accounting_date"])
    day = note["accounting_date"]
    assert day["day"] == 1 and f"{day['year']}-{day['month']:02}" > MONTH


def test_credit_note_of_an_earlier_day_is_dated_as_the_newest(document_shop, documents):
    """Tryton numbers invoices in the order of their days, and stores tell late."""
    [first] = document_shop.give_back("0042-01-n-1")
    document_shop.await_all_posted(1)
    [note] = documents.read("account.invoice", [], ["id", "move"])
    documents.date_later(note, 1)
    document_shop.give_back("0042-01-n-2")
    document_shop.await_all_posted(2)
    assert_the_same_documents(document_shop, documents)
    days = documents.read("account.invoice", [], ["accounting_date"])
    assert days[0]["accounting_date"] == days[1]["accounting_date"]
