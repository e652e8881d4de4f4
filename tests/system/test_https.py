"""Beyond loopback the appliance speaks HTTPS only: without a certificate it doesn't start, and with
one plain HTTP and old TLS get nowhere."""

import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import pytest
from conftest import PROGRAMS, open_road
from road.programs import Program
from road.road import HOST, await_true
from road.till import Till

EVERYWHERE = "0.0.0.0"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """An appliance that listens on every address, with a certificate of the store's authority."""
    road = open_road(tmp_path_factory.mktemp("road"))
    road.provision()
    road.authority("server", "shop", HOST, "localhost")
    servers = road.hub_state / "servers"
    settings = {
        "store.number": "0042",
        "http.listen": f"{EVERYWHERE}:{road.base}",
        "http.certificate": servers / "shop.pem",
        "http.key": servers / "shop-key.pem",
        "http.ca": road.hub_state / "ca" / "ca.pem",
    }
    command = [PROGRAMS / "tillbackd", "--state", road.store_state]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    appliance = Program("appliance", command, road.folder / "log", ready="ready http=").start()
    road.shop = appliance
    road.tls = ssl.create_default_context(cafile=settings["http.ca"])
    yield road
    assert appliance.stop() == 0
    assert road.stop() == []


def ask(shop, path, tls=None):
    with urllib.request.urlopen(
        f"https://localhost:{shop.base}{path}", timeout=30, context=tls or shop.tls
    ) as answer:
        return answer.status, answer.headers


def test_plain_http_beyond_loopback_is_refused_at_the_start(tmp_path):
    done = subprocess.run(
        [PROGRAMS / "tillbackd", "--state", tmp_path, "--set", f"http.listen={EVERYWHERE}:0"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "ready" not in done.stdout
    assert "http.certificate" in done.stderr, done.stderr


def test_https_serves_the_page_and_the_tills(shop):
    assert ask(shop, "/healthz")[0] == 200
    status, headers = ask(shop, "/")
    assert status == 200 and headers.get_content_type() == "text/html"
    till = Till(f"https://localhost:{shop.base}", shop.token(), tls=shop.tls)
    assert till.sell("0042-01-tls")[0] == 201
    assert till.give_back("0042-01-tls")[1]["decision"] == "accepted"
    till.close()


def test_peer_that_does_not_know_the_authority_turns_away(shop):
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        ask(shop, "/healthz", ssl.create_default_context())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_refused(shop):
    old = ssl.create_default_context(cafile=shop.hub_state / "ca" / "ca.pem")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(shop, "/healthz", old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert ask(shop, "/healthz", old)[0] == 200, "it is the version that was refused"


def test_plain_http_gets_no_answer(shop):
    with socket.create_connection((HOST, shop.base), timeout=30) as peer:
        peer.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        heard = b""
        try:
            while piece := peer.recv(4096):
                heard += piece
        except ConnectionResetError:
            pass
    assert b"HTTP" not in heard


def serial(shop):
    pem = ssl.get_server_certificate(("localhost", shop.base))
    return x509(pem, "-serial")


def x509(pem, what):
    words = ["openssl", "x509", "-noout", what]
    return subprocess.run(words, input=pem, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("which", ["shop.pem", "shop-key.pem"])
def test_counter_goes_on_with_a_rotten_certificate_and_takes_it_once_it_is_mended(shop, which):
    rotten = shop.hub_state / "servers" / which
    kept = rotten.read_bytes()
    before = serial(shop)
    rotten.write_bytes(kept[:80] + bytes(len(kept) - 80))
    assert shop.shop.stop() == 0
    shop.shop.start()
    assert ask(shop, "/healthz")[0] == 200 and serial(shop) == before
    assert "door.certificate" in shop.shop.last_words(4000)
    # Another one is put there, and taken without a restart.
    shop.authority("server", "shop-2", HOST, "localhost")
    servers = shop.hub_state / "servers"
    for name in ("shop.pem", "shop-key.pem"):
        (servers / name).write_bytes((servers / name.replace("shop", "shop-2")).read_bytes())
    await_true(lambda: serial(shop) != before, 20, "the mended certificate")
    assert ask(shop, "/healthz")[0] == 200
    assert serial(shop) == x509((servers / "shop.pem").read_text(), "-serial")


def test_without_any_good_certificate_it_says_which_file_is_bad(tmp_path):
    bad = tmp_path / "bad.pem"
    bad.write_text("no certificate")
    words = ["--set", f"http.certificate={bad}", "--set", f"http.key={bad}"]
    done = subprocess.run(
        [PROGRAMS / "tillbackd", "--state", tmp_path / "state", *words],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "bad.pem" in done.stderr, done.stderr
