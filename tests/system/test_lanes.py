"""Several lanes: each has its own scanner and lamps, and hears nothing of the others."""

import os
import tty

import pytest
from conftest import open_road, stop_well
from road.news import News
from road.road import await_true
from road.till import Till


def scanner():
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    return ours, os.ttyname(theirs)


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    """Lane 02 has a scanner and a panel of its own; the panel's devices are files."""
    folder = tmp_path_factory.mktemp("road")
    panel = folder / "panel"
    for lamp in ("green", "red"):
        (panel / lamp).mkdir(parents=True)
        (panel / lamp / "brightness").touch()
    wire, port = scanner()
    loose, loose_port = scanner()
    settings = [
        f"scanner.two=serial:{port},lane=02",
        f"scanner.loose=serial:{loose_port}",
        f"panel.two=leds,green={panel / 'green'},red={panel / 'red'},lane=02",
    ]
    with open_road(folder / "road", appliance_settings=settings) as road:
        road.wire, road.loose, road.panel = wire, loose, panel
        yield road
        stop_well(road)


def lit(road, lamp):
    return (road.panel / lamp / "brightness").read_text().startswith("255")


def test_a_scan_is_heard_at_its_own_lane_only(lanes):
    with News(lanes.store_url, lanes.token("01")) as one, News(lanes.store_url, lanes.token("02")) as two:
        lanes.scan("at-one")
        os.write(lanes.wire, b"at-two\r")
        assert one.wait_for("scan")["data"] == "at-one"
        assert two.wait_for("scan")["data"] == "at-two"
        os.write(lanes.loose, b"for all\r")  # neither heard the other's before
        assert one.wait_for("scan")["data"] == "for all"
        assert two.wait_for("scan")["data"] == "for all"


def test_lamps_tell_how_a_return_ended(lanes):
    till = Till(lanes.store_url, lanes.token("02"), lane="02")
    assert till.sell("lamp-1")[0] == 201

    def ask(quantity, key):
        line = {"line": 1, "quantity": quantity, "reason": "unwanted", "condition": "new_sealed"}
        return till.insist("/v1/returns", {"receipt": "lamp-1", "lines": [line]}, key)

    assert ask(1, "lamp-a")[1]["decision"] == "accepted"
    await_true(lambda: lit(lanes, "green") and not lit(lanes, "red"), 10, "green")
    await_true(lambda: not lit(lanes, "green"), 10, "it goes out")
    assert ask(9, "lamp-b")[1]["decision"] == "declined"
    await_true(lambda: lit(lanes, "red") and not lit(lanes, "green"), 10, "red")
    await_true(lambda: not lit(lanes, "red"), 10, "it goes out")
    till.close()


def test_another_lanes_return_lights_nothing(lanes):
    till = Till(lanes.store_url, lanes.token("01"))
    assert till.sell("lamp-2")[0] == 201
    line = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}
    answer = till.insist("/v1/returns", {"receipt": "lamp-2", "lines": [line]}, "lamp-c")
    assert answer[1]["decision"] == "accepted"
    assert not lit(lanes, "green") and not lit(lanes, "red")
    till.close()


def test_a_scan_that_can_not_be_read_is_shown_as_refused(lanes):
    os.write(lanes.wire, b"\xff\xfe\r")
    await_true(lambda: lit(lanes, "red"), 10, "red")
