"""The hub's command line: what it says to words that make no sense, and of what isn't there."""

import subprocess

import pytest
from conftest import PROGRAMS

FINE, PROBLEM, USAGE = range(3)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    for words in (("ca", "init"), ("token", "add", "--role", "viewer")):
        assert hub("--state", folder, *words)[0] == FINE
    return folder


def hub(*words):
    done = subprocess.run(
        [PROGRAMS / "tillback-hub", *map(str, words)], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "words,complaint",
    [
        (("dance",), "dance: is no command"),
        (("verify", "quickly"), "verify: takes nothing more"),
        (("backup",), "backup: takes one word more"),
        (("--colour", "red"), "--colour: is no option"),
        (("--set",), "--set: needs a value"),
        (("export", "xml"), "format: must be csv or ledger"),
        (("command", "store-0042-a", "status", "--expiry", "soon"), "--expiry: must be a number"),
        (("command", "store-0042-a", "status", "--expiry", "0"), "expiry: must be 5 to 604800 s"),
    ],
)
def test_word_that_makes_no_sense_is_named(state, words, complaint):
    code, said, told = hub("--state", state, *words)
    assert (code, said) == (USAGE, "") and complaint in told


def test_folder_is_not_made_for_a_command_that_there_is_not(tmp_path):
    assert hub("--state", tmp_path / "new", "dance")[0] == USAGE
    assert not (tmp_path / "new").exists()


def test_help_of_a_command_is_about_that_command(state):
    whole = hub("--help")[1]
    code, said, _ = hub("config", "--help")
    assert code == FINE and said in whole
    assert "config rollout" in said and "fall silent" in said and "backup" not in said
    assert hub("--state", state, "command", "--help")[1].startswith("  command DEVICE NAME")


@pytest.mark.parametrize(
    "words",
    [
        ("ca", "revoke", "nobody"),
        ("config", "diff", "nobody"),
        ("device", "show", "nobody"),
        ("command", "nobody", "status"),
    ],
    ids=" ".join,
)
def test_name_that_is_nobodys_is_a_problem(state, words):
    code, said, told = hub("--state", state, *words)
    assert (code, said) == (PROBLEM, "") and "nobody: " in told


@pytest.mark.parametrize("words", ["parked list", "verify", "connector list", "config status"])
def test_folder_without_a_database_is_named_and_stays_without(tmp_path, words):
    code, said, told = hub("--state", tmp_path, *words.split())
    assert (code, said) == (PROBLEM, "") and f"{tmp_path}/hub.db: no hub's database is here" in told
    assert not (tmp_path / "hub.db").exists()


def test_history_without_changes_says_so(state):
    assert hub("--state", state, "config", "history")[:2] == (FINE, "Nothing was put yet.\n")


@pytest.mark.parametrize(
    "words",
    [
        ("device", "sign"),
        ("report", "verify"),
        ("import", "settlement", "adyen"),
        ("import", "settlement", "camt053"),
        ("config", "put", "fleet"),
    ],
    ids=" ".join,
)
def test_file_that_is_wrong_is_named(state, tmp_path, words):
    wrong = tmp_path / "wrong"
    wrong.write_text('{"version":')
    reason = ("--reason", "a test") if words[0] == "config" else ()
    code, _, told = hub("--state", state, *words, wrong, *reason)
    assert code != FINE and f"{wrong}: " in told
