"""What was done with people's and tills' access is in the log, and reaches the centre."""

import json
import subprocess

import schemas
from road.road import DEVICE, await_true
from road.till import Till

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
