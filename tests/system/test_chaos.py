"""Everything at once: several stores under load, while programs are killed and paused, lines are
cut, swallow or half-open, clocks jump, the broker forgets, and a confused peer repeats what it has
seen. After each round all is healed, and the promise is checked store by store.

TILLBACK_SEED repeats a run, and with TILLBACK_ROUND=n that round alone; SOAK_MINUTES goes on for
that long.
"""

import os
import random
import time

from town import Town

ROUNDS = 2
ROUND_S = 6.0
SOAK_S = 60 * float(os.environ.get("SOAK_MINUTES") or 0)
ONLY = os.environ.get("TILLBACK_ROUND")
DAY_S = 24 * 3600

CLOCKS = {
    "1970": lambda: 0,
    "a day ahead": lambda: time.time() + DAY_S,
    "an hour back": lambda: time.time() - 3600,
}


def program(town, name):
    return getattr(town.road, name, None) or town.stores[int(name)].appliance


def start_again(town, name):
    if name == "broker":
        town.road.start_broker()
    else:
        program(town, name).start()


def jump(town, name, to):
    town.stores[int(name)].clock.jump_to(CLOCKS[to]())


def line(town, name):
    return town.hub_link if name == "hub" else town.stores[int(name)].link


# What can happen to each: (what is done, what undoes it).
PROGRAM_FAULTS = {
    "kill": (lambda town, name: program(town, name).kill(), start_again),
    "pause": (
        lambda town, name: program(town, name).freeze(),
        lambda town, name: program(town, name).thaw(),
    ),
}
LINE_FAULTS = {
    "cut": (lambda town, name: line(town, name).cut(), lambda town, name: line(town, name).restore()),
    "black hole": (
        lambda town, name: line(town, name).black_hole(),
        lambda town, name: line(town, name).restore(),
    ),
    "half open": (
        lambda town, name: line(town, name).half_open(),
        lambda town, name: line(town, name).restore(),
    ),
}
CLOCK_FAULTS = {
    to: (
        lambda town, name, to=to: jump(town, name, to),
        lambda town, name: town.stores[int(name)].clock.jump(0),
    )
    for to in CLOCKS
}
EMPTIED = {"emptied": (lambda town, name: town.empty_broker(), lambda town, name: None)}


def victims(stores):
    """(kind, name, faults): one thing that fails by itself, independently of the others."""
    found = [("program", name, PROGRAM_FAULTS) for name in ("hub", *map(str, range(stores)))]
    found.append(("program", "broker", {**PROGRAM_FAULTS, **EMPTIED}))
    found += [("line", name, LINE_FAULTS) for name in ("hub", *map(str, range(stores)))]
    found += [("clock", str(store), CLOCK_FAULTS) for store in range(stores)]
    return found


def plan(dice, stores):
    """[(second, words, action)] in order; each fault has its end within the round."""
    steps = []
    for kind, name, faults in victims(stores):
        at = dice.uniform(0, 4)
        while at < ROUND_S:
            what = dice.choice(sorted(faults))
            do, undo = faults[what]
            lasts = dice.uniform(0.1, 2)
            steps.append((at, f"{kind} {name}: {what}", lambda town, d=do, n=name: d(town, n)))
            steps.append(
                (at + lasts, f"{kind} {name}: well", lambda town, u=undo, n=name: u(town, n))
            )
            at += lasts + dice.uniform(0.5, 4)
    return sorted(steps, key=lambda step: step[0])


def play(town, steps):
    began = time.monotonic()
    for at, _, act in steps:
        time.sleep(max(0, at - (time.monotonic() - began)))
        act(town)


def play_round(town, seed, number):
    steps = plan(random.Random(f"{seed}-{number}"), len(town.stores))
    loads = [store.load(f"{seed}-{number}") for store in town.stores]
    for load in loads:
        load.__enter__()
    try:
        play(town, steps)
    finally:
        for load in loads:
            load.stop()
    town.settle()
    return steps


def rounds():
    if ONLY:
        yield int(ONLY)
        return
    number = 0
    began = time.monotonic()
    while number < ROUNDS or time.monotonic() - began < SOAK_S:
        yield number
        number += 1


def test_whatever_fails_together_the_promise_holds(tmp_path, seed, capsys):
    with Town(tmp_path) as town:
        for number in rounds():
            steps = play_round(town, seed, number)
            problems = town.problems()
            saved = sum(len(store.kept) for store in town.stores)
            with capsys.disabled():
                print(
                    f"\n  TILLBACK_SEED={seed} round {number}: {len(steps) // 2} faults, {saved}"
                    f" saved so far, {town.meddler.sent} messages repeated by a confused peer,"
                    f" {len(problems)} problems"
                )
            assert problems == [], "\n".join(words for _, words, _ in steps)
        assert saved > 20 and town.meddler.sent > 0
        assert town.stop_well() == []
