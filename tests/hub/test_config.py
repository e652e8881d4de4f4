"""Central IT over HTTP: configuration in layers, rollouts, commands, and who may."""

from conftest import Hub
from road.road import DEVICE, await_true

WAVES = {"canary": 0, "percents": [100], "soak_s": 0}


def it_of(road):
    opened = Hub(road, "it")
    return opened


def put(it, scope, settings, reason="for a test"):
    return it.ask("PUT", f"/v1/config/{scope}", {"settings": settings, "reason": reason})


def await_rollout(it, number, state):
    return await_true(
        lambda: (found := it.get(f"/v1/rollouts/{number}"))["state"] == state and found,
        30,
        f"rollout {number} {state}",
    )


def test_layer_is_put_rolled_out_and_seen(road, hub):
    it = it_of(road)
    status, answer = put(it, "fleet", {"updates": {"channel": "stable"}})
    assert (status, answer) == (200, {"change": 1, "appliances": 1})
    assert put(it, "store/0042", {"retention": {"days": 300}})[0] == 200
    assert it.get("/v1/config/store/0042")["settings"] == {"retention": {"days": 300}}
    assert [c["scope"] for c in it.get("/v1/config")["changes"]] == ["store/0042", "fleet"]
    assert it.get(f"/v1/devices/{DEVICE}")["config"]["version"] == 0
    order = {"scope": "fleet", "reason": "for a test", "rules": WAVES}
    status, answer = it.ask("POST", "/v1/rollouts", order)
    assert (status, answer) == (201, {"rollout": 1})
    done = await_rollout(it, 1, "done")
    assert (done["devices"]["total"], done["devices"]["good"]) == (1, 1)
    config = it.get(f"/v1/devices/{DEVICE}")["config"]
    assert (config["state"], config["version"], config["applied"]) == ("applied", 1, 1)
    assert it.get("/v1/devices")["devices"][0]["config"] == config
    assert it.get("/v1/fleet")["in_force"] == 1
    assert it.ask("POST", "/v1/rollouts", order)[0] == 404  # nothing would change
    acts = [a["action"] for a in hub.get("/v1/audit")["audit"]]
    assert acts.count("config.put") == 2 and "rollout.start" in acts


def test_rollout_is_paused_resumed_and_aborted(road, hub):
    it = it_of(road)
    put(it, "fleet", {"updates": {"channel": "stable"}})
    slow = {**WAVES, "soak_s": 3600}
    it.ask("POST", "/v1/rollouts", {"scope": "fleet", "reason": "slowly", "rules": slow})
    await_true(lambda: it.get("/v1/rollouts/1")["devices"]["good"] == 1, 30, "the first wave")

    def act(verb):
        return it.ask("POST", f"/v1/rollouts/1/{verb}", {"reason": "for a test"})[0]

    assert act("resume") in (409, 422)
    assert act("pause") == 201
    assert it.get("/v1/rollouts/1")["state"] == "paused"
    assert act("resume") == 201
    another = {"scope": "fleet", "reason": "too soon"}
    assert it.ask("POST", "/v1/rollouts", another)[0] == 409
    assert act("abort") == 201
    await_true(lambda: it.get("/v1/rollouts/1")["devices"]["returned"] == 1, 30, "the return")
    await_true(
        lambda: it.get(f"/v1/devices/{DEVICE}")["config"]["applied"] == 2, 30, "what was before"
    )
    assert not (road.store_state / "update-channel").exists()


def test_layer_that_is_for_nobody_yet_says_so(road, hub):
    it = it_of(road)
    for scope, appliances in (
        ("store/0042", 1),
        (f"device/{DEVICE}", 1),
        ("store/0024", 0),
        ("device/typo", 0),
        ("group/pilots", 0),
    ):
        status, answer = put(it, scope, {})
        assert (status, answer["appliances"]) == (200, appliances), (scope, answer)


def test_command_is_asked_and_answered(road, hub):
    it = it_of(road)
    body = {"name": "status", "reason": "for a test"}
    status, answer = it.ask("POST", f"/v1/devices/{DEVICE}/commands", body)
    assert status == 201
    done = await_true(
        lambda: (found := it.get(f"/v1/commands/{answer['id']}"))["outcome"] != "waiting" and found,
        30,
        "the answer",
    )
    assert (done["outcome"], done["by"]) == ("done", "it")
    assert it.get(f"/v1/commands?device={DEVICE}")["commands"][0]["id"] == answer["id"]


def test_bad_input_says_where(road, hub):
    it = it_of(road)
    status, problem = put(it, "fleet", {"retention": {"days": -1}})
    assert status == 400 and "settings.retention.days" in str(problem), problem
    assert put(it, "planet", {})[0] == 400
    assert put(it, "fleet", {}, reason="")[0] == 400
    assert it.ask("POST", f"/v1/devices/{DEVICE}/commands", {"name": "dance", "reason": "why not"})[
        0
    ] in (400, 404)
    assert it.ask("GET", "/v1/rollouts/17")[0] == 404


def test_only_it_may_change_and_who_looks_may_look(road, hub):
    for role in ("viewer", "finance"):
        other = Hub(road, role)
        assert put(other, "fleet", {})[0] == 403
        assert other.ask("POST", "/v1/rollouts", {"scope": "fleet", "reason": "no right"})[0] == 403
        command = {"name": "restart", "reason": "no right"}
        assert other.ask("POST", f"/v1/devices/{DEVICE}/commands", command)[0] == 403
        status, fleet = other.ask("GET", "/v1/fleet")
        assert (status, fleet.get("desired")) == ((200, 0) if role == "viewer" else (403, None))
        other.client.close()
    nobody = Hub(road, None)
    assert put(nobody, "fleet", {})[0] == 401
