"""What enrolment refuses, and what a stranger at its broker reaches: nothing but its own questions."""

import concurrent.futures
import json
import queue
import random
import sqlite3
import subprocess

import pytest
from conftest import open_road
from invitation import DIGITS, common_name, invite, is_enrolled, tillback
from road.road import await_true
from stranger import Stranger


def test_going_on_where_nothing_was_begun_says_what_to_give(town, tmp_path):
    said = tillback(town, tmp_path / "box", "provision", code=1)
    assert "nothing was begun here: give --bundle FILE" in said


def test_mistyped_code_is_found_before_it_goes_out(town, tmp_path):
    code = invite(town)["code"]
    wrong = code[:5] + ("7" if code[5] != "7" else "8") + code[6:]
    said = tillback(town, tmp_path, "provision", wrong, "--enrol", "mqtts://nowhere:1", code=1)
    assert "check digits" in said


def with_check(values):
    """The code of these 24 digits: their check digits fit, as only somebody who guesses on purpose
    makes them."""
    rest = 0
    for value in values:
        rest = (rest * 32 + value) % 1021
    check = (1 + 1021 - rest * 1024 % 1021) % 1021
    return "".join(DIGITS[value] for value in [*values, check // 32, check % 32])


def guesses(dice, count, near=""):
    for _ in range(count):
        known = [DIGITS.index(digit) for digit in near]
        yield with_check(known + [dice.randrange(32) for _ in range(24 - len(known))])


def request_for(name, folder):
    key = folder / "key.pem"
    made = subprocess.run(
        ["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-keyout", key, "-subj", f"/CN={name}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout


def test_guessing_gets_nowhere_and_learns_nothing(town, tmp_path, seed):
    dice = random.Random(seed)
    invited = invite(town)
    request = request_for(invited["device"], tmp_path)
    answers = set()
    with Stranger(town) as stranger:
        # The locator may be right, as an onlooker of the screen knows it.
        near = invited["code"].replace("-", "")[:8]
        for code in [*guesses(dice, 60), *guesses(dice, 20, near)]:
            answer = stranger.ask(ask="certificate", code=code, request=request)
            answers.add((answer["refused"], answer["detail"]))
    assert len(answers) == 1, answers
    tillback(town, tmp_path / "box", "provision", invited["link"])  # the real one still works


def test_two_appliances_with_one_code(town, tmp_path):
    bundle = tmp_path / "bundle"
    invited = invite(town, "--out", bundle)
    boxes = [tmp_path / f"box-{number}" for number in range(4)]

    def provision(box):
        return subprocess.run(
            [town.programs / "tillback", "--state", box, "provision", "--bundle", bundle],
            capture_output=True,
            text=True,
            timeout=60,
        )

    with concurrent.futures.ThreadPoolExecutor(len(boxes)) as pool:
        done = list(pool.map(provision, boxes))
    assert sorted(one.returncode for one in done) == [0, 1, 1, 1]
    for one in done:
        assert one.returncode == 0 or "used already" in one.stderr
    assert sum(is_enrolled(box, invited) for box in boxes) == 1


def test_bundle_that_was_used_is_worth_nothing(town, tmp_path):
    invited = invite(town)
    tillback(town, tmp_path / "first", "provision", invited["link"])
    said = tillback(town, tmp_path / "second", "provision", invited["link"], code=1)
    assert "used already" in said
    assert common_name(tmp_path / "second") is None


def change_hub(road, sql):
    with sqlite3.connect(road.hub_state / "hub.db", timeout=20) as db:
        db.execute(sql)


def test_expired_code(town, tmp_path):
    bundle = tmp_path / "bundle"
    invited = invite(town, "--out", bundle)
    change_hub(
        town, f"UPDATE invitation SET expires_ms = 1 WHERE device = '{invited['device']}'"
    )
    for words in (["--bundle", bundle], [invited["link"]]):
        said = tillback(town, tmp_path / "box", "provision", *words, code=1)
        assert "ask for a new one" in said
    town.device("invite", invited["device"], "--out", bundle)
    tillback(town, tmp_path / "box", "provision", "--bundle", bundle)
    assert is_enrolled(tmp_path / "box", invited)


def test_new_code_withdraws_the_one_before(town, tmp_path):
    first = invite(town)
    second = json.loads(town.device("invite", first["device"], "--json"))
    tillback(town, tmp_path / "box", "provision", first["link"], code=1)
    tillback(town, tmp_path / "box", "provision", second["link"])


def test_wrong_store(town, tmp_path):
    here = invite(town)
    box = tmp_path / "box"
    said = tillback(town, box, "provision", here["link"], "--store", "0078", code=1)
    assert "store 0077" in said
    tillback(town, box, "provision", here["link"], "--store", "0077")
    elsewhere = town.invite(store="0078")
    said = tillback(town, box, "provision", elsewhere["link"], "--again", code=1)
    assert "store 0077" in said and "wipe" in said
    assert is_enrolled(box, here)


def test_enrolled_appliance_is_not_enrolled_by_mistake(town, tmp_path):
    first, second = invite(town), invite(town)
    box = tmp_path / "box"
    tillback(town, box, "provision", first["link"])
    said = tillback(town, box, "provision", second["link"], code=1)
    assert "--again" in said and is_enrolled(box, first)
    tillback(town, box, "provision", second["link"], "--again")
    assert is_enrolled(box, second)


def test_code_of_another_device(town, tmp_path):
    mine, theirs = invite(town), invite(town)
    with Stranger(town) as stranger:
        request = request_for(theirs["device"], tmp_path)
        answer = stranger.ask(ask="certificate", code=mine["code"], request=request)
        assert answer["refused"] == "conflict" and "certificate" not in answer
        answer = stranger.ask(ask="renewal", request=request)
        assert answer["refused"] == "refused" and "certificate" not in answer


@pytest.mark.parametrize("part", ["payload", "signer", "signature", "kind"])
def test_bundle_that_was_changed_on_the_way(town, tmp_path, part):
    bundle = tmp_path / "bundle"
    invite(town, "--out", bundle)
    document = json.loads(bundle.read_text())
    middle = len(document[part]) // 2
    other = "A" if document[part][middle] != "A" else "B"
    document[part] = document[part][:middle] + other + document[part][middle + 1 :]
    bundle.write_text(json.dumps(document))
    tillback(town, tmp_path / "box", "provision", "--bundle", bundle, code=1)
    assert common_name(tmp_path / "box") is None


def test_bundle_of_another_hub_for_a_code(town, tmp_path):
    """Whoever stands between can answer the locator, but can't make the seal."""
    other = open_road(tmp_path)
    with other:
        mine = invite(town)
        told = json.loads(other.device("add", "--store", "0077", "--name", "X", "--json"))
        # As if the other hub answered our locator: its invitation gets it.
        locator = locator_of(town, mine["device"])
        change_hub(
            other,
            f"UPDATE invitation SET locator = x'{locator}' WHERE device = '{told['device']}'",
        )
        enrol = f"mqtts://127.0.0.1:{other.enrol_port}"
        said = tillback(town, tmp_path / "box", "provision", mine["code"], "--enrol", enrol, code=1)
        assert "doesn't come from the hub that made this code" in said


def locator_of(road, device):
    with sqlite3.connect(road.hub_state / "hub.db", timeout=20) as db:
        return db.execute(
            "SELECT hex(locator) FROM invitation WHERE device = ?", (device,)
        ).fetchone()[0]


def test_hub_keeps_no_code(town):
    invited = invite(town)
    raw = invited["code"].replace("-", "")
    bits = "".join(f"{DIGITS.index(c):05b}" for c in raw[:24])
    token = int(bits[40:], 2).to_bytes(10, "big")
    for path in town.hub_state.glob("hub.db*"):
        assert token not in path.read_bytes() and raw.encode() not in path.read_bytes()
        assert invited["code"].encode() not in path.read_bytes()


# --- The enrolment broker ------------------------------------------------------------------------


def test_stranger_reaches_nothing_but_its_own_questions(town):
    with Stranger(town) as victim, Stranger(town) as rogue:
        for filter_ in ("#", "tb/v1/#", f"tb/v1/{victim.id}/down/enrol", "$SYS/#"):
            rogue.subscribe(filter_)
        answer = victim.ask(ask="trust")
        assert answer["trust"]
        assert rogue.nothing_comes()
        rogue.publish(f"tb/v1/{victim.id}/down/enrol", "{}")
        rogue.publish(f"tb/v1/{victim.id}/up/enrol", json.dumps({"ask": "trust"}))
        assert victim.nothing_comes()
        rogue.publish(f"tb/v1/{rogue.id}/up/events", "[]")
        assert rogue.nothing_comes(0.2)


@pytest.mark.parametrize("client_id", ["store-0042-a", "tillback-hub"])
def test_name_of_an_appliance_or_the_hub_is_worth_nothing_there(town, client_id):
    before = town.ask_store("/v1/status")["since"]
    with Stranger(town, client_id, user=client_id) as rogue:
        rogue.subscribe("#")
        rogue.publish("tb/v1/store-0042-a/up/events", "[]")
        rogue.publish("tb/v1/store-0042-a/down/enrol", "{}")
        assert rogue.ask(ask="trust")["trust"]
        after = town.ask_store("/v1/status")
        assert (after["link"], after["since"]) == ("online", before)
    with Stranger(town) as honest:
        assert honest.ask(ask="trust")["trust"]  # the hub is still there


@pytest.mark.parametrize(
    "question",
    [
        b"",
        b"{}",
        b'{"ask":"everything"}',
        b'{"ask":"bundle","locator":"zz"}',
        b'{"ask":"certificate","code":"x"}',
        b"[" * 5000,
        bytes(range(256)),
    ],
)


def test_nonsense_harms_nobody(town, question):
    with Stranger(town) as stranger:
        stranger.publish(f"tb/v1/{stranger.id}/up/enrol", question)
        assert stranger.ask(ask="trust")["trust"]


def test_hub_that_ends_while_strangers_ask_ends_well(town):
    def is_heard():
        try:
            return stranger.ask(timeout_s=2, ask="trust")["trust"]
        except queue.Empty:
            return None  # it was not back at the broker yet

    with Stranger(town) as stranger:
        for _ in range(3):
            await_true(is_heard, 60, "the hub's answer")
            for number in range(100):
                question = json.dumps({"ask": "trust"})
                stranger.publish(f"tb/v1/{stranger.id}/up/enrol", question, f"{number}".encode())
            assert town.hub.stop() == 0
            town.hub.start()
        await_true(is_heard, 60, "the hub's answer")
