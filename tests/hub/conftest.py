"""The centre with real programs and a real broker: from a till's return to posted entries.

All that the hub answers is held to its openapi.json, strictly, and every change is looked up in the
audit. A run of the whole folder fails, too, if an operation was never answered with success.
"""

import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(ROOT / "tests" / "contract")]

from api_document import HUB  # noqa: E402
from road.road import Road, await_true, free_port_base  # noqa: E402
from road.till import Till  # noqa: E402

PROGRAMS = os.environ.get("PROGRAMS") or ROOT / "build" / "release"


class Hub:
    """The hub's API as one who holds a token of a role sees it."""

    def __init__(self, road, role):
        self.road = road
        self.role = role
        self.client = Till(road.hub_url, road.hub_token(role) if role else "")

    def ask(self, method, path, body=None, key=None):
        before = self._acts() if method != "GET" else []
        status, headers, text = self.client.request(method, path, body, key)
        template = HUB.hold(method, path, status, headers, text)
        if method != "GET":
            self._hold_audit(method, template, status < 300, before)
        if headers.get_content_type().endswith("json"):
            return status, json.loads(text)
        return status, text.decode()

    def _acts(self):
        """The newest acts of this role: at most a page."""
        acts, cursor = [], 0
        while cursor is not None:
            page = self.road.ask_hub(f"/v1/audit?from={cursor}")
            acts, cursor = page["audit"] or acts, page["cursor"]
        return [act for act in acts if act["actor"] == self.role]

    def _hold_audit(self, method, template, changed, before):
        """What was changed is in the audit under its documented name; what was refused is not."""
        action = HUB.document["paths"][template][method.lower()]["x-audit"]
        new = [act["action"] for act in self._acts() if act not in before]
        assert (action in new) == changed, (template, new)

    def get(self, path):
        status, body = self.ask("GET", path)
        assert status == 200, (status, body)
        return body

    def entries(self, query=""):
        return self.get(f"/v1/journal?{query}")["entries"]

    def await_entries(self, count, query="", timeout_s=20):
        return await_true(
            lambda: (found := self.entries(query)) and len(found) >= count and found,
            timeout_s,
            f"{count} entries at /v1/journal?{query}",
        )


def make_database(name):
    """A schema of its own on the server that TILLBACK_POSTGRESQL names; None: SQLite."""
    server = os.environ.get("TILLBACK_POSTGRESQL")
    if not server:
        return None
    subprocess.run(["psql", "-q", server, "-c", f'CREATE SCHEMA "{name}"'], check=True)
    return f'{server}&options=-csearch_path%3D"{name}"'


@pytest.fixture
def database(tmp_path):
    return make_database(f"{tmp_path.parent.name}-{tmp_path.name}"[-60:])


@pytest.fixture
def road(tmp_path, database):
    with Road(tmp_path, free_port_base(), PROGRAMS, hub_database=database) as opened:
        opened.await_link()
        yield opened
        assert opened.stop() == []


@pytest.fixture
def till(road):
    opened = Till(road.store_url, road.token())
    yield opened
    opened.close()


@pytest.fixture
def hub(road):
    opened = Hub(road, "finance")
    yield opened
    opened.client.close()


# --- Was all of the document seen? ----------------------------------------------------------------


def pytest_testnodedown(node, error):
    HUB.answered.update(getattr(node, "workeroutput", {}).get("answered", []))


def is_whole(config):
    here = pathlib.Path(__file__).parent
    chosen = config.option.keyword or config.option.markexpr or config.getoption("lf", False)
    return not chosen and [pathlib.Path(arg).absolute() for arg in config.args] == [here]


def pytest_sessionfinish(session, exitstatus):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["answered"] = sorted(HUB.answered)
        return
    missing = {f"{m} {p}" for m, p, _ in HUB.operations()} - HUB.answered
    if exitstatus == 0 and is_whole(session.config) and missing:
        print("\nNever answered with success:", *sorted(missing), sep="\n  ")
        session.exitstatus = 1
