"""kill -9 of the appliance, the broker and the hub at random moments under load. What got a 201 is
at the hub exactly once, both chains are whole, and nothing was invented.

TILLBACK_KILLS lengthens it; TILLBACK_SEED repeats the moments of an earlier run.
"""

import os
import random
import time

from road.audit import Audit, all_arrived
from road.journal import all_posted, journal_problems, read_journal
from road.road import DEVICE, await_true
from road.till import Kept, Load

KILLS = int(os.environ.get("TILLBACK_KILLS") or 60)
PROGRAMS = ("appliance", "broker", "hub")


def plan(dice):
    """(program, seconds before, seconds dead): each program as often as the others."""
    victims = [PROGRAMS[i % len(PROGRAMS)] for i in range(KILLS)]
    dice.shuffle(victims)
    return [(victim, dice.uniform(0.02, 0.8), dice.uniform(0, 0.3)) for victim in victims]


def start_again(road, name):
    if name == "broker":
        road.start_broker()
    else:
        getattr(road, name).start()


def test_killed_at_random_moments_keeps_the_promise(road, seed, capsys):
    kept = Kept()
    with Load(road.store_url, road.token(), kept, seed) as load:
        for name, before_s, dead_s in plan(random.Random(seed)):
            time.sleep(before_s)
            getattr(road, name).kill()
            time.sleep(dead_s)
            start_again(road, name)
        await_true(lambda: len(kept.returns) > KILLS, 60, "a return for each kill")
    await_true(lambda: all_arrived(road), 60, "arrival")
    await_true(lambda: all_posted(road), 60, "posting")
    audit = Audit(road, DEVICE, kept)
    entries = read_journal(road.journal)
    audit.problems += journal_problems(audit.events, entries)
    with capsys.disabled():
        print(
            f"\n  {KILLS} kills, TILLBACK_SEED={seed}: {len(kept.sales)} sales and"
            f" {len(kept.returns)} returns got a 201, {load.asked_again} times asked again;"
            f" {len(audit.events)} events at the hub, {len(entries)} journal entries posted,"
            f" {len(audit.problems)} problems"
        )
    assert audit.problems == []
    assert kept.refused == []
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")


def test_end_that_was_torn_off_is_counted_at_the_hub(road):
    def device():
        return road.ask_hub(f"/v1/devices/{DEVICE}")

    def await_online(online=True):
        await_true(lambda: device()["online"] == online, 30, f"online to be {online}")

    await_online()
    assert device()["torn_ends"] == 0
    road.appliance.kill()
    await_online(False)
    road.appliance.start()
    await_online()
    await_true(lambda: device()["torn_ends"] == 1, 20, "the torn end to be told")
    assert device()["state"]["torn_ends"]["last"]
    assert "tillback_hub_torn_ends 1\n" in road.ask_hub_text("/metrics")
    assert road.appliance.stop() == 0
    await_online(False)
    road.appliance.start()
    await_online()
    assert device()["torn_ends"] == 1
