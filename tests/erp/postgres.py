"""A PostgreSQL of a test's own, from Debian's packages, below one folder and on loopback."""

import os
import pathlib
import pwd
import shutil
import subprocess


class Postgres:
    def __init__(self, folder, port):
        self.folder = pathlib.Path(folder)
        self.port = port
        self.uri = f"postgresql://postgres@127.0.0.1:{port}"
        self.bin = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]

    def __enter__(self):
        self.folder.mkdir(parents=True)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = pwd.getpwnam("postgres")
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", self.folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8")
        # Its folder is thrown away afterwards: nothing need survive a power cut.
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
        options += "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c jit=off"
        self._control("start", "-o", options, "-l", self.folder / "log")
        return self

    def __exit__(self, *_):
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, database):
        self._run("createdb", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", database)

    def _control(self, *words):
        self._run("pg_ctl", "-D", self.folder / "data", "-w", *words)

    def _run(self, program, *words):
        command = list(map(str, [self.bin / program, *words]))
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command,
            cwd="/",
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
