"""tillback doctor: what it finds beside a running appliance, and of one at rest; of the road, and of
devices."""

import contextlib
import datetime
import json
import shutil
import signal
import socket
import sqlite3
import ssl
import threading
import urllib.error
import urllib.request

import pytest
from conftest import open_road, stop_well
from road.road import HOST, await_true
from road.till import Till
from technician import FINE, ORDER, PROBLEM, UNREACHABLE, USAGE, assert_fails, examine, findings, tillback


def broker_of(road):
    return f"mqtts://{HOST}:{road.broker_port}"


# --- Beside a running appliance -----------------------------------------------------------------


def test_doctor_beside_a_running_appliance_disturbs_nothing(printing_road):
    since = printing_road.ask_store("/v1/status")["since"]
    code, said, _ = tillback(printing_road.store_state, "--json", "doctor")
    found = findings(said)
    assert (code, list(found)) == (FINE, ORDER)
    skipped = {name for name, one in found.items() if one["result"] == "skipped"}
    assert skipped <= {"proxy", "power", "link"}
    for name in ("mqtt", "topics", "watermark"):
        assert found[name]["result"] == "ok", found[name]
    assert found["scanner"]["subject"] == found["printer"]["subject"] == "counter"
    assert printing_road.ask_store("/v1/status")["since"] == since, "the link was never lost"


def test_doctor_in_words_says_what_to_do_next(printing_road):
    printing_road.tell_printer("paper-out")
    await_true(
        lambda: printing_road.ask_store("/v1/prints")["printers"][0]["state"] == "paper_out", 10, "no paper"
    )
    code, words, _ = tillback(printing_road.store_state, "doctor")
    printing_road.tell_printer("ready")
    assert code == PROBLEM
    assert "fail     printer counter    paper_out" in words and "> Look at its plug" in words
    await_true(lambda: printing_road.ask_store("/v1/prints")["printers"][0]["state"] == "ready", 10, "paper")


def test_doctor_of_a_cut_link_says_so_and_what_waits(printing_road):
    printing_road.link.cut()
    await_true(lambda: printing_road.ask_store("/v1/status")["link"] != "online", 30, "the cut")
    till = Till(printing_road.store_url, printing_road.token())
    assert till.sell("0042-01-doctor")[0] == 201
    till.close()
    code, said, _ = tillback(printing_road.store_state, "--json", "doctor")
    printing_road.link.restore()
    found = findings(said)
    assert code == PROBLEM
    assert_fails(found, "port")
    assert_fails(found, "mqtt")
    assert found["watermark"]["result"] == "warn" and "wait" in found["watermark"]["cause"]
    printing_road.await_link(30)
    await_true(lambda: printing_road.ask_store("/v1/status")["waiting"] == 0, 30, "arrival")


