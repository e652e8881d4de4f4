"""The image's installer service, as tillbackd asks it: its real scripts, in a box (box.py) where RAUC and
init are fakes. With the real ones it runs in tests/firmware."""

import json
import os
import subprocess

import pytest
from box import Box
from road.road import await_true

BUNDLE = "data/tillback/update/bundle.raucb"
INSTALLER = "/usr/lib/tillback/installer"
REBOOT = "systemctl --no-block reboot"


@pytest.fixture
def box(tmp_path):
    opened = Box(tmp_path)
    (tmp_path / BUNDLE).write_bytes(b"bundle")
    return opened


def ask(box, line):
    _, out, err = box.run(INSTALLER, said=line + "\n")
    lines = out.splitlines()
    assert len(lines) == 1, (out, err)
    return json.loads(lines[0])


def test_box_that_was_never_updated_tells_version_and_slot(box):
    assert ask(box, "status") == {
        "result": "none",
        "version": "",
        "running": "0.1.0",
        "slot": "A",
        "reason": "",
    }


def test_bundle_is_installed_and_the_restart_asked_for_once(box):
    answer = ask(box, f"install /{BUNDLE}")
    assert (answer["result"], answer["version"]) == ("restarting", "0.2.0")
    assert (box.folder / "data/boot/installing").read_text() == "B 0.2.0\n"
    assert box.asked().count(REBOOT) == 1
    assert ask(box, "status")["result"] == "restarting"
    assert ask(box, f"install /{BUNDLE}")["result"] == "installing"
    assert box.asked().count(REBOOT) == 1


def test_new_version_is_on_trial_until_its_health_says_so(box):
    ask(box, f"install /{BUNDLE}")
    box.start("0.2.0", "B")
    answer = ask(box, "status")
    assert (answer["result"], answer["running"], answer["slot"]) == ("trial", "0.2.0", "B")


def test_refusal_comes_with_what_rauc_said(box):
    (box.folder / "rauc-fails").touch()
    (box.folder / "rauc-says").write_text('LastError: signature "x" failed\\n\n')
    answer = ask(box, f"install /{BUNDLE}")
    assert (answer["result"], answer["version"]) == ("refused", "0.2.0")
    assert answer["reason"] == 'signature "x" failed\\n'
    assert ask(box, "status") == answer
    assert REBOOT not in box.asked()


def test_result_of_an_earlier_update_is_told_after_a_restart(box):
    why = 'it said "no" and \\ stopped'
    told = {"result": "rolled_back", "version": "0.3.0", "slot": "B", "running": "0.9", "reason": why}
    (box.folder / "data/boot/last-update.json").write_text(json.dumps(told, separators=(",", ":")))
    assert ask(box, "status") == {**told, "slot": "A", "running": "0.1.0"}


def test_while_it_installs_others_are_told_so(box):
    os.mkfifo(box.folder / "rauc-hangs")
    first = box.popen(INSTALLER, stdin=subprocess.PIPE)
    first.stdin.write(f"install /{BUNDLE}\n")
    first.stdin.close()
    await_true(lambda: (box.folder / "rauc-started").exists() or first.poll(), 30, "rauc to begin")
    with open(box.folder / "rauc-hangs", "w") as hangs:
        assert ask(box, "status")["result"] == "installing"
        assert ask(box, f"install /{BUNDLE}")["result"] == "installing"
        hangs.write("go on\n")
    assert json.loads(first.stdout.read())["result"] == "restarting"
    assert first.wait(60) == 0


@pytest.mark.parametrize("line", ["install /etc/passwd", "install", "reboot", "status now", ""])
def test_nothing_else_can_be_asked(box, line):
    assert ask(box, line)["result"] == "refused"
    assert REBOOT not in box.asked()


def test_link_is_not_followed(box):
    (box.folder / BUNDLE).unlink()
    (box.folder / BUNDLE).symlink_to("/etc/os-release")
    assert ask(box, f"install /{BUNDLE}")["result"] == "refused"
