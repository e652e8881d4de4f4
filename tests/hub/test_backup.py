"""A hub put back to a backup of this morning: the appliances send again what it has lost, and nothing
is posted twice."""

import re
import subprocess

from road.road import await_true


def sell_and_give_back(till, numbers):
    for number in numbers:
        assert till.sell(f"0042-01-backup-{number}")[0] == 201
        assert till.give_back(f"0042-01-backup-{number}", number)[0] == 201


def run(road, *words):
    done = subprocess.run(
        road.hub_words(*words), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr


def posted(road):
    return re.findall(r"^\d{4}-\d\d-\d\d[^(]*\(([^)]+)\)", road.journal.read_text(), re.MULTILINE)


def await_posted(road, hub, entries):
    await_true(lambda: len(hub.entries("state=posted")) == entries, 30, f"{entries} postings")


def test_restored_hub_is_sent_again_what_it_lost_and_posts_it_once(road, till, hub, tmp_path):
    backup = tmp_path / "morning"
    sell_and_give_back(till, range(3))
    await_posted(road, hub, 6)
    run(road, "backup", backup)
    sell_and_give_back(till, range(3, 6))
    await_posted(road, hub, 12)
    before = {entry["journal"]["reference"] for entry in hub.entries("state=posted")}
    hub.client.close()
    road.hub.stop()
    run(road, "restore", backup)
    road.hub.start()
    await_posted(road, hub, 12)
    assert {entry["journal"]["reference"] for entry in hub.entries("state=posted")} == before
    assert sorted(posted(road)) == sorted(before)
    sell_and_give_back(till, range(6, 7))
    await_posted(road, hub, 14)
