"""The page on vulnerabilities, walked through: its own commands in its order, up to the appliance. The hub,
the broker and the appliance are real. What takes hours or a Debian mirror stands in: `firmware/unpack`
and `make firmware` make a small file in the bundle's place, with bill of materials and changes told by
the image's own code; `rauc` and `scp` copy; and the installer is a fake (update.py)."""

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

PAGE = ROOT / "firmware/cve.md"
BEFORE, FIXED = "3.6.4-1", "3.6.6-1"

STAND_INS = {
    # The mirror has the fix from now on.
    "unpack": f'#!/bin/sh\n[ "$*" = "amd64 build/firmware/amd64 again" ] && echo {FIXED} >mirror\n',
    "make": '#!/bin/sh\n[ "$*" = firmware ] && exec "$PYTHON" make-image.py\n',
    "rauc": '#!/bin/sh\nwhile [ $# -gt 2 ]; do shift; done\n{ cat "$1"; echo signed; } >"$2"\n',
    "scp": '#!/bin/sh\ncp "$1" "$DEPOT"\n',
}

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


@pytest.fixture
def workshop(tmp_path):
    """The source tree as far as the page touches it, one release ago."""
    folder = tmp_path / "tree"
    for name in ("firmware", "hal/base", "build/firmware/amd64", "bin"):
        (folder / name).mkdir(parents=True)
    for name, text in STAND_INS.items():
        path = folder / ("firmware" if name == "unpack" else "bin") / name
        path.write_text(text)
        path.chmod(0o755)
    (folder / "make-image.py").write_text(MAKE_IMAGE.replace("@ROOT@", str(ROOT)))
    header = (ROOT / "hal/base/version.h").read_text()
    (folder / "hal/base/version.h").write_text(re.sub('VERSION "[^"]+"', 'VERSION "0.1.0"', header))
    (folder / "mirror").write_text(BEFORE + "\n")
    subprocess.run([sys.executable, "make-image.py"], cwd=folder, check=True)
    return folder


def test_commands_of_the_page_lead_from_the_advisory_to_the_appliance(workshop, tmp_path):
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
            "KEYS": "/nowhere",
        }
        script = commands().replace("https://updates.example", depot.url.rsplit("/", 1)[0])
        publish = threading.Thread(target=serve, args=(depot, published))
        publish.start()
        done = subprocess.run(
            ["bash", "-c", script], cwd=workshop, env=environment, capture_output=True, text=True, timeout=120
        )
        publish.join()
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"libmbedtls21: {BEFORE} -> {FIXED}" in done.stdout
        await_true(lambda: installer.installs, 30, "the appliance to install it")
        assert installer.installs == [b"bundle of 0.1.1signed\n"]
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
    await_true(published.exists, 60, "the bundle")
    await_true(lambda: published.stat().st_size, 10, "its bytes")
    depot.data = published.read_bytes()
