"""An appliance that has lost its log takes back what the hub holds of it, and remembers what was
returned."""

import sqlite3

from road.audit import all_arrived
from road.road import DEVICE, await_true
from road.till import PIECES, Till


def lose_everything(road):
    """As when the disk is replaced: who the appliance is stays."""
    road.appliance.kill()
    for path in road.store_state.iterdir():
        if path.name.startswith("tillback.db") or path.name == "head":
            path.unlink()


def sell_and_return(till, receipts, pieces):
    answers = []
    for receipt in receipts:
        assert till.sell(receipt)[0] == 201
        for piece in range(pieces):
            status, answer = till.give_back(receipt, piece)
            assert (status, answer["decision"]) == (201, "accepted")
            answers.append(answer)
    return answers


def await_everything_back(road):
    await_true(
        lambda: road.ask_store("/v1/status")["lost"] == 0
        and road.ask_store("/v1/status")["waiting"] == 0,
        20,
        "the log to come back",
    )


def test_emptied_appliance_remembers_what_was_returned(road):
    till = Till(road.store_url, road.token())
    receipts = [f"0042-01-back-{number:03}" for number in range(40)]
    answers = sell_and_return(till, receipts, PIECES - 1)
    await_true(lambda: all_arrived(road), 20, "arrival")
    lose_everything(road)
    road.appliance.start()
    till.close()
    await_true(lambda: road.ask_store("/v1/sales?receipt=" + receipts[-1])["sales"], 20, "sales")
    await_everything_back(road)
    for receipt in receipts[:3]:
        status, answer = till.give_back(receipt, "last")
        assert (status, answer["decision"]) == (201, "accepted"), answer
        status, answer = till.give_back(receipt, "too-many")
        assert answer.get("decision") != "accepted", answer
    known = {answer["number"] for answer in answers}
    assert answer["number"] not in known, "a number was given twice"
    seen = road.ask_store(f"/v1/returns/{answers[0]['return_id']}")
    assert seen["number"] == answers[0]["number"]
    await_true(lambda: all_arrived(road), 20, "arrival")
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")
    till.close()


def test_appliance_in_the_place_of_another_takes_over_its_log(road):
    till = Till(road.store_url, road.token())
    [answer] = sell_and_return(till, ["0042-01-old-1"], 1)
    await_true(lambda: all_arrived(road), 20, "arrival")
    lose_everything(road)
    for path in (road.store_state / "identity").iterdir():
        path.unlink()
    (road.store_state / "identity").rmdir()
    road.identity("store-0042-b", road.store_state / "identity")
    with sqlite3.connect(road.hub_state / "hub.db", timeout=10) as db:
        db.execute("INSERT INTO takeover VALUES ('store-0042-b', ?)", (DEVICE,))
    road.appliance.start()
    till.close()
    await_true(lambda: road.ask_store("/v1/sales?receipt=0042-01-old-1")["sales"], 20, "the sale")
    await_everything_back(road)
    assert road.ask_store(f"/v1/returns/{answer['return_id']}")["number"] == answer["number"]
    till.close()
