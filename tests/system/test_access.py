"""What was done with people's and tills' access is in the log, and reaches the centre."""

import json
import subprocess

import pytest
import schemas
from conftest import open_road, stop_well
from road.road import DEVICE, await_true
from road.till import Till
from scanner import scanner_at_a_pty

PIN = "739154"
MORE_TRIES = 3


def tool(road, *words, said=""):
    ran = subprocess.run(
        [road.programs / "tillback", "--state", road.store_state, *words],
        input=said, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def told(road):
    """As the hub has them: act, by, subject."""
    found = road.ask_hub(f"/v1/events?device={DEVICE}")["events"]
    events = [e["event"] for e in found if e["event"]["type"] == "com.tillback.access.changed.v1"]
    for event in events:
        schemas.validate("cloudevent", event)
    return [(event["data"]["act"], event["data"]["by"], event["subject"]) for event in events]


def await_told(road, *wanted):
    await_true(lambda: wanted in told(road), 30, f"{wanted} among {told(road)}")


def sign_in(till, number, pin):
    page = {"X-Tillback": "1"}
    return till.request("POST", "/v1/session", {"number": number, "pin": pin}, headers=page)


def test_every_privileged_act_is_told(road):
    tool(road, "token", "add", "--lane", "07", "--name", "seven")
    await_told(road, "token_added", "cli", "lane/07")
    tool(road, "token", "remove", "seven")
    await_told(road, "token_removed", "cli", "lane/07")

    tool(road, *("staff", "add", "--number", "77", "--name", "PLANTED-NAME"),
         *("--role", "manager", "--pin", "-"), said=PIN)  # fmt: skip
    people = json.loads((road.store_state / "people/staff.json").read_text())["people"]
    [person] = [one["id"] for one in people if one["number"] == "77"]
    await_told(road, "staff_added", "cli", f"person/{person}")

    till = Till(road.store_url, road.token())
    status, headers, _ = sign_in(till, "77", PIN)
    assert status == 201
    await_told(road, "signed_in", person, f"person/{person}")
    signed_in = {"Cookie": headers["Set-Cookie"].split(";")[0], "X-Tillback": "1"}
    status, _, text = till.request(
        "POST", "/v1/session/pin", {"pin": PIN, "new_pin": "820461"}, headers=signed_in
    )
    assert status == 200, text
    await_told(road, "pin_changed", person, f"person/{person}")

    for number in ("77", "no-such-number"):
        tries = [sign_in(till, number, "111222")[0] for _ in range(MORE_TRIES + 1)]
        assert tries == [403] * MORE_TRIES + [429]
    await_told(road, "locked_out", "nobody", f"person/{person}")
    road.appliance.kill()
    road.appliance.start()
    till = Till(road.store_url, road.token())
    tool(road, "staff", "reset-pin", "77", "--pin", "-", said=PIN)
    await_told(road, "pin_changed", "cli", f"person/{person}")
    tool(road, "staff", "remove", "77")
    await_told(road, "staff_removed", "cli", f"person/{person}")

    assert [act for act, _, subject in told(road) if subject == f"person/{person}"] == [
        *("staff_added", "signed_in", "pin_changed", "locked_out", "pin_changed", "staff_removed")
    ]
    everything = road.ask_hub_text(f"/v1/events?device={DEVICE}")
    for secret in ("PLANTED-NAME", PIN, "820461", "no-such-number", "seven"):
        assert secret not in everything
    assert road.ask_hub("/v1/parked")["entries"] == []


def person_numbered(road, number):
    people = json.loads((road.store_state / "people/staff.json").read_text())["people"]
    [person] = [one["id"] for one in people if one["number"] == number]
    return person


def test_what_was_done_while_it_stood_still_is_told_at_the_next_start(road):
    role = ("--role", "manager", "--pin", "-")
    tool(road, "staff", "add", "--number", "81", "--name", "Stays", *role, said=PIN)
    stays = person_numbered(road, "81")
    await_told(road, "staff_added", "cli", f"person/{stays}")
    road.appliance.kill()
    tool(road, "staff", "add", "--number", "82", "--name", "Comes", *role, said=PIN)
    tool(road, "staff", "reset-pin", "81", "--pin", "-", said=PIN)
    tool(road, "token", "add", "--lane", "08", "--name", "eight")
    comes = person_numbered(road, "82")
    for _ in range(2):  # told once, however often it starts
        road.appliance.start()
        await_told(road, "staff_added", "cli", f"person/{comes}")
        await_told(road, "pin_changed", "cli", f"person/{stays}")
        await_told(road, "token_added", "cli", "lane/08")
        road.appliance.kill()
    tool(road, "staff", "remove", "82")
    road.appliance.start()
    await_told(road, "staff_removed", "cli", f"person/{comes}")
    for subject, acts in (
        (f"person/{comes}", ["staff_added", "staff_removed"]),
        (f"person/{stays}", ["staff_added", "pin_changed"]),
        ("lane/08", ["token_added"]),
    ):
        assert [act for act, _, of in told(road) if of == subject] == acts


def test_what_is_set_up_and_signed_on_the_appliance_is_told(road):
    with scanner_at_a_pty() as device:
        tool(road, "ports", "bind", "--lane", "08", "--device", f"serial:{device}")
    (road.store_state / "ports.conf").unlink()
    await_told(road, "scanner_bound", "cli", "lane/08")
    tool(road, "commission", "--technician", "T", "--out", road.folder / "report.json")
    await_told(road, "report_signed", "cli", "appliance")


@pytest.fixture
def printing_road(tmp_path):
    with open_road(tmp_path, printer=True) as opened:
        opened.await_link()
        yield opened
        stop_well(opened)


def test_acts_of_managers_and_technicians_at_the_counter_are_told(printing_road):
    road = printing_road
    people = {}
    for number, role in (("91", "manager"), ("92", "technician"), ("93", "associate")):
        words = ("--number", number, "--name", role, "--role", role, "--pin", "-")
        tool(road, "staff", "add", *words, said=PIN)
        people[role] = person_numbered(road, number)
    till = Till(road.store_url, road.token())
    page = Till(road.store_url, "")

    def ask(method, path, cookie):
        headers = {"Cookie": cookie, "X-Tillback": "1"}
        status, _, text = page.request(method, path, headers=headers)
        assert status in (200, 204), text

    signed_in = {}
    for number, role in (("91", "manager"), ("92", "technician"), ("93", "associate")):
        status, headers, _ = sign_in(till, number, PIN)
        assert status == 201
        signed_in[role] = headers["Set-Cookie"].split(";")[0]

    road.tell_printer("paper-out")
    state = lambda: road.ask_store("/v1/status")["printers"][0]["state"]  # noqa: E731
    await_true(lambda: state() == "paper_out", 20, "paper out is told")
    till.sell("a-1")
    _, made = till.give_back("a-1")
    [waiting] = await_true(lambda: road.ask_store("/v1/prints")["prints"], 10, "the print to wait")
    ask("DELETE", f"/v1/prints/{waiting['print_id']}", signed_in["manager"])
    await_told(road, "receipt_let_go", people["manager"], f"person/{people['manager']}")
    assert made["return_id"] in road.ask_hub_text(f"/v1/events?device={DEVICE}")

    ask("GET", "/v1/service/diag", signed_in["technician"])
    technician = f"person/{people['technician']}"
    await_told(road, "diagnostics_taken", people["technician"], technician)
    tool(road, "diag", "--out", road.folder / "bundle.tar.gz")
    await_told(road, "diagnostics_taken", "cli", "appliance")
    tool(road, "replay", "--return", made["number"])
    await_told(road, "replayed", "cli", "appliance")
    for cookie in signed_in.values():
        ask("DELETE", "/v1/session", cookie)
    await_told(road, "signed_out", people["manager"], f"person/{people['manager']}")
    await_told(road, "signed_out", people["technician"], technician)
    associate = f"person/{people['associate']}"
    assert [act for act, _, of in told(road) if of == associate] == ["staff_added"]
    till.close()
    page.close()
