"""The scripts of the slots, in the image's own root with its own shell, without starting it: what they
do in each state of the boot environment and of the records. What they call of the system (rauc,
systemctl, journalctl) is faked; needs root."""

import json
import subprocess

import pytest
from conftest import FIRMWARE
from updates import read_environment

FAKES = {
    "systemctl": 'case $1 in show) cat /fake/told ;; *) echo "systemctl $*" >>/fake/asked ;; esac',
    "journalctl": "echo the last words",
    "rauc": 'echo "rauc $*" >>/fake/asked\n[ "$1" != install ] || { cat /fake/refusal; exit 1; }\n'
    "[ \"$1\" != info ] || echo \"RAUC_MF_VERSION='0.2.0'\"",
}
ENTER = """
cd "$1"
for name in MOUNTED; do mount --bind "$2/$name" "$name"; done
mount -t tmpfs sys sys
mkdir -p sys/fs/pstore
mount --bind "$2/pstore" sys/fs/pstore
mount -t tmpfs dev dev
: >dev/null
mount --bind "$2/console" "$(: >dev/console; echo dev/console)"
mount -t proc proc proc
mount --bind "$2/cmdline" proc/cmdline
mkdir -p tmp/fake
mount --bind "$2/fake" tmp/fake
shift 2
exec chroot . /usr/bin/env -i PATH=/tmp/fake:/usr/bin:/usr/sbin "$@"
"""


class Slots:
    """The appliance as slot `slot` sees it; what the scripts leave outlives each call."""

    def __init__(self, folder, slot="A"):
        self.folder = folder
        self.mounted = "data boot/efi run tmp"
        for name in ("data/boot", "boot/efi/grub", "run", "tmp", "fake", "pstore"):
            (folder / name).mkdir(parents=True)
        (folder / "console").touch()
        self.start_slot(slot)
        self.fake(FAKES)
        self.set_environment(ORDER="A B", A_OK=1, A_TRY=1, B_OK=0, B_TRY=0)

    def fake(self, programs):
        for name, text in programs.items():
            file = self.folder / "fake" / name
            file.write_text("#!/bin/sh\n" + text.replace("/fake/", "/tmp/fake/") + "\n")
            file.chmod(0o755)

    def start_slot(self, slot):
        (self.folder / "cmdline").write_text(f"tillback.slot={slot} rauc.slot={slot}\n")

    def run(self, *words, timeout_s=60):
        enter = ENTER.replace("MOUNTED", self.mounted)
        command = ["unshare", "--mount", "sh", "-euc", enter, "sh", FIRMWARE / "root", self.folder, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)

    def script(self, name, *words):
        return self.run(f"/usr/lib/tillback/{name}", *words)

    def set_environment(self, **variables):
        words = [f"{name}={value}" for name, value in variables.items()]
        assert self.run("grub-editenv", "/boot/efi/grub/grubenv", "create", *words).returncode == 0

    @property
    def environment_file(self):
        return self.folder / "boot/efi/grub/grubenv"

    def environment(self):
        return read_environment(self.run("grub-editenv", "/boot/efi/grub/grubenv", "list").stdout)

    def record(self, name, text):
        (self.folder / "data/boot" / name).write_text(text)

    def recorded(self, name):
        path = self.folder / "data/boot" / name
        return path.read_text() if path.exists() else None

    def result(self):
        return json.loads(self.recorded("last-update.json"))

    def asked(self):
        """What was asked of the system."""
        path = self.folder / "fake/asked"
        return path.read_text().splitlines() if path.exists() else []

    def said(self):
        return (self.folder / "console").read_text()


@pytest.fixture
def slots(tmp_path):
    return Slots(tmp_path)


DAMAGE = {
    "zeroed": bytes(1024),
    "truncated": b"# GRUB Environment Block\nORDER=B",
    "missing": None,
    "garbage": bytes(range(7, 256, 3)) * 13,
    "nonsense": b"# GRUB Environment Block\nORDER=C\n".ljust(1024, b"#"),
    "no count": b"# GRUB Environment Block\nORDER=A B\nA_OK=1\nB_OK=1\nA_TRY=4\nB_TRY=0\n".ljust(1024, b"#"),
}