def test_only_technicians_and_this_machine_may_ask(printing_road):
    for path in ("doctor", "diag", "ports"):
        request = urllib.request.Request(
            f"{printing_road.store_url}/v1/service/{path}",
            headers={"Authorization": f"Bearer {printing_road.token()}"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        assert refused.value.code == 403


def test_appliance_that_hangs_is_unreachable(printing_road):
    printing_road.appliance.process.send_signal(signal.SIGSTOP)
    try:
        code, said, complaint = tillback(printing_road.store_state, "doctor")
    finally:
        printing_road.appliance.process.send_signal(signal.SIGCONT)
    assert (code, said) == (UNREACHABLE, "")
    assert "tillbackd runs there and doesn't answer" in complaint


def test_what_it_does_not_understand_is_usage(printing_road):
    for words in (("doctor", "now"), ("ports", "bind"), ("commission",), ("diag", "--in", "x")):
        code, _, complaint = tillback(printing_road.store_state, *words)
        assert code == USAGE and "Try tillback --help." in complaint


# --- At rest: the box ---------------------------------------------------------------------------


def test_doctor_names_a_missing_state_folder(tmp_path):
    assert_fails(examine(tmp_path / "nowhere"), "disk", "no folder")


def test_doctor_warns_of_a_folder_that_is_open_to_others(store_at_rest):
    store_at_rest.chmod(0o755)
    assert examine(store_at_rest)["disk"]["result"] == "warn"


def test_doctor_names_a_damaged_log(store_at_rest):
    with contextlib.closing(sqlite3.connect(store_at_rest / "tillback.db")) as db, db:
        db.execute(
            "UPDATE event SET body = CAST(replace(CAST(body AS TEXT), '-a\"', '-b\"') AS BLOB)"
        )
    found = examine(store_at_rest)
    assert_fails(found, "database", "seq 1")
    assert "Delete nothing" in found["database"]["next"]


def test_doctor_names_a_clock_that_went_back(store_at_rest):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    (store_at_rest / "clock").write_text(later.strftime("%Y-%m-%dT%H:%M:%S.000Z\n"))
    assert_fails(examine(store_at_rest), "clock", "stands before")


def test_doctor_of_an_unenrolled_appliance_says_how_to_go_on(tmp_path):
    found = examine(tmp_path)
    assert found["identity"]["result"] == "warn"
    assert "tillback provision" in found["identity"]["next"]
    assert found["port"]["result"] == found["mqtt"]["result"] == "skipped"


def test_doctor_names_a_key_that_others_may_read(store_at_rest):
    (store_at_rest / "identity" / "current.pem").chmod(0o644)
    assert_fails(examine(store_at_rest), "identity", "chmod 600")


# --- At rest: the road --------------------------------------------------------------------------


def test_doctor_names_a_host_that_nobody_knows(store_at_rest):
    found = examine(store_at_rest, broker_url="mqtts://nobody.invalid:8883")
    assert_fails(found, "dns", "nobody.invalid")
    assert found["tls_chain"]["result"] == found["mqtt"]["result"] == "skipped"


def test_doctor_names_a_closed_port(store_at_rest):
    assert_fails(examine(store_at_rest, broker_url=f"mqtts://{HOST}:1"), "port", "port 1 of")


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


def test_doctor_names_a_proxy_that_is_away(store_at_rest, printing_road):
    found = examine(store_at_rest, broker_url=broker_of(printing_road), broker_proxy=f"http://{HOST}:1")
    assert_fails(found, "proxy")


def test_doctor_names_a_proxy_that_wants_a_password(store_at_rest, printing_road):
    proxy = Proxy()
    found = examine(store_at_rest, broker_url=broker_of(printing_road), broker_proxy=proxy.url)
    proxy.close()
    assert_fails(found, "proxy", "407")


def test_doctor_names_a_broker_with_another_name(store_at_rest, printing_road):
    proxy = Proxy(printing_road.broker_port)
    found = examine(store_at_rest, broker_url="mqtts://broker.example:8883", broker_proxy=proxy.url)
    proxy.close()
    assert found["proxy"]["result"] == found["tls_chain"]["result"] == "ok"
    assert_fails(found, "tls_name", "broker.example")


def test_doctor_names_a_broker_of_another_authority(store_at_rest, printing_road, tmp_path):
    other = open_road(tmp_path / "other")
    other.provision()
    shutil.copy(other.hub_state / "ca" / "ca.pem", store_at_rest / "identity" / "ca.pem")
    (store_at_rest / "identity" / "crl.pem").unlink()
    assert_fails(examine(store_at_rest, broker_url=broker_of(printing_road)), "tls_chain")
    other.stop()


def test_doctor_names_certificates_that_have_expired(store_at_rest, printing_road):
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1200)
    (store_at_rest / "clock").write_text(later.strftime("%Y-%m-%dT%H:%M:%S.000Z\n"))
    found = examine(store_at_rest, broker_url=broker_of(printing_road))
    assert_fails(found, "tls_expiry", "expired")
    assert found["crl"]["result"] == "warn" and "was good until" in found["crl"]["cause"]
    found = examine(store_at_rest, broker_url=f"mqtts://{HOST}:1")
    assert_fails(found, "tls_expiry", "this appliance's certificate expired")


def test_doctor_names_a_server_that_is_no_broker(store_at_rest, printing_road):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    servers = printing_road.hub_state / "servers"
    context.load_cert_chain(servers / "broker.pem", servers / "broker-key.pem")
    listener = socket.create_server((HOST, 0))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with contextlib.suppress(OSError), context.wrap_socket(client, server_side=True) as one:
                    one.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    found = examine(store_at_rest, broker_url=f"mqtts://{HOST}:{listener.getsockname()[1]}")
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


def test_doctor_names_absent_devices_each_by_its_name(store_at_rest, tmp_path):
    code, said, _ = tillback(
        *(store_at_rest, "--json", "doctor"),
        *("--set", f"scanner.one=serial:{tmp_path}/none,lane=01"),
        *("--set", f"printer.till=tcp:{HOST}:1"),
        *("--set", f"printer.spare=file:{tmp_path}/paper"),
    )
    found = {(f["id"], f.get("subject")): f["result"] for f in json.loads(said)["findings"]}
    assert code == PROBLEM
    assert found["scanner", "one"] == found["printer", "till"] == "fail"
    assert found["printer", "spare"] == "ok"
