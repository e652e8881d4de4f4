"""Starting: one program to a state directory, and an empty directory is enough."""

import subprocess

from conftest import open_road
from road.road import HOST, await_true
from road.till import Till


def start_again(program):
    """The same program on the same state, on a port of its own."""
    command = [*program.command, "--set", f"http.listen={HOST}:0"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_second_appliance_on_the_same_state_is_refused(shared_road):
    second = start_again(shared_road.appliance)
    assert second.returncode == 1
    holder = shared_road.appliance.process.pid
    assert f"{shared_road.store_state}: in use by process {holder}" in second.stderr
    assert shared_road.ask_store("/v1/status")["link"] == "online"


def test_second_hub_on_the_same_state_is_refused(shared_road):
    second = start_again(shared_road.hub)
    assert second.returncode == 1
    holder = shared_road.hub.process.pid
    assert f"{shared_road.hub_state}: in use by process {holder}" in second.stderr
    assert shared_road.ask_hub("/healthz")["broker"] is True


def test_empty_directory_captures_before_enrolment(tmp_path):
    road = open_road(tmp_path)
    try:
        road.appliance.start()
        till = Till(road.store_url, road.token())
        assert till.sell("0042-01-first")[0] == 201
        status, answer = till.give_back("0042-01-first")
        assert (status, answer["saved"]) == (201, True)
        assert till.request("GET", "/v1/status")[0] == 200
        till.close()
        assert road.appliance.stop() == 0
        road.start()
        road.await_link()
        await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 20, "arrival")
    finally:
        assert road.stop() == []
