"""The link fails under load and comes back: everything arrives, once, in order, by itself, and the
first of it within two seconds."""

import time

import pytest
from conftest import open_road, stop_well
from road.audit import Audit, all_arrived, count_hub_events, reading
from road.road import DEVICE, await_true
from road.till import Kept, Load, Till

AWAY_S = 4
LONG_S = 13  # longer than the appliance waits for an acknowledgement before it connects anew
DRAIN_BEGINS_S = 2.0
IDLE_S = 10
TRIES = 3  # a busy machine may be late once; three times is ours


def stop_broker(road):
    road.broker.stop()


def start_broker(road):
    road.start_broker()


def fall_silent_twice(road):
    """Silent, back for a moment, and gone again while the appliance is still connecting."""
    road.link.black_hole()
    time.sleep(2)
    road.link.restore()
    time.sleep(0.05)
    road.link.black_hole()


FAILURES = {
    "broker stopped": (stop_broker, start_broker),
    "broker frozen": (lambda road: road.broker.freeze(), lambda road: road.broker.thaw()),
    "cut": (lambda road: road.link.cut(), lambda road: road.link.restore()),
    "black hole": (lambda road: road.link.black_hole(), lambda road: road.link.restore()),
    "black hole twice": (fall_silent_twice, lambda road: road.link.restore()),
    "long black hole": (lambda road: road.link.black_hole(), lambda road: road.link.restore()),
    "half open": (lambda road: road.link.half_open(), lambda road: road.link.restore()),
}


def await_growth(road, held):
    return await_true(lambda: count_hub_events(road.hub_state) > held, 30, "the drain")


def lose_and_find_link(road, failure, kept):
    """How long after the link's return the first event came through."""
    take_away, bring_back = FAILURES[failure]
    take_away(road)
    time.sleep(LONG_S if failure.startswith("long") else AWAY_S)
    held = count_hub_events(road.hub_state)
    saved = len(kept)
    await_true(lambda: len(kept) > saved, 10, "the counter, which stood still without the link")
    bring_back(road)
    began = time.monotonic()
    await_growth(road, held)
    return time.monotonic() - began


@pytest.mark.parametrize("failure", FAILURES)
def test_link_lost_under_load_loses_nothing(road, seed, failure):
    appliance = road.appliance.process.pid
    kept = Kept()
    drain_began_s = []
    with Load(road.store_url, road.token(), kept, seed, pause_s=0.02):
        await_growth(road, 0)
        while len(drain_began_s) < TRIES and min(drain_began_s, default=60) > DRAIN_BEGINS_S:
            drain_began_s.append(lose_and_find_link(road, failure, kept))
        time.sleep(1)
    await_true(lambda: all_arrived(road), 30, "arrival")
    audit = Audit(road, DEVICE, kept)
    assert audit.problems == []
    assert kept.refused == []
    assert road.appliance.process.pid == appliance and road.appliance.running
    print(f"{failure}: {len(kept)} saved, drain after {drain_began_s} s")
    assert min(drain_began_s) <= DRAIN_BEGINS_S, drain_began_s


def test_restart_without_link_delivers_later(road, seed):
    kept = Kept()
    road.link.cut()
    with Load(road.store_url, road.token(), kept, seed):
        time.sleep(1)
    assert road.appliance.stop() == 0
    road.appliance.start()
    road.link.restore()
    await_true(lambda: all_arrived(road), 30, "arrival")
    assert Audit(road, DEVICE, kept).problems == []
    assert len(kept.returns) > 10


