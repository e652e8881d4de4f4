"""The diagnostics bundle: what support needs is in it, and no secret, whatever lies about."""

import base64
import gzip
import io
import json
import re
import subprocess
import tarfile

from conftest import open_road, stop_well
from road.road import DEVICE
from road.till import Till
from technician import FINE, tillback

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


def test_bundle_of_an_appliance_at_rest_holds_no_secrets(store_at_rest, tmp_path):
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
        store_at_rest, "diag", "--out", bundle, "--diagnostics", lines, *words
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
