"""Files of orders, authorisations and settlements, taken beside a running hub."""

import json
import subprocess

from conftest import Hub
from road.road import await_true
from shared import ADYEN, hub, order, road, till  # noqa: F401


def give(road, *words):  # noqa: F811
    database = ["--db", road.hub_database] if road.hub_database else []
    hub_of = [road.programs / "tillback-hub", "--state", road.hub_state, *database]
    command = [*hub_of, "import", *words]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)


def write_lines(path, *documents):
    path.write_text("".join(json.dumps(d) + "\n" for d in documents))
    return path


def test_orders_of_a_file_reach_the_store_and_bad_lines_are_named(road, till, hub, tmp_path):  # noqa: F811
    assert till.sell("0042-01-i-1")[0] == 201
    await_true(lambda: road.ask_hub("/v1/events")["events"], 10, "the store's first event")
    good = [order(till, f"FILE-{number}") for number in range(3)]
    path = write_lines(tmp_path / "orders", good[0], {"receipt": "FILE-x"}, *good[1:])
    done = give(road, "orders", path)
    assert done.returncode == 1
    assert "line 2: " in done.stderr and "1 of 4 lines were refused" in done.stderr
    for sale in good:
        await_true(
            lambda receipt=sale["receipt"]: road.ask_store(f"/v1/sales?receipt={receipt}").get(
                "sales"
            ),
            15,
            "the order at the store",
        )
    again = give(road, "orders", write_lines(tmp_path / "again", *good))
    assert again.returncode == 0
    assert [json.loads(line)["known"] for line in again.stdout.splitlines()] == [True] * 3
    asked = {"number": "RMA-F", "receipt": "FILE-1", "lines": [{"line": 1, "quantity": 1}]}
    found = json.loads(give(road, "authorisations", write_lines(tmp_path / "rma", asked)).stdout)
    trail = hub.get(f"/v1/returns/{found['return_id']}")["events"]
    assert [e["event"]["type"] for e in trail] == ["com.tillback.return.authorised.v1"]


def test_goods_of_a_file_make_the_debt_due(road, till, hub, tmp_path):  # noqa: F811
    assert till.sell("0042-01-i-2")[0] == 201
    line = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}
    body = {"receipt": "0042-01-i-2", "lines": [line], "in_hand": False}
    status, answer = till.insist("/v1/returns", body, "return-i-2")
    assert (status, answer["goods"]) == (201, "expected")
    await_true(lambda: hub.get("/v1/returns?receipt=0042-01-i-2")["returns"], 10, "the return")
    goods = {"return": answer["number"], "lines": [{"line": 1, "quantity": 1}]}
    done = give(road, "goods-received", write_lines(tmp_path / "goods", goods))
    assert done.returncode == 0, done.stderr
    rules = [
        e["journal"]["rule"] for e in hub.await_entries(2, f"return={answer['return_id']}")
    ]
    assert sorted(rules[:2]) == ["accepted", "goods_received"]
    path = f"/v1/returns/{answer['return_id']}"
    await_true(lambda: road.ask_store(path)["goods"] != "expected", 15, "the store to know")


def test_settlement_of_a_file_is_taken_whole_or_not_at_all(road, hub, tmp_path):  # noqa: F811
    path = tmp_path / "settlement.csv"
    path.write_text(ADYEN)
    assert give(road, "settlement", "adyen", path).returncode == 0
    assert "known before" in give(road, "settlement", "adyen", path).stdout
    path.write_text("a,b\n1,2\n")
    before = len(hub.get("/v1/settlements")["settlements"])
    assert give(road, "settlement", "adyen", path).returncode != 0
    assert len(hub.get("/v1/settlements")["settlements"]) == before
    assert give(road, "settlement", "odd", path).returncode == 2
    other = Hub(road, "it")
    acts = [a["action"] for a in other.get("/v1/audit")["audit"]]
    other.client.close()
    assert "settlement.add" in acts
