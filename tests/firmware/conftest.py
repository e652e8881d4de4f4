"""One appliance in a virtual machine, and the hub that it belongs to on this one. The tests of a run
follow each other on the same machine, as things happen to a real one."""

import http.client
import json
import os
import pathlib
import random
import ssl
import subprocess
import sys
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(ROOT / "tests" / "firmware")]

from machine import MIB, Machine, make_disk  # noqa: E402
from road.road import Road, free_port_base  # noqa: E402
from road.till import Kept, Load, Till  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or ROOT / "build" / "release").resolve()
FIRMWARE = pathlib.Path(os.environ.get("FIRMWARE") or ROOT / "build/firmware/amd64").resolve()
BUNDLES = ROOT / "build/firmware/test"
DEVICE = "store-0042-vm"
HOST_AS_THE_MACHINE_SEES_IT = "10.0.2.2"
PATIENCE_S = 10  # of a till that gets no answer: then it asks anew


class Centre(Road):
    """Broker and hub of a road, for an appliance that is elsewhere; `till` is one in its store."""

    till = None

    def start(self):
        self.authority("init")
        self.authority("server", "broker", "127.0.0.1", HOST_AS_THE_MACHINE_SEES_IT)
        self.authority("server", "page", "127.0.0.1")
        self.provision()
        self.hub_token()
        self.start_broker()
        self.enrol_broker.start()
        self.hub.start()
        return self

    def device(self, *words):
        """Brokers are where the machine finds them."""
        host = HOST_AS_THE_MACHINE_SEES_IT
        return self._run(
            *self.hub_words(
                *("--set", f"public.broker_url=mqtts://{host}:{self.broker_port}"),
                *("--set", f"public.enrol_url=mqtts://{host}:{self.enrol_port}"),
                *("device", *words),
            )
        )

    @property
    def page_port(self):
        return self.base

    @property
    def page_url(self):
        return f"https://127.0.0.1:{self.base}"

    def ask_store(self, path):
        try:
            return json.loads(self.till.request("GET", path)[2])
        except (OSError, http.client.HTTPException):  # its connection is of before the machine's start
            return json.loads(self.till.request("GET", path)[2])

    def settings(self, keyboard):
        """(name, content) of what the technician of this store adds: a page that tills reach, and the
        scanners, of which one is a keyboard."""
        servers = self.hub_state / "servers"
        yield from ((name, (servers / name).read_text()) for name in ("page.pem", "page-key.pem"))
        yield (
            "appliance.conf",
            "http.listen=0.0.0.0:8443\n"
            "http.certificate=/data/tillback/page.pem\n"
            "http.key=/data/tillback/page-key.pem\n"
            "http.ca=/data/tillback/identity/ca.pem\n"
            "scanner.counter=serial:/dev/ttyUSB0,lane=01\n"
            f"scanner.wedge=hid:{keyboard},lane=01\n",
        )


@pytest.fixture(scope="session")
def centre(tmp_path_factory):
    road = Centre(tmp_path_factory.mktemp("centre"), free_port_base(), PROGRAMS, printer=True)
    with road:
        yield road


def make_stick(file, label, mib, contents, folder="", table=True):
    """A stick's image, of one partition as sticks are sold, or without a table; `contents` maps names to files
    of this host."""
    with open(file, "wb") as image:
        image.truncate(mib * MIB)
    where, sectors = file, mib * 2048
    if table:
        subprocess.run(["sfdisk", "--quiet", file], input="2048,,c", text=True, check=True)
        where, sectors = f"{file}@@{MIB}", sectors - 2048
    subprocess.run(["mformat", "-i", where, "-T", str(sectors), "-v", label, "::"], check=True)
    if folder:
        subprocess.run(["mmd", "-i", where, f"::{folder}"], check=True)
    for name, path in contents.items():
        subprocess.run(["mcopy", "-i", where, path, f"::{folder}/{name}"], check=True)
    return file


@pytest.fixture(scope="session")
def appliance(tmp_path_factory, centre):
    folder = tmp_path_factory.mktemp("vm")
    disk = make_disk(FIRMWARE / "tillback.img", folder / "disk")
    names = {path.name: path for path in sorted(BUNDLES.glob("*.raucb"))}
    bundles = make_stick(folder / "bundles.img", "BUNDLES", 384, names)
    devices = [
        *("-chardev", f"socket,id=scanner,path={folder}/scanner,server=on,wait=off"),
        *("-device", "usb-serial,id=scanner,bus=usb.0,port=1,chardev=scanner,always-plugged=on"),
        *("-device", "usb-kbd,bus=usb.0,port=2"),
        *("-drive", f"if=none,id=bundles,file={bundles},format=raw,readonly=on"),
        *("-device", "virtio-blk-pci,drive=bundles"),
    ]
    with Machine(folder, disk, {centre.page_port: 8443}, devices) as started:
        yield started
        print(started.last_words())


@pytest.fixture
def machine(appliance):
    """The appliance, on: a test that cuts its power may leave it so."""
    if not appliance.running:
        appliance.start()
        appliance.await_ready()
    return appliance


@pytest.fixture
def plug(machine, tmp_path):
    """Plugs a stick with files in its folder "tillback", and awaits what is said of it; its name."""
    plugged = []

    def plug_in(says, table=True, **files):
        plugged.append(f"stick{len(plugged)}-{tmp_path.name[:20]}")
        contents = {name.replace("_", ".", 1): path for name, path in files.items()}
        image = make_stick(tmp_path / plugged[-1], "STICK", 64, contents, "tillback", table)
        machine.plug_stick(plugged[-1], image)
        machine.await_status(says)
        return plugged[-1]

    yield plug_in
    for name in plugged:
        machine.pull_stick(name)


@pytest.fixture(scope="session")
def tls(centre):
    return ssl.create_default_context(cafile=centre.hub_state / "ca" / "ca.pem")


@pytest.fixture(scope="session")
def token(appliance):
    return appliance.cli("token add --lane 01").strip()


@pytest.fixture(scope="session")
def till(appliance, centre, token, tls):
    """A till in the store, over TLS, from outside of the machine."""
    centre.till = Till(centre.page_url, token, timeout_s=120, tls=tls)
    yield centre.till
    centre.till.close()


@pytest.fixture(scope="session")
def seed():
    """TILLBACK_SEED repeats a run; the seed of each is shown with a failure."""
    chosen = int(os.environ.get("TILLBACK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"TILLBACK_SEED={chosen}")
    return chosen


@pytest.fixture
def show(capsys):
    """A line for who watches."""

    def line(text):
        with capsys.disabled():
            print(f"  {time.strftime('%H:%M:%S')} {text}", flush=True)

    return line


@pytest.fixture
def kept():
    """What the tills of a test were answered."""
    return Kept()


@pytest.fixture
def work(centre, token, tls, till, seed, kept):
    """Two tills; `pause_s` is between two things that one does."""

    def tills(name, pause_s):
        return Load(
            *(centre.page_url, token, kept, f"{seed}{name}"),
            **{"tills": 2, "pause_s": pause_s, "timeout_s": PATIENCE_S, "tls": tls},
        )

    return tills