def damage(slots, kind):
    slots.environment_file.unlink()
    if DAMAGE[kind] is not None:
        slots.environment_file.write_bytes(DAMAGE[kind])


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_environment_is_made_anew_for_the_slot_that_runs(slots, kind):
    damage(slots, kind)
    assert slots.script("boot", "start").returncode == 0
    expected = {"ORDER": "A B", "A_OK": "1", "A_TRY": "0", "B_OK": "0", "B_TRY": "0"}
    assert slots.environment() == expected
    assert slots.asked() == []


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_environment_leads_back_to_the_slot_that_was_last_good(slots, kind):
    slots.record("last-good", "B\n")
    slots.record("good-A", "0.1.0\n")
    damage(slots, kind)
    assert slots.script("boot", "start").returncode == 0
    expected = {"ORDER": "B A", "B_OK": "1", "B_TRY": "0", "A_OK": "1", "A_TRY": "0"}
    assert slots.environment() == expected
    assert slots.asked() == ["systemctl --no-block reboot"]


@pytest.mark.parametrize(
    ("small", "large", "code", "said", "lost"),
    [
        (1, None, 0, "", False),
        (4, 1, 0, "is damaged, and is mended", False),
        (4, 4, 1, "can't be mended, and nothing can be saved", True),
    ],
)
def test_data_partition_is_mended_as_far_as_it_can_be(slots, small, large, code, said, lost):
    """By the codes of fsck: of 4 and more, errors are left."""
    slots.fake({"fsck.ext4": f"case $1 in -p) exit {small} ;; -y) exit {large} ;; esac"})
    assert slots.script("mend-data", "/dev/tillback/data").returncode == code
    assert said in slots.said()
    assert (slots.folder / "run/tillback-data-lost").exists() == lost


def test_whole_environment_stays_as_it_is(slots):
    before = slots.environment_file.read_bytes()
    slots.record("last-good", "B\n")
    assert slots.script("boot", "start").returncode == 0
    assert slots.environment_file.read_bytes() == before
    assert slots.recorded("last-update.json") is None


def test_folders_of_the_data_partition_are_for_whom_they_should_be(slots):
    slots.script("boot", "start")
    found = {}
    for folder in (slots.folder / "data").iterdir():
        there = folder.stat()
        found[folder.name] = (oct(there.st_mode & 0o777), there.st_uid, there.st_gid)
    tillback = 200
    assert found == {
        "boot": ("0o750", 0, tillback),
        "rauc": ("0o700", 0, 0),
        "tillback": ("0o700", tillback, tillback),
    }


def test_starts_that_were_counted_apart_are_forgotten_once_the_environment_is_whole(slots):
    spare = "/boot/efi/grub/spare"
    slots.run("grub-editenv", spare, "create", "A_TRY=3", "B_TRY=1")
    assert slots.script("boot", "start").returncode == 0
    assert slots.run("grub-editenv", spare, "list").stdout == "A_TRY=0\nB_TRY=0\n"


def test_update_that_used_up_its_starts_is_rolled_back(slots):
    slots.record("installing", "B 0.2.0\n")
    slots.set_environment(ORDER="B A", A_OK=1, A_TRY=1, B_OK=1, B_TRY=3)
    slots.script("boot", "start")
    found = slots.result()
    assert (found["result"], found["version"], found["slot"]) == ("rolled_back", "0.2.0", "A")
    assert "started 3 times" in found["reason"]
    assert slots.environment()["B_OK"] == "0"
    assert slots.recorded("installing") is None


def test_words_of_a_panic_are_kept_and_the_firmwares_room_given_back(slots):
    parts = {"dmesg-efi_pstore-1701": "Panic#1 Part1\n<0>[   12.5] Kernel panic\n",
             "dmesg-efi_pstore-1702": "Panic#1 Part2\n<6>[   12.4] before\n"}  # fmt: skip
    for name, text in parts.items():
        (slots.folder / "pstore" / name).write_text(text)
    slots.script("boot", "start")
    lines = slots.recorded("diagnostics-unhealthy").splitlines()
    assert [line.split(" kernel: ")[1] for line in lines] == [
        "Panic#1 Part2", "[   12.4] before", "Panic#1 Part1", "[   12.5] Kernel panic",
    ]  # fmt: skip
    assert list((slots.folder / "pstore").iterdir()) == []
    (slots.folder / "fake/refusal").write_text("LastError: no\n")
    slots.script("update", "/tmp/bundle.raucb")
    assert slots.recorded("diagnostics-unhealthy") is None, "another update has words of its own"


