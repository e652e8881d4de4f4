"""Bundles for the tests, made from the image's tree: good ones, ones that break the appliance, and
ones that no appliance may take. Runs inside a Debian 13, as the image's making does.

    python3 -m tests.firmware.make_bundles FIRMWARE OUT
"""

import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

from firmware.image import bundle, disk, initrd, keys

ARCH = "amd64"
EPOCH = 1795305600
GOOD, PANICS, UNHEALTHY, NEWER, HANGS, STUCK = "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0"


def hang(archive):
    """The initial RAM disk, with one upon it that replaces what it shares with the rescue."""
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "disks.sh"
        script.write_text(pathlib.Path("firmware/boot/disks.sh").read_text() + "load_drivers() { sleep 1000000; }\n")
        return archive + initrd.archive(pathlib.Path(folder))


def stick_fast(kernel):
    """A kernel that does nothing, for ever, wherever a boot loader enters it: a jump to itself."""
    image = bytearray(kernel)
    assert image[0x202:0x206] == b"HdrS"
    code = (image[0x1F1] + 1) * 512
    header = struct.unpack_from("<I", image, 0x3C)[0]
    of_firmware = struct.unpack_from("<I", image, header + 40)[0]
    for entry in (code, code + 0x200, of_firmware):
        image[entry : entry + 2] = b"\xeb\xfe"
    return bytes(image)


# What each version changes in the tree: a text that is there instead, or what is made of what is there.
CHANGES = {
    GOOD: {},
    NEWER: {},
    PANICS: {
        "usr/lib/systemd/system/tillback-boot.service.d/panic.conf": "[Service]\n"
        "ExecStartPre=/bin/sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger'\n"
    },
    UNHEALTHY: {
        "usr/lib/systemd/system/tillbackd.service.d/broken.conf": "[Service]\n"
        "ExecStart=\nExecStart=/bin/false\n",
        "usr/lib/systemd/system/tillback-health.service.d/soon.conf": "[Service]\n"
        "Environment=HEALTH_DEADLINE_S=15\n",
    },
    HANGS: {"boot/initrd": hang},
    STUCK: {"boot/vmlinuz": stick_fast},
}


def make_root(firmware, out, version):
    """A root that says it is of another version, and differs as CHANGES tells."""
    tree = out / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    subprocess.run(["cp", "-al", firmware / "root", tree], check=True)
    for name in ("etc/os-release", "etc/rauc/system.conf"):
        text = (tree / name).read_text()
        text = text.replace("VERSION=0.1.0", f"VERSION={version}")
        _replace(tree / name, text.replace("version=0.1.0", f"version={version}").encode())
    for name, change in CHANGES[version].items():
        there = tree / name
        _replace(there, change(there.read_bytes()) if callable(change) else change.encode())
    root = out / f"root-{version}.squashfs"
    disk.squash(tree, root, EPOCH, ("gzip", "-Xcompression-level", "1"))
    shutil.rmtree(tree)
    return root


def _replace(path, content):
    """The tree's files are links to the image's own: never written to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def main():
    firmware, out = (pathlib.Path(word) for word in sys.argv[1:])
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    ours = keys.development_keys(firmware.parent / "keys")
    foreign = keys.development_keys(out / "foreign-keys")
    roots = {version: make_root(firmware, out, version) for version in CHANGES}

    def make(name, version, root, signers=ours, compatible=None):
        bundle.make(
            *(out / f"{name}.raucb", root, ARCH, version, *signers, out / "scratch", compatible)
        )

    make("good", GOOD, roots[GOOD])
    make("newer", NEWER, roots[NEWER])
    make("panics", PANICS, roots[PANICS])
    make("unhealthy", UNHEALTHY, roots[UNHEALTHY])
    make("hangs", HANGS, roots[HANGS])
    make("stuck", STUCK, roots[STUCK])
    # The content of these is never looked at, and so may be small.
    small = out / "small.squashfs"
    small.write_bytes(roots[GOOD].read_bytes()[: 64 * 1024])
    make("older", "0.0.9", small)
    make("other-product", GOOD, small, compatible="somebody-elses-box")
    make("foreign", GOOD, small, foreign)
    # Of the newest of them that an appliance goes on with, so that nothing else is wrong with it.
    tampered = bytearray((out / "newer.raucb").read_bytes())
    tampered[len(tampered) // 2] ^= 1
    (out / "tampered.raucb").write_bytes(tampered)
    (out / "unsigned.raucb").write_bytes(bytes((out / "older.raucb").read_bytes()[: 64 * 1024]))


main()
