"""A scanner's bytes become news on the store's stream; noise doesn't."""

import os
import tty

import pytest
from conftest import open_road
from road.audit import all_arrived
from road.news import News
from road.road import await_true
from road.till import Till


@pytest.fixture(scope="module")
def counter(tmp_path_factory):
    """A road whose scanner's wire we hold ourselves, so that any bytes can be put on it."""
    road = open_road(tmp_path_factory.mktemp("road"))
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    road.folder.mkdir(exist_ok=True)
    road.scanner.start = lambda: None
    road.scanner_port.symlink_to(os.ttyname(theirs))
    with road:
        road.await_link()
        till = Till(road.store_url, road.token())
        assert till.sell("0042-01-scan-1")[0] == 201
        till.close()
        await_true(lambda: all_arrived(road), 10, "arrival")
        road.wire = ours
        yield road
    os.close(ours)
    os.close(theirs)


def put(road, data):
    while data:
        data = data[os.write(road.wire, data[:1024]) :]


def test_scanned_receipt_shows_its_sale(counter):
    with News(counter.store_url, counter.token()) as news:
        put(counter, b"0042-01-scan-1\r")
        seen = news.wait_for("scan")
    assert (seen["data"], seen["lane"]) == ("0042-01-scan-1", "01")
    assert seen["sale"]["lines"][0]["quantity"] == 3


def test_unknown_receipt_shows_without_a_sale(counter):
    with News(counter.store_url, counter.token()) as news:
        put(counter, b"0042-01-nobody\r")
        seen = news.wait_for("scan")
    assert (seen["data"], seen["sale"]) == ("0042-01-nobody", None)


NOISE = {
    "ten kilobytes without an end": b"x" * 10_000 + b"\r",
    "bytes that aren't text": b"\xff\xfe\x80\x00abc\r",
    "ends alone": b"\r\n\r\n\r",
}


@pytest.mark.parametrize("noise", NOISE)
def test_noise_is_no_scan_and_the_next_scan_is_whole(counter, noise):
    before = counter.ask_store("/v1/status")["streams"]
    with News(counter.store_url, counter.token()) as news:
        put(counter, NOISE[noise])
        put(counter, f"after {noise}\r".encode())
        assert news.wait_for("scan")["data"] == f"after {noise}"
    assert counter.ask_store("/v1/status")["streams"] == before


def test_burst_of_scans_comes_in_order(counter):
    numbers = [f"burst-{i:03}" for i in range(50)]
    with News(counter.store_url, counter.token()) as news:
        put(counter, "".join(f"{number}\r" for number in numbers).encode())
        assert [news.wait_for("scan")["data"] for _ in numbers] == numbers
