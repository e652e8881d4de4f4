"""The hub against a real Tryton: each test has a road, a Tryton and a line between them of its own."""

import contextlib
import os
import pathlib
import random
import sys
import tempfile
from collections import Counter

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(ROOT / "tests" / "hub"), str(ROOT / "tests" / "erp")]

from lossy import Lossy  # noqa: E402
from road.road import Road, await_true, free_port_base  # noqa: E402
from road.till import Till  # noqa: E402
from tryton import Tryton  # noqa: E402

PROGRAMS = os.environ.get("PROGRAMS") or ROOT / "build" / "release"
MEMORY = pathlib.Path("/dev/shm")
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

    def await_all_posted(self, returns, still_s=60):
        """Each return has made its entries, and all entries are posted. However long that takes: it
        fails when nothing has moved for `still_s`."""
        seen = None

        def moved():
            entries = self.entries()
            states = Counter((e["state"], e.get("detail")) for e in entries)
            return states != seen and (states, entries)

        while True:
            try:
                seen, entries = await_true(moved, still_s, "postings", 0.2)
            except TimeoutError as error:
                raise TimeoutError(f"{error}: {seen}\n{self.road.hub.last_words()}") from None
            made = sum(e["journal"]["rule"] == "accepted" for e in entries)
            if made == returns and all(e["state"] == "posted" for e in entries):
                return entries

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
def folder(tmp_path):
    """Tryton's: in memory, where there is such a place."""
    if not MEMORY.is_dir():
        yield tmp_path / "tryton"
        return
    with tempfile.TemporaryDirectory(prefix="tillback-erp-", dir=MEMORY) as made:
        yield made


@pytest.fixture
def tryton(folder, base):
    with Tryton(folder, base + TRYTON_PORT) as opened:
        yield opened


@pytest.fixture
def documents(folder, base):
    """A Tryton with sales, invoices and stock, to which returns are told as documents."""
    with Tryton(folder, base + TRYTON_PORT, documents=True) as opened:
        yield opened


@pytest.fixture
def server():
    """The URI of a PostgreSQL server."""
    return os.environ.get("TILLBACK_POSTGRESQL") or pytest.skip("needs a server: make erp-test")


@pytest.fixture
def tryton_on_postgres(folder, base, server):
    with Tryton(folder, base + TRYTON_PORT, server) as opened:
        yield opened


@pytest.fixture
def documents_on_postgres(folder, base, server):
    with Tryton(folder, base + TRYTON_PORT, server, documents=True) as opened:
        yield opened


@pytest.fixture
def line(request, base):
    erp = "documents" if "documents" in request.fixturenames else "tryton"
    opened = Lossy(base + LINE_PORT, request.getfixturevalue(erp).url)
    yield opened
    opened.close()


def open_shop(tmp_path, base, connector, *settings, **more):
    """A context manager of a road whose hubs all post there; `more` as of Road."""
    pauses = ("connector.retry_least_ms=50", "connector.retry_most_ms=1000")
    settings = (f"posting.connector={connector}", *pauses, *settings)
    road = Road(tmp_path / "road", base, PROGRAMS, hub_settings=settings, **more)
    for hub in road.more_hubs:
        for setting in settings:
            hub.command += ["--set", setting]
    return road


@contextlib.contextmanager
def shop_beside(tmp_path, base, erp, line):
    """Posts there through the line."""
    with open_shop(tmp_path, base, erp.connector(url=line.url)) as road:
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
