"""A customer's contact lies and travels sealed only, opens for who may see it, and is gone for good
once the customer is erased, while the log stays whole."""

import json
import sqlite3
import subprocess

import pytest
from conftest import open_road
from road.audit import all_arrived
from road.road import await_true
from road.till import Till
from wire import Wire, text_of

PERSON = {"name": "Ada Unmistakable", "phone": "+49 30 90182077", "email": "ada@unmistakable.example"}
PIECE = {"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}
WHY = {"reason": "asked by the customer"}


@pytest.fixture
def road(tmp_path):
    road = open_road(tmp_path, watchers=["watcher"])
    road.provision()
    road.watcher = road.identity("watcher")
    with road:
        road.await_link()
        yield road


@pytest.fixture
def counter(road):
    opened = Till(road.store_url, road.token())
    yield opened
    opened.close()


def give_back(counter, receipt, customer, person=PERSON):
    assert counter.sell(receipt)[0] == 201
    body = {"receipt": receipt, "customer": customer, "contact": person, "lines": [PIECE]}
    answers = [counter.request("POST", "/v1/returns", body, key="k-" + receipt) for _ in range(2)]
    assert [status for status, _, _ in answers] == [201, 201] and answers[0][2] == answers[1][2]
    assert b"nmistakable" not in answers[0][2]
    return json.loads(answers[0][2])["return_id"]


def ask_hub(road, path, role="it", body=None):
    client = Till(road.hub_url, road.hub_token(role))
    status, _, text = client.request("POST", path, body or WHY)
    client.close()
    return status, json.loads(text)


def contact(road, return_id, role="it"):
    return ask_hub(road, f"/v1/returns/{return_id}/contact", role)


def await_contact(road, return_id):
    await_true(lambda: contact(road, return_id)[0] == 200, 20, "the key's arrival")
    return contact(road, return_id)[1]["contact"]


def keys_at_store(road, customer):
    with sqlite3.connect(f"file:{road.store_state}/contact-keys.db?mode=ro", uri=True) as db:
        return db.execute("SELECT told FROM contact_key WHERE customer = ?", [customer]).fetchall()


def keys_at_hub(road, customer):
    with sqlite3.connect(f"file:{road.hub_state}/hub.db?mode=ro", uri=True) as db:
        rows = db.execute("SELECT secret FROM customer_key WHERE customer = ?", [customer])
        return [bytes(secret) for (secret,) in rows]


def files_with(road, needles):
    return [
        (path, needle)
        for path in road.folder.rglob("*")
        if path.is_file() and not path.is_symlink()
        for content in [path.read_bytes()]
        for needle in needles
        if needle in content
    ]


PLAIN = [text.encode() for text in PERSON.values()] + [b"Unmistakable", b"90182077"]


def test_contact_is_sealed_everywhere_and_erased_with_its_key(road, counter):
    with Wire(road, road.watcher, "watcher") as watcher:
        watcher.subscribe("tb/v1/#")
        return_id = give_back(counter, "0042-01-ada", "c-1")
        assert await_contact(road, return_id) == PERSON
        await_true(lambda: all_arrived(road), 20, "arrival")
        assert keys_at_store(road, "c-1") == [(1,)]
        assert contact(road, return_id, "viewer")[0] == 403
        shown = json.dumps(road.ask_hub(f"/v1/returns/{return_id}"))
        assert "contact_sealed" in shown and "nmistakable" not in shown
        audit = json.dumps(road.ask_hub("/v1/audit"))
        assert "contact.show" in audit and WHY["reason"] in audit
        assert files_with(road, PLAIN) == []

        [key] = keys_at_hub(road, "c-1")
        assert ask_hub(road, "/v1/customers/c-1/erase", "viewer")[0] == 403
        assert ask_hub(road, "/v1/customers/c-1/erase")[0] == 200
        assert contact(road, return_id)[0] == 404
        await_true(lambda: keys_at_store(road, "c-1") == [], 20, "the erasure at the store")
        assert "customer.erase" in json.dumps(road.ask_hub("/v1/audit"))
        assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")
        messages = watcher.drain(1)
    assert not [m.topic for m in messages for text in PLAIN if text in text_of(m)]
    assert any("/down/inbox" in m.topic and b"customer.erased" in text_of(m) for m in messages)

    again = give_back(counter, "0042-01-back", "c-1")
    assert await_contact(road, again) == PERSON
    assert contact(road, return_id)[0] == 404
    road.appliance.kill()
    road.appliance.start()
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")
    assert contact(road, return_id)[0] == 404
    assert await_contact(road, again) == PERSON
    assert road.stop() == []
    assert files_with(road, [*PLAIN, key]) == []


def test_key_from_before_an_erasure_does_not_come_after_it(road, counter):
    assert counter.sell("0042-01-first")[0] == 201
    await_true(lambda: all_arrived(road), 20, "arrival")
    road.link.cut()
    return_id = give_back(counter, "0042-01-late", "c-2")
    assert keys_at_store(road, "c-2") == [(0,)]
    assert ask_hub(road, "/v1/customers/c-2/erase")[0] == 200
    road.link.restore()
    await_true(lambda: keys_at_store(road, "c-2") == [], 30, "the erasure at the store")
    await_true(lambda: all_arrived(road), 20, "arrival")
    assert contact(road, return_id)[0] == 404
    assert keys_at_hub(road, "c-2") == []
    assert await_contact(road, give_back(counter, "0042-01-again", "c-2")) == PERSON
    assert contact(road, return_id)[0] == 404
    assert road.stop() == []


def contact_command(road, *words):
    done = subprocess.run(
        road.hub_words("contact", *words), capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_customer_is_erased_from_the_command_line_beside_the_running_hub(road, counter):
    return_id = give_back(counter, "0042-01-cli", "c-1")
    assert await_contact(road, return_id) == PERSON
    [key] = keys_at_hub(road, "c-1")
    assert contact_command(road, "erase", "c-1")[0] == 2  # no reason
    assert contact_command(road, "erase", "--reason", "asked by the customer")[0] == 2
    code, said = contact_command(road, "erase", "c-1", "--reason", "asked by the customer")
    assert code == 0 and "1 appliances are told" in said
    assert contact(road, return_id)[0] == 404
    await_true(lambda: keys_at_store(road, "c-1") == [], 20, "the erasure at the store")
    [act] = [a for a in road.ask_hub("/v1/audit")["audit"] if a["action"] == "customer.erase"]
    assert (act["subject"], act["reason"]) == ("c-1", "asked by the customer")
    assert road.stop() == []
    assert files_with(road, [key]) == []


def test_lost_secret_is_told_and_given_up_by_a_person_only(road, counter):
    return_id = give_back(counter, "0042-01-lost", "c-1")
    assert await_contact(road, return_id) == PERSON
    assert contact_command(road, "give-up", "--reason", "new machine")[0] != 0  # the hub runs
    road.hub.stop()
    code, said = contact_command(road, "give-up", "--reason", "new machine")
    assert code != 0 and "nothing is lost" in said
    (road.hub_state / "contact-secret").unlink()
    road.hub.start()
    status, answer = contact(road, return_id)
    assert status == 422 and "copy it from the state directory" in json.dumps(answer), answer
    road.hub.stop()
    code, said = contact_command(road, "give-up", "--reason", "new machine")
    assert code == 0 and "1 keys" in said, said
    road.hub.start()
    assert contact(road, return_id)[0] == 404
    after = give_back(counter, "0042-01-anew", "c-2")
    assert await_contact(road, after) == PERSON
