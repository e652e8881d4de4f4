"""The hub killed at random moments while it posts, answers lost on the way, and two hubs that hold
the same entries at work on one Tryton: each entry is one posted move.

TILLBACK_KILLS lengthens it; TILLBACK_SEED repeats the moments of an earlier run.
"""

import os
import random
import secrets
import shutil
import subprocess
import time

import pytest
from conftest import Shop, open_shop
from road.programs import Program
from road.road import HOST, await_true
from test_documents import assert_the_same_documents
from test_tryton import assert_the_same_books

KILLS = int(os.environ.get("TILLBACK_KILLS") or 12)
DOCUMENT_KILLS = (KILLS + 1) // 2  # Tryton is ten times as long at documents as at moves
METHODS = ("account.move.create", "account.move.post", "move.search_read", "move.line.search_read")
SALE_METHODS = ("sale.sale.create", "sale.sale.confirm", "out.return.receive", "invoice.post")


def kill_again_and_again(shop, line, dice, methods, most_s, kills):
    for number in range(kills):
        shop.give_back(f"0042-01-k-{number}", 2)
        if dice.random() < 0.5:
            line.lose(dice.choice(methods))
        time.sleep(dice.uniform(0, most_s))
        shop.road.hub.kill()
        shop.road.hub.start()
    return shop.await_all_posted(2 * kills)


def test_killed_hub_posts_each_entry_once(shop, tryton, line, seed, capsys):
    entries = kill_again_and_again(shop, line, random.Random(seed), METHODS, 0.4, KILLS)
    assert_the_same_books(shop, tryton)
    assert tryton.moves("draft") == {}
    with capsys.disabled():
        print(f"\n  {KILLS} kills, TILLBACK_SEED={seed}: {len(entries)} entries, each one move")


def test_killed_hub_makes_each_document_once(document_shop, documents, line, seed, capsys):
    entries = kill_again_and_again(document_shop, line, random.Random(seed), SALE_METHODS, 2, DOCUMENT_KILLS)
    assert_the_same_documents(document_shop, documents)
    assert len(documents.read("sale.sale", [], ["id"])) == 2 * DOCUMENT_KILLS
    assert len(documents.read("account.invoice", [], ["id"])) == 2 * DOCUMENT_KILLS
    with capsys.disabled():
        words = f"{DOCUMENT_KILLS} kills, TILLBACK_SEED={seed}"
        print(f"\n  {words}: {len(entries)} entries, each one document")


def test_hubs_on_one_database_hand_the_posting_over(
    tmp_path, base, server, tryton_on_postgres, seed, capsys
):
    """One of the hubs posts; when it is killed, another goes on with what it had begun."""
    dice = random.Random(seed)
    name = f"hubs_{secrets.token_hex(4)}"
    subprocess.run(["psql", "-q", server, "-c", f"CREATE SCHEMA {name}"], check=True, timeout=60)
    database = f"{server}&options=-csearch_path%3D{name}"
    connector = tryton_on_postgres.connector()
    with open_shop(tmp_path, base, connector, hub_database=database, hubs=2) as road:
        road.await_link()
        shop = Shop(road)
        hubs = [road.hub, *road.more_hubs]
        for number in range(KILLS):
            shop.give_back(f"0042-01-h-{number}", 2)
            victim = dice.choice(hubs)
            time.sleep(dice.uniform(0, 0.6))
            victim.kill()
            time.sleep(dice.uniform(0, 0.6))
            victim.start()
        entries = shop.await_all_posted(2 * KILLS)
        assert_the_same_books(shop, tryton_on_postgres)
        assert tryton_on_postgres.moves("draft") == {}
        assert len({e["posted_number"] for e in entries}) == len(entries) == 4 * KILLS
        assert road.stop() == []
    with capsys.disabled():
        print(f"\n  {KILLS} kills, TILLBACK_SEED={seed}: {len(entries)} entries of two hubs")


# Not documents on SQLite: there Tryton makes two invoices of a sale that two confirm at once.
@pytest.mark.parametrize("database", ["tryton", "tryton_on_postgres", "documents_on_postgres"])
def test_two_hubs_with_the_same_entries_post_each_once(tmp_path, base, request, database):
    """As when a hub was restored from a backup while the old one went on."""
    tryton = request.getfixturevalue(database)
    with open_shop(tmp_path, base, "none") as road:
        road.await_link()
        shop = Shop(road)
        receipts = 8 if tryton.server and not tryton.documents else 3  # the others take long
        returns = 2 * receipts
        for number in range(receipts):
            shop.give_back(f"0042-01-p-{number}", 2)
        shop.await_entries(2 * returns, "state=ready")
        assert road.hub.stop() == 0
        twin_state = road.folder / "twin"
        shutil.copytree(road.hub_state, twin_state)
        connector = tryton.connector()
        road.hub.command += ["--set", f"posting.connector={connector}"]
        command = [*road.hub.command]
        command[command.index(str(road.hub_state))] = twin_state
        command += ["--set", f"http.listen={HOST}:{base + 15}"]
        command += ["--set", f"broker.url=mqtts://{HOST}:{base + 16}"]  # nobody is there
        command += ["--set", f"runtime.folder={twin_state / 'run'}"]
        twin = Program("twin", command, road.folder / "log", ready="ready http=")
        road.hub.start()
        twin.start()
        try:
            shop.await_all_posted(returns)
            other = Shop.__new__(Shop)
            other.road = TwinRoad(road, f"http://{HOST}:{base + 15}")
            other.await_all_posted(returns)
            numbers = [
                {e["journal"]["reference"]: e["posted_number"] for e in s.entries()}
                for s in (shop, other)
            ]
        finally:
            twin.kill()
        # On SQLite two who post one move at the same moment both number it, and may both get the
        # same number.
        if tryton.server:
            assert numbers[0] == numbers[1]
            assert len(set(numbers[0].values())) == 2 * returns
        (assert_the_same_documents if tryton.documents else assert_the_same_books)(shop, tryton)
        await_true(lambda: tryton.moves("draft") == {}, 1, "no draft")
        assert road.stop() == []


class TwinRoad:
    """The same road, seen by the twin."""

    def __init__(self, road, url):
        self.hub = road.hub
        self.road = road
        self.url = url

    def ask_hub(self, path, role):
        kept, self.road.hub_url = self.road.hub_url, self.url
        try:
            return self.road.ask_hub(path, role)
        finally:
            self.road.hub_url = kept
