"""The page on vulnerabilities, walked through: its own commands in its order, up to the appliance. The hub,
the broker and the appliance are real; the installer is a fake (update.py), and `scp` copies to where a
web server finds it. In `make test` a small file stands in the image's place, with bill of materials and
changes told by the image's own code. `make cve-test` walks it for real, which takes minutes and a Debian
mirror: unpacked, built and signed anew. There only the release before is made up, for which the image
that was built last is taken, as if it had an older library in it."""

import json
import os
import re
import subprocess
import sys
import threading

import pytest
from conftest import ROOT, open_road, stop_well
from road.road import DEVICE, await_true
from update import Depot, FakeInstaller

sys.path.insert(0, str(ROOT))
from firmware.image import keys  # noqa: E402

PAGE = ROOT / "firmware/cve.md"
BEFORE, FIXED = "3.6.4-1", "3.6.6-1"
FOR_REAL = os.environ.get("CVE_FOR_REAL") == "1"
WALK_S = 3000 if FOR_REAL else 120

STAND_INS = {
    # The mirror has the fix from now on.
    "unpack": f'#!/bin/sh\n[ "$*" = "amd64 build/firmware/amd64 again" ] && echo {FIXED} >mirror\n',
    "make": '#!/bin/sh\n[ "$*" = firmware ] && exec "$PYTHON" make-image.py\n',
    "rauc": '#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\n{ cat "$1"; echo signed; } >"$2"\n',
}
# The web server sees the bundle at once and whole.
SCP = '#!/bin/sh\ncp "$1" "$DEPOT.part" && mv "$DEPOT.part" "$DEPOT"\n'

MAKE_IMAGE = """
import pathlib, re, sys
sys.path.insert(0, "@ROOT@")
from firmware.image import sbom
import json
out = pathlib.Path("build/firmware/amd64")
version = re.search(r'TILLBACK_VERSION "([^"]+)"', pathlib.Path("hal/base/version.h").read_text())[1]
package = {"package": "libmbedtls21", "version": pathlib.Path("mirror").read_text().strip(),
           "sha256": "0" * 64, "source": "mbedtls", "architecture": "amd64", "licences": ["Apache-2.0"]}
before = sbom.read_lock(out / "packages.lock")
document = sbom.cyclonedx([package], "amd64", version, "2026-11-26T00:00:00+00:00")
(out / "sbom.cdx.json").write_text(json.dumps(document, indent=1, sort_keys=True))
(out / "packages.lock").write_text(sbom.lock([package]))
for line in sbom.differences(before, sbom.read_lock(out / "packages.lock")):
    print(f"  {line}")
(out / f"tillback-{version}.raucb").write_bytes(b"bundle of " + version.encode())
"""


def commands():
    """The indented blocks of the page, as one script."""
    lines = re.findall(r"^ {7}(.*)$", PAGE.read_text(), re.MULTILINE)
    assert len(lines) > 12
    return "set -eux\n" + "\n".join(lines) + "\n"


def write_program(path, text):
    path.write_text(text)
    path.chmod(0o755)


def small_workshop(folder):
    """The source tree as far as the page touches it, one release ago."""
    for name in ("firmware", "hal/base", "build/firmware/amd64"):
        (folder / name).mkdir(parents=True)
    for name, text in STAND_INS.items():
        write_program(folder / ("firmware" if name == "unpack" else "bin") / name, text)
    (folder / "make-image.py").write_text(MAKE_IMAGE.replace("@ROOT@", str(ROOT)))
    header = (ROOT / "hal/base/version.h").read_text()
    (folder / "hal/base/version.h").write_text(re.sub('VERSION "[^"]+"', 'VERSION "0.1.0"', header))
    (folder / "mirror").write_text(BEFORE + "\n")
    subprocess.run([sys.executable, "make-image.py"], cwd=folder, check=True)


