"""A PostgreSQL server of a test's own, which may be crashed, cut off, and replaced by its standby."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

from conftest import ROOT
from promise import query
from road.road import await_true


class Server:
    def __init__(self, **environment):
        """`environment`: as toolchain/postgresql reads it."""
        self.process = subprocess.Popen(
            [ROOT / "toolchain" / "postgresql", "sh", "-c", 'echo "$TILLBACK_POSTGRESQL"; cat'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        self.url = self.process.stdout.readline().strip()
        self.folder = pathlib.Path(re.search(r"host=([^&]*)", self.url)[1])
        self.frozen = []

    def tool(self, name, *words):
        words = [sorted(pathlib.Path("/usr/lib/postgresql").iterdir())[-1] / "bin" / name, *words]
        if os.geteuid() == 0:
            words = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *words]
        subprocess.run(words, cwd="/", check=True, timeout=120, stdout=subprocess.DEVNULL)

    def control(self, word, *words, folder="data"):
        log = self.folder / "server.txt"
        self.tool("pg_ctl", "-D", self.folder / folder, "-l", log, "-w", *words, word)

    def crash(self):
        """From which it would recover by its log."""
        self.control("stop", "-m", "immediate")

    def freeze(self):
        """All its processes stand still: its lines stay, and say nothing."""
        first = int((self.disk / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGSTOP)
        self.frozen = [first]
        for child in pathlib.Path(f"/proc/{first}/task/{first}/children").read_text().split():
            os.kill(int(child), signal.SIGSTOP)
            self.frozen.append(int(child))

    def thaw(self):
        for process in self.frozen:
            os.kill(process, signal.SIGCONT)
        self.frozen = []

    @property
    def disk(self):
        """Where its data are, for us: it may have a disk of its own, which only it has mounted."""
        return pathlib.Path(f"/proc/{self.process.pid}/root/{self.folder}/data")

    def fill(self):
        """Leaves no room on its disk."""
        with (self.disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
            while True:
                filler.write(bytes(4096))

    def empty(self):
        (self.disk / "filler").unlink()

    def cut(self):
        """Every connection of a hub, wherever it is in its transaction."""
        assert query(
            self.url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'tillback'",
        )

    def stop(self):
        self.thaw()
        self.process.stdin.close()
        self.process.wait(60)


class Pair(Server):
    """A server and its standby, which is told of each commit after it: what it wasn't told is lost
    when it takes over."""

    def __init__(self):
        super().__init__()
        self.standby = self.folder / "standby"
        self.of_standby = self.url.replace(str(self.folder), str(self.standby))
        both = self.url.replace(str(self.folder), f"{self.folder},{self.standby}")
        self.url_of_both = f"{both}&target_session_attrs=read-write"
        self.tool("pg_basebackup", "-D", self.standby, "-R", "-c", "fast", "-d", self.url)
        self.control("start", "-o", f"-k {self.standby}", folder="standby")

    def part(self):
        """From now on the standby is told nothing any more."""
        words = ["psql", "-q", self.of_standby, "-c", "ALTER SYSTEM SET primary_conninfo = ''"]
        subprocess.run([*words, "-c", "SELECT pg_reload_conf()"], check=True, stdout=subprocess.DEVNULL)
        await_true(
            lambda: not query(self.url, "SELECT 1 FROM pg_stat_replication"), 10, "the pair to part"
        )

    def promote(self):
        self.control("promote", folder="standby")

    def stop(self):
        self.control("stop", "-m", "immediate", folder="standby")
        super().stop()