def test_one_receipt_comes_back_once_while_offline_whichever_lane_it_is_brought_to(road):
    road.link.cut()
    lanes = [Till(road.store_url, road.token(lane)) for lane in ("01", "02")]
    assert lanes[0].sell("0042-01-once")[0] == 201
    pieces = lanes[0].sale("0042-01-once")["lines"][0]["quantity"]
    decisions = []
    for turn in range(pieces + 4):
        status, answer = lanes[turn % 2].give_back("0042-01-once", turn)
        assert status == 201, answer
        decisions.append(answer["decision"])
    assert decisions == ["accepted"] * pieces + ["declined"] * 4, decisions
    for till in lanes:
        till.close()
    road.link.restore()
    await_true(lambda: all_arrived(road), 30, "arrival")


def test_hub_away_is_caught_up_with(road, seed):
    kept = Kept()
    assert road.hub.stop() == 0
    with Load(road.store_url, road.token(), kept, seed):
        time.sleep(2)
    road.hub.start()
    await_true(lambda: all_arrived(road), 30, "arrival")
    assert Audit(road, DEVICE, kept).problems == []


def test_hub_that_lost_its_database_is_sent_everything_at_once(road, seed):
    kept = Kept()
    with Load(road.store_url, road.token(), kept, seed):
        time.sleep(1)
    await_true(lambda: all_arrived(road), 30, "arrival")
    held = count_hub_events(road.hub_state)
    road.hub.stop()
    for path in road.hub_state.glob("hub.db*"):
        path.unlink()
    road.hub.start()
    await_true(lambda: count_hub_events(road.hub_state) >= held, 10, "all of it, with nothing new")
    await_true(lambda: all_arrived(road), 10, "the watermark")
    assert Audit(road, DEVICE, kept).problems == []


def test_appliance_with_nothing_to_do_wakes_less_than_once_a_second(tmp_path):
    with open_road(tmp_path, appliance_settings=["identity.look_s=300"]) as road:
        road.await_link()
        rates = [2]
        while rates[-1] >= 1 and len(rates) <= TRIES:
            before = road.appliance.wake_ups()
            time.sleep(IDLE_S)
            rates.append((road.appliance.wake_ups() - before) / IDLE_S)
        stop_well(road)
    assert rates[-1] < 1, rates


def head(road):
    return road.ask_store("/v1/status")["streams"]["returns"]["head"]


def test_refund_asked_for_at_the_counter_overtakes_a_week_of_backlog(road, seed):
    till = Till(road.store_url, road.token())
    assert till.sell("0042-01-urgent")[0] == 201
    road.link.cut()
    with Load(road.store_url, road.token(), Kept(), seed, tills=8, pause_s=0):
        await_true(lambda: head(road) > 4000, 60, "the backlog of a week")
    before = head(road)
    assert till.give_back("0042-01-urgent")[0] == 201
    till.close()
    after = head(road)
    road.link.restore()
    await_true(lambda: all_arrived(road), 120, "the backlog at the hub")
    await_true(lambda: nothing_unbooked(road), 120, "the books")
    with reading(road.hub_state / "hub.db") as db:
        [(came,)] = db.execute(
            "SELECT max(event_no) FROM entry JOIN stream_log USING (log_no)"
            " WHERE stream = 'returns' AND seq > ? AND seq <= ?",
            (before, after),
        )
        [(later,)] = db.execute(
            "SELECT count(*) FROM entry JOIN stream_log USING (log_no)"
            " WHERE stream = 'returns' AND seq <= ? AND event_no > ?",
            (before, came),
        )
        order = db.execute(
            "SELECT correlation, source, sequence FROM ledger_event WHERE applied_no IS NOT NULL"
            " ORDER BY correlation, source, applied_no"
        ).fetchall()
    assert later > before / 2, f"only {later} of {before} came after the urgent one"
    assert order == sorted(order), "each return is booked in its own order"


def nothing_unbooked(road):
    with reading(road.hub_state / "hub.db") as db:
        [(cursor, newest)] = db.execute(
            "SELECT (SELECT event_no FROM ledger_cursor), (SELECT max(event_no) FROM event)"
        )
        [(held,)] = db.execute("SELECT count(*) FROM ledger_event WHERE state = 'held'")
    return cursor == newest and not held
