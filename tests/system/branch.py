"""More stores than the road's own: their boxes, each with an identity and a till."""

import json
import os
import re
import ssl
import subprocess
import time
import urllib.request

from road.programs import Program
from road.road import await_true
from road.till import Till

DAY_S = 24 * 3600


def days_ago(shim, days):
    """The environment of a program that lives then."""
    return {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "CUT_CLOCK": str(int(time.time()) - days * DAY_S),
    }


def run(*words, code=0, env=None):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60, env=env
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def certificate(state):
    told = run(
        *("openssl", "x509", "-in", state / "identity" / "current.pem", "-noout"),
        *("-serial", "-issuer", "-pubkey", "-subject", "-enddate"),
    )
    return {
        "serial": re.search(r"serial=(\w+)", told)[1].lower(),
        "issuer": re.search(r"issuer=CN = (.*)", told)[1],
        "name": re.search(r"subject=CN = (.*)", told)[1],
        "key": re.search(r"-----BEGIN.*-----END", told, re.S)[0],
        "end": ssl.cert_time_to_seconds(re.search(r"notAfter=(.*)", told)[1]),
    }


class Branch:
    """One more appliance, at a store of its own."""

    def __init__(self, road, folder, number, settings=()):
        self.road = road
        self.state = folder / "box"
        self.port = road.base + 15
        self.url = f"http://127.0.0.1:{self.port}"
        command = [road.programs / "tillbackd", "--state", self.state]
        for setting in (f"http.listen=127.0.0.1:{self.port}", "identity.look_s=1", *settings):
            command += ["--set", setting]
        self.daemon = Program("box", command, folder, ready="ready http=")
        self.number = number
        self.token = None

    def cli(self, *words, **options):
        return run(self.road.programs / "tillback", "--state", self.state, *words, **options)

    def start(self):
        self.daemon.start()
        return self

    def status(self):
        try:
            with urllib.request.urlopen(self.url + "/v1/status", timeout=10) as answer:
                return json.loads(answer.read())
        except OSError:
            return {}

    def till(self):
        if not self.token:
            self.token = self.cli("token", "add", "--lane", "01").strip()
        return Till(self.url, self.token)

    def sell(self, receipt):
        till = self.till()
        assert till.sell(receipt)[0] == 201
        answer = till.give_back(receipt)
        till.close()
        assert answer[0] == 201
        return answer[1]

    def await_online(self, timeout_s=30):
        await_true(lambda: self.status().get("link") == "online", timeout_s, self.words())

    def await_nothing_waits(self):
        await_true(lambda: self.status().get("waiting") == 0, 30, "arrival")

    def words(self):
        return f"the box's link\n{self.daemon.last_words(8)}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.kill()


def carried(road, box, folder, signed, days="enrol.certificate_days=397"):
    """Enrols the box by hand; the hub signs in the environment of another time."""
    bundle, request, answer = (folder / name for name in ("bundle", "request", "answer"))
    hub = [
        *road.hub_words(),
        *("--set", f"public.broker_url=mqtts://127.0.0.1:{road.link_port}"),
        *("--set", f"public.enrol_url=mqtts://127.0.0.1:{road.enrol_port}"),
        *("--set", days),
        "device",
    ]
    run(*hub, "add", "--store", box.number, "--name", "then", "--out", bundle)
    box.cli("csr", "export", "--bundle", bundle, "--out", request)
    run(*hub, "sign", request, "--out", answer, env=signed)
    box.cli("cert", "import", answer)


def enrolled_box(road, folder, number):
    box = Branch(road, folder, number)
    invited = road.invite(store=number, name="Box")
    box.cli("provision", invited["link"])
    box.device = invited["device"]
    return box


def show(road, device):
    return json.loads(road.device("show", device, "--json"))


def give_its_name_away(town, box, folder):
    """To another box, which doesn't run yet."""
    invited = json.loads(town.device("invite", box.device, "--json"))
    folder.mkdir()
    other = Branch(town, folder, box.number)
    other.cli("provision", invited["link"])
    assert certificate(other.state)["name"] == box.device
    return other
