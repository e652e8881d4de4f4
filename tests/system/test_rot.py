"""Files that rot, vanish or go back in time, met by the whole appliance and the whole hub: what is
damaged is put aside, what can be proven goes on, what is lost is told on both sides, and the store
keeps working."""

import contextlib
import json
import sqlite3
import subprocess

import pytest
from conftest import open_road
from road.audit import Audit, all_arrived, count_hub_events, reading
from road.journal import all_posted
from road.road import DEVICE, await_true
from road.till import PIECES, Kept, Till

PAGE = 4096


@pytest.fixture
def till(road):
    opened = Till(road.store_url, road.token())
    yield opened
    opened.close()


def trade(till, kept, name, receipts=20):
    for number in range(receipts):
        receipt = f"0042-01-{name}-{number:03}"
        kept.note("sales", f"sale-{receipt}", *till.sell(receipt))
        kept.note("returns", f"return-{receipt}-0", *till.give_back(receipt))


def database(road):
    return road.store_state / "tillback.db"


def overwrite(path, at, data):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def zero_first_page(road):
    overwrite(database(road), 0, bytes(PAGE))


def zero_everything(road):
    overwrite(database(road), 0, bytes(database(road).stat().st_size))


def garble_a_page(road):
    pages = database(road).stat().st_size // PAGE
    overwrite(database(road), pages // 2 * PAGE, b"\xa5" * PAGE)
    (road.store_state / "damaged").touch()


def truncate(road):
    with database(road).open("r+b") as file:
        file.truncate(database(road).stat().st_size // PAGE // 2 * PAGE)


def lose_wal(road):
    """The end of the log, which was not yet folded into the database."""
    assert (road.store_state / "tillback.db-wal").stat().st_size > 0
    (road.store_state / "tillback.db-wal").unlink()


def fold(road):
    """As after a longer day: what is in the write-ahead log goes into the database."""
    with contextlib.closing(sqlite3.connect(database(road))) as db:
        assert db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0


DAMAGES = [zero_first_page, zero_everything, garble_a_page, truncate, lose_wal]


def quarantines(road):
    return list(road.store_state.glob("quarantine-*/tillback.db"))


def device_state(road):
    return road.ask_hub(f"/v1/devices/{DEVICE}")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_store_starts_keeps_working_and_gets_back_what_it_lost(road, till, damage):
    kept = Kept()
    trade(till, kept, "before")
    await_true(lambda: all_arrived(road), 20, "arrival")
    held = count_hub_events(road.hub_state)
    road.appliance.kill()
    if damage is not lose_wal:
        fold(road)
    damage(road)
    road.appliance.start()
    till.close()
    status, answer = till.give_back("0042-01-after-the-damage")
    assert status == 201 and answer["decision"] != "accepted", "an unknown receipt, at once"
    numbers = {answer["number"] for answer in kept.returns.values()}
    assert answer["number"] not in numbers, "return numbers never restart"
    road.await_link()
    await_true(
        lambda: road.ask_store("/v1/status")["lost"] == 0 and all_arrived(road), 30, "all of it"
    )
    for piece in range(1, PIECES):
        kept.note(
            "returns", f"return-0042-01-before-000-{piece}", *till.give_back("0042-01-before-000", piece)
        )
    numbers = [answer["number"] for answer in kept.returns.values()] + [answer["number"]]
    assert len(numbers) == len(set(numbers))
    status, answer = till.give_back("0042-01-before-000", "too-many")
    assert answer["decision"] != "accepted", "what was returned is not forgotten"
    await_true(lambda: all_arrived(road), 20, "arrival")
    assert len(quarantines(road)) == (0 if damage is lose_wal else 1), "nothing is deleted"
    assert count_hub_events(road.hub_state) > held
    with reading(road.hub_state / "hub.db") as db:
        ids = [row[0] for row in db.execute("SELECT id FROM event")]
        saved = {answer["return_id"] for answer in kept.returns.values()}
        there = {
            json.loads(body)["correlationid"]
            for (body,) in db.execute("SELECT body FROM event")
        }
    assert len(ids) == len(set(ids)) and saved <= there
    assert kept.refused == []
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")


def test_what_is_lost_for_good_is_told_at_the_store_and_at_the_hub(road, till):
    """Damaged before the hub had it."""
    kept = Kept()
    road.link.cut()
    trade(till, kept, "gone", receipts=5)
    road.appliance.stop()
    fold(road)
    zero_everything(road)
    road.appliance.start()
    lost = road.ask_store("/v1/status")["lost"]
    assert lost >= len(kept)
    done = subprocess.run(
        [road.programs / "tillback", "--state", road.store_state, "verify"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "lost" in done.stdout, done
    road.link.restore()
    road.await_link()
    await_true(lambda: device_state(road)["state"].get("lost") == lost, 15, "the hub to be told")
    till.close()
    assert till.sell("0042-01-goes-on")[0] == 201, "the store keeps working"


def forget_oldest_messages(road):
    """As if the hub had told this store many thousand things since."""
    road.hub.stop()
    with contextlib.closing(sqlite3.connect(road.hub_state / "hub.db")) as db, db:
        far = {"device": DEVICE, "far": 20000}
        db.execute("UPDATE inbox_out SET number = number + :far WHERE device = :device", far)
        db.execute(
            "UPDATE device SET inbox_next = inbox_next + :far, inbox_through = inbox_through + :far"
            " WHERE id = :device",
            far,
        )
    road.hub.start()


@pytest.mark.parametrize("messages", ["few", "many"])
def test_emptied_store_hears_the_centre_again(road, till, messages):
    kept = Kept()
    trade(till, kept, "heard", receipts=30)
    await_true(lambda: all_arrived(road) and all_posted(road), 20, "posting")

    def is_posted(answer):
        return road.ask_store(f"/v1/returns/{answer['return_id']}")["posting"] == "posted"

    for answer in kept.returns.values():
        await_true(lambda: is_posted(answer), 20, "the store to know")
    road.appliance.kill()
    for path in (*road.store_state.glob("tillback.db*"), road.store_state / "head"):
        path.unlink()
    if messages == "many":
        forget_oldest_messages(road)
    road.appliance.start()
    till.close()
    await_true(lambda: road.ask_store("/v1/sales?receipt=0042-01-heard-000")["sales"], 20, "sales")
    await_true(
        lambda: road.ask_store("/v1/status")["lost"] == 0, 20, "the log to come back"
    )
    for answer in kept.returns.values():
        await_true(lambda: is_posted(answer), 20, "old news")
    status, answer = till.give_back("0042-01-heard-000", 1)
    assert (status, answer["decision"]) == (201, "accepted")
    await_true(lambda: is_posted(answer), 20, "news of what came after")
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")


def test_hub_put_back_to_yesterday_gets_the_rest_again(road, till):
    """From its backup: a new epoch; what the backup holds was the only thing stores might cut."""
    kept = Kept()
    trade(till, kept, "backed-up")
    await_true(lambda: all_arrived(road), 20, "arrival")
    hub = ("tillback-hub", "--state", road.hub_state)
    road._run(*hub, "backup", road.folder / "yesterday.db")
    epoch = road.ask_store("/v1/status")["hub_epoch"]
    trade(till, kept, "today")
    await_true(lambda: all_arrived(road), 20, "arrival")
    road.hub.stop()
    road._run(*hub, "restore", road.folder / "yesterday.db")
    road.hub.start()
    await_true(lambda: road.ask_store("/v1/status")["hub_epoch"] > epoch, 20, "the new epoch")
    await_true(lambda: all_arrived(road), 20, "arrival")
    kept.note("returns", "return-0042-01-today-000-1", *till.give_back("0042-01-today-000", 1))
    await_true(lambda: all_arrived(road), 20, "arrival")
    assert Audit(road, DEVICE, kept).problems == []
    await_true(
        lambda: all(
            road.ask_store(f"/v1/returns/{answer['return_id']}")["posting"] == "posted"
            for answer in kept.returns.values()
        ),
        30,
        "news of every posting",
    )


def test_read_only_disk_is_named_and_nothing_is_touched(tmp_path):
    road = open_road(tmp_path)
    with road:
        till = Till(road.store_url, road.token())
        assert till.sell("0042-01-ro")[0] == 201
        till.close()
        road.appliance.stop()
        subprocess.run(["mount", "--bind", road.store_state, road.store_state], check=True)
        try:
            subprocess.run(["mount", "-o", "remount,bind,ro", road.store_state], check=True)
            done = subprocess.run(
                road.appliance.command, capture_output=True, text=True, timeout=20
            )
        finally:
            subprocess.run(["umount", "-l", road.store_state], check=True)
        assert done.returncode == 1
        assert str(road.store_state) in done.stderr and "ead-only" in done.stderr, done.stderr
        road.appliance.start()
        assert road.ask_store("/v1/sales?receipt=0042-01-ro")["sales"]
        assert quarantines(road) == []


def verify_hub(road):
    done = subprocess.run(road.hub_words("verify"), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_damage_at_the_hub_is_found_by_verify(road, till):
    kept = Kept()
    trade(till, kept, "verified", receipts=5)
    await_true(lambda: all_arrived(road) and all_posted(road), 20, "posting")
    code, said = verify_hub(road)
    assert code == 0 and "all is as it came" in said, said  # beside the running hub
    road.hub.stop()
    with contextlib.closing(sqlite3.connect(road.hub_state / "hub.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        [(body,)] = db.execute("SELECT body FROM event ORDER BY event_no LIMIT 1")
    at = (road.hub_state / "hub.db").read_bytes().index(body) + len(body) // 2
    overwrite(road.hub_state / "hub.db", at, b"\x07")
    code, said = verify_hub(road)
    assert code == 1 and "is not the one that came" in said and "rescue" in said, said
