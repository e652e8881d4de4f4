"""Updates on the machine that test_appliance.py has set up: refused, good, and bad ones."""

import json
import pathlib
import subprocess

import pytest
from conftest import ROOT
from road.road import await_true

BUNDLES = ROOT / "build/firmware/test"
BOOT_S = 900
GOOD, PANICS, UNHEALTHY = "0.2.0", "0.3.0", "0.4.0"


@pytest.fixture(scope="module")
def bundles(machine, tmp_path_factory):
    """All bundles on a stick, plugged in now and mounted where the machine finds them."""
    stick = tmp_path_factory.mktemp("stick") / "bundles.img"
    subprocess.run(["mformat", "-C", "-i", stick, "-T", "655360", "-F", "-v", "BUNDLES", "::"], check=True)
    files = [str(path) for path in sorted(BUNDLES.glob("*.raucb"))]
    subprocess.run(["mcopy", "-i", stick, *files, "::"], check=True)
    machine.qmp(
        "blockdev-add", **{"node-name": "bundles", "driver": "raw", "read-only": True,
                           "file": {"driver": "file", "filename": str(stick)}}
    )  # fmt: skip
    machine.qmp(
        "device_add", driver="usb-storage", bus="usb.0", port="4", drive="bundles", id="bundles", removable=True
    )
    mount(machine)
    return pathlib.Path("/tmp/bundles")


def mount(machine):
    label = "/dev/disk/by-label/BUNDLES"
    machine.run(
        f"mkdir -p /tmp/bundles; until mountpoint -q /tmp/bundles; do "
        f"mount -o ro,noexec {label} /tmp/bundles 2>/dev/null || sleep 1; done"
    )


def last_update(machine):
    return json.loads(machine.run("cat /data/boot/last-update.json"))


def log_heads(machine):
    return json.loads(machine.run("tillback --state /data/tillback --json status"))["streams"]


REFUSED = {
    "foreign": "signature verification failed",
    "unsigned": "Signature size is 0",
    "tampered": "Input/output error",
    "other-product": "Compatible mismatch",
    "older": "Version mismatch",
}


@pytest.mark.parametrize("name", REFUSED)
def test_bundle_that_must_not_be_installed_is_refused_with_the_reason(machine, bundles, name):
    before = machine.run("grub-editenv /boot/efi/grub/grubenv list").split("\n")
    output = machine.run(
        f"/usr/lib/tillback/update {bundles}/{name}.raucb && echo TAKEN", 600, check=False
    )
    assert "TAKEN" not in output
    found = last_update(machine)
    assert found["result"] == "refused", found
    assert REFUSED[name] in found["reason"], found
    after = machine.run("grub-editenv /boot/efi/grub/grubenv list").split("\n")
    assert [x for x in after if x.startswith(("ORDER", "A_"))] == [
        x for x in before if x.startswith(("ORDER", "A_"))
    ]


def install(machine, bundles, name):
    machine.run(f"/usr/lib/tillback/update {bundles}/{name}.raucb --no-restart", 900)
    machine.restart()


def test_good_update_runs_in_the_other_slot_with_all_events(machine, bundles, till, centre):
    before = log_heads(machine)
    install(machine, bundles, "good")
    machine.await_status(rf"tillback: ready: version {GOOD}, slot B", BOOT_S)
    assert last_update(machine)["result"] == "installed"
    after = log_heads(machine)
    for stream in before:
        assert after[stream]["log_id"] == before[stream]["log_id"]
        assert after[stream]["head"] >= before[stream]["head"]
    assert till.sell("0042-01-vm-after")[0] == 201


def test_update_that_panics_is_rolled_back_with_the_reason(machine, bundles):
    mount(machine)
    install(machine, bundles, "panics")
    machine.await_status(rf"tillback: ready: version {GOOD}, slot B", BOOT_S)
    found = last_update(machine)
    assert (found["result"], found["version"]) == ("rolled_back", PANICS)
    assert "did not come as far as its health check" in found["reason"]


def test_update_that_never_gets_healthy_is_rolled_back_with_its_last_words(machine, bundles):
    mount(machine)
    install(machine, bundles, "unhealthy")
    machine.await_status(rf"tillback: ready: version {GOOD}, slot B", BOOT_S)
    found = last_update(machine)
    assert (found["result"], found["version"]) == ("rolled_back", UNHEALTHY)
    assert "tillbackd" in found["reason"]
    assert "tillbackd.service" in machine.run("tail -n 200 /data/boot/diagnostics-unhealthy")


DAMAGE = {
    "zeroed": "dd if=/dev/zero of=/boot/efi/grub/grubenv bs=1024 count=1 conv=notrunc",
    "truncated": "truncate -s 100 /boot/efi/grub/grubenv",
    "missing": "rm /boot/efi/grub/grubenv",
    "garbage": "dd if=/dev/urandom of=/boot/efi/grub/grubenv bs=1024 count=1 conv=notrunc",
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_boot_environment_heals(machine, damage):
    machine.run(DAMAGE[damage] + " 2>/dev/null; sync")
    machine.run("/usr/lib/tillback/boot start && rauc status mark-good")
    lines = machine.run("grub-editenv /boot/efi/grub/grubenv list").split("\n")
    assert {"ORDER=B A", "B_OK=1", "B_TRY=0"} <= set(lines)


def test_hung_agent_is_restarted(machine):
    pid = machine.run("systemctl show --property=MainPID --value tillbackd").strip()
    machine.run(f"kill -STOP {pid}")

    def is_another():
        now = machine.run("systemctl show --property=MainPID,StatusText tillbackd").split("\n")
        return not {"MainPID=0", f"MainPID={pid}"} & set(now) and "StatusText=healthy" in now

    await_true(is_another, 300, "another tillbackd")
