"""What is to be seen once all was asked: behind the other files of the API, whose names sort before."""

import json

import schemas
from held import CARDS, operations, tool


def test_no_card_number_is_found_on_the_disk_or_in_diagnostics(asked_all):
    """Runs after all that tried: database, WAL, head, diagnostics, whatever else lies there."""
    looked_at = 0
    for file in sorted(asked_all.folder.rglob("*")):
        if not file.is_file():
            continue
        content = file.read_bytes()
        looked_at += 1
        for card in CARDS:
            assert card.encode() not in content, f"{card} is in {file.name}"
    assert looked_at >= 3


def test_what_is_saved_holds_to_the_event_schemas(asked_all):
    """Every event that the calls above made, as it stands in the log."""
    queue = json.loads(asked_all.tool("--json", "queue", "--max", "10000"))
    assert len(queue) > 100
    for item in queue:
        schemas.validate("cloudevent", item["event"])


def test_every_operation_was_called(asked_all):
    assert {(m, p) for m, p, _ in operations()} == asked_all.seen


# The first four are held to the document by tests/hub/test_parked.py and tests/system/test_keep.py;
# the last three are given in tests/system/test_commission.py and test_enrol.py.
NEEDS_HUB_OR_PRINTER = {
    ("get", "/v1/parked/{id}", "200"),
    ("post", "/v1/parked/{id}/resubmit", "202"),
    ("post", "/v1/parked/{id}/discard", "202"),
    ("post", "/v1/replay", "202"),
    ("delete", "/v1/prints/{id}", "204"),
    ("post", "/v1/service/report", "200"),
    ("post", "/v1/service/ports/bind", "200"),
    ("post", "/v1/service/provision", "200"),
}


def test_every_answer_of_success_was_given(asked_all):
    promised = {
        (method, path, status)
        for method, path, found in operations()
        for status in found["responses"]
        if status.startswith("2")
    }
    assert promised - asked_all.answers == NEEDS_HUB_OR_PRINTER


def test_log_and_views_are_sound_after_all_this(asked_all):
    assert json.loads(asked_all.tool("--json", "verify"))["sound"]


# --- The policy's tools ---------------------------------------------------------------------------


def policy_of(folder, change=None):
    policy = json.loads((schemas.ROOT / "agent/returns/policy.default.json").read_text())
    if change:
        change(policy)
    path = folder / "policy.json"
    path.write_text(json.dumps(policy))
    return path


def test_policy_is_checked(tmp_path):
    assert tool("policy", "check", policy_of(tmp_path)).returncode == 0
    bad = policy_of(tmp_path, lambda p: p["rules"][0].update(check="mood"))
    ran = tool("policy", "check", bad)
    assert ran.returncode == 1 and "rules[0].check" in ran.stderr


def test_policy_of_the_day_changes_no_past_return(asked_all, tmp_path):
    ran = tool("policy", "test", policy_of(tmp_path), "--against", asked_all.folder / "state", "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["returns"] > 50
    assert found["changes"] == []


def test_stricter_policy_shows_what_would_change(asked_all, tmp_path):
    def refuse_all(policy):
        policy["version"] = "stricter"
        policy["rules"].insert(0, {"rule": "nothing", "check": "refuse", "code": "hygiene", "outcome": "declined"})

    path = policy_of(tmp_path, refuse_all)
    ran = tool("policy", "test", path, "--against", asked_all.folder / "state", "--json")
    found = json.loads(ran.stdout)
    assert found["policy"] == "stricter"
    assert found["changed"] == len(found["changes"]) > 50
    assert all(one["now"]["decision"] == "declined" for one in found["changes"])
    assert any(one["now"]["rule"] == "nothing" for one in found["changes"])
    assert "would change" in tool("policy", "test", path, "--against", asked_all.folder / "state").stdout
