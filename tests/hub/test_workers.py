"""Several hubs on one PostgreSQL, killed at random: what they took in, booked and posted is what the
tills were promised, once."""

import os
import random

import pytest
from conftest import PROGRAMS
from promise import Selling, hold_promise
from road.road import Road, free_port_base

HUBS = 3
KILLS = int(os.environ.get("TILLBACK_HUB_KILLS", "6"))
SEED = int(os.environ.get("TILLBACK_SEED", "0")) or random.randrange(1, 1 << 31)

pytestmark = pytest.mark.skipif(
    "TILLBACK_POSTGRESQL" not in os.environ, reason="needs a server: make postgresql-test"
)


def test_hubs_killed_at_random_lose_and_double_nothing(tmp_path, database):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    with Road(
        tmp_path, free_port_base(), PROGRAMS, hub_database=database, hubs=HUBS
    ) as road:
        road.await_link()
        hubs = [road.hub, *road.more_hubs]
        selling = Selling(road)
        for _ in range(KILLS):
            selling.stopping.wait(chance.uniform(0.2, 1.5))
            victim = chance.choice(hubs)
            victim.kill()
            selling.stopping.wait(chance.uniform(0.0, 0.5))
            victim.start()
        returns = selling.stop()
        assert len(returns) >= KILLS
        hold_promise(road, database, returns)
        assert road.stop() == []
