"""Real programs, a real broker, real TLS: each test gets a road of its own in a fresh folder."""

import os
import pathlib
import random
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(ROOT / "tests" / "contract")]

from road.road import Road, free_port_base  # noqa: E402
from road.till import Till  # noqa: E402

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or ROOT / "build" / "release").resolve()


def pytest_report_header():
    return f"programs of {PROGRAMS}"


@pytest.fixture
def seed():
    """TILLBACK_SEED repeats a run; the seed of each is shown with a failure."""
    chosen = int(os.environ.get("TILLBACK_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"TILLBACK_SEED={chosen}")
    return chosen


def open_road(folder, **options):
    return Road(folder, free_port_base(), PROGRAMS, **options)


def stop_well(road):
    assert road.stop() == [], "a program did not end well when it was asked to"


@pytest.fixture
def road(tmp_path):
    with open_road(tmp_path) as opened:
        opened.await_link()
        yield opened
        stop_well(opened)


@pytest.fixture(scope="module")
def shared_road(tmp_path_factory):
    """For tests that leave nothing behind but what they may."""
    with open_road(tmp_path_factory.mktemp("road")) as opened:
        opened.await_link()
        yield opened
        stop_well(opened)


@pytest.fixture(scope="module")
def town(shared_road):
    """As a centre that invites more boxes than the road's own."""
    return shared_road


@pytest.fixture(scope="module")
def cut_shim(tmp_path_factory):
    """cut.c, to be preloaded."""
    library = tmp_path_factory.mktemp("cut") / "cut.so"
    source = pathlib.Path(__file__).with_name("cut.c")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], check=True)
    return library


@pytest.fixture
def till(shared_road):
    opened = Till(shared_road.store_url, shared_road.token())
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def printing_road(tmp_path_factory):
    with open_road(tmp_path_factory.mktemp("printing"), printer=True) as opened:
        opened.await_link()
        yield opened
        stop_well(opened)


@pytest.fixture(scope="module")
def _resting(printing_road, tmp_path_factory):
    """As it was at the first test, without what was just being written. Its identity is good at the
    road's broker, where another appliance goes under it; so MQTT's own tests have a road to themselves."""
    copy = tmp_path_factory.mktemp("rest") / "store"
    shutil.copytree(printing_road.store_state, copy, ignore=shutil.ignore_patterns("api", "lock", "*.new"))
    copy.chmod(0o700)
    return copy


@pytest.fixture
def store_at_rest(_resting, tmp_path):
    """A copy of the state of an appliance that was enrolled and doesn't run."""
    copy = tmp_path / "store"
    shutil.copytree(_resting, copy)
    copy.chmod(0o700)
    return copy
