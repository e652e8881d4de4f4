"""One appliance for all tests of its API."""

import pytest
from held import Store, example

ASKING = {"test_api.py", "test_api_cards.py", "test_api_refused.py"}


@pytest.fixture(scope="session")
def store(tmp_path_factory):
    opened = Store(tmp_path_factory.mktemp("store"))
    yield opened
    opened.stop()


@pytest.fixture
def receipt(store, request):
    """A sale of three pieces, of this test alone."""
    number = f"r-{request.node.name}"[:60]
    sale = example("post", "/v1/sales")
    sale["receipt"] = number
    assert store.call("POST", "/v1/sales", sale).status == 201
    return number


@pytest.fixture(scope="session")
def asked_all(request, store):
    """The store once all its operations were called, which the files before do."""
    if not ASKING <= {item.path.name for item in request.session.items}:
        pytest.skip("only behind the other files of the API")
    return store
