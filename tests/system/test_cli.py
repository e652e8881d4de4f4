"""The technician's command line: what it says of a store, in words and as JSON, and what its exit
codes mean: 0 fine, 1 a problem was found, 2 usage, 3 the appliance can't be reached."""

import json
import os
import shutil
import sqlite3
import subprocess

import pytest
from conftest import PROGRAMS
from road.audit import all_arrived
from road.road import DEVICE, await_true
from road.till import Till

FINE, PROBLEM, USAGE, UNREACHABLE = range(4)
RECEIPT = "0042-01-cli"


def tillback(*words, token=""):
    done = subprocess.run(
        [PROGRAMS / "tillback", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "TILLBACK_TOKEN": token},
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def store(shared_road):
    """One return that has arrived, and one that waits because the link is cut."""
    till = Till(shared_road.store_url, shared_road.token())
    assert till.sell(RECEIPT)[0] == 201
    shared_road.arrived = till.give_back(RECEIPT, 0)[1]
    await_true(lambda: all_arrived(shared_road), 30, "arrival")
    shared_road.link.cut()
    await_true(lambda: shared_road.ask_store("/v1/status")["link"] != "online", 30, "the cut")
    shared_road.waits = till.give_back(RECEIPT, 1)[1]
    till.close()
    shared_road.returns = shared_road.ask_store("/v1/status")["streams"]["returns"]
    return shared_road


def ways(store):
    return [("--state", store.store_state), ("--url", store.store_url)]


def test_status_tells_what_waits(store):
    code, words, _ = tillback("--state", store.store_state, "status")
    assert code == FINE
    stood = "returns  {head} saved, {through} at the hub, {waiting} waiting, 0 parked"
    assert stood.format(**store.returns) in words
    assert words.startswith("link     ")
    code, said, _ = tillback("--url", store.store_url, "status")
    assert code == FINE and said.split("\n")[1:] == words.split("\n")[1:]


def test_status_of_files_alone_says_that_nobody_runs_there(store, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(store.store_state, copy, ignore=shutil.ignore_patterns("api"))
    code, words, _ = tillback("--state", copy, "status")
    assert code == FINE and "tillbackd doesn't run here" in words
    assert json.loads(tillback("--state", copy, "--json", "status")[1])["running"] is False


def test_status_as_json_says_the_same_from_files_and_from_the_appliance(store):
    waiting = []
    for way in ways(store):
        code, text, _ = tillback(*way, "--json", "status")
        streams = json.loads(text)["streams"]
        assert code == FINE
        waiting.append({name: stream["waiting"] for name, stream in streams.items()})
    assert waiting[0] == waiting[1]
    assert waiting[0]["returns"] > 0 and waiting[0]["sales"] == 0


def test_queue_lists_what_the_hub_does_not_hold(store):
    code, words, _ = tillback("--state", store.store_state, "queue")
    assert code == FINE and "com.tillback.return.created.v1" in words
    code, text, _ = tillback("--state", store.store_state, "queue", "--json")
    events = json.loads(text)
    assert code == FINE
    assert store.waits["return_id"] in {entry["event"]["correlationid"] for entry in events}
    seqs = range(store.returns["through"] + 1, store.returns["head"] + 1)
    assert [entry["seq"] for entry in events] == list(seqs)
    code, text, _ = tillback("--state", store.store_state, "--json", "queue", "--max", 1)
    assert json.loads(text) == events[:1]


@pytest.mark.parametrize("named_by", ["return_id", "number"])
def test_show_tells_a_return_with_its_history(store, named_by):
    for way in ways(store):
        code, words, _ = tillback(*way, "show", store.waits[named_by], token=store.token())
        assert code == FINE, words
        assert store.waits["number"] in words and "com.tillback.return.created.v1" in words
        code, text, _ = tillback(*way, "--json", "show", store.waits[named_by], token=store.token())
        shown = json.loads(text)
        assert (code, shown["return_id"]) == (FINE, store.waits["return_id"])
        assert shown["history"][0]["type"] == "com.tillback.return.created.v1"


def test_show_of_no_return_is_a_problem(store):
    for way in ways(store):
        code, _, complaint = tillback(*way, "show", "R0042-999999-9", token=store.token())
        assert code == PROBLEM and complaint.startswith("tillback: ")


def test_verify_finds_a_whole_chain(store):
    code, words, _ = tillback("--state", store.store_state, "verify")
    assert code == FINE and "the chain is whole" in words
    code, text, _ = tillback("--state", store.store_state, "--json", "verify")
    found = json.loads(text)
    assert (code, found["sound"], found["findings"]) == (FINE, True, [])
    assert found["events"] == store.returns["head"] + 1, "and the sale"


DAMAGES = {
    "a changed body": "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '333', '444') AS BLOB)",
    "a lost event": "DELETE FROM event WHERE pos = (SELECT min(pos) FROM event)",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_names_damage_and_exits_with_1(store, tmp_path, damage):
    copy = tmp_path / "store"
    shutil.copytree(store.store_state, copy)
    with sqlite3.connect(copy / "tillback.db") as db:
        db.execute(DAMAGES[damage])
    db.close()
    code, words, _ = tillback("--state", copy, "verify")
    assert code == PROBLEM and "findings. Don't delete anything." in words
    code, text, _ = tillback("--state", copy, "--json", "verify")
    found = json.loads(text)
    assert (code, found["sound"]) == (PROBLEM, False)
    assert found["findings"][0]["what"] and found["findings"][0]["text"]


def test_what_is_parked_is_a_problem_to_status(store, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(store.store_state, copy)
    with sqlite3.connect(copy / "tillback.db") as db:
        db.execute(
            "INSERT INTO parked (id, log, seq, code, detail)"
            " SELECT zeroblob(16), no, 1, 'unreadable', 'a test' FROM log LIMIT 1"
        )
    db.close()
    code, words, _ = tillback("--state", copy, "status")
    assert code == PROBLEM and "1 parked" in words
    assert "unreadable: a test" in tillback("--state", copy, "parked", "list")[1]


def test_what_is_not_parked_cannot_be_shown(store):
    for way in ways(store):
        code, said, complaint = tillback(*way, "parked", "show", DEVICE, token=store.token())
        assert (code, said) == (PROBLEM, "") and "parked" in complaint
        assert tillback(*way, "parked", token=store.token())[:2] == (FINE, "Nothing is parked.\n")
        assert tillback(*way, "parked", "--json", token=store.token())[:2] == (FINE, "[]\n")


def test_technicians_work_is_refused_to_a_till(store):
    code, _, complaint = tillback("--url", store.store_url, "ports", token=store.token())
    assert code == PROBLEM and "only a technician" in complaint


def test_file_that_is_wrong_is_named(store, tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text('{"version":')
    for words in (("policy", "check", wrong), ("--state", store.store_state, "ticket", wrong)):
        code, _, complaint = tillback(*words)
        assert code == PROBLEM and f"{wrong}: " in complaint


def test_refusal_of_the_appliance_names_the_field(store):
    code, _, complaint = tillback("--state", store.store_state, "replay", "--from", "1", "--to", "0")
    assert code == PROBLEM and "to: must be" in complaint
    code, _, complaint = tillback("--state", store.store_state, "replay", "--from", "2", "--to", "1")
    assert code == PROBLEM and "to: must not be before from" in complaint


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("status",),
        ("--colour", "status"),
        ("--state",),
        ("--state", "STATE", "dance"),
        ("--state", "STATE", "--url", "http://localhost", "status"),
        ("--state", "STATE", "status", "now"),
        ("--state", "STATE", "queue", "--max", "0"),
        ("--state", "STATE", "queue", "--max", "5x"),
        ("--state", "STATE", "queue", "--color", "red"),
        ("--state", "STATE", "show"),
        ("--state", "STATE", "verify", "quickly"),
        ("--url", "http://localhost", "verify"),
        ("--url", "localhost:8080", "status"),
        ("--url", "ftp://localhost", "status"),
    ],
    ids=" ".join,
)
def test_what_it_does_not_understand_is_usage(store, words):
    words = [store.store_state if word == "STATE" else word for word in words]
    code, said, complaint = tillback(*words)
    assert (code, said) == (USAGE, "")
    assert "Try tillback --help." in complaint


def test_appliance_that_does_not_answer_is_unreachable():
    for command in (("status",), ("--json", "status"), ("show", "R0042-000001-1")):
        code, said, complaint = tillback("--url", "http://127.0.0.1:1", *command)
        assert (code, said) == (UNREACHABLE, "")
        assert "can't be reached" in complaint


@pytest.mark.parametrize("command", ["status", "queue", "verify", "rebuild"])
def test_folder_without_a_log_is_named(tmp_path, command):
    code, _, complaint = tillback("--state", tmp_path, command)
    assert code == PROBLEM
    assert f"{tmp_path}: no event log is here" in complaint
    assert [path.name for path in tmp_path.iterdir() if path.name != "lock"] == []


def test_help_teaches_every_command():
    code, words, _ = tillback("--help")
    assert code == FINE and "3  the appliance can't be reached" in words
    for command in ("status", "queue", "show", "verify"):
        assert f"  {command}" in words
        code, more, _ = tillback(command, "--help")
        assert code == FINE and more.startswith("usage: tillback ") and command in more


def test_watch_tells_anew_what_has_changed_and_nothing_else(store):
    """For a technician at a serial line: no keys, no login."""
    command = [store.programs / "tillback", "--state", store.store_state, "status", "--watch"]
    till = Till(store.store_url, store.token())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watch:
        try:
            first = read_block(watch)
            assert first.startswith(f"Tillback {DEVICE}, store 0042")
            waiting = int(first.split("waiting")[1].split()[0])
            assert waiting > 0
            assert till.sell("watched")[0] == 201
            assert f"waiting  {waiting + 1} " in read_block(watch)
        finally:
            watch.kill()
            till.close()


def read_block(watch):
    """From an empty line to the line that tells what waits."""
    lines = []
    for line in watch.stdout:
        lines.append(line)
        if line.startswith("waiting"):
            return "".join(lines).lstrip("\n")
    raise AssertionError(f"it ended: {lines}")
