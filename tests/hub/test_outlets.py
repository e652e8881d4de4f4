"""Systems outside are told events over HTTP: signed, cut to what they ask for, in order, at least once,
and what one of them doesn't take is parked and holds up nothing."""

import json
import subprocess
import time

import pytest
from conftest import PROGRAMS, ROOT, Hub, make_database
from receiver import SECRET, Receiver
from road.road import Road, await_true, free_port_base
from road.till import Till

REASON = {"reason": "they have mended it"}
SYSTEMS = ("warehouse", "tax", "crm", "fraud", "service")


class Office:
    """A road whose hub tells the five systems of the example file."""

    def __init__(self, folder):
        self.receivers = {name: Receiver() for name in SYSTEMS}
        (folder / "secret").write_text(SECRET)
        example = ROOT / "sync" / "hub" / "connect" / "outlets.example.json"
        config = json.loads(example.read_text())
        assert {outlet["name"] for outlet in config["outlets"]} == set(SYSTEMS)
        for outlet in config["outlets"]:
            outlet["url"] = self.receivers[outlet["name"]].url
            outlet["secret_file"] = str(folder / "secret")
            outlet["timeout_ms"] = 2000
            outlet["park_after"] = 4
        (folder / "outlets.json").write_text(json.dumps(config))
        settings = (f"outlets.file={folder / 'outlets.json'}", "connector.retry_least_ms=20")
        self.road = Road(
            folder / "road",
            free_port_base(),
            PROGRAMS,
            hub_settings=settings,
            hub_database=make_database(f"outlets-{folder.name}"),
        )

    def give_back(self, receipt):
        till = Till(self.road.store_url, self.road.token())
        assert till.sell(receipt)[0] == 201
        status, answer = till.give_back(receipt)
        till.close()
        assert status == 201
        return answer

    def told(self, name, kind):
        """The data of what this system was told, of one kind of event, by return number."""
        full = f"com.tillback.{kind}.v1"
        return [data for _, what, data in self.receivers[name].events() if what == full]

    def await_told(self, name, kind, number):
        return await_true(
            lambda: [d for d in self.told(name, kind) if d.get("return", d.get("number")) == number],
            20,
            f"{name} to be told {kind} of {number}\n{self.road.hub.last_words()}",
        )


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    opened = Office(tmp_path_factory.mktemp("outlets"))
    with opened.road as road:
        road.await_link()
        yield opened
        assert road.stop() == []
    for name, receiver in opened.receivers.items():
        assert receiver.problems == [], name
        receiver.close()


@pytest.fixture
def it(office):
    hub = Hub(office.road, "it")
    yield hub
    hub.client.close()


def connectors(office):
    return {c["name"]: c for c in office.road.ask_hub("/v1/connectors")["connectors"]}


def events_at_the_hub(office):
    """All of them, in the order in which it took them in."""
    events, cursor = [], 0
    while cursor is not None:
        page = office.road.ask_hub(f"/v1/events?from={cursor}")
        events += [row["event"] for row in page["events"]]
        cursor = page["cursor"]
    return events


