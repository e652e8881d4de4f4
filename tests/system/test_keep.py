"""What an appliance keeps: events are cut once the hub has them, and only those; what is sent once
more has no second effect."""

import json
import time

import pytest
from api_document import APPLIANCE
from conftest import open_road
from road.audit import all_arrived, reading
from road.journal import all_posted
from road.road import await_true
from road.till import Till

KEPT = 40


@pytest.fixture(scope="module")
def short_road(tmp_path_factory):
    """An appliance that keeps little, and looks after it all the time."""
    settings = ("retention.events=%d" % KEPT, "retention.least_days=0", "retention.every_s=1")
    with open_road(tmp_path_factory.mktemp("road"), appliance_settings=settings) as opened:
        opened.await_link()
        yield opened
        assert opened.stop() == []


@pytest.fixture
def till(short_road):
    opened = Till(short_road.store_url, short_road.token())
    yield opened
    opened.close()


def count_kept(road):
    with reading(road.store_state / "tillback.db") as db:
        return dict(db.execute("SELECT pos >> 56, count(*) FROM event GROUP BY 1"))


def size_on_disk(road):
    return sum(path.stat().st_size for path in road.store_state.glob("tillback.db*"))


def test_what_the_hub_has_is_cut_and_the_file_shrinks(short_road, till):
    road = short_road
    road.link.cut()
    for number in range(120):
        assert till.sell(f"0042-01-cut-{number:04}")[0] == 201
        assert till.give_back(f"0042-01-cut-{number:04}")[0] == 201
    before = count_kept(road)
    grown = size_on_disk(road)
    assert before[0] > 3 * KEPT and before[1] == 120, "cut before the hub had it"
    road.link.restore()
    await_true(lambda: max(count_kept(road).values()) <= KEPT, 20, "the cut")
    await_true(lambda: size_on_disk(road) < grown / 2, 20, f"a smaller file than {grown}")
    assert till.give_back("0042-01-cut-0119", piece=1)[0] == 201, "a sale that is kept"
    # What was cut comes back from the hub, and what was returned of it was never forgotten.
    decisions = [till.give_back("0042-01-cut-0000", piece=p)[1]["decision"] for p in (1, 2, 3)]
    assert decisions == ["accepted", "accepted", "declined"]
    road.link.cut()
    await_true(lambda: road.ask_store("/v1/status")["link"] != "online", 20, "the cut link")
    status, problem = till.give_back("0042-01-cut-0001", piece=1)
    assert status == 404, problem
    road.link.restore()
    road.await_link()
    assert till.request("POST", "/v1/replay", {"from": 1})[0] == 404, "no longer here"
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")


def hub_rows(road):
    with reading(road.hub_state / "hub.db") as db:
        return [
            db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("event", "entry", "journal_entry", "posting", "parked", "hub_exception")
        ]


def count_duplicates(road):
    metrics = dict(line.split(" ") for line in road.ask_hub_text("/metrics").splitlines()
                   if not line.startswith("#"))
    return int(metrics["tillback_hub_duplicate_batches_total"])


def test_replayed_a_hundred_times_it_has_one_effect(short_road, till):
    road = short_road
    began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    receipts = [f"0042-01-again-{number}" for number in range(3)]
    for receipt in receipts:
        assert till.sell(receipt)[0] == 201
    answers = [till.give_back(receipt)[1] for receipt in receipts]
    await_true(lambda: all_arrived(road) and all_posted(road), 20, "arrival")
    before = hub_rows(road)
    known = count_duplicates(road)
    head = road.ask_store("/v1/status")["streams"]["returns"]["head"]
    for number in range(100):
        asked = (
            {"from": head - 3},
            {"from": head, "to": head},
            {"return": answers[number % 3]["number"]},
            {"from_time": began, "stream": "sales"},
        )[number % 4]
        status, headers, text = till.request("POST", "/v1/replay", asked)
        assert status == 202 and json.loads(text)["events"] > 0, (asked, text)
        APPLIANCE.hold("POST", "/v1/replay", status, headers, text)
    await_true(
        lambda: count_duplicates(road) >= known + 100,
        20,
        lambda: f"{count_duplicates(road) - known} of 100 batches: {road.ask_store('/v1/status')}",
    )
    assert hub_rows(road) == before
    assert "events go to the hub once more" in road.cli("replay", "--return", answers[0]["number"])
    for wrong, status in (({"from": head + 9}, 400), ({"return": "x"}, 404)):
        assert till.request("POST", "/v1/replay", wrong)[0] == status
