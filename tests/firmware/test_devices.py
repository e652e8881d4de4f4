"""Devices that are there from the start: a hardware clock without battery, a TPM, the watchdog of a PC's
chip set, and a printer on a real port of the kernel's (its other end is a gadget in the same
machine)."""

import subprocess

import pytest
from conftest import FIRMWARE, HOST_AS_THE_MACHINE_SEES_IT
from road.audit import all_arrived
from road.road import await_true

# The printer's other end; the image has no gadgets, and gets none.
GADGET_MODULES = ("configfs", "udc-core", "dummy_hcd", "libcomposite", "usb_f_printer")
MAKE_GADGET = """
mount -t configfs none /sys/kernel/config 2>/dev/null; mountpoint -q /sys/kernel/config
g=/sys/kernel/config/usb_gadget/printer
mkdir -p $g/strings/0x409 $g/configs/c.1 $g/functions/printer.0
echo 0x04b8 >$g/idVendor; echo 0x0202 >$g/idProduct
echo 1 >$g/strings/0x409/serialnumber; echo Test >$g/strings/0x409/manufacturer
echo Receipts >$g/strings/0x409/product
ln -s $g/functions/printer.0 $g/configs/c.1/
ls /sys/class/udc | head -n 1 >$g/UDC
"""


@pytest.fixture(scope="module")
def tpm(tmp_path_factory):
    """A TPM 2 by swtpm; the words for QEMU."""
    folder = tmp_path_factory.mktemp("tpm")
    command = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}",
               "--ctrl", f"type=unixio,path={folder}/sock"]  # fmt: skip
    process = subprocess.Popen(command)
    yield [
        *("-chardev", f"socket,id=tpm,path={folder}/sock", "-tpmdev", "emulator,id=tpm0,chardev=tpm"),
        *("-device", "tpm-crb,tpmdev=tpm0"),
    ]
    process.terminate()
    process.wait()


@pytest.fixture(scope="module")
def gadgets(tmp_path_factory):
    """A stick with the modules of the other end, from the package that the image's kernel is of."""
    file = tmp_path_factory.mktemp("gadgets") / "stick.img"
    subprocess.run(["mformat", "-C", "-i", file, "-T", "16384", "-v", "GADGETS", "::"], check=True)
    for name in GADGET_MODULES:
        [module] = (FIRMWARE / "debian/usr/lib/modules").glob(f"*/kernel/**/{name}.ko*")
        subprocess.run(["mcopy", "-i", file, module, f"::{name}.ko.xz"], check=True)
    return file


@pytest.fixture(scope="module")
def equipped(appliance, tpm, gadgets):
    """The appliance with these devices; what comes after has it without."""
    appliance.cut_power()
    appliance.clock = "1970-01-02T00:00:00"
    appliance.more_devices = [
        *tpm,
        *("-global", "ICH9-LPC.noreboot=off"),
        *("-drive", f"if=none,id=gadgets,file={gadgets},format=raw,readonly=on"),
        *("-device", "virtio-blk-pci,drive=gadgets"),
    ]
    yield appliance.start()
    appliance.cut_power()
    appliance.clock, appliance.more_devices = "utc", []


def test_clock_at_1970_and_a_tpm_are_no_hindrance(equipped, till, centre):
    equipped.await_ready()
    assert int(equipped.run("date +%Y")) > 1970, "no earlier than the image was made"
    assert equipped.run("cat /sys/class/tpm/tpm0/tpm_version_major").strip() == "2"
    assert till.sell("0042-01-vm-1970")[0] == 201
    assert till.give_back("0042-01-vm-1970")[0] == 201
    await_true(lambda: all_arrived(centre), 240, "arrival")
    await_true(lambda: centre.ask_store("/v1/status")["time_trusted"], 240, "trust in the time")


def test_watchdog_of_the_chip_set_is_found(equipped):
    """Beside the other, which init feeds here."""
    assert "iTCO_wdt" in equipped.run("cat /sys/class/watchdog/watchdog*/identity")


def load(machine, name):
    machine.run(
        "mkdir -p /tmp/gadgets && { mountpoint -q /tmp/gadgets || "
        "mount -o ro /dev/disk/by-label/GADGETS /tmp/gadgets; } && "
        f"xzcat /tmp/gadgets/{name}.ko.xz >/tmp/{name}.ko && insmod /tmp/{name}.ko"
    )


def test_lamps_of_the_board_are_lit(equipped):
    """The lights of a keyboard stand for them, which are LEDs of the kernel's (input-leds)."""
    green, red = (
        equipped.run(f"ls -d /sys/class/leds/*::{light} | head -n 1").strip()
        for light in ("capslock", "numlock")
    )
    equipped.run(f"until [ $(stat -c %G {green}/brightness) = tillback ]; do sleep 1; done")
    equipped.run(f"echo lamp=green={green},red={red} >>/data/tillback/appliance.conf; sync")
    equipped.run(f"echo 0 >{green}/brightness; systemctl restart tillbackd")
    equipped.run(f"until [ $(cat {green}/brightness) = 1 ]; do sleep 0.1; done")


def test_return_is_printed_on_a_usb_printer(equipped, till, centre):
    """Bytes and answers go between the gadget and a simulated printer on this host."""
    for name in GADGET_MODULES:
        load(equipped, name)
    for line in MAKE_GADGET.strip().split("\n"):
        equipped.run(line)
    equipped.run("until [ -e /dev/usb/lp0 ]; do sleep 1; done")
    centre.printer.start()
    host, port = HOST_AS_THE_MACHINE_SEES_IT, centre.printer_address.split(":")[1]
    # One program for both ways, which waits in poll(): the gadget lets nobody write while somebody
    # waits in read(), and so kept each answer until the next request.
    equipped.run(f"nc {host} {port} 0<>/dev/g_printer0 1>&0 2>/dev/null &")
    equipped.run(
        "echo printer.counter=usb:/dev/usb/lp0,lane=01 >>/data/tillback/appliance.conf && "
        "sync && systemctl restart tillbackd"
    )
    assert till.sell("0042-01-vm-print")[0] == 201
    status, answer = till.give_back("0042-01-vm-print")
    assert status == 201
    paper = centre.paper
    await_true(lambda: paper.exists() and answer["number"] in paper.read_text(), 240, "the paper")
    await_true(lambda: centre.ask_store("/v1/prints")["prints"] == [], 240, "no print that waits")
