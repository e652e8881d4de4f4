"""An appliance that has lost its log takes back what the hub holds of it, and remembers what was
returned."""

import json
import shutil

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
    shutil.rmtree(road.store_state / "identity")
    invited = json.loads(road.device("replace", DEVICE, "--reason", "fell down", "--json"))
    assert invited["device"] == "store-0042-b"
    road.cli("provision", invited["link"])
    road.appliance.start()
    till.close()
    await_true(lambda: road.ask_store("/v1/sales?receipt=0042-01-old-1")["sales"], 20, "the sale")
    await_everything_back(road)
    assert road.ask_store(f"/v1/returns/{answer['return_id']}")["number"] == answer["number"]
    till.close()


def keep_database(road, folder):
    for path in road.store_state.glob("tillback.db*"):
        shutil.copy(path, folder)


def put_back(road, folder):
    """As when yesterday's image is written over the disk: the database is older than its head file."""
    for path in road.store_state.glob("tillback.db*"):
        path.unlink()
    for path in folder.glob("tillback.db*"):
        shutil.copy(path, road.store_state)


def test_store_put_back_in_time_goes_on_as_a_fork_and_forgets_no_return(road, tmp_path_factory):
    yesterday = tmp_path_factory.mktemp("yesterday")
    till = Till(road.store_url, road.token())
    receipts = [f"0042-01-fork-{number}" for number in range(6)]
    sell_and_return(till, receipts[:3], 1)
    await_true(lambda: all_arrived(road), 20, "arrival")
    before = road.ask_store("/v1/status")["streams"]["returns"]
    assert road.appliance.stop() == 0
    keep_database(road, yesterday)
    road.appliance.start()
    road.await_link()
    later = sell_and_return(till, receipts[3:], PIECES - 1)
    await_true(lambda: all_arrived(road), 20, "arrival")
    assert road.appliance.stop() == 0
    put_back(road, yesterday)
    road.appliance.start()
    till.close()
    await_everything_back(road)
    after = road.ask_store("/v1/status")["streams"]["returns"]
    assert (after["forked"], after["log_id"] != before["log_id"]) == (True, True)
    for answer in later:
        shown = road.ask_store(f"/v1/returns/{answer['return_id']}")
        assert shown["number"] == answer["number"]
    status, answer = till.give_back(receipts[3], "last")
    assert (status, answer["decision"]) == (201, "accepted"), answer
    status, answer = till.give_back(receipts[3], "too-many")
    assert answer.get("decision") != "accepted", answer
    await_true(lambda: all_arrived(road), 20, "arrival")
    events = [entry["event"]["id"] for entry in road.ask_hub("/v1/events?from=0")["events"]]
    assert len(events) == len(set(events))
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")
    till.close()
