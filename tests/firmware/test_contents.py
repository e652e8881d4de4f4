"""What is in the image, without starting it: bill of materials, licences, and what must not be
there."""

import json
import os
import pathlib
import re
import stat
import subprocess
import sys

import pytest
from conftest import FIRMWARE, ROOT

sys.path.insert(0, str(ROOT))
from firmware.image import modules, sbom, tree  # noqa: E402

TREE = FIRMWARE / "root"


@pytest.fixture(scope="module")
def document():
    return json.loads((FIRMWARE / "sbom.cdx.json").read_text())


def test_bill_of_materials_names_each_package_with_hash_source_and_licence(document):
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    names = {component["name"] for component in document["components"]}
    assert {"libc6", "systemd", "rauc", "libmbedtls21", "libsqlite3-0", "busybox"} <= names
    assert any(name.startswith("linux-image-") for name in names)
    for component in document["components"]:
        assert len(component["hashes"][0]["content"]) == 64
        assert component["properties"][0]["value"]
    licensed = [component for component in document["components"] if component["licenses"]]
    assert len(licensed) > len(names) * 0.7, "most of Debian's copyright files can be read by machines"


def test_each_library_of_the_image_is_of_a_listed_package(document):
    listed = {component["name"] for component in document["components"]}
    archives = sorted((FIRMWARE / "debian/var/cache/apt/archives").glob("*.deb"))
    owned = set()
    for deb in archives:
        if deb.name.split("_")[0] in listed:
            owned |= sbom.files(deb)
    libraries = {
        str(path.relative_to(TREE))
        for path in (TREE / "usr/lib").rglob("*.so*")
        if re.search(r"\.so(\.|$)", path.name) and path.is_file() and not path.is_symlink()
    }
    assert len(libraries) > 40
    assert libraries - owned == set()


def test_kernel_of_the_image_has_each_driver_that_it_is_meant_to_have():
    asked, early = modules.read_names(tree.read_list(ROOT / "firmware/modules"), FIRMWARE.name)
    for place, names in ((TREE, asked), (FIRMWARE / "initrd", early), (FIRMWARE / "rescue", early)):
        [kernel] = (place / "usr/lib/modules").iterdir()
        files = [*kernel.rglob("*.ko"), *map(pathlib.Path, (kernel / "modules.builtin").read_text().split())]
        assert set(names) <= {file.stem.replace("-", "_") for file in files}


def test_lock_tells_what_a_rebuild_changed(tmp_path):
    path = tmp_path / "packages.lock"
    assert sbom.differences(sbom.read_lock(path), {"a": "1"}) == []
    path.write_text(sbom.lock([
        {"package": "libmbedtls21", "version": "3.6.4-1", "sha256": "0"},
        {"package": "gone", "version": "1", "sha256": "0"},
    ]))  # fmt: skip
    now = {"libmbedtls21": "3.6.6-1", "added": "2"}
    assert sbom.differences(sbom.read_lock(path), now) == [
        "added: new -> 2",
        "gone: 1 -> gone",
        "libmbedtls21: 3.6.4-1 -> 3.6.6-1",
    ]


def test_page_on_vulnerabilities_names_commands_that_exist():
    page = (ROOT / "firmware/cve.md").read_text()
    assert "firmware/unpack amd64 build/firmware/amd64 again" in page
    assert os.access(ROOT / "firmware/unpack", os.X_OK)
    assert os.access(ROOT / "firmware/overlay/usr/lib/tillback/update", os.X_OK)
    assert '"libmbedtls21"' in (FIRMWARE / "sbom.cdx.json").read_text()


def test_nobody_can_log_in_and_nothing_gains_rights():
    assert not list(TREE.rglob("sshd*")) and not (TREE / "etc/shadow").exists()
    for line in (TREE / "etc/passwd").read_text().splitlines():
        assert line.split(":")[1] == "x", line
    privileged = [
        path
        for path in TREE.rglob("*")
        if not path.is_symlink() and path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID)
    ]
    assert privileged == []


def test_image_holds_no_key():
    for path in TREE.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 64 * 1024:
            assert b"PRIVATE KEY-----\n" not in path.read_bytes(), path


@pytest.mark.parametrize("text", ["", "plain", 'a "quoted" \\ word'])
def test_what_the_scripts_of_the_slots_keep_is_json(text):
    words = '. "$1/usr/lib/tillback/slot.sh"; quoted "$2"'
    command = ["sh", "-c", words, "sh", ROOT / "firmware/overlay", text]
    output = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(output.stdout) == text


def test_what_is_written_is_checked_and_can_gain_nothing():
    """What systemd makes of the image's /etc/fstab."""
    enter = (
        'mount -t tmpfs tmp "$0/run" && mount --bind /dev "$0/dev" && mkdir "$0/run/made" && '
        'for emulator; do cp "$emulator" "$0/run/emulator"; set -- /run/emulator; done && '
        'chroot "$0" "$@" /usr/lib/systemd/system-generators/systemd-fstab-generator '
        "/run/made /run/made /run/made && "
        'cd "$0/run/made" && cat data.mount boot-efi.mount var.mount'
    )
    emulator = {"arm64": ["/usr/bin/qemu-aarch64-static"]}.get(FIRMWARE.name, [])
    command = ["unshare", "--mount", "sh", "-euc", enter, TREE, *emulator]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    unit = "systemd-fsck@dev-tillback-data.service"
    assert f"Requires={unit}" in made
    options = [line.split("=", 1)[1].split(",") for line in made.splitlines() if line.startswith("Options=")]
    assert len(options) == 3 and all({"nodev", "nosuid", "noexec"} <= set(each) for each in options)
    assert "What=tmpfs\nWhere=/var\n" in made
    assert "mend-data" in (TREE / f"usr/lib/systemd/system/{unit}.d/tillback.conf").read_text()


def test_image_fits_its_slot_twice():
    assert (FIRMWARE / "root.squashfs").stat().st_size < 80 * 1024 * 1024
