"""A box becomes a store's: by code, page, file or by hand, with a wrong clock, cut at every step, and with
the hub away."""

import concurrent.futures
import json
import os
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import open_road, stop_well
from invitation import invite, is_enrolled, tillback
from road.audit import all_arrived, read_hub
from road.programs import Program
from road.road import await_true
from road.till import Till


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


def test_clock_at_1970_on_first_boot(town, tmp_path, cut_shim):
    invited = invite(town)
    box = tmp_path / "box"
    tillback(town, box, "provision", invited["link"], LD_PRELOAD=cut_shim, CUT_CLOCK=0)
    assert is_enrolled(box, invited)
    # ... and the daemon, which never heard a right time either, goes online.
    port = town.base + 15
    daemon = subprocess.Popen(
        [town.programs / "tillbackd", "--state", box, "--set", f"http.listen=127.0.0.1:{port}"],
        env={**os.environ, "LD_PRELOAD": str(cut_shim), "CUT_CLOCK": "0"},
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


def cut_at(road, folder, cut_shim, way, step):
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
        env={**os.environ, "LD_PRELOAD": str(cut_shim), "CUT_AT": str(step)},
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
def test_cut_at_every_step_and_done_again(town, tmp_path, cut_shim, way):
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for first in range(1, 200, 8):
            steps = range(first, first + 8)
            cut = list(pool.map(lambda step: cut_at(town, tmp_path, cut_shim, way, step), steps))
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
