"""An update that the hub asks for: fetched by the machine over the network, installed by the image's own
installer, told in the fleet view. After test_update.py, on the same machine."""

import json
import subprocess
import sys

import pytest
from conftest import DEVICE, HOST_AS_THE_MACHINE_SEES_IT, ROOT
from road.road import await_true

sys.path.insert(0, str(ROOT / "tests" / "system"))
from update import Depot  # noqa: E402
from updates import NEWER, running_slot, software  # noqa: E402


@pytest.fixture(scope="module")
def depot():
    opened = Depot((ROOT / "build/firmware/test/newer.raucb").read_bytes())
    yield opened
    opened.close()


def test_update_by_command_runs_though_a_restart_is_wanted_in_its_trial_and_is_told(
    machine, centre, depot
):
    """A start that ends as somebody wants doesn't count."""
    release = depot.release(NEWER)
    release["url"] = depot.url.replace("127.0.0.1", HOST_AS_THE_MACHINE_SEES_IT)
    words = [f"{key}={value}" for key, value in release.items()]
    slot = {"A": "B", "B": "A"}[running_slot(machine)]
    machine.expect_restart()
    subprocess.run(centre.hub_words("command", DEVICE, "update", *words), check=True, timeout=120)
    machine.await_status(f"slot {slot}, start 1")
    machine.run("until systemctl is-active --quiet tillback-boot; do sleep 1; done")
    machine.restart()
    machine.await_status(f"slot {slot}, start 1")
    machine.await_ready(NEWER, slot)
    found = await_true(
        lambda: (told := software(centre)).get("update", {}).get("state") == "installed" and told,
        300,
        "the hub to hear of it",
    )
    assert found["version"] == NEWER
    assert json.loads(machine.run("cat /data/boot/last-update.json"))["result"] == "installed"
