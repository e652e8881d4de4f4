"""What a stick that is plugged in may do: the image's real script, in a box (box.py). What `tillback` says
of a ticket or a bundle is a fake's here; that it says so is in test_ticket.py and test_enrol.py."""

import json
import subprocess

import pytest
from box import Box

STICK = "/usr/lib/tillback/stick"
TILLBACK = """#!/bin/sh
echo "tillback $*" >>/asked
case "$*" in
*" ticket "*) cat /ticket-says; [ ! -e /ticket-bad ] ;;
*" provision "*) [ ! -e /no-network ] || { rm /no-network; exit 3; }; cat /provision-says ;;
*status*) echo '{"streams":{"returns":{"waiting":0}}}' ;;
esac
"""


@pytest.fixture
def box(tmp_path):
    opened = Box(tmp_path)
    opened.add_program("tillback", TILLBACK)
    (tmp_path / "provision-says").write_text("it is a store's now\n")
    return opened


def plug(box, **files):
    """The fake `mount` mounts nothing: the files are there already."""
    folder = box.folder / "run/tillback-stick-sdb1/tillback"
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return box.run(STICK, "/dev/sdb1")[1]


def ticket(box, action, seconds=3600):
    answer = {"action": action, "seconds": seconds, "expires": "2026-11-27T10:00:00.000Z"}
    answer |= {"holder": "Ada", "reason": "for a test"}
    (box.folder / "ticket-says").write_text(json.dumps(answer, separators=(",", ":")) + "\n")
    return plug(box, ticket_json="signed")


def test_stick_is_mounted_so_that_nothing_on_it_can_run(box):
    plug(box)
    assert box.asked()[0] == (
        "mount -t vfat -o ro,nosuid,nodev,noexec /dev/sdb1 /run/tillback-stick-sdb1"
    )


def test_other_files_do_nothing(box):
    plug(box, autorun_sh="#!/bin/sh\nreboot", update_sh="", wipe="", appliance_conf="x=y")
    assert [line for line in box.asked() if "mount" not in line] == []


def test_console_opens_for_as_long_as_the_ticket_is_good(box):
    assert "console, ticket for Ada" in ticket(box, "console", seconds=7200)
    asked = box.asked()
    end = next(line for line in asked if line.startswith("systemd-run"))
    assert "--on-active=7200" in end and "start tillback-screen@tty1.service" in end
    started = asked.index("systemctl --no-block start tillback-console@tty1.service")
    assert started > asked.index(end), "its end is certain before it begins"
    assert json.loads((box.folder / "data/boot/last-ticket.json").read_text())["holder"] == "Ada"


def test_ticket_that_is_not_good_opens_nothing(box):
    (box.folder / "ticket-says").write_text("tillback: expires: the ticket has expired\n")
    (box.folder / "ticket-bad").touch()
    assert "the ticket is refused: expires: the ticket has expired" in plug(box, ticket_json="x")
    assert not [line for line in box.asked() if line.startswith("systemctl")]


def test_wipe_keeps_the_promise_unless_the_ticket_says_otherwise(box):
    (box.folder / "data/tillback/tillback.db").touch()
    box.add_program("tillback", TILLBACK.replace('"waiting":0', '"waiting":7'))
    ticket(box, "wipe")
    assert (box.folder / "data/tillback/tillback.db").exists()
    box.start("0.1.0", "A")
    ticket(box, "forced_wipe")
    assert not (box.folder / "data/tillback/tillback.db").exists()
    kept = json.loads((box.folder / "data/boot/last-wipe.json").read_text())
    assert (kept["waiting"], kept["reason"]) == ("7", "ticket for Ada")


def test_box_that_is_nobodys_is_enrolled_and_another_is_left_alone(box):
    (box.folder / "no-network").touch()  # yet
    assert "stick: enrolled" in plug(box, enrol_json="signed")
    box.start("0.1.0", "A")
    (box.folder / "data/tillback/identity").mkdir()
    (box.folder / "data/tillback/identity/current.pem").touch()
    assert "left alone" in plug(box, enrol_json="signed")
    assert len([line for line in box.asked() if "provision --bundle" in line]) == 2