def test_update_that_was_not_healthy_is_rolled_back_with_what_it_said(slots):
    slots.record("installing", "B 0.2.0\n")
    slots.record("unhealthy", 'tillbackd: "failed"\n')
    slots.set_environment(ORDER="B A", A_OK=1, A_TRY=1, B_OK=0, B_TRY=1)
    slots.script("boot", "start")
    assert slots.result()["result"] == "rolled_back"
    assert slots.result()["reason"] == 'tillbackd: "failed"'


def test_update_that_was_cut_short_is_told_as_interrupted(slots):
    slots.record("installing", "B 0.2.0\n")
    slots.script("boot", "start")
    assert slots.result()["result"] == "interrupted"


def test_update_that_has_not_been_started_yet_is_not_judged(slots):
    slots.record("installing", "B 0.2.0\n")
    slots.set_environment(ORDER="B A", A_OK=1, A_TRY=1, B_OK=1, B_TRY=0)
    slots.script("boot", "start")
    assert slots.recorded("last-update.json") is None
    assert slots.recorded("installing") == "B 0.2.0\n"


def test_wanted_restart_gives_the_slot_its_starts_back(slots):
    slots.set_environment(ORDER="A B", A_OK=1, A_TRY=2, B_OK=0, B_TRY=0)
    slots.script("boot", "stop")
    assert slots.environment()["A_TRY"] == "0"
    assert slots.recorded("diagnostics-last") == "the last words\n"


HEALTHY = "ActiveState=active\nStatusText=healthy\n"
FAILED = "ActiveState=activating\nStatusText=\n"


def tell(slots, text):
    (slots.folder / "fake/told").write_text(text)


def test_healthy_slot_is_marked_good_and_the_update_told_as_installed(slots):
    tell(slots, HEALTHY)
    slots.record("installing", "A 0.2.0\n")
    assert slots.script("health").returncode == 0
    found = slots.environment()
    assert (found["A_OK"], found["A_TRY"], found["A_GOOD"]) == ("1", "0", image_version())
    assert slots.result()["result"] == "installed"
    assert slots.recorded("last-good") == "A\n"
    assert slots.recorded("good-A") == f"{image_version()}\n"
    assert "ready: version" in slots.said()


def test_slot_is_good_when_it_was_healthy_three_times_in_a_row(slots):
    healthy, failed = HEALTHY.replace("\n", " "), FAILED.replace("\n", " ")
    course = [healthy, healthy, failed, healthy, healthy, healthy]
    (slots.folder / "fake/tells").write_text("".join(f"{told}\n" for told in course))
    slots.fake({"systemctl": "sed -n 1p /fake/tells; sed -i 1d /fake/tells", "sleep": ""})
    assert slots.script("health").returncode == 0
    assert (slots.folder / "fake/tells").read_text() == "", "it was asked so often"


