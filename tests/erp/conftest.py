"""The hub against a real Tryton: each test has a road, a Tryton and a line between them of its own."""

import contextlib
import os
import pathlib
import random
import sys
from collections import Counter

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(ROOT / "tests" / "hub"), str(ROOT / "tests" / "erp")]

from lossy import Lossy  # noqa: E402
from road.road import Road, await_true, free_port_base  # noqa: E402
from road.till import Till  # noqa: E402
from tryton import Tryton  # noqa: E402

PROGRAMS = os.environ.get("PROGRAMS") or ROOT / "build" / "release"
TRYTON_PORT, LINE_PORT = 12, 13


def pytest_configure(config):
    config.addinivalue_line("markers", "quick: part of make test")


class Shop:
    """A store, a hub and what the hub says of them."""

    def __init__(self, road):
        self.road = road
        self.till = Till(road.store_url, road.token())
        self.finance = Till(road.hub_url, road.hub_token("finance"))

    def give_back(self, receipt, pieces=1):
        assert self.till.sell(receipt)[0] == 201
        answers = [self.till.give_back(receipt, piece) for piece in range(pieces)]
        assert [status for status, _ in answers] == [201] * pieces
        return [answer for _, answer in answers]

    def entries(self, query=""):
        return self.road.ask_hub(f"/v1/journal?{query}", "finance")["entries"]

    def await_entries(self, count, query, timeout_s=30):
        return await_true(
            lambda: (found := self.entries(query)) and len(found) >= count and found,
            timeout_s,
            f"{count} entries at /v1/journal?{query}\n{self.road.hub.last_words()}",
        )

    def await_all_posted(self, returns, timeout_s=60):
        """Each return has made its entries, and all entries are posted."""

        states = {}

        def posted():
            entries = self.entries()
            states.update(Counter((e["state"], e.get("detail")) for e in entries))
            made = sum(e["journal"]["rule"] == "accepted" for e in entries)
            return made == returns and all(e["state"] == "posted" for e in entries) and entries

        try:
            return await_true(posted, timeout_s, "postings")
        except TimeoutError as error:
            states.clear()
            posted()
            raise TimeoutError(f"{error}: {states}\n{self.road.hub.last_words()}") from None

    def balances(self):
        """What the hub's journal says: {account: minor units}, without the zeros."""
        total = {}
        for entry in self.entries():
            for line in entry["journal"]["lines"]:
                amount = line.get("debit", 0) - line.get("credit", 0)
                total[line["account"]] = total.get(line["account"], 0) + amount
        return {account: amount for account, amount in total.items() if amount}


@pytest.fixture
def seed():
    """TILLBACK_SEED repeats a run; the seed of each is shown with a failure."""
    chosen = int(os.environ.get("TILLBACK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"TILLBACK_SEED={chosen}")
    return chosen


@pytest.fixture
def base():
    return free_port_base()


@pytest.fixture
def tryton(tmp_path, base):
    with Tryton(tmp_path / "tryton", base + TRYTON_PORT) as opened:
        yield opened


@pytest.fixture
def documents(tmp_path, base):
    """A Tryton with sales, invoices and stock, to which returns are told as documents."""
    with Tryton(tmp_path / "tryton", base + TRYTON_PORT, documents=True) as opened:
        yield opened


@pytest.fixture
def server():
    """The URI of a PostgreSQL server."""
    return os.environ.get("TILLBACK_POSTGRESQL") or pytest.skip("needs a server: make erp-test")


@pytest.fixture
def tryton_on_postgres(tmp_path, base, server):
    with Tryton(tmp_path / "tryton", base + TRYTON_PORT, server) as opened:
        yield opened


@pytest.fixture
def documents_on_postgres(tmp_path, base, server):
    with Tryton(tmp_path / "tryton", base + TRYTON_PORT, server, documents=True) as opened:
        yield opened


@pytest.fixture
def line(request, base):
    erp = "documents" if "documents" in request.fixturenames else "tryton"
    opened = Lossy(base + LINE_PORT, request.getfixturevalue(erp).url)
    yield opened
    opened.close()


def open_shop(tmp_path, base, connector, *settings):
    """A context manager of a road whose hub posts there."""
    settings = (f"posting.connector={connector}", "connector.retry_least_ms=50", *settings)
    return Road(tmp_path / "road", base, PROGRAMS, hub_settings=settings)


@contextlib.contextmanager
def shop_beside(tmp_path, base, erp, line):
    """Posts there through the line, and gives up on an answer after some seconds."""
    with open_shop(tmp_path, base, erp.connector(url=line.url, timeout_ms=4000)) as road:
        road.await_link()
        yield Shop(road)
        assert road.stop() == []


@pytest.fixture
def shop(tmp_path, base, tryton, line):
    with shop_beside(tmp_path, base, tryton, line) as opened:
        yield opened


@pytest.fixture
def document_shop(tmp_path, base, documents, line):
    with shop_beside(tmp_path, base, documents, line) as opened:
        yield opened
