"""Updates as the fleet sees them: asked for by command and by rollout, over real hub, broker and
appliance, with a real download. The system's installer is a fake (update.py): what RAUC does with a
bundle is shown on the image, in tests/firmware."""

import contextlib
import json
import os
import subprocess

import pytest
from conftest import open_road, stop_well
from road.road import DEVICE, await_true
from small_disk import SmallDisk
from update import Depot, FakeInstaller

BUNDLE = os.urandom(300_000)
SPARE = 64 << 20  # update_fetch.c


class Fleet:
    def __init__(self, road, depot, installer):
        self.road, self.depot, self.installer = road, depot, installer

    def hub(self, *words, code=0):
        done = subprocess.run(self.road.hub_words(*words), capture_output=True, text=True, timeout=60)
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def update(self, release, code=0):
        words = [f"{key}={value}" for key, value in release.items()]
        return self.hub("command", DEVICE, "update", *words, code=code)

    def roll_out(self, release, *words):
        layer = self.road.folder / "layer.json"
        layer.write_text(json.dumps({"updates": {"release": release}}))
        self.hub("config", "put", "fleet", layer, "--reason", "for a test")
        self.hub("config", "rollout", "fleet", "--reason", "for a test", "--soak", "0", *words)

    def rollout(self):
        return json.loads(self.hub("config", "status", "--json"))["rollout"]

    def software(self):
        return self.road.ask_hub(f"/v1/devices/{DEVICE}").get("software", {})

    def await_update(self, version, state):
        def found():
            update = self.software().get("update", {})
            return (update.get("version"), update.get("state")) == (version, state) and update

        return await_true(found, 30, f"{version} {state}, not {self.software()}")


@contextlib.contextmanager
def open_fleet(tmp_path, disk=None):
    """The appliance on a disk of its own, if there is one."""
    depot = Depot(BUNDLE)
    installer = FakeInstaller(tmp_path / "installer")
    settings = [
        *(f"update.installer={installer.path}", "update.look_s=1", "update.retry_s=1"),
        f"diagnostics.system={tmp_path}",
    ]
    road = open_road(tmp_path / "road", appliance_settings=settings)
    if disk:
        road.store_state.rmdir()
        (disk.path / "store").mkdir(mode=0o700)
        road.store_state.symlink_to(disk.path / "store")
    with road:
        road.await_link()
        yield Fleet(road, depot, installer)
        stop_well(road)
    installer.close()
    depot.close()


@pytest.fixture
def fleet(tmp_path):
    with open_fleet(tmp_path) as opened:
        yield opened


