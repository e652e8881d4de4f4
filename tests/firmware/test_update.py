"""Updates on the machine that test_appliance.py has set up: refused, good, and bad ones."""

import json

import pytest
from road.audit import all_arrived
from road.road import await_true
from state import partition
from updates import (
    FOLDER, GOOD, PANICS, UNHEALTHY, environment, install, last_update, mount, software,
    write_environment_block,
)  # fmt: skip

REFUSED = {
    "foreign": "signature verification failed",
    "unsigned": "Signature size is 0",
    "tampered": "Input/output error",
    "other-product": "Compatible mismatch",
    "older": "Version mismatch",
}


@pytest.mark.parametrize("name", REFUSED)
def test_bundle_that_must_not_be_installed_is_refused_with_the_reason(machine, name):
    before = environment(machine)
    mount(machine)
    output = machine.run(f"/usr/lib/tillback/update {FOLDER}/{name}.raucb || echo REFUSED", 600)
    assert "REFUSED" in output
    found = last_update(machine)
    assert found["result"] == "refused", found
    assert REFUSED[name] in found["reason"], found
    after = environment(machine)
    for variable in ("ORDER", "A_OK", "A_TRY"):
        assert after[variable] == before[variable]


def test_good_update_runs_in_the_other_slot_though_the_network_is_lost(machine, till, centre):
    before = streams(machine)
    install(machine, "good")
    machine.plug_network(False)
    machine.restart()
    machine.await_status("slot B, start 1")
    machine.await_ready(GOOD, "B")
    assert last_update(machine)["result"] == "installed"
    after = streams(machine)
    for name in before:
        assert after[name]["log_id"] == before[name]["log_id"]
        assert after[name]["head"] >= before[name]["head"]
    machine.plug_network(True)
    assert till.sell("0042-01-vm-after")[0] == 201
    await_true(lambda: all_arrived(centre), 240, "arrival")


def streams(machine):
    return json.loads(machine.cli("--json status"))["streams"]


def await_told(centre, version, words):
    """The hub has the reason of the rollback, and the last words of what was rolled back."""
    found = await_true(
        lambda: (told := software(centre).get("last", {})).get("version") == version and told,
        240,
        "the hub to hear of the rollback",
    )
    assert found["result"] == "rolled_back" and found["reason"]
    assert words in found["last_words"], found


def test_update_that_panics_is_rolled_back_with_the_reason_and_the_kernels_last_words(machine, centre):
    install(machine, "panics")
    machine.restart()
    machine.await_ready(GOOD, "B")
    found = last_update(machine)
    assert (found["result"], found["version"]) == ("rolled_back", PANICS)
    assert "did not come as far as its health check" in found["reason"]
    await_told(centre, PANICS, "Kernel panic")


def test_update_that_never_gets_healthy_is_rolled_back_with_its_last_words(machine, centre):
    install(machine, "unhealthy")
    machine.restart()
    machine.await_ready(GOOD, "B")
    found = last_update(machine)
    assert (found["result"], found["version"]) == ("rolled_back", UNHEALTHY)
    assert "tillbackd" in found["reason"]
    assert "tillbackd.service" in machine.run("tail -n 200 /data/boot/diagnostics-unhealthy")
    await_told(centre, UNHEALTHY, "does not become healthy")


DAMAGE = {
    "zeroed": bytes(1024),
    "truncated": b"# GRUB Environment Block\nORDER=B",
    "missing": None,
    "garbage": bytes(range(7, 256, 3)) * 13,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_boot_environment_heals_and_the_newest_good_slot_runs(machine, damage, tmp_path):
    before = environment(machine)
    machine.cut_power()
    write_environment_block(machine.disk, DAMAGE[damage], tmp_path / "grubenv")
    machine.start()
    machine.await_ready(GOOD, "B")
    assert {**before, **environment(machine)} == {**before, "ORDER": "B A"}


def test_slot_that_does_not_start_is_given_up_though_the_environment_cannot_be_read(machine, tmp_path):
    """Then a block of their own counts the starts. Slot A, which the boot loader takes first, is empty."""
    machine.cut_power()
    write_environment_block(machine.disk, DAMAGE["zeroed"], tmp_path / "grubenv")
    with open(machine.disk, "r+b") as disk:
        disk.seek(partition(machine.disk, "root-a")[0])
        disk.write(bytes(8 * 1024 * 1024))
    machine.start()
    for start in (1, 2, 3):
        machine.await_status(f"slot A, start {start}")
    machine.await_status("slot B, start 1")
    machine.await_ready(GOOD, "B")
    assert environment(machine)["ORDER"] == "B A"
    spare = machine.run("grub-editenv /boot/efi/grub/spare list").split()
    assert spare == ["A_TRY=0", "B_TRY=0"], "they are counted in the environment again"
