"""The README's commands: `make run` in two folders side by side, ended by Ctrl-C without a trace; the
packages that are missing; and the till of tillback-sim."""

import os
import pathlib
import re
import signal
import subprocess
import time

import pytest
from conftest import PROGRAMS, ROOT
from road.news import News
from road.road import await_true, free_port_base
from road.till import Till

START_S = 60

PROGRAMS_OF_A_RUN = 6  # two brokers, hub, appliance, scanner, printer


class Run:
    """toolchain/run, as `make run` starts it."""

    def __init__(self, folder, base):
        self.folder = folder
        self.store = f"http://127.0.0.1:{base}"
        self.output = folder.with_suffix(".out")
        environment = {"RUN_DIR": folder, "PORT_BASE": base, "PROGRAMS": PROGRAMS}
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-B", ROOT / "toolchain" / "run"],
            stdout=self.output.open("w"),
            stderr=subprocess.STDOUT,
            env={**os.environ, **{name: str(value) for name, value in environment.items()}},
            start_new_session=True,
        )

    def said(self):
        return self.output.read_text()

    def await_guide(self):
        def guide_or_end():
            assert self.process.poll() is None, self.said()
            return "Ctrl-C stops everything" in self.said()

        await_true(guide_or_end, START_S, "the guide")

    def interrupt(self):
        """Ctrl-C reaches the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(START_S)

    def processes(self):
        """Whatever has this folder on its command line."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().split(b"\0")
            except OSError:
                continue  # it has ended meanwhile
            if any(str(self.folder).encode() in word for word in words):
                found.append(path.parent.name)
        return found


@pytest.fixture
def runs(tmp_path):
    base = free_port_base()
    both = [Run(tmp_path / "a", base), Run(tmp_path / "b", free_port_base(above=base))]
    yield both
    for run in both:
        if run.process.poll() is None:
            run.process.kill()


def test_two_runs_side_by_side_end_by_ctrl_c_without_a_trace(runs):
    for run in runs:
        run.await_guide()
    for run in runs:
        assert len(run.processes()) == PROGRAMS_OF_A_RUN
        token = re.search(r"Authorization: Bearer (\S+)\"", run.said())[1]
        till = Till(run.store, token)
        assert till.sell("0042-01-run")[0] == 201, "each has a state of its own"
        assert till.give_back("0042-01-run")[1]["number"].startswith("R0042-000001-")
        till.close()
    first, second = runs
    assert first.interrupt() == 0
    assert first.processes() == []
    assert len(second.processes()) == PROGRAMS_OF_A_RUN, "the other goes on"
    assert second.interrupt() == 0
    assert second.processes() == []
    assert first.said().rstrip().endswith("stopped")


def test_scan_that_is_no_text_leaves_the_pipe_open_for_the_next(runs):
    first, _ = runs
    first.await_guide()
    token = re.search(r"Authorization: Bearer (\S+)\"", first.said())[1]
    with News(first.store, token) as news:
        (first.folder / "scan").write_bytes(b"\xff\xfe\n0042-01-next\n")
        assert news.wait_for("scan")["data"] == "0042-01-next"
    assert first.interrupt() == 0


def test_second_run_in_one_folder_is_refused(runs):
    first, _ = runs
    first.await_guide()
    again = Run(first.folder, free_port_base())
    assert again.process.wait(START_S) == 1
    assert f"Another make run holds {first.folder}" in again.said()
    assert first.interrupt() == 0


def test_start_on_a_taken_port_names_it(runs, tmp_path):
    first, _ = runs
    first.await_guide()
    base = int(first.store.rpartition(":")[2])
    second = Run(tmp_path / "c", base)
    assert second.process.wait(START_S) == 1
    assert f"port {base} is taken; PORT_BASE= moves them all" in second.said()
    assert second.processes() == []


# --- Packages that are missing -------------------------------------------------------------------


def install(folder, missing, user_id=1000, with_sudo=False):
    """toolchain/install on a machine that lacks these packages. What it calls is played: who we are,
    what dpkg knows, and apt-get, which writes down how it was called."""
    played = {
        "id": f"echo {user_id}",
        "dpkg-query": f'case $4 in {"|".join(missing)}) exit 1 ;; *) echo "ii " ;; esac',
        "apt-get": f'echo "$@" >>{folder}/asked',
    }
    if with_sudo:
        played["sudo"] = f'echo sudo >>{folder}/asked; exec "$@"'
    for name, script in played.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    for name in ("sed", "dirname", "mktemp", "rm", "cat"):
        (folder / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        ["/bin/sh", ROOT / "toolchain" / "install", "build", "run"],
        capture_output=True,
        text=True,
        env={"PATH": str(folder)},
        timeout=60,
    )
    asked = folder / "asked"
    return done.returncode, done.stderr, asked.read_text() if asked.exists() else ""


def test_missing_packages_without_root_are_one_command_to_give(tmp_path):
    code, said, asked = install(tmp_path, ["mosquitto", "libuv1-dev"])
    assert (code, asked) == (1, "")
    assert said.splitlines()[1:] == [
        "  apt-get update && apt-get install -y --no-install-recommends libuv1-dev mosquitto"
    ]


@pytest.mark.parametrize("who", [{"user_id": 0}, {"with_sudo": True}], ids=["root", "sudo"])
def test_missing_packages_are_installed_by_root_or_sudo(tmp_path, who):
    code, said, asked = install(tmp_path, ["mosquitto"], **who)
    assert (code, said) == (0, "")
    assert asked.count("sudo") == (2 if "with_sudo" in who else 0)
    assert asked.rstrip().endswith("install -y --no-install-recommends mosquitto")


def test_nothing_is_asked_when_nothing_is_missing(tmp_path):
    assert install(tmp_path, ["none"]) == (0, "", "")


# --- tillback-sim --------------------------------------------------------------------------------


def sim(*words):
    done = subprocess.run(
        [PROGRAMS / "tillback-sim", *map(str, words)], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


def test_simulated_tills_sell_and_return_at_a_rate(shared_road, tmp_path):
    token = tmp_path / "token"
    token.write_text(shared_road.token())
    record = tmp_path / "record"
    began = time.monotonic()
    code, said, _ = sim(
        *("pos", "--url", shared_road.store_url, "--token-file", token, "--record", record),
        *("--returns", 20, "--rate", 20, "--tills", 3, "--seed", 7),
    )
    assert (code, said) == (0, "saved=20 refused=0\n")
    assert time.monotonic() - began > 0.9, "twenty at twenty a second"
    lines = [line.split() for line in record.read_text().splitlines()]
    assert len({number for _, number, _ in lines}) == 20
    for return_id, number, receipt in lines:
        shown = shared_road.ask_store(f"/v1/returns/{return_id}")
        assert (shown["number"], shown["receipt"]) == (number, receipt)


def test_simulated_till_that_is_refused_says_so(shared_road):
    code, said, _ = sim("pos", "--url", shared_road.store_url, "--returns", 2, "--tills", 1)
    assert code == 1 and said.startswith("saved=0 refused=")


@pytest.mark.parametrize("words", [(), ("dance",), ("pos",), ("scanner",)], ids=" ".join)
def test_sim_without_what_it_needs_says_what(words):
    code, said, complaint = sim(*words)
    assert code == 2 and (said or complaint)