def test_bundle_is_installed_from_the_stick(box):
    plug(box, update_raucb="signed")
    assert "rauc install /run/tillback-stick-sdb1/tillback/update.raucb" in box.asked()
    assert "systemctl reboot" in box.asked()


def boot_environment(box, **variables):
    lines = "\n".join(f"echo {name}={value}" for name, value in variables.items())
    box.add_program("grub-editenv", f"#!/bin/sh\n{lines}\n")


def installs(box):
    return [line for line in box.asked() if line.startswith("rauc install")]


def test_stick_that_stays_in_is_not_installed_by_each_start(box):
    box.start("0.2.0", "B")
    boot_environment(box, A_OK=1, A_TRY=0)
    assert "version 0.2.0 runs already" in plug(box, update_raucb="signed")
    assert installs(box) == []


@pytest.mark.parametrize("other", [{"A_OK": 0, "A_TRY": 0}, {"A_OK": 1, "A_TRY": 3}])
def test_bundle_of_the_version_that_runs_mends_a_slot_that_cannot_be_started(box, other):
    box.start("0.2.0", "B")
    boot_environment(box, **other)
    plug(box, update_raucb="signed")
    assert len(installs(box)) == 1


def test_bundle_that_was_rolled_back_is_not_installed_again_while_the_stick_is_in(box):
    told = {"result": "rolled_back", "version": "0.2.0", "slot": "A"}
    (box.folder / "data/boot/last-update.json").write_text(json.dumps(told, separators=(",", ":")))
    assert "version 0.2.0 was rolled back" in plug(box, update_raucb="signed")
    assert installs(box) == []


def test_version_on_trial_keeps_the_slot_that_it_falls_back_to(box):
    installing = box.folder / "data/boot/installing"
    installing.write_text("A 0.1.0\n")  # this one
    with box.popen("/usr/lib/tillback/update", "/bundle") as update:
        with pytest.raises(subprocess.TimeoutExpired):
            update.wait(1.5)
        assert installs(box) == []
        installing.unlink()  # it is healthy
    assert len(installs(box)) == 1


def test_bundle_that_rauc_refuses_is_told(box):
    (box.folder / "rauc-fails").touch()
    (box.folder / "rauc-says").write_text("LastError: signature verification failed\n")
    assert "stick: the update is refused" in plug(box, update_raucb="bad")
    assert json.loads((box.folder / "data/boot/last-update.json").read_text())["result"] == "refused"
    assert "systemctl reboot" not in box.asked()


def test_without_its_data_partition_a_box_takes_nothing(box):
    (box.folder / "proc/mounts").write_text("")
    said = plug(box, enrol_json="signed", update_raucb="signed", ticket_json="signed")
    assert said.endswith("stick: nothing is done without the data partition\n")
    assert not any(asked.startswith(("tillback", "rauc")) for asked in box.asked())


def test_data_partition_beyond_mending_is_made_anew_by_who_signs_releases(box):
    (box.folder / "proc/mounts").write_text("")
    (box.folder / "run/tillback-data-lost").touch()
    box.add_program("systemd-repart", '#!/bin/sh\necho "systemd-repart $*" >>/asked\n')
    box.add_program("udevadm", "#!/bin/sh\n")
    folder = box.folder / "run/tillback-stick-sdb1/tillback"
    folder.mkdir(parents=True)
    (folder / "new-data.txt").write_text("the disk was swapped\n")
    (box.folder / "bin/rauc").rename(box.folder / "bin/rauc-signed")
    box.add_program("rauc", "#!/bin/sh\nexit 1\n")
    assert "is left alone" in box.run(STICK, "/dev/sdb1")[1]
    (box.folder / "bin/rauc-signed").rename(box.folder / "bin/rauc")
    assert "made anew: the disk was swapped" in box.run(STICK, "/dev/sdb1")[1]
    assert "systemd-repart --factory-reset=yes --dry-run=no" in box.asked()
    wiped = json.loads((box.folder / "data/boot/last-wipe.json").read_text())
    assert wiped["waiting"] == "unknown" and "the disk was swapped" in wiped["reason"]
