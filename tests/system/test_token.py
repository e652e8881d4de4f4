"""An appliance whose keys are made and used in a PKCS #11 token: enrolled, online, renewed, wiped.
Real broker, real TLS; the token is one in software (SoftHSM)."""

import json
import subprocess
import time

import pytest
from conftest import PROGRAMS, open_road, stop_well
from outside_keys import sell_and_renew, wipe
from road.audit import all_arrived
from road.road import await_true
from road.till import Till

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "123456"


@pytest.fixture
def token(tmp_path, monkeypatch):
    """The token's URI; its objects are files below tmp_path/tokens."""
    (tmp_path / "tokens").mkdir()
    config = tmp_path / "softhsm2.conf"
    config.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    pin = tmp_path / "pin"
    pin.write_text(PIN)
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", "store"]
        + ["--so-pin", "12345678", "--pin", PIN],
        check=True,
        capture_output=True,
    )
    return f"pkcs11:token=store?module-path={MODULE}&pin-source={pin}"


def keys_in(folder):
    """A pair is two objects."""
    objects = [path.name for path in (folder / "tokens").rglob("*.object")]
    return len([name for name in objects if name != "token.object"]) // 2


def test_key_never_leaves_the_token(tmp_path, token):
    road = open_road(tmp_path / "road")
    road.enrol = lambda: road.cli("provision", road.invite()["link"], "--token", token)
    with road:
        sell_and_renew(road, "0042-01-token", lambda: keys_in(tmp_path))
        # The appliance signs its report with it.
        report = json.loads(road.cli("--json", "commission", "--technician", "Tess"))
        assert report
        wipe(road, lambda: keys_in(tmp_path))
        stop_well(road)


def test_wrong_token_is_said_before_anything_is_sent(tmp_path, token):
    state = tmp_path / "box"
    with open_road(tmp_path / "road") as road:
        bundle = tmp_path / "bundle"
        road.invite("--out", bundle, store="0077")
        wrong = token.replace("token=store", "token=none")
        done = subprocess.run(
            [road.programs / "tillback", "--state", state, "provision", "--bundle", bundle]
            + ["--token", wrong],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 1 and "there is no token none" in done.stderr, done
        road_says = json.loads(road.device("list", "--json"))
        assert [one["state"] for one in road_says if one["store"] == "0077"] == ["invited"]
        stop_well(road)


def test_token_that_takes_seconds_to_sign_gets_its_link_and_keeps_no_till_waiting(
    tmp_path, token, monkeypatch
):
    slow = PROGRAMS / "slow_token.so"
    road = open_road(tmp_path / "road")
    road.enrol = lambda: road.cli(
        "provision", road.invite()["link"], "--token", token.replace(MODULE, str(slow))
    )
    with road:
        road.await_link()
        road.appliance.stop()
        monkeypatch.setenv("SLOW_TOKEN_MS", "2500")
        road.appliance.start()
        till = Till(road.store_url, road.token())
        longest = 0.0

        def is_online():
            nonlocal longest
            began = time.monotonic()
            online = road.ask_store("/v1/status")["link"] == "online"
            longest = max(longest, time.monotonic() - began)
            return online

        assert not is_online()
        assert till.sell("0042-01-slow")[0] == 201
        assert await_true(is_online, 30, "the link")
        assert longest < 2.0, f"a screen waited {longest} s"
        await_true(lambda: all_arrived(road), 20, "what was captured")
        till.close()
        stop_well(road)
