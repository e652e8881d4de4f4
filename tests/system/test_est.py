"""The standard's way to a certificate (RFC 7030), with curl and openssl as they come."""

import base64
import json
import subprocess

import pytest
from conftest import open_road, stop_well
from wire import Wire

PLACE = ".well-known/est"


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    road = open_road(tmp_path_factory.mktemp("road"))
    road.provision()
    road.authority("server", "est", "127.0.0.1")
    road.est = f"127.0.0.1:{road.base + 16}"
    servers = road.hub_state / "servers"
    road.hub.command += ["--set", f"est.listen={road.est}"]
    road.hub.command += ["--set", f"est.certificate={servers / 'est.pem'}"]
    road.hub.command += ["--set", f"est.key={servers / 'est-key.pem'}"]
    with road:
        road.await_link()
        yield road
        stop_well(road)


def curl(town, path, *words, ca=True):
    """(status, headers, body)"""
    trust = ["--cacert", town.hub_state / "trust" / "ca.pem"] if ca else ["--insecure"]
    done = subprocess.run(
        ["curl", "-s", "-i", *trust, *words, f"https://{town.est}/{PLACE}/{path}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    return int(head.split()[1]), head.lower(), body


def openssl(*words, text=None):
    done = subprocess.run(
        ["openssl", *[str(word) for word in words]], input=text, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def certificates(body):
    """PEM of what a certs-only answer holds."""
    der = base64.b64decode(body)
    return openssl("pkcs7", "-inform", "DER", "-print_certs", text=der).decode()


def request(name, folder, key=None):
    """A request as openssl makes it, in base64."""
    key = key or folder / "key.pem"
    if not key.exists():
        key.write_bytes(openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout"))
    der = openssl("req", "-new", "-key", key, "-subj", f"/CN={name}", "-outform", "DER")
    path = folder / "request.b64"
    path.write_bytes(base64.encodebytes(der))
    return path


def enrol(town, folder, invited, code=None):
    csr = request(invited["device"], folder)
    return curl(
        town,
        "simpleenroll",
        *("-u", f"anyone:{code or invited['code']}"),
        *("-H", "Content-Type: application/pkcs10", "--data-binary", f"@{csr}"),
    )


def test_cacerts(town):
    status, head, body = curl(town, "cacerts", ca=False)
    assert status == 200
    assert "content-type: application/pkcs7-mime; smime-type=certs-only" in head
    ours = openssl("x509", "-in", town.hub_state / "ca" / "ca.pem").decode()
    assert ours.split("CERTIFICATE-----")[1] in certificates(body)


def test_csrattrs(town):
    status, head, body = curl(town, "csrattrs")
    assert status == 200 and "content-type: application/csrattrs" in head
    told = openssl("asn1parse", "-inform", "DER", text=base64.b64decode(body)).decode()
    assert "id-ecPublicKey" in told and "prime256v1" in told and "ecdsa-with-SHA256" in told


def test_simpleenroll_with_the_code_as_password(town, tmp_path):
    invited = town.invite(store="0401")
    status, head, body = enrol(town, tmp_path, invited)
    assert status == 200 and "smime-type=certs-only" in head
    chain = tmp_path / "chain.pem"
    chain.write_text(certificates(body))
    ca = town.hub_state / "trust" / "ca.pem"
    assert b"OK" in openssl("verify", "-purpose", "sslclient", "-CAfile", ca, chain)
    subject = openssl("x509", "-in", chain, "-noout", "-subject").decode()
    assert invited["device"] in subject
    # The broker lets in whoever was enrolled so.
    own = tmp_path / "identity"
    own.mkdir()
    (own / "current.pem").write_text((tmp_path / "key.pem").read_text() + chain.read_text())
    (own / "ca.pem").write_text(ca.read_text())
    with Wire(town, own, invited["device"]) as wire:
        assert not wire.lost.is_set()
    assert json.loads(town.device("show", invited["device"], "--json"))["state"] == "enrolled"
    # Asked again with the same key, the answer is the same; with another key there is none.
    assert enrol(town, tmp_path, invited)[2] == body
    (tmp_path / "key.pem").unlink()
    status, _, why = enrol(town, tmp_path, invited)
    assert status == 401 and "used already" in why


def test_simplereenroll_with_the_certificate(town, tmp_path):
    invited = town.invite(store="0402")
    chain = tmp_path / "chain.pem"
    chain.write_text(certificates(enrol(town, tmp_path, invited)[2]))
    new = tmp_path / "new"
    new.mkdir()
    own = ["--cert", chain, "--key", tmp_path / "key.pem"]
    csr = request(invited["device"], new)
    status, _, body = curl(town, "simplereenroll", *own, "--data-binary", f"@{csr}")
    assert status == 200
    renewed = new / "chain.pem"
    renewed.write_text(certificates(body))
    serials = {openssl("x509", "-in", one, "-noout", "-serial") for one in (chain, renewed)}
    assert len(serials) == 2
    # Another's name is not to be had, and without a certificate nothing is.
    csr = request("store-0042-a", new)
    assert curl(town, "simplereenroll", *own, "--data-binary", f"@{csr}")[0] == 409
    assert curl(town, "simplereenroll", "--data-binary", f"@{csr}")[0] == 401
    # Nor for one that was revoked: the registrar knows it at once, the listener soon.
    town.device("revoke", invited["device"], "--reason", "stolen")
    csr = request(invited["device"], new)

    def is_refused():
        try:
            return curl(town, "simplereenroll", *own, "--data-binary", f"@{csr}")[0] == 401
        except AssertionError:
            return True  # not even a handshake

    assert is_refused()


@pytest.mark.parametrize("code", ["", "wrong", "7K3M-Q9TX-0B4D-WWCR-H2N8-5VAF-P1"])
def test_wrong_code(town, tmp_path, code):
    invited = town.invite(store="0403")
    status, head, _ = enrol(town, tmp_path, invited, code or " ")
    assert status in (400, 401)
    assert status != 401 or "www-authenticate: basic" in head


def test_no_code(town, tmp_path):
    csr = request("x", tmp_path)
    status, head, _ = curl(town, "simpleenroll", "--data-binary", f"@{csr}")
    assert status == 401 and 'www-authenticate: basic realm="est"' in head


@pytest.mark.parametrize("body", ["", "!!!", "AAAA", "M" * 60_000])
def test_request_that_is_none(town, body):
    invited = town.invite(store="0404")
    status, _, _ = curl(
        town, "simpleenroll", "-u", f"x:{invited['code']}", "--data-binary", body or "@/dev/null"
    )
    assert status in (400, 413)


@pytest.mark.parametrize(
    "method,path,status",
    [("GET", "simpleenroll", 405), ("POST", "cacerts", 405), ("GET", "serverkeygen", 404)],
)
def test_what_is_not_there(town, method, path, status):
    assert curl(town, path, "-X", method)[0] == status
