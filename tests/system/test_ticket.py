"""A technician's ticket: made at the hub, checked at the appliance, by the real programs."""

import json
import subprocess

import pytest
from road.road import DEVICE


class Desk:
    def __init__(self, road, folder):
        self.road, self.file = road, folder / "ticket.json"

    def make(self, *words, device=DEVICE, code=0):
        command = self.road.hub_words("device", "ticket", device, "--out", self.file, *words)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done
        return done.stdout + done.stderr

    def check(self, code=0, *words):
        done = subprocess.run(
            [self.road.programs / "tillback", "--state", self.road.store_state, *words]
            + ["ticket", self.file],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, done
        return done.stdout + done.stderr


@pytest.fixture
def desk(shared_road, tmp_path):
    return Desk(shared_road, tmp_path)


WORDS = ("--name", "Ada", "--reason", "the printer is silent")


def test_ticket_of_the_hub_is_good_at_its_appliance(desk):
    assert "tillback/ticket.json" in desk.make(*WORDS, "--hours", "2")
    told = json.loads(desk.check(0, "--json"))
    assert (told["action"], told["holder"]) == ("console", "Ada")
    assert 7000 < told["seconds"] <= 7200
    assert "console for Ada" in desk.check()
    audit = json.loads(desk.road.ask_hub_text("/v1/audit"))["audit"]
    assert [a["subject"] for a in audit if a["action"] == "device.ticket"] == [DEVICE]


def test_ticket_for_another_appliance_is_refused(desk):
    desk.road.device("add", "--store", "0043", "--name", "elsewhere", "--id", "box-b")
    desk.make(*WORDS, device="box-b")
    assert f"is for box-b, and this is {DEVICE}" in desk.check(1)


def test_changed_ticket_is_refused(desk):
    desk.make(*WORDS)
    text = json.loads(desk.file.read_text())
    text["payload"] = text["payload"][:40] + ("A" if text["payload"][40] != "A" else "B") + text["payload"][41:]
    desk.file.write_text(json.dumps(text))
    desk.check(1)


def test_who_and_why_must_be_said(desk):
    assert "--name" in desk.make("--reason", "because", code=2)
    assert "--reason" in desk.make("--name", "Ada", code=2)
    assert "--hours" in desk.make(*WORDS, "--hours", "73", code=2)
    assert "forced_wipe" in desk.make(*WORDS, "--action", "dance", code=2)
    assert not desk.file.exists()
