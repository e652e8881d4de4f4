"""How an appliance becomes a store's: by bundle, by code, carried by hand; and all that goes wrong
on the way. Real programs, both brokers."""

import concurrent.futures
import json
import os
import random
import sqlite3
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import open_road, stop_well
from road.audit import all_arrived, read_hub
from road.programs import Program
from road.road import await_true
from road.till import Till
from stranger import Stranger

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A centre that invites, and no store yet but its own."""
    with open_road(tmp_path_factory.mktemp("road")) as road:
        road.await_link()
        yield road
        stop_well(road)


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    """cut.c, to be preloaded."""
    library = tmp_path_factory.mktemp("cut") / "cut.so"
    source = os.path.join(os.path.dirname(__file__), "cut.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


def tillback(road, state, *words, code=0, **environment):
    done = subprocess.run(
        [road.programs / "tillback", "--state", state, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **{key: str(value) for key, value in environment.items()}},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def common_name(state):
    pem = state / "identity" / "current.pem"
    told = subprocess.run(
        ["openssl", "x509", "-in", pem, "-noout", "-subject"], capture_output=True, text=True
    )
    return told.stdout.strip().split("= ")[-1] if pem.exists() else None


def invite(road, *words):
    """An appliance of the store 0077."""
    return road.invite(*words, store="0077", name="Pop-up")


def is_enrolled(state, invited):
    return common_name(state) == invited["device"]


def is_online(road):
    try:
        return road.ask_store("/v1/status")["link"] == "online"
    except OSError:
        return False  # it closes and opens its page once, when it gets its identity


# --- The good ways -------------------------------------------------------------------------------


def test_captured_before_enrolment_goes_up_after_it(tmp_path):
    road = open_road(tmp_path)
    road.enrol = lambda: None
    with road:
        till = Till(road.store_url, road.token())
        assert road.ask_store("/v1/status")["device"] == "unenrolled"
        assert till.sell("0000-01-early")[0] == 201
        answer = till.give_back("0000-01-early")[1]
        till.close()
        process = road.appliance.process.pid
        invited = road.invite()
        tillback(road, road.store_state, "provision", invited["link"])
        await_true(lambda: is_online(road), 30, "the appliance to open anew, and its link")
        assert road.appliance.running and road.appliance.process.pid == process
        status = road.ask_store("/v1/status")
        assert (status["device"], status["store"]) == (invited["device"], "0042")
        await_true(lambda: all_arrived(road), 20, "what was captured before")
        assert read_hub(road.hub_state, invited["device"])
        trail = road.ask_hub(f"/v1/returns/{answer['return_id']}")["events"]
        assert {event["device"] for event in trail} <= {invited["device"], "centre"}
        assert road.ask_hub("/v1/parked")["parked"] == []
        stop_well(road)


class Browser:
    """A technician at the store page, as far as its requests go."""

    def __init__(self, road):
        self.road = road
        self.jar = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def post(self, path, body):
        request = urllib.request.Request(
            self.road.store_url + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-Tillback": "1"},
        )
        try:
            with self.jar.open(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())


def test_code_given_at_the_page(tmp_path):
    """A technician without a laptop; what goes wrong is said there, and then it goes right."""
    road = open_road(tmp_path)
    road.enrol = lambda: None
    with road:
        road.cli(
            *("staff", "add", "--number", "3001", "--name", "Tess"),
            *("--role", "technician", "--pin", "-"),
            said="864209\n",
        )
        page = Browser(road)
        assert page.post("/v1/service/provision", {"code": "x"})[0] == 401
        assert page.post("/v1/session", {"number": "3001", "pin": "864209"})[0] == 201
        till = Till(road.store_url, road.token())
        assert till.sell("0000-01-page")[0] == 201
        till.close()
        invited = road.invite()
        enrol = f"mqtts://127.0.0.1:{road.enrol_port}"
        used = road.invite(store="0043")
        tillback(road, tmp_path / "other", "provision", used["link"])

        def give(**body):
            status, answer = page.post("/v1/service/provision", body)
            return status, answer.get("detail", "")

        assert give(code=invited["code"][:-1] + "!", enrol=enrol)[0] == 400
        assert "enrolment broker" in give(code=invited["code"])[1]
        assert give(code=invited["code"], enrol="mqtts://127.0.0.1:1")[0] == 503
        assert "used already" in give(code=used["link"])[1]
        assert road.ask_store("/v1/status")["device"] == "unenrolled"
        status, answer = page.post("/v1/service/provision", {"code": invited["link"]})
        assert (status, answer) == (200, {"device": invited["device"], "store": "0042"})
        await_true(lambda: is_online(road), 30, "the appliance to open anew, and its link")
        await_true(lambda: all_arrived(road), 20, "what was captured before")
        assert read_hub(road.hub_state, invited["device"])
        stop_well(road)


def test_bundle_as_a_file(town, tmp_path):
    bundle = tmp_path / "bundle.json"
    invited = invite(town, "--out", bundle)
    assert bundle.stat().st_mode & 0o777 == 0o600
    tillback(town, tmp_path / "box", "provision", "--bundle", bundle, "--store", "0077")
    assert is_enrolled(tmp_path / "box", invited)
    [row] = [one for one in devices(town) if one["id"] == invited["device"]]
    assert row["state"] == "enrolled"


def devices(road):
    return json.loads(road.device("list", "--json"))


def test_code_as_people_type_it(town, tmp_path):
    invited = invite(town)
    typed = invited["code"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    enrol = f"mqtts://127.0.0.1:{town.enrol_port}"
    tillback(town, tmp_path / "box", "provision", typed, "--enrol", enrol)
    assert is_enrolled(tmp_path / "box", invited)


def test_code_on_the_screen_is_a_qr_code_that_scanners_read(town, tmp_path):
    told = town.device("add", "--store", "0077", "--name", "QR")
    rows = [line for line in told.splitlines() if line.startswith("█")]
    dark = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}
    pixels = [[dark[cell][half] for cell in row] for row in rows for half in (0, 1)]
    scale = 6
    image = tmp_path / "code.pgm"
    body = bytes(
        255 * (1 - cell) for row in pixels for _ in range(scale) for cell in row for _ in range(scale)
    )
    size = f"P5 {len(pixels[0]) * scale} {len(pixels) * scale} 255\n"
    image.write_bytes(size.encode() + body)
    read = subprocess.run(["zbarimg", "-q", "--raw", image], capture_output=True, text=True)
    assert read.stdout.startswith("tillback:"), read
    tillback(town, tmp_path / "box", "provision", read.stdout.strip())


def test_carried_by_hand_where_there_is_no_line(town, tmp_path):
    bundle, request, answer = (tmp_path / name for name in ("bundle", "request", "answer"))
    invited = invite(town, "--out", bundle)
    box = tmp_path / "box"
    tillback(town, box, "csr", "export", "--bundle", bundle, "--out", request)
    assert "PRIVATE" not in request.read_text()
    town.device("sign", request, "--out", answer)
    tillback(town, box, "cert", "import", answer)
    assert is_enrolled(box, invited)


def test_first_configuration_comes_with_the_bundle_and_needs_no_line(town, tmp_path):
    layer = tmp_path / "layer.json"
    layer.write_text('{"updates": {"channel": "beta"}}')
    reason = ("--reason", "for a test")
    town._run(*town.hub_words("config", "put", "fleet", layer, *reason))
    town._run(*town.hub_words("config", "push", *reason))
    await_true(lambda: rollout(town)["state"] == "done", 30, "the rollout over those there are")
    bundle, request, answer, box = (tmp_path / name for name in ("b", "request", "answer", "box"))
    invite(town, "--out", bundle)
    tillback(town, box, "csr", "export", "--bundle", bundle, "--out", request)
    town.device("sign", request, "--out", answer)
    tillback(town, box, "cert", "import", answer)
    command = [town.programs / "tillbackd", "--state", box]
    command += ["--set", f"http.listen=127.0.0.1:{town.base + 15}"]
    command += ["--set", "broker.url=mqtts://127.0.0.1:1"]
    daemon = Program("box", command, tmp_path, ready="ready http=").start()
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{town.base + 15}/v1/status") as status:
            config = json.loads(status.read())["config"]
        assert (config["state"], config["applied"]) == ("applied", 1), config
        assert (box / "update-channel").read_text() == "beta\n"
    finally:
        assert daemon.stop() == 0


def rollout(road):
    return json.loads(road._run(*road.hub_words("config", "status", "--json")))["rollout"]


def test_clock_at_1970_on_first_boot(town, tmp_path, shim):
    invited = invite(town)
    box = tmp_path / "box"
    tillback(town, box, "provision", invited["link"], LD_PRELOAD=shim, CUT_CLOCK=0)
    assert is_enrolled(box, invited)
    # ... and the daemon, which never heard a right time either, goes online.
    port = town.base + 15
    daemon = subprocess.Popen(
        [town.programs / "tillbackd", "--state", box, "--set", f"http.listen=127.0.0.1:{port}"],
        env={**os.environ, "LD_PRELOAD": str(shim), "CUT_CLOCK": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await_true(lambda: online(town, invited["device"]), 20, "the box to come online")
    finally:
        daemon.terminate()
        daemon.wait(20)


def online(road, device):
    known = road.ask_hub("/v1/devices")["devices"]
    return any(one["id"] == device and one["online"] for one in known)


# --- Cut in the middle ---------------------------------------------------------------------------


def cut_at(road, folder, shim, way, step):
    """True when the command was cut at that step; then the technician gives it again."""
    box, bundle, request, answer = (folder / f"{name}-{step}" for name in ("box", "b", "r", "a"))
    invited = invite(road, "--out", bundle, "--id", f"cut-{way}-{step}")
    if way == "carried":
        tillback(road, box, "csr", "export", "--bundle", bundle, "--out", request)
        road.device("sign", request, "--out", answer)
        words = ["cert", "import", answer]
    else:
        words = ["provision", invited["link"]]
    first = subprocess.run(
        [road.programs / "tillback", "--state", box, *words],
        env={**os.environ, "LD_PRELOAD": str(shim), "CUT_AT": str(step)},
        capture_output=True,
        timeout=60,
    )
    assert first.returncode in (0, 137), first
    if first.returncode:
        tillback(road, box, *words)
    assert is_enrolled(box, invited), step
    assert not (box / "identity" / "pending.json").exists()
    return first.returncode == 137


@pytest.mark.parametrize("way", ["code", "carried"])
def test_cut_at_every_step_and_done_again(town, tmp_path, shim, way):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for first in range(1, 200, 8):
            steps = range(first, first + 8)
            cut = list(pool.map(lambda step: cut_at(town, tmp_path, shim, way, step), steps))
            if not all(cut):
                assert first > 8 or way == "carried" and sum(cut) > 5, "hardly anything was cut"
                return
    pytest.fail("it never came to its end")


def test_hub_away_and_back(town, tmp_path):
    invited = invite(town)
    bundle = tmp_path / "bundle"
    town.device("invite", invited["device"], "--out", bundle)
    town.hub.freeze()
    try:
        said = tillback(town, tmp_path / "box", "provision", "--bundle", bundle, "--wait", "1", code=3)
    finally:
        town.hub.thaw()
    assert "try again" in said
    tillback(town, tmp_path / "box", "provision")
    assert is_enrolled(tmp_path / "box", invited)


# --- What is refused -----------------------------------------------------------------------------


def test_mistyped_code_is_found_before_it_goes_out(town, tmp_path):
    code = invite(town)["code"]
    wrong = code[:5] + ("7" if code[5] != "7" else "8") + code[6:]
    said = tillback(town, tmp_path, "provision", wrong, "--enrol", "mqtts://nowhere:1", code=1)
    assert "check digits" in said


def a_code(dice):
    """With check digits that fit, as only somebody who guesses on purpose makes them."""
    values = [dice.randrange(32) for _ in range(24)]
    rest = 0
    for value in values:
        rest = (rest * 32 + value) % 1021
    check = (1 + 1021 - rest * 1024 % 1021) % 1021
    return "".join(DIGITS[value] for value in [*values, check // 32, check % 32])


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
        for _ in range(60):
            answer = stranger.ask(ask="certificate", code=a_code(dice), request=request)
            answers.add((answer["refused"], answer["detail"]))
        # The locator is right, as an onlooker of the screen may know it.
        near = invited["code"].replace("-", "")[:8]
        tried = 0
        while tried < 20:
            code = a_code(dice)
            values = [DIGITS.index(c) for c in near + code[8:24]]
            rest = 0
            for value in values:
                rest = (rest * 32 + value) % 1021
            check = (1 + 1021 - rest * 1024 % 1021) % 1021
            text = near + code[8:24] + DIGITS[check // 32] + DIGITS[check % 32]
            answer = stranger.ask(ask="certificate", code=text, request=request)
            answers.add((answer["refused"], answer["detail"]))
            tried += 1
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
