"""What guards the appliance, without starting it: its units and its firewall, as the image's own systemd
and nftables take them. Needs root."""

import json
import subprocess

import pytest
from conftest import FIRMWARE

DEBIAN = FIRMWARE / "debian"  # has systemd-analyze, which the image has not
ANALYZE = """
mount -t proc proc "$1/proc"
mount -t tmpfs run "$1/run"
mkdir "$1/run/tree"
mount --bind "$2" "$1/run/tree"
tool=$1; shift 2
exec chroot "$tool" systemd-analyze --root=/run/tree "$@"
"""

# Of what systemd knows to take from a service, what tillbackd is left: it serves the network, opens
# devices, whose groups it is in, and writes the lamps in /sys.
LEFT = {
    "DeviceAllow", "IPAddressDeny", "PrivateDevices", "PrivateNetwork", "PrivateUsers", "ProcSubset",
    "ProtectKernelTunables", "RestrictAddressFamilies_AF_INET_INET6", "RestrictAddressFamilies_AF_NETLINK",
    "RestrictAddressFamilies_AF_UNIX", "RootDirectoryOrRootImage", "SupplementaryGroups",
}  # fmt: skip
# The clock, to be read, comes with ProtectClock=.
DEVICES = {"char-rtc:r", "char-usb:rw", "char-input:rw", "char-ttyACM:rw", "char-ttyUSB:rw"}


def analyze(*words):
    command = ["unshare", "--mount", "sh", "-euc", ANALYZE, "sh", DEBIAN, FIRMWARE / "root", *words]
    return subprocess.run(command, capture_output=True, text=True)


def test_systemd_understands_each_line_of_our_units():
    """It ignores what it doesn't: a slip of the pen would guard nothing, and not be seen."""
    folder = FIRMWARE / "root/usr/lib/systemd/system"
    units = [path.name.replace("@.", "@tty1.") for path in sorted(folder.glob("tillback*.s*"))]
    assert len(units) > 7
    done = analyze("verify", "--man=no", *units)
    assert (done.returncode, done.stderr) == (0, "")


def test_tillbackd_is_left_no_more_than_it_needs():
    found = json.loads(analyze("security", "--offline=true", "--json=short", "tillbackd.service").stdout)
    assert len(found) > 70
    assert {one["json_field"] for one in found if one["exposure"]} == LEFT
    [devices] = (one["description"] for one in found if one["json_field"] == "DeviceAllow")
    assert set(devices.partition(": ")[2].split()) == DEVICES


def settings(file, section):
    lines = (FIRMWARE / "root" / file).read_text().partition(f"[{section}]\n")[2].partition("\n[")[0]
    return set(lines.split("\n"))


def test_room_memory_time_and_the_journal_are_bounded():
    service = settings("usr/lib/systemd/system/tillbackd.service", "Service")
    assert {"ReadWritePaths=/data/tillback", "MemoryMax=256M", "TasksMax=64"} <= service
    assert {"WatchdogSec=30", "Restart=always"} <= service
    assert "RuntimeWatchdogSec=30" in settings("etc/systemd/system.conf.d/tillback.conf", "Manager")
    journal = settings("etc/systemd/journald.conf.d/tillback.conf", "Journal")
    assert {"Storage=volatile", "RuntimeMaxUse=16M"} <= journal


def test_wanted_restart_is_known_as_one():
    file = "usr/lib/systemd/system/tillback-boot.service"
    assert {"RemainAfterExit=yes", "ExecStop=/usr/lib/tillback/boot stop"} <= settings(file, "Service")
    assert "Conflicts=shutdown.target" in settings(file, "Unit")


def test_image_takes_signed_bundles_of_its_own_product_and_none_that_is_older():
    lines = (FIRMWARE / "root/etc/os-release").read_text().splitlines()
    release = dict(line.split("=", 1) for line in lines)
    rauc = settings("etc/rauc/system.conf", "system")
    assert {f"compatible={release['IMAGE_ID']}", f"min-bundle-version={release['IMAGE_VERSION']}"} <= rauc
    assert "bundle-formats=verity" in rauc
    assert "path=/etc/rauc/ca.pem" in settings("etc/rauc/system.conf", "keyring")


def test_nobody_but_tillbackd_asks_for_an_update():
    socket = settings("usr/lib/systemd/system/tillback-installer.socket", "Socket")
    assert {"SocketGroup=tillback", "SocketMode=0660"} <= socket


# A box and who stands outside, on a wire between them; all of it is gone with the shell.
WIRE = """
mount -t tmpfs run /run
ip netns add outside
ip link add box type veth peer name till netns outside
ip link set lo up
ip link set box up
ip -n outside link set till up
ip address add fd00::1/64 dev box nodad
ip -n outside address add fd00::2/64 dev till nodad
chroot "$1" /usr/sbin/nft -f /etc/nftables.conf
shift
"$@"
"""
# Nobody listens: who is let in is answered so.
KNOCK = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), float(sys.argv[3]))
except ConnectionRefusedError:
    print("answered")
except TimeoutError:
    print("silent")
"""
FROM_OUTSIDE = ("ip", "netns", "exec", "outside")


def knock(address, port, *where, patience_s=20):
    words = [*where, "python3", "-c", KNOCK, address, str(port), str(patience_s)]
    command = ["unshare", "--mount", "--net", "sh", "-euc", WIRE, "sh", FIRMWARE / "root", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()


def test_firewall_lets_in_who_asks_for_what_is_served():
    assert knock("fd00::1", 8443, *FROM_OUTSIDE) == "answered"


@pytest.mark.parametrize("port", [22, 80, 8080])
def test_firewall_lets_nobody_in_elsewhere(port):
    assert knock("fd00::1", port, *FROM_OUTSIDE, patience_s=2) == "silent"


@pytest.mark.parametrize("address", ["fd00::2", "::1"])
def test_firewall_lets_the_box_itself_ask(address):
    assert knock(address, 8883) == "answered"
