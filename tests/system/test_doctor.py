"""The technician's tools: the doctor names each thing that is broken, beside a running appliance and
without one; ports are bound by a test scan; the self-test goes the whole road; the report is signed;
the bundle holds nothing that it must not."""

import base64
import contextlib
import datetime
import gzip
import io
import json
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request

import pytest
from conftest import PROGRAMS, open_road, stop_well
from road.road import DEVICE, HOST, await_true
from road.till import Till
from scanner import scanner_at_a_pty

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


@pytest.fixture(scope="module")
def road(tmp_path_factory):
    with open_road(tmp_path_factory.mktemp("road"), printer=True) as opened:
        opened.await_link()
        yield opened
        stop_well(opened)


@pytest.fixture(scope="module")
def store(road, tmp_path_factory):
    """A copy of the appliance's state at rest. Its identity is good at the broker of the road, where
    another appliance goes under it; so MQTT's own tests have a road to themselves."""
    copy = tmp_path_factory.mktemp("rest") / "store"
    shutil.copytree(road.store_state, copy, ignore=shutil.ignore_patterns("api", "lock"))
    copy.chmod(0o700)
    return copy


@pytest.fixture
def own_store(store, tmp_path):
    copy = tmp_path / "store"
    shutil.copytree(store, copy)
    copy.chmod(0o700)
    return copy


def broker_of(road):
    return f"mqtts://{HOST}:{road.broker_port}"


# --- Beside a running appliance -----------------------------------------------------------------


def test_doctor_beside_a_running_appliance_disturbs_nothing(road):
    since = road.ask_store("/v1/status")["since"]
    code, said, _ = tillback(road.store_state, "--json", "doctor")
    found = findings(said)
    assert (code, list(found)) == (FINE, ORDER)
    skipped = {name for name, one in found.items() if one["result"] == "skipped"}
    assert skipped <= {"proxy", "power", "link"}
    for name in ("mqtt", "topics", "watermark"):
        assert found[name]["result"] == "ok", found[name]
    assert found["scanner"]["subject"] == found["printer"]["subject"] == "counter"
    assert road.ask_store("/v1/status")["since"] == since, "the link was never lost"


def test_doctor_in_words_says_what_to_do_next(road):
    road.tell_printer("paper-out")
    await_true(
        lambda: road.ask_store("/v1/prints")["printers"][0]["state"] == "paper_out", 10, "no paper"
    )
    code, words, _ = tillback(road.store_state, "doctor")
    road.tell_printer("ready")
    assert code == PROBLEM
    assert "fail     printer counter    paper_out" in words and "> Look at its plug" in words
    await_true(lambda: road.ask_store("/v1/prints")["printers"][0]["state"] == "ready", 10, "paper")


def test_doctor_of_a_cut_link_says_so_and_what_waits(road):
    road.link.cut()
    await_true(lambda: road.ask_store("/v1/status")["link"] != "online", 30, "the cut")
    till = Till(road.store_url, road.token())
    assert till.sell("0042-01-doctor")[0] == 201
    till.close()
    code, said, _ = tillback(road.store_state, "--json", "doctor")
    road.link.restore()
    found = findings(said)
    assert code == PROBLEM
    assert_fails(found, "port")
    assert_fails(found, "mqtt")
    assert found["watermark"]["result"] == "warn" and "wait" in found["watermark"]["cause"]
    road.await_link(30)
    await_true(lambda: road.ask_store("/v1/status")["waiting"] == 0, 30, "arrival")


