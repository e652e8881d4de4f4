"""What a technician types at an appliance, and what the answers mean."""

import json
import subprocess
import threading

from conftest import PROGRAMS

FINE, PROBLEM, USAGE, UNREACHABLE = range(4)
ORDER = [
    *("power", "disk", "database", "clock", "identity", "crl", "link", "dns", "proxy", "port"),
    *("tls_chain", "tls_name", "tls_expiry", "mqtt", "topics", "watermark", "scanner", "printer"),
]


def tillback(state, *words, timeout_s=120):
    done = subprocess.run(
        [PROGRAMS / "tillback", "--state", state, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )
    return done.returncode, done.stdout, done.stderr


def findings(said):
    return {found["id"]: found for found in json.loads(said)["findings"]}


def examine(state, **settings):
    """Of an appliance that doesn't run. `broker_url` stands for broker.url."""
    words = []
    for key, value in settings.items():
        words += ["--set", f"{key.replace('_', '.')}={value}"]
    code, said, complaint = tillback(state, "--json", "doctor", *words)
    assert said, complaint
    found = findings(said)
    failed = any(one["result"] == "fail" for one in json.loads(said)["findings"])
    assert code == (PROBLEM if failed else FINE)
    return found


def assert_fails(found, name, word=""):
    assert found[name]["result"] == "fail", found[name]
    assert word in found[name]["cause"], found[name]
    assert found[name]["next"]


def repeat(action):
    stopping = threading.Event()

    def work():
        while not stopping.wait(0.3):
            action()

    thread = threading.Thread(target=work)
    thread.start()

    def stop():
        stopping.set()
        thread.join()

    return stop
