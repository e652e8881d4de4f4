"""From the first start of a new box to returns at the hub, by the image that is shipped."""

import contextlib
import json
import socket

from conftest import DEVICE
from road.news import News
from road.road import STORE, await_true


def test_first_start_makes_the_data_partition_and_becomes_ready(machine):
    machine.await_ready(slot="A")
    mounts = machine.run("cat /proc/mounts")
    assert "/dev/vda4 /data ext4 rw" in mounts
    assert " / squashfs ro" in mounts
    assert machine.run("systemctl --failed --quiet --no-pager --no-legend") == ""
    sectors = int(machine.run("cat /sys/class/block/vda4/size"))
    assert sectors > 500 * 1024 * 2, "what the disk has left is the data partition's"
    environment = machine.run("grub-editenv /boot/efi/grub/grubenv list").split("\n")
    assert "A_TRY=0" in environment and "A_OK=1" in environment


def test_tillbackd_runs_as_its_own_user_and_may_little(machine):
    pid = machine.run("systemctl show --property=MainPID --value tillbackd").strip()
    status = machine.run(f"cat /proc/{pid}/status")
    words = {line.split(":")[0]: line.split(":")[1].split() for line in status.split("\n") if ":" in line}
    assert words["Uid"] == ["200"] * 4
    assert words["NoNewPrivs"] == ["1"] and words["Seccomp"] == ["2"]
    assert int(words["CapEff"][0], 16) == 0 and int(words["CapBnd"][0], 16) == 0
    inside = f"nsenter -t {pid} -m -- sh -c"
    assert "Read-only" in machine.run(f"{inside} 'touch /data/rauc/x' 2>&1 || true")


def test_nothing_listens_but_what_is_served(machine):
    listening = machine.run("cat /proc/net/tcp /proc/net/tcp6")
    ports = {int(line.split()[1].split(":")[1], 16) for line in listening.split("\n")
             if ": " in line and line.split()[3] == "0A"}  # fmt: skip
    assert ports <= {53, 8080, 8443}
    rules = machine.run("nft list ruleset")
    assert "policy drop" in rules


def test_bundle_on_a_stick_makes_the_box_a_stores(machine, centre, plug, tmp_path):
    centre.invite("--id", DEVICE, "--out", tmp_path / "enrol.json")
    plug("stick: enrolled\r", enrol_json=tmp_path / "enrol.json")
    machine.await_status(f"Tillback {DEVICE}, store {STORE}")
    machine.await_status("link     online since")
    await_true(
        lambda: DEVICE in json.dumps(centre.ask_hub("/v1/devices")), 240, "the device at the hub"
    )
    keyboard = machine.run("ls /dev/input/by-id/*-event-kbd").strip()
    written = []
    for name, text in centre.settings(keyboard):
        written.append(f"/data/tillback/{name}")
        machine.run(f"cat >{written[-1]} <<'END'\n{text}END")
    files = " ".join(written)  # not the folder: tillbackd opens anew, and its other files come and go
    machine.run(f"chown tillback:tillback {files} && chmod go= {files} && sync && systemctl restart tillbackd")


def test_clock_is_set_by_those_whom_the_hub_names(machine):
    """As tillbackd leaves their names."""
    named, told = "/data/tillback/timesyncd.conf", "/run/systemd/timesyncd.conf.d/tillback.conf"
    machine.run(f"printf '[Time]\\nNTP=10.0.2.2\\n' >{named}; until grep -q NTP=10.0.2.2 {told}; do sleep 1; done")
    machine.run("until systemctl is-active --quiet systemd-timesyncd; do sleep 1; done")
    machine.run(f"rm {named}; until ! grep -q NTP= {told}; do sleep 1; done")
    assert machine.run("systemctl --failed --quiet --no-pager --no-legend") == ""


def make_ticket(centre, file, device=DEVICE):
    words = ("--name", "Ada", "--reason", "the printer is silent", "--hours", "1")
    centre.device("ticket", device, *words, "--out", file)
    return file


def test_stick_with_the_ticket_and_the_bundle_of_another_box_does_nothing(machine, plug, centre, tmp_path):
    bundle = tmp_path / "enrol.json"
    centre.invite("--id", "another-box", "--out", bundle)
    ticket = make_ticket(centre, tmp_path / "ticket.json", "another-box")
    refused = f"stick: the ticket is refused: .*is for another-box, and this is {DEVICE}"
    plug(refused, ticket_json=ticket, enrol_json=bundle)
    machine.await_status("stick: the appliance is a store's already")
    machine.run("! systemctl is-active --quiet tillback-console@ttyS0")


def test_ticket_on_a_stick_opens_a_console(machine, plug, centre, tmp_path):
    """The stick is a mere file system, without a table of partitions."""
    ticket = make_ticket(centre, tmp_path / "ticket.json")
    plug("stick: console, ticket for Ada", table=False, ticket_json=ticket)
    machine.await_status("technician# ")
    machine.say("echo $((6 * 7))th word")
    machine.await_status("42th word")
    machine.run("systemctl start tillback-screen@ttyS0")
    machine.run("! systemctl is-active --quiet tillback-console@ttyS0")


def test_serial_line_that_is_told_to_stop_stops_nothing(machine):
    """By a technician, or by noise: what is said there would wait for the word to go on."""
    machine.say("\x13")
    machine.run("head -c 20000 /dev/zero | tr '\\0' . >/dev/console", 60)


def scan(news, give, text):
    """Who scans and sees nothing, scans again: a slow machine loses keys."""
    for _ in range(6):
        give()
        with contextlib.suppress(TimeoutError):
            while (seen := news.wait_for("scan", 20))["data"] != text:
                pass
            return seen
    raise AssertionError(f"{text} was never seen")


def bring_back(till, centre, receipt):
    """The rest of the return, and its number once the hub has it."""
    status, answer = till.give_back(receipt)
    assert status == 201, answer
    await_true(
        lambda: answer["number"] in json.dumps(centre.ask_hub(f"/v1/returns?receipt={receipt}")),
        240,
        "the return at the hub",
    )


def test_return_scanned_on_a_serial_scanner_reaches_the_hub(machine, till, centre):
    assert till.sell("0042-01-vm-1")[0] == 201
    with News(till.url, till.token, till.tls) as news, socket.socket(socket.AF_UNIX) as scanner:
        scanner.connect(str(machine.folder / "scanner"))
        seen = scan(news, lambda: scanner.sendall(b"0042-01-vm-1\r"), "0042-01-vm-1")
    assert seen["lane"] == "01"
    assert seen["sale"]["lines"][0]["quantity"] == 3
    bring_back(till, centre, "0042-01-vm-1")


def test_return_scanned_on_a_keyboard_wedge_reaches_the_hub(machine, till, centre):
    assert till.sell("0042-01-vm-2")[0] == 201
    with News(till.url, till.token, till.tls) as news:
        seen = scan(news, lambda: machine.type("0042-01-vm-2"), "0042-01-vm-2")
    assert seen["lane"] == "01"
    bring_back(till, centre, "0042-01-vm-2")
