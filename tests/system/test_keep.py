"""What an appliance keeps: events are cut once the hub has them, and only those."""

import pytest
from conftest import open_road
from road.audit import reading
from road.road import await_true
from road.till import Till

KEPT = 40


@pytest.fixture(scope="module")
def short_road(tmp_path_factory):
    """An appliance that keeps little, and looks after it all the time."""
    settings = ("retention.events=%d" % KEPT, "retention.least_days=0", "retention.every_s=1")
    with open_road(tmp_path_factory.mktemp("road"), appliance_settings=settings) as opened:
        opened.await_link()
        yield opened
        assert opened.stop() == []


@pytest.fixture
def till(short_road):
    opened = Till(short_road.store_url, short_road.token())
    yield opened
    opened.close()


def count_kept(road):
    with reading(road.store_state / "tillback.db") as db:
        return dict(db.execute("SELECT pos >> 56, count(*) FROM event GROUP BY 1"))


def size_on_disk(road):
    return sum(path.stat().st_size for path in road.store_state.glob("tillback.db*"))


def test_what_the_hub_has_is_cut_and_the_file_shrinks(short_road, till):
    road = short_road
    road.link.cut()
    for number in range(300):
        assert till.sell(f"0042-01-cut-{number:04}")[0] == 201
        assert till.give_back(f"0042-01-cut-{number:04}")[0] == 201
    before = count_kept(road)
    grown = size_on_disk(road)
    assert before[0] > 10 * KEPT and before[1] == 300, "cut before the hub had it"
    road.link.restore()
    await_true(lambda: max(count_kept(road).values()) <= KEPT, 20, "the cut")
    await_true(lambda: size_on_disk(road) < grown / 2, 20, f"a smaller file than {grown}")
    held = road.ask_hub("/v1/devices")
    assert held
    assert till.give_back("0042-01-cut-0299", piece=1)[0] == 201, "a sale that is kept"
    status, problem = till.give_back("0042-01-cut-0000", piece=1)
    assert status == 404, problem
    assert road.cli("verify").endswith("the chain is whole, the views follow from it.\n")
