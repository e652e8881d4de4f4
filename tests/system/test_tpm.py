"""An appliance whose keys are in a TPM 2.0: one in software (swtpm), through tpm2-pkcs11, with tpm2-abrmd
in the place of the kernel's resource manager. `make tpm-test`."""

import contextlib
import shutil
import signal
import socket
import subprocess

import pytest
from conftest import open_road, stop_well
from outside_keys import sell_and_renew, wipe
from road.road import HOST, await_true
from test_token import PIN

MODULE = "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1"
TOOLS = ("swtpm", "tpm2-abrmd", "tpm2_ptool", "tpm2_flushcontext", "dbus-daemon")

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason="needs a TPM in software: make tpm-test"
)


@contextlib.contextmanager
def running(*words, **more):
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *map(str, words)], **more)
    yield process
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def free_pair():
    """A port, and the next one, which swtpm takes its orders at."""
    while True:
        with socket.socket() as one, socket.socket() as next_one:
            one.bind((HOST, 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError):
                next_one.bind((HOST, port + 1))
                return port


def answers(port):
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
        return True
    return False


@pytest.fixture
def tpm(tmp_path, monkeypatch):
    """The token's URI."""
    state, store = tmp_path / "tpm", tmp_path / "tpm-store"
    state.mkdir()
    store.mkdir()
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    port = free_pair()
    with contextlib.ExitStack() as stack:
        chip = ("socket", "--tpm2", "--tpmstate", f"dir={state}")
        ports = ("--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}")
        stack.enter_context(
            running("swtpm", *chip, *ports, "--flags", "not-need-init,startup-clear")
        )
        bus = stack.enter_context(
            running("dbus-daemon", "--session", "--print-address", "--nofork", stdout=subprocess.PIPE)
        )
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.stdout.readline().decode().strip())
        await_true(lambda: answers(port + 1), 20, "the TPM")
        stack.enter_context(
            running("tpm2-abrmd", "--session", "--allow-root", "--tcti", f"swtpm:host={HOST},port={port}")
        )
        for name in ("TPM2TOOLS_TCTI", "TPM2_PKCS11_TCTI"):
            monkeypatch.setenv(name, "tabrmd:bus_type=session")
        monkeypatch.setenv("TPM2_PKCS11_STORE", str(store))
        flush = ["tpm2_flushcontext", "-t"]
        await_true(
            lambda: subprocess.run(flush, capture_output=True).returncode == 0, 20, "its manager"
        )
        own = ("--path", store)
        subprocess.run(["tpm2_ptool", "init", *own], check=True, capture_output=True)
        token = ("--pid=1", "--label=store", "--sopin=12345678", f"--userpin={PIN}")
        subprocess.run(["tpm2_ptool", "addtoken", *token, *own], check=True, capture_output=True)
        yield f"pkcs11:token=store?module-path={MODULE}&pin-source={pin}"


def keys_in(tmp_path):
    words = ["tpm2_ptool", "listobjects", "--label=store", "--path", tmp_path / "tpm-store"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return listed.count("CKO_PRIVATE_KEY")


def test_key_in_a_tpm_is_made_used_renewed_and_destroyed(tmp_path, tpm):
    road = open_road(tmp_path / "road")
    road.enrol = lambda: road.cli("provision", road.invite()["link"], "--token", tpm)
    with road:
        sell_and_renew(road, "0042-01-tpm", lambda: keys_in(tmp_path))
        # tpm2-pkcs11 agrees on no secret: said, and nothing else depends on it.
        assert "contact.secret_open" in road.appliance.last_words(20000)
        wipe(road, lambda: keys_in(tmp_path))
        stop_well(road)
