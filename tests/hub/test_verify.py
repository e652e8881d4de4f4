"""The hub looks at its own database when it starts, the newest at once and the rest in the background;
what is damaged is said, in /healthz, in the metrics and by `tillback-hub verify`, and the hub goes on."""

import sqlite3
import subprocess

from road.audit import all_arrived
from road.road import await_true


def verify(road):
    words = [road.programs / road.hub_words("verify")[0], *road.hub_words("verify")[1:]]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def await_verified(road):
    return await_true(
        lambda: (found := road.ask_hub("/healthz"))["verified"] and found, 30, "the verification"
    )


def test_hub_verifies_itself_at_start_and_goes_on_with_damage_that_it_tells(road, till):
    for i in range(12):
        assert till.sell(f"0042-01-v-{i}")[0] == 201
        assert till.give_back(f"0042-01-v-{i}")[0] == 201
    await_true(lambda: all_arrived(road), 20, "arrival")
    road.hub.stop()
    road.hub.start()
    assert await_verified(road)["damage"] == 0
    assert verify(road)[0] == 0

    road.hub.stop()
    with sqlite3.connect(road.hub_state / "hub.db") as db:
        db.execute(
            "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '0042-01-v-3', '0042-01-v-4') AS BLOB)"
            " WHERE CAST(body AS TEXT) LIKE '%0042-01-v-3%'"
        )
    road.hub.start()
    health = await_verified(road)
    assert health["status"] == "damaged" and health["damage"] > 0, health
    assert "tillback_hub_database_damage" in road.ask_hub_text("/metrics")
    assert "hub.damaged" in road.hub.last_words(2000)
    code, said = verify(road)
    assert code == 1 and "is not the one that came" in said, said
    assert till.sell("0042-01-v-more")[0] == 201
    await_true(lambda: all_arrived(road), 20, "what comes after it")


def test_flipped_byte_in_the_write_ahead_log_is_found(road, till):
    for i in range(6):
        assert till.sell(f"0042-01-w-{i}")[0] == 201
    await_true(lambda: all_arrived(road), 20, "arrival")
    road.hub.kill()
    wal = road.hub_state / "hub.db-wal"
    content = bytearray(wal.read_bytes())
    assert len(content) > 8192 and verify(road)[0] == 0
    content[4000] ^= 4
    wal.write_bytes(content)
    code, said = verify(road)
    assert code == 1 and "wal:" in said and "damaged" in said, said
    # The hub says it too, and what was lost comes again from the stores.
    wal.write_bytes(content)
    road.hub.start()
    assert road.ask_hub("/healthz")["status"] == "damaged"
    assert till.sell("0042-01-w-more")[0] == 201
    await_true(lambda: all_arrived(road), 60, "all once more")
