"""What a token's role is told that it may, and who sees what is personal."""

import json

import pytest
from api_document import HUB
from conftest import Hub
from shared import hub, road, till  # noqa: F401

ROLES = ("viewer", "it", "finance", "commerce")
READS = [(path, found) for method, path, found in HUB.operations() if method == "get"]


@pytest.mark.parametrize("role", ROLES)
def test_each_role_is_told_what_it_may(road, role):  # noqa: F811
    asking = Hub(road, role)
    me = asking.get("/v1/me")
    writes = {f["x-audit"] for m, _, f in HUB.operations() if m != "get" and role in f["x-roles"]}
    reads = {p.split("{")[0] for p, found in READS if role in found.get("x-roles", ())}
    assert (me["role"], set(me["may"])) == (role, writes)
    assert set(me["reads"]) == reads - {"/v1/me"}
    asking.client.close()


PERSONAL = ("c-771", "Mara", "left the box open", "contact_sealed", '"person"')


def test_who_the_customer_was_is_told_to_the_back_office_alone(road, till, hub):  # noqa: F811
    assert till.sell("0042-01-r-1")[0] == 201
    line = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}
    body = {
        "receipt": "0042-01-r-1",
        "lines": [{**line, "note": "left the box open"}],
        "customer": "c-771",
        "contact": {"name": "Mara"},
    }
    status, answer = till.insist("/v1/returns", body, "return-r-1")
    assert status == 201, answer
    path = f"/v1/returns/{answer['return_id']}"
    hub.await_entries(1, f"return={answer['return_id']}")
    for role in ROLES:
        asking = Hub(road, role)
        trail = asking.get(path)
        told = json.dumps(trail)
        whole = role in ("it", "finance")
        assert ("c-771" in told, "left the box open" in told, "entries" in trail) == (whole,) * 3
        assert "Mara" not in told  # it is sealed for everybody
        assert whole or not any(word in told for word in PERSONAL)
        assert trail["events"][0]["event"]["data"]["receipt"] == "0042-01-r-1"
        asking.client.close()
