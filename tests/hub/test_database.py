"""The hub's commands where there is no database of theirs: what is wrong, where, and what to do; and
nothing is made or changed."""

import json
import os
import sqlite3
import subprocess

import pytest
from conftest import PROGRAMS

COMMANDS = (
    "verify",
    "rescue",
    "rebuild-ledger",
    "export csv",
    "import orders /dev/null",
    "connector list",
    "parked list",
    "contact erase C-1 --reason asked",
    "token list",
    "device list",
    "config show fleet",
    "command list",
    "backup /dev/null/x",
)


def hub(state, *words, db=None):
    return subprocess.run(
        [f"{PROGRAMS}/tillback-hub", "--state", state, *(("--db", db) if db else ()), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def made(state):
    """A hub's database as the first command makes it."""
    done = hub(state, "token", "add", "--role", "viewer")
    assert done.returncode == 0, done.stderr
    return state / "hub.db"


def change(file, sql):
    with sqlite3.connect(file) as database:
        database.executescript(sql)
    database.close()


def missing(state):
    state.mkdir()


def of_an_appliance(state):
    state.mkdir()
    change(state / "hub.db", "CREATE TABLE inbox_mark (a); PRAGMA user_version = 12")


def of_others(state):
    state.mkdir()
    change(state / "hub.db", "CREATE TABLE recipe (a)")


def empty(state):
    state.mkdir()
    (state / "hub.db").touch()


def newer(state):
    change(made(state), "PRAGMA user_version = 999")


def folder(state):
    (state / "hub.db").mkdir(parents=True)


def garbage(state):
    state.mkdir()
    (state / "hub.db").write_bytes(b"no database " * 1000)


WRONG = {
    missing: "no hub's database is here; name the folder that the hub has as --state",
    of_an_appliance: "is an appliance's database, not a hub's; are --state and --db right?",
    of_others: "is another program's database; are --state and --db right?",
    empty: "holds no hub's database",
    newer: "has schema version 999, this program knows up to",
    folder: "is no file; are --state and --db right?",
    garbage: "tillback-hub rescue",
}


def contents(state):
    return {
        file.name: file.read_bytes() for file in state.iterdir() if file.is_file() and file.name != "lock"
    }


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.__name__)
def test_command_on_what_is_no_database_of_its_says_so_and_makes_nothing(tmp_path, wrong):
    state = tmp_path / "hub"
    wrong(state)
    before = contents(state)
    for command in COMMANDS:
        if command == "rescue" and wrong in (empty, folder, garbage):
            continue  # its own business
        done = hub(state, *command.split())
        assert done.returncode == 1, (command, done.stderr)
        assert f"{state}/hub.db" in done.stderr, (command, done.stderr)
        assert WRONG[wrong] in done.stderr, (command, done.stderr)
    after = contents(state)
    after.pop("hub.db-wal", None)
    after.pop("hub.db-shm", None)
    assert after == before


def test_mistyped_state_directory_is_not_made(tmp_path):
    for command in COMMANDS:
        done = hub(tmp_path / "typo", *command.split())
        assert done.returncode == 1, (command, done.stderr)
        assert f"{tmp_path}/typo: there is no such directory; is --state right?" in done.stderr
    assert not (tmp_path / "typo").exists()


def test_command_on_an_earlier_versions_database_says_who_brings_it_up_to_date(tmp_path):
    file = made(tmp_path / "hub")
    version = sqlite3.connect(file).execute("PRAGMA user_version").fetchone()[0]
    change(file, f"PRAGMA user_version = {version - 1}")
    done = hub(tmp_path / "hub", "export", "csv")
    assert done.returncode == 1
    assert f"has schema version {version - 1}, this program needs {version}" in done.stderr
    assert "start the hub of this version once" in done.stderr


def test_command_with_another_state_directory_leaves_the_epoch_to_the_hub(tmp_path):
    """A hub that runs goes on answering under its epoch: nobody may begin another one under it."""
    file = made(tmp_path / "hub")
    mark = json.loads((tmp_path / "hub" / "epoch").read_text())
    (tmp_path / "other").mkdir()
    for command in ("token list", "token add --role it", "device list", "rebuild-ledger"):
        done = hub(tmp_path / "other", *command.split(), db=f"sqlite:{file}")
        assert done.returncode == 0, (command, done.stderr)
    row = sqlite3.connect(file).execute("SELECT epoch, generation FROM hub").fetchone()
    assert row == (mark["epoch"], mark["generation"])
    assert not (tmp_path / "other" / "epoch").exists()


@pytest.mark.skipif("TILLBACK_POSTGRESQL" not in os.environ, reason="needs a server")
def test_command_on_a_schema_without_tables_makes_none(tmp_path, database):
    for command in COMMANDS:
        if command == "rescue":
            continue
        done = hub(tmp_path, *command.split(), db=database)
        assert done.returncode == 1, (command, done.stderr)
        assert "holds no hub's database" in done.stderr, (command, done.stderr)
    tables = subprocess.run(
        ["psql", "-qAt", database, "-c",
         "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"],
        capture_output=True, text=True, check=True, timeout=60,
    )
    assert tables.stdout.strip() == "0"


def test_server_that_is_not_there_is_named_without_the_password(tmp_path):
    done = hub(tmp_path, "token", "list", db="postgresql://user:secret@127.0.0.1:1/x")
    assert done.returncode == 1
    assert "127.0.0.1" in done.stderr and "secret" not in done.stderr