def test_only_technicians_and_this_machine_may_ask(road):
    for path in ("doctor", "diag", "ports"):
        request = urllib.request.Request(
            f"{road.store_url}/v1/service/{path}",
            headers={"Authorization": f"Bearer {road.token()}"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        assert refused.value.code == 401


def test_appliance_that_hangs_is_unreachable(road):
    road.appliance.process.send_signal(signal.SIGSTOP)
    try:
        code, said, complaint = tillback(road.store_state, "doctor")
    finally:
        road.appliance.process.send_signal(signal.SIGCONT)
    assert (code, said) == (UNREACHABLE, "")
    assert "tillbackd runs there and doesn't answer" in complaint


def test_what_it_does_not_understand_is_usage(road):
    for words in (("doctor", "now"), ("ports", "bind"), ("commission",), ("diag", "--in", "x")):
        code, _, complaint = tillback(road.store_state, *words)
        assert code == USAGE and "Try tillback --help." in complaint


# --- At rest: the box ---------------------------------------------------------------------------


def test_doctor_names_a_missing_state_folder(tmp_path):
    assert_fails(examine(tmp_path / "nowhere"), "disk", "no folder")


def test_doctor_warns_of_a_folder_that_is_open_to_others(own_store):
    own_store.chmod(0o755)
    assert examine(own_store)["disk"]["result"] == "warn"


def test_doctor_names_a_damaged_log(own_store):
    with contextlib.closing(sqlite3.connect(own_store / "tillback.db")) as db, db:
        db.execute(
            "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '-a\"', '-b\"') AS BLOB)"
        )
    found = examine(own_store)
    assert_fails(found, "database", "seq 1")
    assert "Delete nothing" in found["database"]["next"]


def test_doctor_names_a_clock_that_went_back(own_store):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    (own_store / "clock").write_text(later.strftime("%Y-%m-%dT%H:%M:%S.000Z\n"))
    assert_fails(examine(own_store), "clock", "stands before")


def test_doctor_of_an_unenrolled_appliance_says_how_to_go_on(tmp_path):
    found = examine(tmp_path)
    assert found["identity"]["result"] == "warn"
    assert "tillback provision" in found["identity"]["next"]
    assert found["port"]["result"] == found["mqtt"]["result"] == "skipped"


def test_doctor_names_a_key_that_others_may_read(own_store):
    (own_store / "identity" / "current.pem").chmod(0o644)
    assert_fails(examine(own_store), "identity", "chmod 600")


# --- At rest: the road --------------------------------------------------------------------------


def test_doctor_names_a_host_that_nobody_knows(own_store):
    found = examine(own_store, broker_url="mqtts://nobody.invalid:8883")
    assert_fails(found, "dns", "nobody.invalid")
    assert found["tls_chain"]["result"] == found["mqtt"]["result"] == "skipped"


def test_doctor_names_a_closed_port(own_store):
    assert_fails(examine(own_store, broker_url=f"mqtts://{HOST}:1"), "port", "port 1 of")


class Proxy:
    """Lets everybody through to one port, whatever they ask for; or answers 407."""

    def __init__(self, target=None):
        self.target = target
        self.listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(
                    target=self._talk, args=(self.listener.accept()[0],), daemon=True
                ).start()

    def _talk(self, client):
        with contextlib.suppress(OSError), client:
            asked = b""
            while b"\r\n\r\n" not in asked:
                got = client.recv(4096)
                if not got:
                    return
                asked += got
            if not self.target:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                return
            with socket.create_connection((HOST, self.target)) as server:
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                back = threading.Thread(target=self._pump, args=(server, client), daemon=True)
                back.start()
                self._pump(client, server)
                back.join(10)

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


def test_doctor_names_a_proxy_that_is_away(own_store, road):
    found = examine(own_store, broker_url=broker_of(road), broker_proxy=f"http://{HOST}:1")
    assert_fails(found, "proxy")


def test_doctor_names_a_proxy_that_wants_a_password(own_store, road):
    proxy = Proxy()
    found = examine(own_store, broker_url=broker_of(road), broker_proxy=proxy.url)
    proxy.close()
    assert_fails(found, "proxy", "407")


def test_doctor_names_a_broker_with_another_name(own_store, road):
    proxy = Proxy(road.broker_port)
    found = examine(own_store, broker_url="mqtts://broker.example:8883", broker_proxy=proxy.url)
    proxy.close()
    assert found["proxy"]["result"] == found["tls_chain"]["result"] == "ok"
    assert_fails(found, "tls_name", "broker.example")


def test_doctor_names_a_broker_of_another_authority(own_store, road, tmp_path):
    other = open_road(tmp_path / "other")
    other.provision()
    shutil.copy(other.hub_state / "ca" / "ca.pem", own_store / "identity" / "ca.pem")
    (own_store / "identity" / "crl.pem").unlink()
    assert_fails(examine(own_store, broker_url=broker_of(road)), "tls_chain")
    other.stop()


def test_doctor_names_certificates_that_have_expired(own_store, road):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1200)
    (own_store / "clock").write_text(later.strftime("%Y-%m-%dT%H:%M:%S.000Z\n"))
    found = examine(own_store, broker_url=broker_of(road))
    assert_fails(found, "tls_expiry", "expired")
    assert found["crl"]["result"] == "warn" and "was good until" in found["crl"]["cause"]
    found = examine(own_store, broker_url=f"mqtts://{HOST}:1")
    assert_fails(found, "tls_expiry", "this appliance's certificate expired")


def test_doctor_names_a_server_that_is_no_broker(own_store, road):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    servers = road.hub_state / "servers"
    context.load_cert_chain(servers / "broker.pem", servers / "broker-key.pem")
    listener = socket.create_server((HOST, 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as one:
                    one.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    found = examine(own_store, broker_url=f"mqtts://{HOST}:{listener.getsockname()[1]}")
    listener.close()
    assert found["tls_chain"]["result"] == "ok"
    assert_fails(found, "mqtt")
    assert found["topics"]["result"] == "skipped"


# --- At rest: the broker's rules ----------------------------------------------------------------


@pytest.fixture(scope="module")
def quiet(tmp_path_factory):
    """A road whose appliance is stopped: the doctor may go under its name."""
    with open_road(tmp_path_factory.mktemp("quiet")) as opened:
        opened.await_link()
        opened.appliance.stop()
        yield opened
        stop_well(opened)


def with_acl(road, text, look=None):
    """What `look` finds, or the doctor of an appliance that doesn't run, at a broker of such rules."""
    road.broker.stop()
    path = road.broker_folder / "acl"
    kept = path.read_text()
    path.write_text(text)
    road.start_broker()
    found = look() if look else examine(road.store_state, broker_url=broker_of(road))
    road.broker.stop()
    path.write_text(kept)
    road.start_broker()
    return found


def test_doctor_finds_own_topics_allowed_and_others_refused(quiet):
    found = examine(quiet.store_state, broker_url=broker_of(quiet))
    assert (found["mqtt"]["result"], found["topics"]["result"]) == ("ok", "ok")


def test_doctor_names_a_broker_that_lets_everybody_at_everything(quiet):
    found = with_acl(quiet, "pattern readwrite tb/v1/#\n")
    assert_fails(found, "topics", "topics of others")


def test_doctor_beside_a_running_appliance_names_such_a_broker_too(quiet):
    def look():
        quiet.appliance.start()
        quiet.await_link(30)
        said = tillback(quiet.store_state, "--json", "doctor")[1]
        quiet.appliance.stop()
        return findings(said)

    assert_fails(with_acl(quiet, "pattern readwrite tb/v1/#\n", look), "topics", "topics of others")


def test_doctor_names_a_broker_that_refuses_own_topics(quiet):
    assert_fails(with_acl(quiet, "user nobody\n"), "topics", "own topics")


def test_doctor_warns_of_what_waits_while_nobody_sends_it(quiet):
    copy = quiet.folder / "waits"
    shutil.copytree(quiet.store_state, copy)
    with contextlib.closing(sqlite3.connect(copy / "tillback.db")) as db, db:
        db.execute("UPDATE log SET through = 0")
    found = examine(copy)
    assert found["watermark"]["result"] == "warn" and "tillbackd" in found["watermark"]["next"]


# --- Devices ------------------------------------------------------------------------------------


def test_doctor_names_absent_devices_each_by_its_name(own_store, tmp_path):
    code, said, _ = tillback(
        *(own_store, "--json", "doctor"),
        *("--set", f"scanner.one=serial:{tmp_path}/none,lane=01"),
        *("--set", f"printer.till=tcp:{HOST}:1"),
        *("--set", f"printer.spare=file:{tmp_path}/paper"),
    )
    found = {(f["id"], f.get("subject")): f["result"] for f in json.loads(said)["findings"]}
    assert code == PROBLEM
    assert found["scanner", "one"] == found["printer", "till"] == "fail"
    assert found["printer", "spare"] == "ok"


def test_ports_binds_a_lane_by_a_test_scan(own_store, tmp_path):
    config = tmp_path / "tillback.conf"
    config.write_text("# the store's\nstore.country=DE\nscanner.lane-02=serial:/dev/old,lane=02\n")
    with scanner_at_a_pty() as device:
        bind = ("ports", "bind", "--lane", "02", "--device", f"serial:{device}")
        code, said, complaint = tillback(own_store, *bind, "--config", config)
        line = f"scanner.lane-02=serial:{device},lane=02"
        assert (code, said) == (FINE, line + "\n"), complaint
        assert config.read_text() == f"# the store's\nstore.country=DE\n{line}\n"
        assert tillback(own_store, *bind)[0] == FINE
        assert (own_store / "ports.conf").read_text() == line + "\n"


def test_running_appliance_binds_a_lane_and_hears_it_at_once(road):
    with scanner_at_a_pty() as device:
        bind = ("ports", "bind", "--lane", "07", "--device", f"serial:{device}")
        code, said, complaint = tillback(road.store_state, *bind)
        line = f"scanner.lane-07=serial:{device},lane=07"
        assert (code, said) == (FINE, line + "\n"), complaint
        assert (road.store_state / "ports.conf").read_text() == line + "\n"
        code, said, complaint = tillback(road.store_state, *bind)
        assert code == PROBLEM and 'already, as "lane-07" of lane 07' in complaint
        said = json.loads(tillback(road.store_state, "--json", "doctor")[1])["findings"]
        assert {"lane-07", "counter"} == {f["subject"] for f in said if f["id"] == "scanner"}
    (road.store_state / "ports.conf").unlink()


def test_ports_bind_without_a_scan_and_with_a_bad_lane(own_store):
    code, _, complaint = tillback(own_store, "ports", "bind", "--lane", "01", "--timeout-s", 1)
    assert code == PROBLEM and "nothing was scanned in time" in complaint
    code, _, complaint = tillback(own_store, "ports", "bind", "--lane", "0/1")
    assert code == PROBLEM and "lane" in complaint
    assert not (own_store / "ports.conf").exists()


def test_running_appliance_says_whose_a_scanner_is_already(road):
    stop = repeat(lambda: road.scan("4006381333931"))
    code, _, complaint = tillback(road.store_state, "ports", "bind", "--lane", "02")
    stop()
    assert code == PROBLEM and 'already, as "counter" of lane 01' in complaint
    assert tillback(road.store_state, "ports")[0] == FINE


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


# --- Self-test, report, bundle ------------------------------------------------------------------


def test_selftest_goes_the_whole_road(road):
    printed = road.paper.read_text() if road.paper.exists() else ""
    head = road.ask_store("/v1/status")["streams"]["returns"]["head"]
    stop = repeat(lambda: road.scan("4006381333931"))
    code, said, complaint = tillback(road.store_state, "--json", "selftest")
    stop()
    found = findings(said)
    assert code == FINE, complaint
    assert {name: one["result"] for name, one in found.items()} == dict.fromkeys(
        ("quote", "print", "scan", "hub"), "ok"
    )
    assert "TILLBACK-TEST" in road.paper.read_text()[len(printed) :]
    assert "4006381333931" not in said
    status = road.ask_store("/v1/status")["streams"]["returns"]
    assert status["through"] >= head + 1


def test_selftest_names_a_scanner_and_a_hub_that_are_silent(road):
    road.link.cut()
    await_true(lambda: road.ask_store("/v1/status")["link"] != "online", 30, "the cut")
    code, said, _ = tillback(road.store_state, "--json", "selftest", "--timeout-s", 1)
    road.link.restore()
    found = findings(said)
    assert code == PROBLEM
    assert_fails(found, "scan", "nothing was scanned")
    assert found["hub"]["result"] == "fail"
    road.await_link(30)


def test_selftest_without_tillbackd_decides_and_skips_the_rest(own_store):
    code, said, _ = tillback(own_store, "--json", "selftest")
    assert code == FINE
    assert [one["result"] for one in findings(said).values()] == ["ok"] + ["skipped"] * 3


def verify(road, file, *words):
    done = subprocess.run(
        [*road.hub_words("report", "verify", file), *words], capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_commissioning_report_is_proven_at_the_hub(road, tmp_path):
    file = tmp_path / "report.json"
    code, _, complaint = tillback(
        road.store_state, "commission", "--technician", "Tess <T&T>", "--out", file
    )
    assert code == FINE, complaint
    page = (tmp_path / "report.html").read_text()
    assert "Tess &lt;T&amp;T>" in page and DEVICE in page and "src=" not in page
    code, said, words = verify(road, file, "--page", tmp_path / "again.html")
    assert code == 0 and f"Signed by {DEVICE}" in words
    assert (tmp_path / "again.html").read_text() == page
    payload = json.loads(verify(road, file)[1])
    assert payload["device"] == DEVICE and payload["technician"] == "Tess <T&T>"
    assert list(dict.fromkeys(one["id"] for one in payload["doctor"])) == ORDER
    assert {"selftest", "ports", "version", "certificate"} <= payload.keys()


def test_report_that_was_changed_or_is_anothers_is_refused(road, tmp_path):
    file = tmp_path / "report.json"
    tillback(road.store_state, "commission", "--technician", "T", "--out", file)
    report = json.loads(file.read_text())
    payload = base64.b64decode(report["payload"]).replace(b'"technician":"T"', b'"technician":"U"')
    report["payload"] = base64.b64encode(payload).decode()
    file.write_text(json.dumps(report))
    code, _, complaint = verify(road, file)
    assert code != 0 and "signature" in complaint
    other = open_road(tmp_path / "other")
    other.provision()
    other.identity(DEVICE, other.store_state / "identity")
    tillback(other.store_state, "commission", "--technician", "T", "--out", file)
    code, _, complaint = verify(road, file)
    other.stop()
    assert code != 0 and "signer" in complaint


PLANTED = {
    "store.name": "PLANTED-STORE-NAME",
    "store.address": "PLANTED-STREET 7",
    "broker.proxy": "http://PLANTED-USER:PLANTED-PASSWORD@127.0.0.1:9",
    "scan.formats": "/tmp/PLANTED-FORMATS",
}
CARDS = ("4111111111111111", "5555555555554444", "378282246310005")


def files_of(bundle):
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(bundle.read_bytes()))) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar.getmembers()}


def assert_clean(files, secrets):
    for name, content in files.items():
        for secret in secrets:
            assert secret.encode() not in content, f"{secret} in {name}"


def test_bundle_of_a_running_appliance_holds_no_secrets(tmp_path):
    road = open_road(
        tmp_path / "road",
        appliance_settings=[f"{key}={PLANTED[key]}" for key in ("store.name", "store.address")],
    )
    with road:
        road.await_link()
        till = Till(road.store_url, road.token())
        assert till.sell("PLANTED-RECEIPT")[0] == 201
        assert till.give_back("PLANTED-RECEIPT", 0)[0] == 201
        for card in CARDS:
            till.sell(card)
        till.close()
        road.cli(*("staff", "add", "--number", "77", "--name", "PLANTED-NAME", "--role", "manager"))
        for card in CARDS:
            road.scan(card)
        bundle = tmp_path / "bundle.tar.gz"
        code, said, complaint = tillback(road.store_state, "diag", "--out", bundle)
        assert code == FINE and str(bundle) in said, complaint
        files = files_of(bundle)
        pin = re.search(r"one-time PIN (\d+)", road.appliance.log.read_text())[1]
        secrets = [road.token(), json_token(road), pin, *CARDS, "PLANTED", "PRIVATE KEY"]
        key = (road.store_state / "identity" / "current.pem").read_text()
        secrets += [line for line in key.splitlines() if len(line) > 30]
        assert_clean(files, secrets)
        assert {name.removeprefix("tillback/") for name in files} == {
            *("versions.json", "status.json", "doctor.json", "settings.txt", "diagnostics.jsonl")
        }
        lines = [json.loads(line) for line in files["tillback/diagnostics.jsonl"].splitlines()]
        assert "uplink.connected" in {line["name"] for line in lines}
        assert json.loads(files["tillback/status.json"])["streams"]["returns"]["head"] > 0
        assert b"store.name is set" in files["tillback/settings.txt"]
        asked = subprocess.run(
            road.hub_words("command", DEVICE, "diag"), capture_output=True, text=True, timeout=60
        )
        assert asked.returncode == 0, asked.stderr
        assert_clean({"by the hub": sent_bundle(asked.stdout)}, secrets)
        stop_well(road)


def sent_bundle(said):
    packed = base64.b64decode(json.loads(said)["result"]["base64"])
    return gzip.decompress(packed)


def json_token(road):
    """The command line's own, of this process's life."""
    return max((road.store_state / "api").read_text().split('"'), key=len).split()[-1]


def test_bundle_of_an_appliance_at_rest_holds_no_secrets(own_store, tmp_path):
    lines = tmp_path / "journal"
    lines.write_text(
        '{"time":"2026-11-22T10:11:12.345Z","level":"info","name":"people.first","text":"PLANTED 12345"}\n'
        '{"time":"2026-11-22T10:11:12.345Z","level":"PLANTED","name":"http.refused","where":"PLANTED"}\n'
        '{"time":"2026-11-22T10:11:12.345Z","level":"warn","name":"uplink.disconnected","text":"kept"}\n'
        "PLANTED and no JSON\n"
    )
    bundle = tmp_path / "bundle.tar.gz"
    (tmp_path / "diagnostics-unhealthy").write_text(
        "2026-11-22T10:11:12+0000 tillback systemd[1]: tillbackd.service: Failed\n"
        "2026-11-22T10:11:12+0000 tillback sh[7]: PLANTED\n"
    )
    words = ["--set", f"diagnostics.system={tmp_path}"]
    for key, value in PLANTED.items():
        words += ["--set", f"{key}={value}"]
    code, _, complaint = tillback(
        own_store, "diag", "--out", bundle, "--diagnostics", lines, *words
    )
    assert code == FINE, complaint
    files = files_of(bundle)
    assert_clean(files, ["PLANTED", "12345"])
    assert b"broker.proxy=http://127.0.0.1:9" in files["tillback/settings.txt"]
    kept = [json.loads(line) for line in files["tillback/diagnostics.jsonl"].splitlines()]
    assert [line["name"] for line in kept] == ["people.first", "http.refused", "uplink.disconnected"]
    assert [line.get("text") for line in kept] == [None, None, "kept"]
    assert files["system/unhealthy-start.txt"].endswith(b"tillbackd.service: Failed\n")
    assert "system/last-start.txt" not in files
