"""What the centre pushes to an appliance, and asks of it: with the real hub, broker and appliance."""

import base64
import json
import random
import subprocess
import time
import urllib.request

import pytest
from conftest import open_road, stop_well
from road.road import DEVICE, HOST, await_true
from road.till import Till
from schemas import validate
from wire import Wire, batch, event


class Centre:
    """The hub's command line, as central IT uses it."""

    def __init__(self, road):
        self.road = road
        self.file = road.folder / "layer.json"
        self.before = {"version": 0}  # when something was pushed last

    def run(self, *words, code=0):
        done = subprocess.run(
            [self.road.programs / "tillback-hub", "--state", self.road.hub_state, *words],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == code, (words, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def await_idle(self, timeout_s=30):
        """No rollout is open: one at a time."""
        over = (None, "done", "aborted")
        await_true(
            lambda: self.status().get("rollout", {}).get("state") in over, timeout_s, "the end"
        )

    def put(self, scope, settings):
        self.file.write_text(json.dumps(settings))
        return self.run("config", "put", scope, self.file, "--reason", "for a test")

    def push(self, settings, scope="fleet"):
        self.put(scope, settings)
        self.await_idle()
        self.before = self.reported()
        self.run("config", "push", scope, "--reason", "for a test")

    def status(self):
        return json.loads(self.run("config", "status", "--json"))

    def command(self, *words, code=0):
        return json.loads(self.run("command", DEVICE, *words, code=code).splitlines()[0])

    def reported(self):
        return self.road.ask_store("/v1/status")["config"]

    def await_state(self, state, timeout_s=30):
        def there():
            found = self.reported()
            new = found["version"] > self.before["version"]
            return new and found["state"] == state and found

        return await_true(there, timeout_s, f"configuration {state}")

    def await_rollout(self, state, timeout_s=30):
        def there():
            found = self.status().get("rollout", {})
            return found.get("state") == state and found

        return await_true(there, timeout_s, f"rollout {state}")


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    with open_road(tmp_path_factory.mktemp("road"), watchers=["watcher"]) as opened:
        yield opened
        stop_well(opened)


@pytest.fixture
def centre(road):
    """With an appliance that is as it is by itself."""
    road.await_link(30)
    made = Centre(road)
    made.await_idle()
    for scope in ("group/pilots", "store/0042", f"device/{DEVICE}"):
        made.put(scope, {})
    made.put("fleet", {})
    if "1 of 1" in made.run("config", "plan"):
        made.push({})
        made.await_state("applied")
        made.await_idle()
    return made


def events_of(road, kind):
    found = road.ask_hub(f"/v1/events?device={DEVICE}")["events"]
    return [e["event"] for e in found if e["event"]["type"] == f"com.tillback.{kind}.v1"]


def fates_of(road, version):
    noted = (event["data"] for event in events_of(road, "config.applied"))
    return [data["result"] for data in noted if data["version"] == version]


def ask(road, method, path, body):
    till = Till(road.store_url, road.token())
    status, _, text = till.request(method, path, body)
    till.close()
    return status, text


def test_what_is_pushed_is_in_force_and_reported(road, centre):
    policy = json.loads((road.programs.parents[1] / "agent/returns/policy.default.json").read_text())
    policy["version"] = "pushed-1"
    centre.push(
        {
            "policy": policy,
            "features": {"exchanges": False},
            "retention": {"days": 300},
            "limits": {"session_idle_s": 120},
            "time": {"servers": ["ntp.example", "192.0.2.1"]},
            "updates": {"channel": "pilot"},
            "diagnostics": {"level": "warn"},
        }
    )
    centre.await_state("applied")
    till = Till(road.store_url, road.token())
    assert json.loads(till.request("GET", "/v1/policy")[2])["version"] == "pushed-1"
    assert till.request("POST", "/v1/exchanges", {})[0] == 403
    till.close()
    assert (road.store_state / "update-channel").read_text() == "pilot\n"
    assert "NTP=ntp.example 192.0.2.1" in (road.store_state / "timesyncd.conf").read_text()
    done = centre.await_rollout("done")
    assert done["devices"]["good"] == 1
    assert centre.status()["fleet"]["in_force"] == 1
    version = centre.reported()["version"]
    noted = await_true(lambda: fates_of(road, version), 10, "the event")
    assert noted == ["applied"]
    centre.push({"policy": None, "features": None, "updates": None})
    centre.await_state("applied")
    assert not (road.store_state / "update-channel").exists()  # as it is by itself
    assert ask(road, "POST", "/v1/exchanges", {})[0] != 403


def test_layers_meet_in_one_document(road, centre):
    centre.put("fleet", {"retention": {"days": 300, "events": 5000}, "updates": {"channel": "stable"}})
    centre.run("config", "group", "add", "pilots", DEVICE)
    centre.put("group/pilots", {"updates": {"channel": "pilot"}})
    centre.put("store/0042", {"retention": {"events": 7000}})
    centre.put(f"device/{DEVICE}", {"retention": {"days": 200}})
    plan = centre.run("config", "plan")
    assert "1 of 1 appliances of fleet would change" in plan
    with Wire(road, road.identity("watcher"), "watcher") as watcher:
        watcher.subscribe(f"tb/v1/{DEVICE}/down/config")
        watcher.drain()  # the one before, retained
        centre.run("config", "push", "--reason", "for a test")
        envelope = json.loads(watcher.received.get(timeout=20).payload)
    validate("signed", envelope)
    document = json.loads(base64.b64decode(envelope["payload"]))
    validate("config", document)
    assert (document["device"], document["store"]) == (DEVICE, "0042")
    assert document["settings"] == {
        "retention": {"days": 200, "events": 7000},
        "updates": {"channel": "pilot"},
    }


def test_name_that_nobody_has_is_told_where_it_is_put(centre):
    for scope in ("store/0024", "device/store-0024-a"):
        said = centre.put(scope, {})
        assert f"{scope}: no appliance" in said and "tillback-hub device list" in said
    said = centre.put("group/nobody", {})
    assert "group/nobody: no appliance" in said and "config group add nobody" in said
    assert "no appliance" not in centre.put("store/0042", {})
    centre.run("device", "add", "--store", "0024", "--name", "Front counter")
    assert "no appliance" not in centre.put("store/0024", {})
    assert "no appliance" not in centre.put("device/store-0024-a", {})
    said = centre.run("config", "group", "add", "pilots", "typo")
    assert "typo: no appliance" in said and "tillback-hub device list" in said
    assert "no appliance" not in centre.run("config", "group", "remove", "pilots", "typo")
    assert "no appliance" not in centre.run("config", "group", "add", "pilots", DEVICE)


def test_wrong_value_is_named_where_it_is_put(centre):
    assert "settings.retention.days" in centre_put_fails(centre, {"retention": {"days": -1}})
    assert "settings.coffee" in centre_put_fails(centre, {"coffee": {}})


def centre_put_fails(centre, settings):
    centre.file.write_text(json.dumps(settings))
    return centre.run("config", "put", "fleet", centre.file, "--reason", "a test", code=2)


def test_rejected_one_halts_the_rollout_and_abort_brings_back_what_was_good(road, centre):
    centre.push({"updates": {"channel": "stable"}})
    good = centre.await_state("applied")
    centre.before = good
    centre.put("fleet", {"updates": {"channel": "pilot"}, "scan": {"patterns": "none"}})
    centre.await_idle()
    centre.run("config", "rollout", "--soak", "0", "--reason", "for a test")
    halted = centre.await_rollout("halted")
    assert halted["why"].startswith("failures: 1 of 1")
    assert halted["bad"][0]["device"] == DEVICE
    assert halted["bad"][0]["path"].startswith("settings.scan")
    bad = centre.await_state("rejected")
    centre.before = bad
    assert (bad["state"], bad["applied"]) == ("rejected", good["applied"])
    assert (road.store_state / "update-channel").read_text() == "stable\n"
    centre.run("config", "rollout", "abort", str(halted["rollout"]), "--reason", "it is wrong")
    centre.await_state("applied")
    assert (road.store_state / "update-channel").read_text() == "stable\n"


def test_paused_rollout_sends_nothing_until_it_is_resumed(road, centre):
    centre.before = centre.reported()
    road.appliance.stop()  # so that the pause comes before its answer
    centre.put("fleet", {"updates": {"channel": "stable"}})
    centre.run("config", "rollout", "--soak", "0", "--reason", "for a test")
    number = str(centre.status()["rollout"]["rollout"])
    centre.run("config", "rollout", "pause", number, "--reason", "lunch")
    assert centre.status()["rollout"]["state"] == "paused"
    assert "means nothing now" in centre.run(
        *("config", "rollout", "pause", number, "--reason", "again"), code=1
    )
    road.appliance.start()
    road.await_link()
    centre.run("config", "rollout", "resume", number, "--reason", "lunch is over")
    centre.await_state("applied")
    centre.await_rollout("done")


def test_appliance_that_was_away_gets_the_newest_only(road, centre):
    before = centre.reported()["version"]
    road.appliance.stop()
    for channel in ("two", "three"):
        centre.put("fleet", {"updates": {"channel": channel}})
        centre.run("config", "push", "--reason", "for a test")
        centre.await_rollout("done")
    road.appliance.start()
    await_true(lambda: centre.reported()["applied"] == before + 2, 30, "the newest")
    assert (road.store_state / "update-channel").read_text() == "three\n"
    words = road.appliance.log.read_text()
    assert f"version {before + 1} is" not in words
    assert f"version {before + 2} is applied" in words


def sign_in(road, number, pin):
    request = urllib.request.Request(
        f"{road.store_url}/v1/session",
        json.dumps({"number": number, "pin": pin}).encode(),
        {"Content-Type": "application/json", "X-Tillback": "1"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def test_people_are_pushed_with_a_pin_for_once(road, centre):
    verifier = json.loads(road._run(*road.hub_words("staff", "verifier"), said="2580\n"))
    person = {"number": "17", "name": "Ada", "role": "manager", "pin": verifier}
    centre.push({"staff": {"people": [person]}})
    centre.await_state("applied")
    people = json.loads((road.store_state / "people/staff.json").read_text())["people"]
    assert [(p["number"], p["role"], p["one_time"]) for p in people] == [("17", "manager", True)]
    given = ("staff_added", "centre", f"person/{people[0]['id']}")
    assert sign_in(road, "17", "2580")["must_change_pin"]

    def told():
        events = events_of(road, "access.changed")
        return [(e["data"]["act"], e["data"]["by"], e["subject"]) for e in events]

    await_true(lambda: given in told(), 20, "whom the centre gave to be told")
    subprocess.run(
        [
            *(road.programs / "tillback", "--state", road.store_state, "staff", "add"),
            *("--number", "99", "--name", "Eve", "--role", "manager"),
        ],
        input="271828\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert centre.reported()["drift"] == ["staff"]
    centre.push({"staff": {"people": [person]}, "updates": {"channel": "x"}})
    await_true(lambda: centre.reported()["drift"] == [], 20, "what was pushed")
    people = json.loads((road.store_state / "people/staff.json").read_text())["people"]
    assert [p["number"] for p in people] == ["17"]


def test_new_address_is_kept_when_the_hub_answers_over_it(road, centre):
    centre.push({"broker": {"url": f"mqtts://localhost:{road.link_port}", "confirm_s": 30}})
    centre.await_state("applied")
    road.appliance.kill()
    road.appliance.start()
    road.await_link()
    assert centre.await_state("applied")["applied"] == centre.reported()["version"]


def test_address_that_leads_nowhere_is_taken_back_though_the_power_was_cut(road, centre):
    with Wire(road, road.identity("watcher"), "watcher") as watcher:
        watcher.subscribe(f"tb/v1/{DEVICE}/up/config")
        centre.push({"broker": {"url": f"mqtts://{HOST}:1", "confirm_s": 6}})
        centre.await_state("pending_confirm")
        began = time.monotonic()
        road.appliance.kill()
        await_true(lambda: time.monotonic() - began > 6, 10, "the end of its time")
        road.appliance.start()
        road.await_link(30)
        rolled_back = centre.await_state("rolled_back")
        assert rolled_back["applied"] == centre.before["applied"]
        reports = [json.loads(m.payload) for m in watcher.drain(2)]
    for report in reports:
        validate("config-report", report)
    assert reports[-1]["state"] == "rolled_back"
    version = rolled_back["version"]
    await_true(lambda: "rolled_back" in fates_of(road, version), 20, "the events")
    assert fates_of(road, version) == ["pending_confirm", "rolled_back"]


def test_address_that_leads_nowhere_is_taken_back_by_the_clock(road, centre):
    centre.push({"broker": {"url": f"mqtts://{HOST}:1", "confirm_s": 5}})
    centre.await_state("rolled_back")
    road.await_link(30)
    assert centre.await_rollout("done")["devices"]["bad"] == 1


def forged(road, payload, topic="down/config", properties=None):
    """As one who has the hub's place at the broker, but not its key."""
    with Wire(road, road.hub_state / "identity", "tillback-hub") as wire:
        wire.publish(f"tb/v1/{DEVICE}/{topic}", payload, properties)


def test_forged_and_old_documents_are_refused(road, centre):
    with Wire(road, road.identity("watcher"), "watcher") as watcher:
        watcher.subscribe(f"tb/v1/{DEVICE}/down/config")
        watcher.subscribe(f"tb/v1/{DEVICE}/up/config")
        centre.push({"updates": {"channel": "one"}})
        centre.await_state("applied")
        first = next(
            m.payload for m in watcher.drain(1) if m.topic.endswith("down/config") and m.payload
        )
        centre.push({"updates": {"channel": "two"}})
        second = centre.await_state("applied")["applied"]
        road.hub.stop()
        watcher.drain(1)
        flipped = bytearray(first)
        flipped[len(flipped) // 3] ^= 1
        for payload, path in ((first, "version"), (bytes(flipped), "signature"), (b"{}", "signature")):
            forged(road, payload)
            told = [m for m in watcher.drain(1) if m.topic.endswith("up/config")]
            report = json.loads(told[-1].payload)
            validate("config-report", report)
            assert (report["state"], report["path"]) == ("rejected", path), report
            assert report["applied"]["version"] == second and "version" not in report
        road.hub.start()
    await_true(
        lambda: any(
            (e["code"], e["device"], e["team"]) == ("signature_invalid", DEVICE, "it")
            for e in road.ask_hub("/v1/exceptions")["exceptions"]
        ),
        15,
        "people to be told of the forgery",
    )
    assert centre.reported()["state"] == "applied"
    assert (road.store_state / "update-channel").read_text() == "two\n"


def next_of(watcher, ending):
    while True:
        message = watcher.received.get(timeout=10)
        if message.topic.endswith(ending):
            return message


def test_commands_are_carried_out_once_and_noted(road, centre):
    with Wire(road, road.identity("watcher"), "watcher") as watcher:
        watcher.subscribe(f"tb/v1/{DEVICE}/down/cmd/#")
        watcher.subscribe(f"tb/v1/{DEVICE}/up/reply")
        status = centre.command("status")
        assert status["outcome"] == "done"
        assert status["result"]["config"]["version"] == centre.reported()["version"]
        command, reply = watcher.drain(1)
        envelope = json.loads(command.payload)
        validate("signed", envelope)
        validate("command", json.loads(base64.b64decode(envelope["payload"])))
        validate("command-reply", json.loads(reply.payload))
        assert command.properties.ResponseTopic == f"tb/v1/{DEVICE}/up/reply"
        assert reply.properties.CorrelationData == command.properties.CorrelationData
        assert 0 < command.properties.MessageExpiryInterval <= 300
        road.hub.stop()
        forged(road, command.payload, "down/cmd/status")  # the same, once more
        again = json.loads(next_of(watcher, "up/reply").payload)
        assert (again["id"], again["outcome"]) == (status["id"], "repeated")
        forged(road, command.payload, "down/cmd/restart")
        wrong = [m for m in watcher.drain(1) if m.topic.endswith("reply")]
        assert json.loads(wrong[0].payload)["outcome"] == "refused"
        road.hub.start()
    def noted():
        taken = (event["data"] for event in events_of(road, "command.taken"))
        return [data["name"] for data in taken if data["command_id"] == status["id"]]

    assert await_true(noted, 20, "the event") == ["status"]


def test_commands_that_make_no_sense_say_why(road, centre):
    assert centre.command("replay", "from=99999", code=1)["outcome"] == "refused"
    assert centre.command("resubmit", "event=17", code=1)["outcome"] == "refused"
    centre.run("command", DEVICE, "update", code=2)  # which release, and from where?
    assert "is no command" in centre.run("command", DEVICE, "dance", code=2)
    assert "never heard of" in centre.run("command", "nobody", "status", code=1)


def test_replay_and_restart(road, centre):
    road.await_link()
    assert centre.command("replay", "stream=returns", "from=1")["outcome"] == "begun"
    assert centre.command("restart")["outcome"] == "begun"
    await_true(lambda: not road.appliance.running, 20, "its end")
    assert road.appliance.process.returncode == 0
    road.appliance.start()


def test_key_is_rotated_on_command(road, centre):
    current = road.store_state / "identity" / "current.pem"
    before = current.read_text()
    assert centre.command("rotate-key")["outcome"] == "begun"
    await_true(lambda: current.read_text() != before, 30, "another key")
    key = [text.split("-----END EC")[0] for text in (before, current.read_text())]
    assert key[0] != key[1]
    road.await_link(30)


def test_bundle_of_an_appliance_is_kept_whatever_its_size(road, centre, tmp_path):
    """A large one, as told by somebody in the place of an appliance."""
    other = "store-0042-large"
    identity = tmp_path / "large"
    road.authority("device", other, identity)
    with Wire(road, identity, other) as wire:
        wire.subscribe(f"tb/v1/{other}/down/cmd/#")
        payload, properties = batch([event(other)])
        wire.publish(f"tb/v1/{other}/up/events", payload, properties)
        await_true(lambda: other in known(road), 20, "that the hub knows it")
        out = tmp_path / "bundle.tar.gz"
        asking = subprocess.Popen(
            road.hub_words("command", other, "diag", "--out", out), stdout=subprocess.PIPE
        )
        envelope = json.loads(wire.received.get(timeout=20).payload)
        command = json.loads(base64.b64decode(envelope["payload"]))
        bundle = random.randbytes(700_000)
        result = {"file": "x", "base64": base64.b64encode(bundle).decode()}
        reply = {"id": command["id"], "outcome": "done", "detail": "", "result": result}
        validate("command-reply", reply)
        wire.publish(f"tb/v1/{other}/up/reply", json.dumps(reply).encode())
        assert asking.wait(30) == 0
    assert out.read_bytes() == bundle and out.stat().st_mode & 0o777 == 0o600
    listed = json.loads(centre.run("command", "list", other))
    assert [(one["name"], "result" in one) for one in listed] == [("diag", False)]


def known(road):
    return [one["id"] for one in road.ask_hub("/v1/devices")["devices"]]


def test_command_to_one_that_is_away_expires(road, centre):
    road.appliance.stop()
    assert centre.command("restart", "--expiry", "5", code=1)["outcome"] == "expired"
    road.appliance.start()
    road.await_link()
    assert road.appliance.running  # it was not kept for later
