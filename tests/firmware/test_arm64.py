"""The image for arm64: a machine without anything of a PC, which starts by UEFI."""

import pytest
from conftest import ROOT
from machine import ARM64, Machine, make_disk
from road.road import await_true


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arm64")
    image = ROOT / "build/firmware/arm64/tillback.img"
    disk = make_disk(image, folder / "disk", arguments=ARM64.arguments)
    with Machine(folder, disk, board=ARM64) as started:
        yield started


def test_first_start_makes_the_data_partition_and_serves(machine):
    print(machine.await_ready(slot="A"))
    assert machine.run("uname -m") == "aarch64"
    assert machine.run("systemctl is-active tillbackd nftables").split() == ["active", "active"]
    await_true(lambda: "link     none: enrol it" in machine.said(), 240, "the status on its serial line")
    assert "returns  0 saved" in machine.cli("status")
    assert "/data ext4 rw" in machine.run("cat /proc/mounts")
    assert machine.run("cat /data/boot/good-A").strip()


def test_slots_are_raucs_and_the_running_one_is_good(machine):
    said = machine.run("rauc status --output-format=shell")
    assert "RAUC_SYSTEM_COMPATIBLE='tillback-appliance-arm64'" in said
    assert "RAUC_SYSTEM_BOOTED_BOOTNAME='A'" in said
    assert "A_TRY=0" in machine.run("grub-editenv /boot/efi/grub/grubenv list")
