"""A chain's days taken in, posted, settled and told back, in a form short enough for each change: what went
in is what is held, each thing once, and memory doesn't grow on the way. How fast is `make bench-year`'s to
say."""

import json
import pathlib
import subprocess

from conftest import PROGRAMS

BENCH = pathlib.Path(PROGRAMS) / "bench" / "hub_bench"
EVENTS, STORES, PARTS, DAYS = 7680, 40, 6, 20
STEPS = 3  # events of a return, and entries before it is settled
GROWTH_KIB = 2048


def test_days_of_a_chain_are_taken_in_once_with_flat_memory(tmp_path):
    words = (tmp_path / "hub.db", EVENTS, 1, STORES, PARTS, DAYS)
    done = subprocess.run(
        [BENCH, *map(str, words)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    *parts, whole = map(json.loads, done.stdout.splitlines())
    assert parts[-1]["events"] == whole["events"] == whole["events_held"] == EVENTS

    returns = EVENTS // STEPS
    assert whole["refunds"] == returns
    assert 0.7 * returns < whole["settled"] < returns  # the last days' are on their way
    assert whole["entries"] == whole["posted"] == STEPS * returns + whole["settled"]
    assert whole["applied"] == whole["events_held"] + whole["events_of_centre"]
    assert whole["exceptions"] >= whole["lines_differing"] > 0
    assert (whole["not_applied"], whole["parked"], whole["unbalanced"]) == (0, 0, 0)

    # Once the database's cache is full.
    assert parts[-1]["peak_kib"] < parts[1]["peak_kib"] + GROWTH_KIB
