"""An appliance is set up and handed over: ports are bound to lanes, the self-test goes the whole road,
and the commissioning report is proven at the hub."""

import base64
import json
import subprocess

from conftest import open_road
from road.road import DEVICE, await_true
from scanner import scanner_at_a_pty
from technician import FINE, ORDER, PROBLEM, assert_fails, findings, repeat, tillback

# --- Ports --------------------------------------------------------------------------------------


def test_ports_binds_a_lane_by_a_test_scan(store_at_rest, tmp_path):
    config = tmp_path / "tillback.conf"
    config.write_text("# the store's\nstore.country=DE\nscanner.lane-02=serial:/dev/old,lane=02\n")
    with scanner_at_a_pty() as device:
        bind = ("ports", "bind", "--lane", "02", "--device", f"serial:{device}")
        code, said, complaint = tillback(store_at_rest, *bind, "--config", config)
        line = f"scanner.lane-02=serial:{device},lane=02"
        assert (code, said) == (FINE, line + "\n"), complaint
        assert config.read_text() == f"# the store's\nstore.country=DE\n{line}\n"
        assert tillback(store_at_rest, *bind)[0] == FINE
        assert (store_at_rest / "ports.conf").read_text() == line + "\n"


def test_running_appliance_binds_a_lane_and_hears_it_at_once(printing_road):
    with scanner_at_a_pty() as device:
        bind = ("ports", "bind", "--lane", "07", "--device", f"serial:{device}")
        code, said, complaint = tillback(printing_road.store_state, *bind)
        line = f"scanner.lane-07=serial:{device},lane=07"
        assert (code, said) == (FINE, line + "\n"), complaint
        assert (printing_road.store_state / "ports.conf").read_text() == line + "\n"
        code, said, complaint = tillback(printing_road.store_state, *bind)
        assert code == PROBLEM and 'already, as "lane-07" of lane 07' in complaint
        said = json.loads(tillback(printing_road.store_state, "--json", "doctor")[1])["findings"]
        assert {"lane-07", "counter"} == {f["subject"] for f in said if f["id"] == "scanner"}
    (printing_road.store_state / "ports.conf").unlink()


def test_ports_bind_without_a_scan_and_with_a_bad_lane(store_at_rest):
    code, _, complaint = tillback(store_at_rest, "ports", "bind", "--lane", "01", "--timeout-s", 1)
    assert code == PROBLEM and "nothing was scanned in time" in complaint
    code, _, complaint = tillback(store_at_rest, "ports", "bind", "--lane", "0/1")
    assert code == PROBLEM and "lane" in complaint
    assert not (store_at_rest / "ports.conf").exists()


def test_running_appliance_says_whose_a_scanner_is_already(printing_road):
    stop = repeat(lambda: printing_road.scan("4006381333931"))
    code, _, complaint = tillback(printing_road.store_state, "ports", "bind", "--lane", "02")
    stop()
    assert code == PROBLEM and 'already, as "counter" of lane 01' in complaint
    assert tillback(printing_road.store_state, "ports")[0] == FINE


# --- Self-test and report -----------------------------------------------------------------------


def test_selftest_goes_the_whole_road(printing_road):
    printed = printing_road.paper.read_text() if printing_road.paper.exists() else ""
    head = printing_road.ask_store("/v1/status")["streams"]["returns"]["head"]
    stop = repeat(lambda: printing_road.scan("4006381333931"))
    code, said, complaint = tillback(printing_road.store_state, "--json", "selftest")
    stop()
    found = findings(said)
    assert code == FINE, complaint
    assert {name: one["result"] for name, one in found.items()} == dict.fromkeys(
        ("quote", "print", "scan", "hub"), "ok"
    )
    assert "TILLBACK-TEST" in printing_road.paper.read_text()[len(printed) :]
    assert "4006381333931" not in said
    status = printing_road.ask_store("/v1/status")["streams"]["returns"]
    assert status["through"] >= head + 1


def test_selftest_names_a_scanner_and_a_hub_that_are_silent(printing_road):
    printing_road.link.cut()
    await_true(lambda: printing_road.ask_store("/v1/status")["link"] != "online", 30, "the cut")
    code, said, _ = tillback(printing_road.store_state, "--json", "selftest", "--timeout-s", 1)
    printing_road.link.restore()
    found = findings(said)
    assert code == PROBLEM
    assert_fails(found, "scan", "nothing was scanned")
    assert found["hub"]["result"] == "fail"
    printing_road.await_link(30)


def test_selftest_without_tillbackd_decides_and_skips_the_rest(store_at_rest):
    code, said, _ = tillback(store_at_rest, "--json", "selftest")
    assert code == FINE
    assert [one["result"] for one in findings(said).values()] == ["ok"] + ["skipped"] * 3


def verify(road, file, *words):
    done = subprocess.run(
        [*road.hub_words("report", "verify", file), *words], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_commissioning_report_is_proven_at_the_hub(printing_road, tmp_path):
    file = tmp_path / "report.json"
    code, _, complaint = tillback(
        printing_road.store_state, "commission", "--technician", "Tess <T&T>", "--out", file
    )
    assert code == FINE, complaint
    page = (tmp_path / "report.html").read_text()
    assert "Tess &lt;T&amp;T>" in page and DEVICE in page and "src=" not in page
    code, said, words = verify(printing_road, file, "--page", tmp_path / "again.html")
    assert code == 0 and f"Signed by {DEVICE}" in words
    assert (tmp_path / "again.html").read_text() == page
    payload = json.loads(verify(printing_road, file)[1])
    assert payload["device"] == DEVICE and payload["technician"] == "Tess <T&T>"
    assert list(dict.fromkeys(one["id"] for one in payload["doctor"])) == ORDER
    assert {"selftest", "ports", "version", "certificate"} <= payload.keys()


def test_report_that_was_changed_or_is_anothers_is_refused(printing_road, tmp_path):
    file = tmp_path / "report.json"
    tillback(printing_road.store_state, "commission", "--technician", "T", "--out", file)
    report = json.loads(file.read_text())
    payload = base64.b64decode(report["payload"]).replace(b'"technician":"T"', b'"technician":"U"')
    report["payload"] = base64.b64encode(payload).decode()
    file.write_text(json.dumps(report))
    code, _, complaint = verify(printing_road, file)
    assert code != 0 and "signature" in complaint
    other = open_road(tmp_path / "other")
    other.provision()
    other.identity(DEVICE, other.store_state / "identity")
    tillback(other.store_state, "commission", "--technician", "T", "--out", file)
    code, _, complaint = verify(printing_road, file)
    other.stop()
    assert code != 0 and "signer" in complaint
