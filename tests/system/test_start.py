"""Starting: one program to a state directory, and an empty directory is enough."""

import contextlib
import pathlib
import subprocess

from conftest import PROGRAMS, open_road
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


def test_settings_that_cannot_be_are_told_by_status_and_on_the_screen_until_they_are_right(tmp_path):
    road = open_road(tmp_path)
    given = tmp_path / "given.conf"
    given.write_text("scanner.counter=serial:/dev/ttyUSB0\nhttp.lissten=0.0.0.0:8443\n")
    why = f"{given}:2.http.lissten: is not a setting; --help lists them"
    status = [PROGRAMS / "tillback", "--state", road.store_state, "status"]

    def told():
        return subprocess.run(status, capture_output=True, text=True, timeout=60).stdout

    def refused():
        words = [*road.appliance.command, "--config", given]
        return subprocess.run(words, capture_output=True, text=True, timeout=60)

    try:
        road.appliance.start()
        assert road.appliance.stop() == 0
        for done in (refused(), refused()):
            assert (done.returncode, done.stderr) == (2, f"tillbackd: {why}\n")
        assert f"start    failed: {why}\n" in told()
        with subprocess.Popen([*status, "--watch"], stdout=subprocess.PIPE, text=True) as screen:
            shown = screen.stdout.readline() + screen.stdout.readline()
            screen.kill()
        assert shown == f"\nTillback does not start: {why}\n"
        road.appliance.start()
        assert "failed" not in told()
        assert f"before this start: {why}" in road.appliance.last_words()
        assert road.appliance.stop() == 0
        assert "failed" not in told()
    finally:
        assert road.stop() == []


def connections(pid):
    """The sockets by which a process is connected."""
    table = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = {f"socket:[{row[9]}]" for row in table if row[3] == "01"}
    found = set()
    for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(str(file.readlink()))
    return established & found


def test_screen_asks_again_by_the_connection_that_it_has(tmp_path):
    """A handshake each time would be most of what a small box does all day."""
    road = open_road(tmp_path)
    watch = [PROGRAMS / "tillback", "--state", road.store_state, "status", "--watch"]
    try:
        road.appliance.start()
        till = Till(road.store_url, road.token())
        with subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as screen:

            def await_shown(words):
                while words not in screen.stdout.readline():
                    pass

            await_shown("waiting ")
            before = connections(screen.pid)
            assert till.sell("0042-01-first")[0] == 201
            await_shown("waiting ")
            assert before and connections(screen.pid) == before
            screen.kill()
        till.close()
        assert road.appliance.stop() == 0
    finally:
        assert road.stop() == []
