"""Wall clocks that are wrong: the road comes up all the same, trusted time is won back from the
hub, each step is noted, and what was saved before keeps its times."""

import calendar
import json
import time

import pytest
from conftest import open_road
from road.audit import Audit, all_arrived, read_appliance
from road.road import DEVICE, await_true
from road.till import Kept, Till
from town import Clock

BUILD = "2026-11-22T"  # see hal/base/version.h
DAY_S = 24 * 3600


@pytest.fixture
def wrong(tmp_path):
    """A road that is not yet started, whose appliance has a clock that can jump."""
    road = open_road(tmp_path)
    road.clock = Clock(tmp_path / "clock")
    road.appliance.command[:0] = road.clock.words()
    yield road
    assert road.stop() == []


def events_of(road):
    found = []
    for log in read_appliance(road.store_state).values():
        found += [json.loads(body) for _, (body, _) in sorted(log.entries.items())]
    return found


def notes_of(road):
    return [e for e in events_of(road) if e["type"] == "com.tillback.clock.synchronised.v1"]


def trusts_its_time(road):
    return road.ask_store("/v1/status")["time_trusted"]


def seconds(text):
    return calendar.timegm(time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S"))


def test_clock_at_1970_still_reaches_the_hub_and_is_set_right(wrong):
    """The box without a battery, started where everybody's certificate is newer than its build."""
    road = wrong
    road.clock.jump_to(0)
    road.start()
    road.link.cut()
    till = Till(road.store_url, road.token())
    kept = Kept()
    kept.note("sales", "sale-early", *till.sell("early"))
    kept.note("returns", "return-early-0", *till.give_back("early"))
    assert '"time":"1970-' in road.appliance.log.read_text(), "the clock did not jump"
    before = events_of(road)
    road.link.restore()
    await_true(lambda: trusts_its_time(road), 20, "a trusted time")
    kept.note("returns", "return-early-1", *till.give_back("early", 1))
    till.close()
    await_true(lambda: all_arrived(road), 20, "arrival")
    after = events_of(road)
    assert [e for e in after if e["id"] in {b["id"] for b in before}] == before, "rewritten"
    [early] = [e for e in before if e["type"].endswith("return.created.v1")]
    assert not early["timetrusted"] and early["time"].startswith(BUILD)
    [note] = notes_of(road)
    assert note["bootid"] == early["bootid"]
    shown = seconds(early["time"]) + note["data"]["step_ms"] / 1000
    assert abs(shown - time.time()) < 60, "the note's step tells when it was"
    late = [e for e in after if e["type"].endswith("return.created.v1")][-1]
    assert late["timetrusted"] and abs(seconds(late["time"]) - time.time()) < 60
    assert Audit(road, DEVICE, kept).problems == []


@pytest.mark.parametrize("to", ["1970", "five hours ago", "tomorrow"])
def test_trusted_time_goes_on_whatever_the_clock_is_set_to(wrong, to):
    road = wrong
    now = time.time()
    road.start()
    await_true(lambda: trusts_its_time(road), 20, "a trusted time")
    till = Till(road.store_url, road.token())
    assert till.sell("0042-01-jump")[0] == 201
    road.clock.jump_to({"1970": 0, "five hours ago": now - 5 * 3600, "tomorrow": now + DAY_S}[to])
    for piece in range(3):
        assert till.give_back("0042-01-jump", piece)[0] == 201
    till.close()
    for event in events_of(road)[-3:]:
        assert event["timetrusted"] and abs(seconds(event["time"]) - time.time()) < 60
    assert len(notes_of(road)) == 1, "nothing stepped"
    road.clock.jump(0)


def test_restart_with_a_lost_clock_goes_on_from_the_last_known_time(wrong):
    road = wrong
    road.start()
    await_true(lambda: trusts_its_time(road), 20, "a trusted time")
    road.appliance.kill()
    road.link.cut()
    road.clock.jump_to(0)
    road.appliance.start()
    status = road.ask_store("/v1/status")
    assert not status["time_trusted"]
    assert abs(seconds(status["time"]) - time.time()) < 60, "the floor was written when trusted"
    road.link.restore()
    await_true(lambda: trusts_its_time(road), 20, "a trusted time")


@pytest.mark.parametrize("days", [2, 70 * 365])
def test_clock_that_is_ahead_is_brought_back(wrong, days):
    """Though every certificate of ours ends before the year that it shows, and after a restart too."""
    road = wrong
    road.start()
    await_true(lambda: trusts_its_time(road), 20, "a trusted time")
    for _ in range(2):
        road.link.cut()
        assert road.appliance.stop() == 0
        road.clock.jump_to(time.time() + days * DAY_S)
        road.appliance.start()
        status = road.ask_store("/v1/status")
        assert not status["time_trusted"] and seconds(status["time"]) > time.time() + DAY_S
        before = len(notes_of(road))
        assert road.appliance.stop() == 0  # what it believed is not kept as what is known
        road.appliance.start()
        road.link.restore()
        await_true(lambda: trusts_its_time(road), 20, "a trusted time")
        assert abs(seconds(road.ask_store("/v1/status")["time"]) - time.time()) < 60
        await_true(lambda: len(notes_of(road)) > before, 10, "the note")
        note = notes_of(road)[-1]
        assert abs(note["data"]["step_ms"] / 1000 + days * DAY_S) < 60
