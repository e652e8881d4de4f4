"""The image's installer service, as tillbackd asks it (firmware/overlay): its real scripts, in a
folder that is made their root, with busybox as on the image. RAUC and init are fakes there: they
answer what the test tells them, and write nothing to any disk. With the real ones it runs in
tests/firmware."""

import json
import os
import shutil
import subprocess

import pytest
from conftest import ROOT
from road.road import await_true

BUSYBOX = shutil.which("busybox")
BUNDLE = "data/tillback/update/bundle.raucb"

RAUC = """#!/bin/sh
case $1 in
info) echo "RAUC_MF_VERSION='0.2.0'" ;;
install) [ ! -e /rauc-hangs ] || { touch /rauc-started; read -r _ </rauc-hangs; }
    cat /rauc-says; [ ! -e /rauc-fails ] ;;
esac
"""


@pytest.fixture
def box(tmp_path):
    if os.geteuid() != 0 or not BUSYBOX:
        pytest.skip("needs root, for chroot, and busybox")
    for name in ("bin", "data/boot", "data/tillback/update", "etc", "proc", "run", "dev", "usr/lib"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, tmp_path / "bin/busybox")
    for applet in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True).stdout.split():
        if applet != "busybox":
            (tmp_path / "bin" / applet).symlink_to("busybox")
    shutil.copytree(ROOT / "firmware/overlay/usr/lib/tillback", tmp_path / "usr/lib/tillback")
    (tmp_path / "etc/os-release").write_text("IMAGE_VERSION=0.1.0\n")
    (tmp_path / "proc/cmdline").write_text("rauc.slot=A quiet\n")
    (tmp_path / "proc/mounts").write_text("")
    (tmp_path / "rauc-says").write_text("installing\n")
    for name, text in {"rauc": RAUC, "systemctl": "#!/bin/sh\necho $* >>/asked-of-init\n"}.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / BUNDLE).write_bytes(b"bundle")
    return tmp_path


def ask(box, line):
    done = subprocess.run(
        ["/usr/sbin/chroot", box, "/usr/lib/tillback/installer"],
        env={"PATH": "/bin"},
        input=line + "\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 1, done
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
    assert (box / "data/boot/installing").read_text() == "B 0.2.0\n"
    assert (box / "asked-of-init").read_text() == "--no-block reboot\n"
    assert ask(box, "status")["result"] == "restarting"
    assert ask(box, f"install /{BUNDLE}")["result"] == "installing"
    assert (box / "asked-of-init").read_text() == "--no-block reboot\n"


def test_new_version_is_on_trial_until_its_health_says_so(box):
    ask(box, f"install /{BUNDLE}")
    shutil.rmtree(box / "run")  # the restart
    (box / "run").mkdir()
    (box / "proc/cmdline").write_text("rauc.slot=B quiet\n")
    (box / "etc/os-release").write_text("IMAGE_VERSION=0.2.0\n")
    answer = ask(box, "status")
    assert (answer["result"], answer["running"], answer["slot"]) == ("trial", "0.2.0", "B")


def test_refusal_comes_with_what_rauc_said(box):
    (box / "rauc-fails").touch()
    (box / "rauc-says").write_text('LastError: signature "x" failed\\n\n')
    answer = ask(box, f"install /{BUNDLE}")
    assert (answer["result"], answer["version"]) == ("refused", "0.2.0")
    assert answer["reason"] == 'signature "x" failed\\n'
    assert ask(box, "status") == answer
    assert not (box / "asked-of-init").exists()


def test_result_of_an_earlier_update_is_told_after_a_restart(box):
    why = 'it said "no" and \\ stopped'
    told = {"result": "rolled_back", "version": "0.3.0", "slot": "B", "running": "0.9", "reason": why}
    (box / "data/boot/last-update.json").write_text(json.dumps(told, separators=(",", ":")))
    assert ask(box, "status") == {**told, "slot": "A", "running": "0.1.0"}


def test_while_it_installs_others_are_told_so(box):
    os.mkfifo(box / "rauc-hangs")
    first = subprocess.Popen(
        ["/usr/sbin/chroot", box, "/usr/lib/tillback/installer"],
        env={"PATH": "/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    first.stdin.write(f"install /{BUNDLE}\n")
    first.stdin.close()
    await_true(lambda: (box / "rauc-started").exists() or first.poll(), 30, "rauc to begin")
    with open(box / "rauc-hangs", "w") as hangs:
        assert ask(box, "status")["result"] == "installing"
        assert ask(box, f"install /{BUNDLE}")["result"] == "installing"
        hangs.write("go on\n")
    assert json.loads(first.stdout.read())["result"] == "restarting"
    assert first.wait(60) == 0


@pytest.mark.parametrize("line", ["install /etc/passwd", "install", "reboot", "status now", ""])
def test_nothing_else_can_be_asked(box, line):
    assert ask(box, line)["result"] == "refused"
    assert not (box / "asked-of-init").exists()


def test_link_is_not_followed(box):
    (box / BUNDLE).unlink()
    (box / BUNDLE).symlink_to("/etc/os-release")
    assert ask(box, f"install /{BUNDLE}")["result"] == "refused"