def real_workshop(folder):
    """A copy of the source tree and of what was built in it; the Debian 13 itself is shared."""
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    built = ["build/embed", "build/debian13/made", "build/debian13/out", "build/firmware/amd64/sbom.cdx.json"]
    subprocess.run(
        ["cp", "-a", "--parents", *tracked.stdout.splitlines(), *built, folder], cwd=ROOT, check=True
    )
    (folder / "build/debian13/root").symlink_to(ROOT / "build/debian13/root")
    lock = (ROOT / "build/firmware/amd64/packages.lock").read_text()
    older = re.sub(r"^(libmbedtls21) \S+", rf"\1 {BEFORE}", lock, flags=re.MULTILINE)
    (folder / "build/firmware/amd64/packages.lock").write_text(older)


@pytest.fixture
def workshop(tmp_path):
    folder = tmp_path / "tree"
    (folder / "bin").mkdir(parents=True)
    write_program(folder / "bin/scp", SCP)
    real_workshop(folder) if FOR_REAL else small_workshop(folder)
    return folder


@pytest.fixture
def fleet_keys(tmp_path):
    """Those that sign for the fleet, which the build knows nothing of."""
    folder = tmp_path / "fleet-keys"
    _, certificate, key = keys.development_keys(folder)
    certificate.rename(folder / "release.pem")
    key.rename(folder / "release.key")
    return folder


def assert_image_is_anew_and_the_fleets(workshop, fleet_keys, bundle):
    """What the rebuild made: the version that was raised, trusting the fleet, and signed by it alone."""
    root = workshop / "build/firmware/amd64/root"
    assert (root / "etc/rauc/ca.pem").read_bytes() == (fleet_keys / "ca.pem").read_bytes()
    assert "IMAGE_VERSION=0.1.1\n" in (root / "etc/os-release").read_text()
    assert b"0.1.1" in (root / "usr/bin/tillbackd").read_bytes()
    file = workshop / "installed.raucb"
    file.write_bytes(bundle)
    told = subprocess.run(
        ["rauc", "info", f"--keyring={fleet_keys}/ca.pem", file], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr
    assert "tillback-appliance-amd64" in told.stdout and "0.1.1" in told.stdout
    development = workshop / "build/firmware/keys/ca.pem"
    assert subprocess.run(["rauc", "info", f"--keyring={development}", file], capture_output=True).returncode


def test_commands_of_the_page_lead_from_the_advisory_to_the_appliance(workshop, fleet_keys, tmp_path):
    depot = Depot(b"")
    installer = FakeInstaller(tmp_path / "installer")
    installer.says("restarting", "0.1.1")
    settings = [f"update.installer={installer.path}", "update.look_s=1", "update.retry_s=1"]
    published = tmp_path / "published"
    with open_road(tmp_path / "road", appliance_settings=settings) as road:
        road.await_link()
        environment = {
            **os.environ,
            "PATH": f"{workshop / 'bin'}:{road.programs}:{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "DEPOT": str(published),
            "HUB": str(road.hub_state),
            "KEYS": str(fleet_keys),
        }
        script = commands().replace("https://updates.example", depot.url.rsplit("/", 1)[0])
        publish = threading.Thread(target=serve, args=(depot, published), daemon=True)
        publish.start()
        done = subprocess.run(
            ["bash", "-c", script], cwd=workshop, env=environment, capture_output=True, text=True, timeout=WALK_S
        )
        assert done.returncode == 0, done.stdout + done.stderr
        publish.join()
        assert f"libmbedtls21: {BEFORE} -> " in done.stdout
        await_true(lambda: installer.installs, 300, "the appliance to install it")
        (bundle,) = installer.installs
        if FOR_REAL:
            assert_image_is_anew_and_the_fleets(workshop, fleet_keys, bundle)
        else:
            assert bundle == b"bundle of 0.1.1signed\n"
        installer.says("installed", "0.1.1", running="0.1.1", slot="B")

        def status():
            told = subprocess.run(
                road.hub_words("config", "status", "--json"), capture_output=True, text=True, check=True
            )
            return json.loads(told.stdout)["rollout"]

        await_true(lambda: status()["state"] == "done", 60, "the rollout")
        assert road.ask_hub(f"/v1/devices/{DEVICE}")["software"]["version"] == "0.1.1"
        stop_well(road)
    installer.close()
    depot.close()


def serve(depot, published):
    """The web server has the bundle as soon as it is copied there."""
    await_true(published.exists, WALK_S, "the bundle")
    depot.data = published.read_bytes()
