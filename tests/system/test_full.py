"""The whole appliance on a small real disk that somebody else fills: diagnostics are shed first, what
can't be saved is refused before anybody says yes, the return in hand is finished, and all is well
again without a restart when there is space."""

import json
import time
import urllib.error

import pytest
from conftest import open_road
from road.audit import Audit, all_arrived
from road.road import DEVICE, await_true
from road.till import Kept, Till
from small_disk import SmallDisk
from town import Clock

MIB = 1 << 20
RETURN = {
    "receipt": "0042-01-full",
    "lines": [{"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}],
}


@pytest.fixture
def tight(tmp_path):
    """A road whose appliance has its state and its diagnostics on a disk of 32 MiB."""
    disk = SmallDisk(tmp_path, 32)
    try:
        road = open_road(tmp_path / "road")
        road.disk = disk
        road.store_state.rmdir()
        (disk.path / "store").mkdir(mode=0o700)
        road.store_state.symlink_to(disk.path / "store")
        road.appliance.log = disk.path / "diagnostics"
        road.clock = Clock(tmp_path / "clock")
        road.appliance.command[:0] = road.clock.words()
        with road:
            road.await_link()
            road.kept = Kept()
            yield road
            assert road.stop() == []
    finally:
        disk.unmount()


@pytest.fixture
def till(tight):
    opened = Till(tight.store_url, tight.token())
    tight.kept.note("sales", "sale-0042-01-full", *opened.sell("0042-01-full"))
    yield opened
    opened.close()


def ask(till, path, body=None, key=None):
    status, _, text = till.request("POST", path, body or {}, key)
    return status, json.loads(text)


def is_ill(road):
    try:
        road.ask_store("/healthz")
    except urllib.error.HTTPError as answer:
        return json.loads(answer.read())
    return None


def can_save(road):
    return road.ask_store("/v1/status")["can_save"]


def fill_up(road, till):
    """Until nothing new can be begun. The appliance looks when it is asked something."""
    road.disk.fill()
    for piece in range(3):
        status, answer = ask(till, "/v1/returns", RETURN, f"return-0042-01-full-{piece}")
        if status != 201:
            break
        road.kept.note("returns", f"return-0042-01-full-{piece}", status, answer)
    await_true(lambda: not can_save(road), 5, "the full disk to be noticed")


def test_full_disk_refuses_before_the_yes_finishes_what_is_begun_and_recovers(tight, till):
    road = tight
    pid = road.appliance.process.pid
    status, begun = ask(till, "/v1/returns", {**RETURN, "in_hand": False}, "return-begun")
    assert status == 201
    fill_up(road, till)
    for path in ("/v1/returns/quote", "/v1/returns"):
        status, problem = ask(till, path, RETURN, "refused")
        assert (status, problem["code"]) == (503, "disk_full"), problem
        assert "nothing new can be saved" in problem["detail"]
    assert ask(till, "/v1/sales", till.sale("0042-01-late"), "late")[1]["code"] == "disk_full"
    assert is_ill(road)["code"] == "disk_full"
    assert road.ask_store("/v1/sales?receipt=0042-01-full")["sales"], "questions are answered"

    # What was begun is finished with what was kept back.
    path = f"/v1/returns/{begun['return_id']}"
    received = {"lines": [{"line": 1, "quantity": 1, "condition": "new_sealed"}]}
    assert ask(till, f"{path}/receive", received, "receive-begun")[0] == 200
    assert ask(till, f"{path}/refund", {}, "refund-begun")[0] == 200

    road.disk.relieve()
    await_true(lambda: can_save(road), 10, "space to be noticed")
    assert is_ill(road) is None
    road.kept.note("sales", "sale-0042-01-after", *till.sell("0042-01-after"))
    road.kept.note("returns", "return-0042-01-after-0", *till.give_back("0042-01-after"))
    assert road.appliance.process.pid == pid and road.appliance.running
    await_true(lambda: all_arrived(road), 20, "arrival")
    assert Audit(road, DEVICE, road.kept).problems == []
    assert road.kept.refused == []
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")


def test_space_is_noticed_though_the_clock_jumps(tight, till):
    road = tight
    fill_up(road, till)
    road.clock.jump_to(time.time() + 24 * 3600)
    time.sleep(1.5)  # the writer looks once a second: it waits by the clock that jumped
    road.disk.relieve()
    await_true(lambda: can_save(road), 10, "space to be noticed")
    road.clock.jump(0)


def test_diagnostics_are_shed_first(tight, till):
    road = tight
    words = road.appliance.log
    road.disk.fill(leaving=6 * MIB)
    road.kept.note("returns", "return-0042-01-full-0", *till.give_back("0042-01-full"))
    assert can_save(road), "a return still can be begun"
    await_true(lambda: "eventlog.disk_tight" in words.read_text(), 5, "a word about it")
    told = len(words.read_text().splitlines())
    road.link.cut()
    await_true(lambda: road.ask_store("/v1/status")["link"] != "online", 10, "the cut")
    road.link.restore()
    road.await_link()
    news = [json.loads(line) for line in words.read_text().splitlines()[told:]]
    assert [line for line in news if line["level"] != "error"] == []
    road.disk.relieve()
    road.kept.note("returns", "return-0042-01-full-1", *till.give_back("0042-01-full", 1))
    road.link.cut()
    await_true(lambda: len(words.read_text().splitlines()) > told + 1, 10, "a word again")
    road.link.restore()


def size_on_disk(road):
    return sum(path.stat().st_size for path in road.store_state.glob("tillback.db*"))


def large_sale(till, receipt):
    sale = till.sale(receipt)
    [line] = sale["lines"]
    sale["lines"] = [{**line, "line": number} for number in range(1, 41)]
    sale["tenders"][0]["amount"] = sum(line["amount"] for line in sale["lines"])
    return sale


def fill_with_sales(road, till, kept):
    number = 0
    while can_save(road):
        receipt = f"0042-01-fill-{number:05}"
        status, answer = ask(till, "/v1/sales", large_sale(till, receipt), f"sale-{receipt}")
        if status == 201:
            kept.note("sales", f"sale-{receipt}", status, answer)
        number += 1
        assert number < 3000
    assert len(kept.sales) > 100


def test_disk_that_the_backlog_fills_is_emptied_by_retention_alone(tmp_path):
    """Events are cut only once the hub has them; then the file really shrinks."""
    disk = SmallDisk(tmp_path, 24)
    try:
        settings = ("retention.mib=1", "retention.least_days=0", "retention.every_s=1")
        road = open_road(tmp_path / "road", appliance_settings=settings)
        road.store_state.rmdir()
        (disk.path / "store").mkdir(mode=0o700)
        road.store_state.symlink_to(disk.path / "store")
        with road:
            road.await_link()
            kept = Kept()
            till = Till(road.store_url, road.token())
            road.link.cut()
            disk.fill(leaving=6 * MIB)
            fill_with_sales(road, till, kept)
            grown = size_on_disk(road)
            time.sleep(2.5)  # two rounds of retention
            assert not can_save(road), "cut before the hub had it"
            road.link.restore()
            await_true(lambda: all_arrived(road), 60, "arrival")
            await_true(lambda: can_save(road), 30, "space")
            await_true(lambda: size_on_disk(road) < grown / 2, 30, "files that shrink")
            assert till.sell("0042-01-after-all")[0] == 201
            till.close()
            assert road.stop() == []
    finally:
        disk.unmount()
