"""Printers on a serial or a USB line, from the appliance to the paper: what they say about themselves
is told, and a receipt neither hurries past one that can't print nor is lost in one that is off."""

import contextlib
import json
import subprocess
import urllib.request

import pytest
from conftest import PROGRAMS
from paper import Paper
from road.programs import Program
from road.road import await_true
from road.till import Till

CUT = b"\x1dV\x42\x00"


class Store:
    """An appliance by itself, and a printer on a pty."""

    def __init__(self, folder, scheme):
        self.state = folder / "state"
        self.bytes = folder / "paper.bin"
        link = folder / "line"
        self.printer = Program(
            "printer",
            [PROGRAMS / "tillback-sim", "printer", "--link", link]
            + ["--paper", folder / "paper.txt", "--bytes", self.bytes],
            folder,
            ready="ready printer=",
            feed=True,
        )
        self.daemon = Program(
            "appliance",
            [PROGRAMS / "tillbackd", "--state", self.state, "--set", "http.listen=127.0.0.1:0"]
            + ["--set", "store.number=0042", "--set", f"printer.counter={scheme}:{link},lane=01"],
            folder,
            ready="ready http=",
        )

    def start(self):
        self.daemon.start()
        self.url = "http://" + self.daemon.ready_line.split("=")[1]
        words = ("token", "add", "--lane", "01")
        token = subprocess.run(
            [PROGRAMS / "tillback", "--state", self.state, *words],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        self.till = Till(self.url, token)

    def ask(self, path):
        status, _, text = self.till.request("GET", path)
        assert status == 200, text
        return json.loads(text)

    def state_of_printer(self):
        with urllib.request.urlopen(f"{self.url}/v1/status") as answer:
            return json.load(answer)["printers"][0]["state"]

    def await_printer(self, state):
        await_true(lambda: self.state_of_printer() == state, 20, f"the printer to be {state}")

    def give_back(self, receipt):
        self.till.sell(receipt)
        return self.till.give_back(receipt)[1]["number"]

    def waiting(self):
        return [one["number"] for one in self.ask("/v1/prints")["prints"]]

    def printed(self):
        """The codes that a scanner reads on each receipt so far."""
        receipts = self.bytes.read_bytes().split(CUT)[:-1]
        return [Paper().feed(text + CUT).codes()[0] for text in receipts]


@pytest.fixture(params=["serial", "usb"])
def store(request, tmp_path):
    opened = Store(tmp_path, request.param)
    with contextlib.ExitStack() as stack:
        stack.callback(opened.printer.kill)
        stack.callback(opened.daemon.kill)
        opened.printer.start()
        opened.start()
        yield opened
        opened.till.close()
        assert opened.daemon.stop() == 0


def test_line_printer_is_asked_and_loses_no_receipt(store):
    store.await_printer("ready")
    numbers = [store.give_back("l-1")]
    await_true(lambda: len(store.printed()) == 1, 20, "the receipt")
    for word, state in (("paper-out", "paper_out"), ("cover-open", "cover_open"), ("off", "offline")):
        store.printer.say(word)
        store.await_printer(state)
        numbers.append(store.give_back(f"l-{state}"))
        await_true(lambda: store.waiting() == numbers[1:], 20, "its receipt to wait")
    # It is off when the appliance starts, too, and stays so however often it is asked.
    store.till.close()
    store.daemon.kill()
    store.start()
    numbers.append(store.give_back("l-after"))
    await_true(lambda: store.waiting() == numbers[1:], 20, "the last to wait")
    opens = lambda: store.daemon.log.read_text().count("counter is ")  # noqa: E731
    before = opens()
    await_true(lambda: "doesn't answer" in json.dumps(store.ask("/v1/status")["printers"]), 20, "silence")
    assert (store.state_of_printer(), opens()) == ("offline", before)
    assert store.waiting() == numbers[1:]
    store.printer.say("ready")
    await_true(lambda: store.waiting() == [], 20, "what waited")
    await_true(lambda: len(store.printed()) == len(numbers), 20, "all receipts")
    assert store.printed() == [("CODE128", number) for number in numbers]
