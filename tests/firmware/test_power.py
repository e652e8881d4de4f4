"""The plug is pulled, at random moments of a day and of an update: QEMU is killed. TILLBACK_KILLS= for
more, TILLBACK_SEED= repeats the moments of an earlier run."""

import json
import os
import random

from conftest import DEVICE
from road.audit import Audit, all_arrived
from road.road import await_true
from road.till import Kept, Load
from state import copy_log, partition
from updates import FOLDER, environment, last_update, mount, running_slot

KILLS = int(os.environ.get("TILLBACK_KILLS") or 5)
ANSWERS = 60  # between two cuts, at most
UPDATE_BYTES = 48 * 1024 * 1024


def test_what_was_answered_outlives_the_plug_pulled_at_random_moments(
    machine, centre, token, tls, till, seed, tmp_path, capsys
):
    dice = random.Random(f"{seed}-capture")
    kept = Kept()
    with Load(centre.page_url, token, kept, seed, tills=2, tls=tls) as load:
        for _ in range(KILLS):
            enough = len(kept) + dice.randint(1, ANSWERS)
            await_true(lambda: len(kept) >= enough, 240, "answers to the tills")
            machine.cut_power()
            machine.start()
            machine.await_ready()
            machine.cli("verify")
    await_true(lambda: all_arrived(centre), 240, "arrival")
    machine.cut_power()
    copy_log(machine.disk, centre.store_state, tmp_path)
    audit = Audit(centre, DEVICE, kept)
    with capsys.disabled():
        print(
            f"\n  {KILLS} cuts, TILLBACK_SEED={seed}: {len(kept.sales)} sales and"
            f" {len(kept.returns)} returns got a 201, {load.asked_again} times asked again;"
            f" {len(audit.events)} events at the hub, {len(audit.problems)} problems"
        )
    assert audit.problems == []
    assert kept.refused == []


def test_plug_pulled_at_random_moments_of_an_update_leaves_a_whole_appliance(
    machine, till, seed, capsys
):
    dice = random.Random(f"{seed}-update")
    ended = []
    for _ in range(KILLS):
        mount(machine)
        before = json.loads(machine.cli("--json status"))["streams"]
        slot = running_slot(machine)
        machine.run("rm -f /data/boot/last-update.json")
        enough = machine.written() + dice.randint(0, UPDATE_BYTES)
        said = machine.said()
        machine.begin(f"/usr/lib/tillback/update {FOLDER}/good.raucb --no-restart")
        await_true(
            lambda: machine.written() >= enough or "is installed in slot" in machine.said()[len(said) :],
            600,
            "the update",
        )
        machine.cut_power()
        machine.start()
        machine.await_ready()
        ended.append(outcome(machine))
        wanted = {"interrupted", "not begun"} if running_slot(machine) == slot else {"installed"}
        assert ended[-1] in wanted
        assert environment(machine)[f"{running_slot(machine)}_OK"] == "1"
        machine.cli("verify")
        after = json.loads(machine.cli("--json status"))["streams"]
        assert [after[name]["log_id"] for name in before] == [s["log_id"] for s in before.values()]
    with capsys.disabled():
        print(f"\n  {KILLS} cuts, TILLBACK_SEED={seed}: {', '.join(ended)}")


def test_data_partition_that_cannot_be_mounted_is_mended_and_nothing_is_lost(machine, till, centre):
    """Its first superblock is gone, with what stands beside it."""
    assert till.sell("0042-01-vm-superblock")[0] == 201
    before = json.loads(machine.cli("--json status"))["streams"]
    machine.cut_power()
    with open(machine.disk, "r+b") as disk:
        disk.seek(partition(machine.disk, "tillback-data")[0])
        disk.write(bytes(4096))
    machine.start()
    machine.await_status("the data partition is damaged, and is mended")
    machine.await_ready()
    machine.cli("verify")
    after = json.loads(machine.cli("--json status"))["streams"]
    for name in before:
        assert after[name]["log_id"] == before[name]["log_id"]
        assert after[name]["head"] >= before[name]["head"]
    await_true(lambda: all_arrived(centre), 240, "arrival")


def outcome(machine):
    if not machine.run("ls /data/boot/last-update.json 2>/dev/null || true"):
        return "not begun"
    return last_update(machine)["result"]