def test_command_updates_one_appliance_and_tells_how_it_went(fleet):
    fleet.depot.breaks = 1
    fleet.installer.says("restarting", "0.2.0")
    assert "begun" in fleet.update(fleet.depot.release("0.2.0"))
    fleet.await_update("0.2.0", "installing")
    await_true(lambda: fleet.installer.installs, 30, "the bundle handed over")
    assert fleet.installer.installs == [BUNDLE]
    assert fleet.depot.ranges == [0, len(BUNDLE) // 2]
    fleet.road.appliance.kill()  # as the restart into the other slot does
    fleet.installer.says("trial", "0.2.0", running="0.2.0", slot="B")
    fleet.road.appliance.start()
    await_true(lambda: fleet.software().get("slot") == "B", 30, "the other slot")
    assert fleet.software()["update"]["state"] == "installing"
    fleet.installer.says("installed", "0.2.0")
    fleet.await_update("0.2.0", "installed")
    assert len(fleet.installer.installs) == 1
    assert "in slot B" in fleet.hub("device", "list")
    assert fleet.road.ask_store("/v1/status")["software"]["slot"] == "B"


def test_power_cuts_while_it_is_fetched_lose_nothing_of_it(fleet):
    fleet.installer.says("restarting", "0.2.0")
    fleet.depot.flows.clear()
    fleet.update(fleet.depot.release("0.2.0"))
    part = fleet.road.store_state / "update" / "bundle.part"
    for there in (len(BUNDLE) // 2, len(BUNDLE) * 3 // 4):
        await_true(lambda: part.exists() and part.stat().st_size == there, 30, f"{there} bytes")
        fleet.road.appliance.kill()
        fleet.road.appliance.start()
    fleet.depot.flows.set()
    fleet.await_update("0.2.0", "installing")
    await_true(lambda: fleet.installer.installs, 30, "the bundle handed over")
    assert fleet.installer.installs == [BUNDLE]
    assert fleet.depot.ranges == [0, len(BUNDLE) // 2, len(BUNDLE) * 3 // 4]


def test_it_is_fetched_no_faster_than_it_may_be(fleet):
    """A third of its time is libcurl's to find out; without a limit it takes some milliseconds."""
    kib_per_s = 100
    fleet.installer.says("restarting", "0.2.0")
    fleet.update(fleet.depot.release("0.2.0", kib_per_s=kib_per_s))
    fleet.await_update("0.2.0", "installing")
    fetched = fleet.road.store_state / "update" / "bundle.raucb"
    took_s = fetched.stat().st_mtime - fleet.depot.asked_at[0]
    assert took_s > len(BUNDLE) / (kib_per_s * 1024) / 3
    assert len(fleet.depot.ranges) == 1


def test_bundle_waits_until_there_is_room_beside_what_returns_need(tmp_path):
    disk = SmallDisk(tmp_path, 100)
    try:
        with open_fleet(tmp_path, disk) as fleet:
            fleet.installer.says("restarting", "0.2.0")
            disk.fill(SPARE + len(BUNDLE) // 2)
            fleet.update(fleet.depot.release("0.2.0"))
            await_true(lambda: "no room for the bundle" in json.dumps(fleet.software()), 30, "the reason")
            assert not (fleet.road.store_state / "update/bundle.part").exists()
            disk.relieve()
            fleet.await_update("0.2.0", "installing")
    finally:
        disk.unmount()


def test_reason_and_last_words_of_a_rollback_reach_the_hub_whoever_asked(fleet, tmp_path):
    why = "it was started 3 times and did not come as far as its health check"
    words = "2026-11-26T18:00:36+0000 tillback kernel: Kernel panic - not syncing\n"
    (tmp_path / "diagnostics-unhealthy").write_text(words)
    fleet.installer.says("rolled_back", "0.3.0", why)
    fleet.road.appliance.stop()
    fleet.road.appliance.start()
    await_true(lambda: "last" in fleet.software(), 30, "what the installer knows")
    told = {"version": "0.3.0", "result": "rolled_back", "reason": why, "last_words": words}
    assert fleet.software()["last"] == told
    assert f"update to 0.3.0: rolled_back: {why}" in fleet.hub("device", "list")
    shown = json.loads(fleet.hub("device", "show", DEVICE, "--json"))
    assert shown["last_update"] == told
    assert f"the last words of 0.3.0:\n{words}" in fleet.hub("device", "show", DEVICE)


def test_what_cannot_be_is_refused_with_the_reason(fleet):
    release = fleet.depot.release("0.2.0")
    assert "url" in fleet.update({**release, "url": "ftp://127.0.0.1/bundle"}, code=2)
    assert "sha256" in fleet.update({**release, "sha256": "12ab"}, code=2)
    assert "window" in fleet.update({**release, "window": "at night"}, code=2)
    running = fleet.software()["version"]
    assert "runs already" in fleet.update({**release, "version": running}, code=1)
    fleet.installer.path.unlink()
    assert "no installer" in fleet.update(release, code=1)
    assert fleet.depot.ranges == []


def test_rollout_is_done_when_the_release_runs(fleet):
    fleet.installer.says("restarting", "0.2.0")
    fleet.roll_out(fleet.depot.release("0.2.0"), "--canary", "1")
    fleet.await_update("0.2.0", "installing")
    status = fleet.rollout()
    assert (status["state"], status["devices"]["pending"]) == ("running", 1)
    assert status["updating"][0]["state"] == "installing"
    fleet.installer.says("installed", "0.2.0", running="0.2.0", slot="B")
    await_true(lambda: fleet.rollout()["state"] == "done", 30, "the end")
    status = fleet.rollout()
    assert status["devices"]["good"] == 1 and status["updating"] == []
    assert fleet.software()["version"] == "0.2.0"


def test_rollout_halts_by_itself_when_the_canary_rolls_back(fleet):
    fleet.installer.says("restarting", "0.2.0")
    fleet.roll_out(fleet.depot.release("0.2.0"), "--canary", "1")
    fleet.await_update("0.2.0", "installing")
    fleet.installer.says("rolled_back", "0.2.0", "the log could not be opened")
    await_true(lambda: fleet.rollout()["state"] == "halted", 30, "the halt")
    status = fleet.rollout()
    assert status["devices"]["bad"] == 1 and status["devices"]["good"] == 0
    assert status["updating"][0]["reason"] == "the log could not be opened"
    assert "took it back" in status["why"]
    assert "update to 0.2.0" in fleet.hub("config", "status")