def connector_list(office, *words):
    road = office.road
    database = ["--db", road.hub_database] if road.hub_database else []
    hub = [road.programs / "tillback-hub", "--state", road.hub_state, *database]
    done = subprocess.run([*hub, "connector", "list", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_system_gets_what_it_asks_for_and_no_more(office):
    number = office.give_back("0042-01-o-1")["number"]
    [warehouse] = office.await_told("warehouse", "return.created", number)
    assert set(warehouse) == {"return", "store", "order", "lines"}
    assert warehouse["lines"][0]["quantity"] == 1
    [tax] = office.await_told("tax", "return.created", number)
    assert (tax["total"], tax["country"], tax["currency"]) == (333, "DE", "EUR")
    assert tax["lines"][0]["tax"][0]["amount"] == 53
    [crm] = office.await_told("crm", "return.created", number)
    assert (crm["receipt"], crm["total"], crm["decision"]) == ("0042-01-o-1", 333, "accepted")
    [fraud] = office.await_told("fraud", "return.created", number)
    assert fraud["sale"]["receipt"] == "0042-01-o-1"
    [service] = office.await_told("service", "return.created", number)
    assert "lines" not in service and "sale" not in service
    await_true(lambda: office.told("warehouse", "item.received"), 10, "the goods to be told")
    assert not office.told("tax", "item.received")


def test_what_fails_is_told_again_under_the_same_key(office):
    receiver = office.receivers["crm"]
    receiver.plan(503, "drop", "lose")
    number = office.give_back("0042-01-o-2")["number"]
    office.await_told("crm", "return.created", number)
    # The third try was taken and its answer lost: the same event comes once more.
    same = lambda: [e for e in receiver.events() if e[2].get("return") == number]  # noqa: E731
    await_true(lambda: len(same()) == 2, 20, "the event to come again")
    assert len({event for event, _, _ in same()}) == 1
    keys = {h["Idempotency-Key"] for h, body in receiver.requests if number.encode() in body}
    assert keys == {f"{same()[0][0]}/crm"}
    crm = await_true(
        lambda: (c := connectors(office)["crm"])["circuit"] == "closed" and c, 10, "its circuit"
    )
    assert (crm["kind"], crm["failures"], crm["code"]) == ("outlet", 0, "unknown_outcome"), crm
    assert crm["failed"] < crm["answered"]


def test_system_that_is_down_holds_up_no_other(office):
    office.receivers["service"].plan(*[503] * 2)
    number = office.give_back("0042-01-o-3")["number"]
    for name in SYSTEMS:
        office.await_told(name, "return.created", number)


def test_what_is_refused_is_parked_and_may_be_told_again(office, it):
    receiver = office.receivers["fraud"]
    receiver.plan(422)
    number = office.give_back("0042-01-o-4")["number"]
    parked = await_true(
        lambda: it.get("/v1/deliveries?state=parked")["deliveries"], 20, "the event to be parked"
    )
    assert [(p["outlet"], p["code"]) for p in parked] == [("fraud", "refused")]
    assert "422" in parked[0]["detail"]
    after = office.give_back("0042-01-o-5")["number"]
    office.await_told("fraud", "return.created", after)
    assert not [d for d in office.told("fraud", "return.created") if d["number"] == number]
    path = f"/v1/deliveries/{parked[0]['number']}"
    other = Hub(office.road, "viewer")
    assert other.ask("POST", f"{path}/resubmit", REASON)[0] == 403
    other.client.close()
    assert it.ask("POST", f"{path}/resubmit", REASON)[0] == 200
    office.await_told("fraud", "return.created", number)
    await_true(lambda: not it.get("/v1/deliveries?state=parked")["deliveries"], 10, "none parked")
    assert it.ask("POST", f"{path}/resubmit", REASON)[0] == 404


def test_busy_system_is_left_alone_as_long_as_it_asks_and_nothing_is_parked(office, it):
    receiver = office.receivers["crm"]
    before = len(receiver.tries)
    receiver.plan((429, {"Retry-After": "1"}), *[503] * 5)  # more often than what fails is tried
    number = office.give_back("0042-01-o-busy")["number"]
    office.await_told("crm", "return.created", number)
    tries = receiver.tries[before:]
    assert tries[1] - tries[0] > 0.9
    assert it.get("/v1/deliveries?state=parked")["deliveries"] == []


def test_system_that_moved_is_not_followed_and_says_so(office, it):
    elsewhere = office.receivers["fraud"]
    office.receivers["service"].plan(*[(308, {"Location": elsewhere.url})] * 4)
    office.give_back("0042-01-o-moved")
    [parked] = await_true(
        lambda: it.get("/v1/deliveries?state=parked")["deliveries"], 30, "the event to be parked"
    )
    assert parked["outlet"] == "service" and "redirects are not followed" in parked["detail"]
    keys = {headers["Idempotency-Key"] for headers, _ in elsewhere.requests}
    assert not [key for key in keys if key.endswith("/service")]
    assert it.ask("POST", f"/v1/deliveries/{parked['number']}/discard", REASON)[0] == 200


def test_what_fails_too_often_is_parked(office, it):
    office.receivers["tax"].plan(*[500] * 4)
    office.give_back("0042-01-o-6")
    [parked] = await_true(
        lambda: it.get("/v1/deliveries?state=parked")["deliveries"], 30, "the event to be parked"
    )
    assert (parked["outlet"], parked["code"]) == ("tax", "busy")
    assert it.ask("POST", f"/v1/deliveries/{parked['number']}/discard", REASON)[0] == 200


def test_killed_hub_misses_nothing_and_keeps_the_order(office):
    numbers = []
    for piece in range(6):
        numbers.append(office.give_back(f"0042-01-o-k{piece}")["number"])
        office.road.hub.kill()
        office.road.hub.start()
    for number in numbers:
        office.await_told("fraud", "return.created", number)
    told = [id for id, _, data in office.receivers["fraud"].events() if data.get("number") in numbers]
    # What the hub was killed over comes again, and may come behind what was saved later.
    taken = [event["id"] for event in events_at_the_hub(office) if event["id"] in told]
    assert list(dict.fromkeys(told)) == taken
    state = await_true(
        lambda: (o := office.road.ask_hub("/v1/outlets")["outlets"])
        and all(x["behind"] == 0 for x in o)
        and o,
        20,
        "all outlets to be at the end",
    )
    assert [x["name"] for x in state] == sorted(SYSTEMS)


def test_down_for_long_is_waited_for_and_nothing_is_parked(office, it):
    receiver = office.receivers["warehouse"]
    receiver._server.shutdown()
    receiver._server.server_close()
    number = office.give_back("0042-01-o-7")["number"]
    office.await_told("crm", "return.created", number)
    waits = "outlets_unreachable 1"
    await_true(lambda: waits in office.road.ask_hub_text("/metrics"), 10, "the hub to notice")
    time.sleep(0.5)  # some tries more than it would take to park
    assert it.get("/v1/deliveries?state=parked")["deliveries"] == []
    all_of_them = connectors(office)
    assert set(all_of_them) == {*SYSTEMS, "ledger-file"}
    down = all_of_them.pop("warehouse")
    assert down["circuit"] in ("open", "half_open") and down["failures"] > 1
    assert down["waiting"] > 0 and down["oldest"] <= down["failed"] <= down["next_try"]
    assert down["failing_since"] <= down["failed"] and down["detail"]
    for up in all_of_them.values():
        assert (up["circuit"], up["failures"]) == ("closed", 0), up
    told = connector_list(office)
    assert "outlet warehouse (http): doesn't answer" in told and down["detail"] in told
    assert "outlet crm (http): answers" in told
    as_json = json.loads(connector_list(office, "--json"))["connectors"]
    assert {c["name"] for c in as_json if c["system"] == "http"} == {*SYSTEMS}