def test_tillbackd_that_runs_and_says_that_it_is_ill_is_not_healthy(slots):
    tell(slots, "ActiveState=active\nStatusText=the log can't be written\n")
    slots.run("env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert "the log can't be written" in slots.recorded("unhealthy")
    assert slots.environment()["A_OK"] == "0"


def test_slot_is_not_healthy_without_its_boot_partition(slots):
    """Its starts would go on being counted."""
    tell(slots, HEALTHY)
    slots.mounted = "data run tmp"
    slots.run("timeout", "10", "env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert slots.recorded("unhealthy") == "the boot partition is not mounted\n"


def test_slot_that_the_boot_loader_does_not_learn_to_be_good_is_not(slots):
    tell(slots, HEALTHY)
    slots.record("installing", "A 0.2.0\n")
    damage(slots, "zeroed")
    slots.fake({"sleep": ""})
    slots.run("timeout", "2", "/usr/lib/tillback/health")
    assert (slots.recorded("good-A"), slots.recorded("last-update.json")) == (None, None)


def test_slot_that_never_was_healthy_is_given_up_with_reason_and_last_words(slots):
    tell(slots, FAILED)
    slots.run("env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert slots.environment()["A_OK"] == "0"
    assert slots.asked() == ["systemctl reboot"]
    assert "ActiveState=activating" in slots.recorded("unhealthy")
    assert slots.recorded("diagnostics-unhealthy") == "the last words\n"


def test_reason_why_tillbackd_does_not_start_is_the_slots_reason(slots):
    """As its program left it, and of no other file."""
    tell(slots, FAILED)
    kept = slots.folder / "data/tillback/not-started.txt"
    kept.parent.mkdir()
    kept.write_text("appliance.conf:2.http.lissten: is not a setting\x1b[2J")
    slots.run("env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert slots.recorded("unhealthy").endswith("appliance.conf:2.http.lissten: is not a setting[2J\n")
    assert "does not become healthy: tillbackd: ActiveState=activating" in slots.said()
    kept.unlink()
    kept.symlink_to("/etc/passwd")
    slots.run("env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert "root" not in slots.recorded("unhealthy")


def test_servers_of_the_time_that_the_hub_names_are_all_that_is_passed_on(slots):
    told = slots.folder / "run/systemd/timesyncd.conf.d/tillback.conf"
    named = slots.folder / "data/tillback/timesyncd.conf"
    named.parent.mkdir()
    restart = ["systemctl try-restart systemd-timesyncd"]
    slots.script("time-servers")
    assert (told.read_text(), slots.asked()) == ("[Time]\n\n", []), "nobody is named"
    named.write_text("[Time]\nNTP=ntp.example 192.0.2.1\nSaveIntervalSec=0\nNTP=a;b\n")
    slots.script("time-servers")
    assert (told.read_text(), slots.asked()) == ("[Time]\nNTP=ntp.example 192.0.2.1\n", restart)
    slots.script("time-servers")
    assert slots.asked() == restart, "nothing is new"
    named.unlink()
    named.symlink_to("/etc/os-release")
    slots.script("time-servers")
    assert (told.read_text(), slots.asked()) == ("[Time]\n\n", 2 * restart)


GIVEN = "data/tillback/appliance.conf"


STARTS = """
grep -q lissten /data/tillback/appliance.conf || exit 0
printf 'lissten: is no setting' >/data/tillback/not-started.txt
exit 1
"""


def edit(slots, line, systemctl=STARTS):
    """Adds a line to the settings, on a box whose tillbackd doesn't start with "lissten"."""
    slots.fake({"systemctl": systemctl, "add": f'echo "{line}" >>"$1"'})
    (slots.folder / GIVEN).parent.mkdir(exist_ok=True)
    return slots.run("env", "EDITOR=/tmp/fake/add", "/usr/lib/tillback/settings").returncode


def test_settings_are_changed_and_the_plug_may_be_pulled(slots):
    assert edit(slots, "store.name=Ada") == 0
    assert edit(slots, "store.name=Bob") == 0
    assert "settings: they hold" in slots.said()
    slots.script("boot", "start")
    assert (slots.folder / GIVEN).read_text() == "store.name=Ada\nstore.name=Bob\n"
    assert (slots.folder / GIVEN).stat().st_mode & 0o777 == 0o600


def test_settings_that_tillbackd_refuses_are_not_kept(slots):
    assert edit(slots, "store.name=Ada") == 0
    assert edit(slots, "http.lissten=:80") == 1
    assert (slots.folder / GIVEN).read_text() == "store.name=Ada\n"
    assert "settings: refused, and the former hold: lissten: is no setting" in slots.said()
    assert slots.recorded("settings-former") is None


def test_change_of_the_settings_that_was_cut_short_is_undone_by_the_next_start(slots):
    assert edit(slots, "store.name=Ada") == 0
    assert edit(slots, "store.name=Bob", systemctl="kill -9 $PPID") != 0
    assert (slots.folder / GIVEN).read_text() == "store.name=Ada\nstore.name=Bob\n"
    slots.script("boot", "start")
    assert (slots.folder / GIVEN).read_text() == "store.name=Ada\n"
    assert "settings: a change was cut short, and the former hold" in slots.said()
    slots.script("boot", "start")
    assert slots.said().count("cut short") == 1


def test_settings_are_not_written_where_tillbackd_has_led_them(slots):
    given, elsewhere = slots.folder / GIVEN, slots.folder / "data/elsewhere"
    given.parent.mkdir()
    elsewhere.write_text("of root\n")
    given.symlink_to("../elsewhere")
    assert edit(slots, "store.name=Ada") == 0
    assert (given.read_text(), elsewhere.read_text()) == ("store.name=Ada\n", "of root\n")


def image_version():
    return (FIRMWARE / "root/etc/os-release").read_text().split("IMAGE_VERSION=")[1].strip()


def test_slot_that_has_been_healthy_is_never_given_up(slots):
    slots.record("good-A", f"{image_version()}\n")
    tell(slots, FAILED)
    slots.run("timeout", "2", "env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert slots.asked() == []
    assert "not healthy" in slots.said()


def test_slot_that_has_been_healthy_is_not_given_up_when_the_data_partition_is_not_there(slots):
    """It may come yet; unless it is known to be beyond mending, it is tried again."""
    tell(slots, HEALTHY)
    assert slots.script("health").returncode == 0
    slots.mounted = "boot/efi run tmp"
    slots.run("timeout", "2", "env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert "not healthy: the data partition is not mounted" in slots.said()
    tried = slots.asked()
    assert set(tried) == {"systemctl --no-block start tillbackd"}
    (slots.folder / "run/tillback-data-lost").touch()
    slots.run("timeout", "2", "env", "HEALTH_DEADLINE_S=0", "/usr/lib/tillback/health")
    assert slots.asked() == tried


def test_refused_bundle_is_told_with_the_reason(slots):
    (slots.folder / "fake/refusal").write_text("LastError: signature \"x\" failed\n")
    done = slots.script("update", "/tmp/bundle.raucb")
    assert done.returncode == 1
    found = slots.result()
    assert (found["result"], found["version"]) == ("refused", "0.2.0")
    assert found["reason"] == 'signature "x" failed'
    assert slots.recorded("installing") is None


def test_version_that_is_installed_has_yet_to_be_found_good(slots):
    """Also one that was good in this slot before."""
    slots.fake({"rauc": FAKES["rauc"].replace("exit 1", "exit 0")})
    (slots.folder / "fake/refusal").touch()
    slots.set_environment(ORDER="A B", A_OK=1, A_TRY=0, B_OK=1, B_TRY=0, B_GOOD="0.2.0")
    slots.record("good-B", "0.2.0\n")
    assert slots.script("update", "/tmp/bundle.raucb").returncode == 0
    assert (slots.recorded("good-B"), slots.environment()["B_GOOD"]) == (None, "")
    assert slots.recorded("installing") == "B 0.2.0\n"
    assert slots.asked()[-1] == "systemctl reboot"


def test_install_that_does_not_end_is_given_up_and_told(slots):
    """What hangs in RAUC must not go on behind that, either."""
    slots.fake({"rauc": FAKES["rauc"].replace("cat /fake/refusal", "echo 80% Updating slots; exec sleep 1000")})
    done = slots.run("env", "INSTALL_LIMIT_S=1", "/usr/lib/tillback/update", "/tmp/bundle.raucb")
    assert done.returncode == 1
    assert "update to 0.2.0: refused: it didn't end within 1 s: 80% Updating slots" in slots.said()
    assert slots.asked()[-1] == "systemctl stop rauc"
    assert slots.recorded("installing") is None


def test_update_that_waits_for_a_verdict_says_so_and_does_not_wait_for_ever(slots):
    slots.record("installing", f"A {image_version()}\n")
    done = slots.run("env", "INSTALL_LIMIT_S=1", "/usr/lib/tillback/update", "/tmp/bundle.raucb")
    assert done.returncode == 1
    assert f"update to 0.2.0: waits until version {image_version()} is found good" in slots.said()
    assert slots.result()["reason"] == f"version {image_version()} was not found good within 1 s"
    assert slots.recorded("installing") == f"A {image_version()}\n", "it is on trial all the same"


def test_one_update_at_a_time(slots):
    """A stick's and the hub's: who comes second waits, says so, and not for ever."""
    held = "flock /run/tillback-update env INSTALL_LIMIT_S=1 /usr/lib/tillback/update /tmp/bundle.raucb"
    assert slots.run("sh", "-c", held).returncode == 1
    assert "update to 0.2.0: waits for the end of another" in slots.said()
    assert slots.result()["reason"] == "another didn't end within 1 s"
    assert "rauc install /tmp/bundle.raucb" not in slots.asked()


def test_boot_environment_is_changed_by_one_at_a_time(slots):
    """RAUC, and the verdict on the version that runs: each writes all that it has read."""
    change = ["timeout", "1", "grub-editenv", "/boot/efi/grub/grubenv", "set", "A_TRY=2"]
    assert slots.run("flock", "/boot/efi/grub/grubenv", *change).returncode != 0
    assert slots.environment()["A_TRY"] == "1"
    assert slots.run(*change).returncode == 0
    assert slots.environment()["A_TRY"] == "2"


def plug_stick(slots, mount=""):
    """One on which is nothing; `mount` is what that program does."""
    slots.fake({"mount": mount, "umount": ""})
    slots.script("stick", "/dev/sda1")
    return slots.said()


def test_stick_that_can_not_be_read_is_told(slots):
    assert "stick: it can't be read: no such table\n" in plug_stick(slots, "echo no such table >&2; exit 32")


def test_stick_with_nothing_on_it_is_told(slots):
    said = plug_stick(slots)
    assert said.startswith("tillback: stick: sda1 is looked at\n")
    assert said.endswith("tillback: stick: in its folder tillback is nothing for an appliance\n")


def test_stick_without_the_data_partition_is_told(slots):
    slots.mounted = "boot/efi run tmp"
    assert "stick: nothing is done without the data partition\n" in plug_stick(slots)


@pytest.mark.parametrize(
    ("result", "status", "told"),
    [("success", "0", ""), ("signal", "TERM", ""), ("timeout", "TERM", "timeout"), ("signal", "SEGV", "signal")],
)
def test_stick_whose_service_is_given_up_is_told(slots, result, status, told):
    """As init says how it ended; a restart ends it, too."""
    slots.fake({"umount": ""})
    how = [f"SERVICE_RESULT={result}", f"EXIT_STATUS={status}"]
    slots.run("env", *how, "/usr/lib/tillback/stick", "/dev/sda1", "end")
    assert slots.said() == (f"tillback: stick: given up: {told}\n" if told else "")


# A stick with a ticket, as the program says of it; what it is mounted with is not looked at.
STICK_FAKES = {
    "mount": 'for last; do :; done\nmkdir -p "$last/tillback" && : >"$last/tillback/ticket.json"',
    "umount": "",
}


def plug_ticket(slots, action, status="echo '\"waiting\":3,'"):
    slots.fake({**STICK_FAKES, "su": f"case $* in *ticket*) cat /fake/ticket ;; *status*) {status} ;; esac"})
    (slots.folder / "fake/ticket").write_text(f'{{"action":"{action}","holder":"Ada","expires":"2026"}}')
    (slots.folder / "data/tillback").mkdir(exist_ok=True)
    (slots.folder / "data/tillback/tillback.db").touch()
    slots.script("stick", "/dev/sda1")
    return (slots.folder / "data/tillback/tillback.db").exists()


def test_wipe_by_a_ticket_is_refused_while_events_wait_and_that_is_said(slots):
    assert plug_ticket(slots, "wipe")
    assert "stick: refused: 3 events wait for the hub" in slots.said()
    assert "systemctl reboot" not in slots.asked()


def test_wipe_is_refused_while_nobody_can_tell_what_waits(slots):
    assert plug_ticket(slots, "wipe", status="exit 1")
    assert "stick: refused: unknown events wait for the hub" in slots.said()


def test_wipe_forced_by_a_ticket_keeps_the_reason(slots):
    hidden = slots.folder / "data/tillback/.lock"
    hidden.parent.mkdir()
    hidden.touch()
    slots.record("settings-former", "store.name=Ada\n")
    assert not plug_ticket(slots, "forced_wipe")
    assert list(hidden.parent.iterdir()) == [] and slots.recorded("settings-former") is None
    found = json.loads(slots.recorded("last-wipe.json"))
    assert (found["waiting"], found["reason"]) == ("3", "ticket for Ada")
    assert "systemctl reboot" in slots.asked()
