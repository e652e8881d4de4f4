"""What an appliance does whose keys are made and used outside of it, in a PKCS #11 token."""

import subprocess

from road.audit import all_arrived
from road.road import await_true
from road.till import Till


def first_line(road):
    return (road.store_state / "identity" / "current.pem").read_text().splitlines()[0]


def serial(road):
    pem = road.store_state / "identity" / "current.pem"
    return subprocess.check_output(["openssl", "x509", "-in", pem, "-noout", "-serial"], text=True)


def sell_and_renew(road, receipt, keys):
    """A return by the first key, and a second key, made there too; `keys` counts those in the token."""
    road.await_link()
    assert first_line(road).startswith("pkcs11:token=store;id=")
    for file in (road.store_state / "identity").iterdir():
        assert "PRIVATE KEY" not in file.read_text(), file
    assert keys() == 1
    till = Till(road.store_url, road.token())
    assert till.sell(receipt)[0] == 201
    assert till.give_back(receipt)[0] == 201
    till.close()
    await_true(lambda: all_arrived(road), 20, "what was captured")

    before = (first_line(road), serial(road))
    device = road.ask_store("/v1/status")["device"]
    road._run(*road.hub_words("command", device, "rotate-key"))
    await_true(lambda: serial(road) != before[1], 30, "the next certificate")
    assert first_line(road).startswith("pkcs11:") and first_line(road) != before[0]
    await_true(lambda: keys() == 1, 10, "the former key to be destroyed")
    road.await_link()


def wipe(road, keys):
    road.appliance.stop()
    road.cli("wipe", "--force", "--reason", "the test is over")
    assert keys() == 0
