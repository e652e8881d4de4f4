"""Rollouts over a fleet, and what makes them halt by themselves: simulated appliances that speak the
real protocol, by the real hub and broker."""

import json
import subprocess

import pytest
from conftest import PROGRAMS, open_road
from road.programs import Program
from road.road import HOST, await_true

FLEET = 10
CANARIES = 2


class Fleet:
    """A centre with a fleet, and no other appliance."""

    def __init__(self, folder, *words):
        self.road = open_road(folder)
        self.fleet = Program(
            "fleet",
            [
                *(PROGRAMS / "tillback-sim", "fleet", FLEET, "--state", self.road.hub_state),
                *("--url", f"mqtts://{HOST}:{self.road.broker_port}", *words),
            ],
            self.road.folder / "log",
            ready="ready fleet=",
        )
        self.layer = folder / "layer.json"

    def __enter__(self):
        self.road.provision()
        self.road.start_broker()
        self.road.hub.start()
        self.fleet.start()
        await_true(lambda: self.online() == FLEET, 30, "the hub to hear all of them")
        return self

    def __exit__(self, *_):
        self.fleet.kill()
        self.road.stop()

    def online(self):
        return sum(one["online"] for one in self.road.ask_hub("/v1/devices")["devices"])

    def config(self, *words):
        return self.road._run(*self.road.hub_words("config", *words))

    def roll_out(self, channel, *words):
        self.layer.write_text(json.dumps({"updates": {"channel": channel}}))
        self.config("put", "fleet", self.layer, "--reason", "for a test")
        self.config(
            *("rollout", "--canary", str(CANARIES), "--percents", "50,100", "--soak", "0"),
            *("--failure-percent", "0", "--reason", "for a test", *words),
        )

    def push(self):
        words = self.road.hub_words("config", "push", "--reason", "for a test")
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        return done.returncode, done.stderr

    def newest(self):
        return json.loads(self.config("status", "--json"))["rollout"]

    def await_state(self, state, timeout_s=40):
        def there():
            found = self.newest()
            return found["state"] == state and found

        return await_true(there, timeout_s, f"rollout {state}")


def test_all_waves_pass(tmp_path):
    with Fleet(tmp_path) as fleet:
        fleet.roll_out("one")
        assert fleet.await_state("done")["devices"]["good"] == FLEET


@pytest.mark.parametrize(
    ("trouble", "rules", "why", "kind"),
    [
        ("--refuse", [], "refused it", "bad"),
        ("--silent", ["--silence", "2"], "say nothing", "silent"),
        ("--grow", ["--soak", "600", "--backlog", "150"], "backlog of", "growing"),
    ],
)
def test_halts_by_itself_at_the_canaries(tmp_path, trouble, rules, why, kind):
    with Fleet(tmp_path, trouble, FLEET) as fleet:
        fleet.roll_out("one", *rules)
        halted = fleet.await_state("halted")
        assert why in halted["why"], halted
        devices = halted["devices"]
        assert 1 <= devices[kind] <= CANARIES and devices["planned"] == FLEET - CANARIES, halted
        number = str(halted["rollout"])
        fleet.config("rollout", "abort", number, "--reason", "it is no good")
        fleet.await_state("aborted")


def test_nothing_new_is_brought_while_what_was_aborted_is_still_taken_back(tmp_path):
    with Fleet(tmp_path) as fleet:
        fleet.roll_out("one", "--soak", "600")
        await_true(lambda: fleet.newest()["devices"]["good"] == CANARIES, 30, "the canaries")
        number = str(fleet.newest()["rollout"])
        fleet.road.hub.stop()  # which would take it back
        fleet.config("rollout", "abort", number, "--reason", "it is no good")
        code, told = fleet.push()
        assert code == 1 and f"rollout: {number} is still taken back" in told
        fleet.road.hub.start()
        await_true(lambda: fleet.newest()["devices"]["returned"] == CANARIES, 30, "all to be back")
        assert fleet.push()[0] == 0
        assert fleet.await_state("done")["devices"]["good"] == FLEET
