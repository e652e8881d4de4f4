#!/usr/bin/python3
"""Power cuts below the file system: see README.md beside this.

    run.py WORKLOAD [--cuts N] [--seed N] [--only NAME]      WORKLOAD is the program block_workload

Exit 1 when a setting that must keep everything lost something, or when one that is known to lose
was not caught losing.
"""

import argparse
import collections
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

import replay

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
BUILD = ROOT / "build" / "block"
FILE_SYSTEM_MIB = 60
DISK_MIB = 64
MARK_OFFSET = 62 << 20  # behind the file system
MARK = b"TBMARK01"
MODULES = (
    "virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci virtio_blk".split()
)

Case = collections.namedtuple("Case", "name workload mount loses")
CASES = [
    Case("event log on ext4", "eventlog", "", False),
    Case("event log on ext4, data=journal", "eventlog", "data=journal", False),
    Case("hub on ext4", "hub", "", False),
    Case("control: hub, barrier=0", "hub", "barrier=0", True),
    Case("control: event log, barrier=0", "eventlog", "barrier=0", True),
    Case("SQLite alone, WAL and FULL", "WAL/FULL", "", False),
    Case("control: WAL and NORMAL", "WAL/NORMAL", "", True),
    Case("control: WAL and OFF", "WAL/OFF", "", True),
    Case("control: rollback journal and FULL", "DELETE/FULL", "", True),
]


# --- The machine ---------------------------------------------------------------------------------


def unpack_kernel():
    """Debian's own kernel for virtual machines, unpacked and not installed: (image, modules)."""
    folder = BUILD / "kernel"
    if not folder.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        words = run(["apt-cache", "depends", "linux-image-cloud-amd64"])
        package = re.search(r"Depends: (linux-image-\S+)", words)[1]
        run(["apt-get", "-q", "download", package], cwd=BUILD)
        [deb] = BUILD.glob(f"{package}_*.deb")
        run(["dpkg-deb", "-x", deb, folder.with_suffix(".new")])
        folder.with_suffix(".new").rename(folder)
    [image] = (folder / "boot").glob("vmlinuz-*")
    return image, {path.stem: path for path in folder.glob("lib/modules/**/*.ko")}


INIT = """#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t devtmpfs dev /dev
for module in {modules}; do /bin/busybox insmod /modules/$module.ko; done
read words < /proc/cmdline
for word in $words; do case $word in
    tb.workload=*) workload=${{word#*=}} ;;
    tb.mount=*) options=${{word#*=}} ;;
esac; done
/bin/busybox mount -t ext4 -o rw,$options /dev/vda /mnt && \
    /block_workload $workload /mnt /dev/vda {offset}
/bin/busybox poweroff -f
"""


def libraries(program):
    """What it is linked with, and the loader."""
    return re.findall(r"(/\S+\.so\S*)", run(["ldd", program]))


def make_initramfs(workload, modules):
    root = pathlib.Path(tempfile.mkdtemp(prefix="tillback-initramfs-"))
    for name in ("bin", "proc", "dev", "mnt", "tmp", "modules"):
        (root / name).mkdir()
    shutil.copy(shutil.which("busybox"), root / "bin" / "busybox")
    shutil.copy(workload, root / "block_workload")
    for library in libraries(workload):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(library, target)
    for name in MODULES:
        shutil.copy(modules[name], root / "modules")
    init = root / "init"
    init.write_text(INIT.format(modules=" ".join(MODULES), offset=MARK_OFFSET))
    init.chmod(0o755)
    archive = BUILD / "initramfs"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with archive.open("wb") as file:
        subprocess.run(
            ["cpio", "-o", "-H", "newc", "--quiet"], input=names.encode(), stdout=file, cwd=root,
            check=True,
        )
    shutil.rmtree(root)
    return archive


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def record(case, kernel, initramfs, folder):
    """Runs the workload in a machine; returns (disk as it was before, log of its writes)."""
    disk, log, before = folder / "disk", folder / "log", folder / "before"
    for path in (disk, log):
        path.write_bytes(b"")
    os.truncate(disk, DISK_MIB << 20)
    run(["mkfs.ext4", "-q", "-F", disk, f"{FILE_SYSTEM_MIB}M"])
    run(["cp", "--sparse=always", disk, before])
    command = [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nographic",
        "-nodefaults", "-no-reboot", "-serial", "stdio",
        "-kernel", kernel, "-initrd", initramfs,
        "-append",
        "console=ttyS0 quiet panic=-1 mitigations=off"
        f" tb.workload={case.workload} tb.mount={case.mount or 'defaults'}",
        *("-blockdev", replay.blockdev("vda", disk, log)),
        "-device", "virtio-blk-pci,drive=vda",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if "WORKLOAD DONE" not in done.stdout:
        sys.exit(f"{case.name}: the workload did not end:\n{done.stdout[-2000:]}{done.stderr}")
    return before, log


# --- The cuts ------------------------------------------------------------------------------------


def marked(log, entries, so_far):
    for entry in entries:
        if entry.sector * replay.SECTOR == MARK_OFFSET and entry.sectors:
            data = log.data(entry)
            if data.startswith(MARK):
                so_far = max(so_far, struct.unpack("<q", data[8:16])[0])
    return so_far


def look(image, folder, check, mark):
    """Mounts what is left, as a start after the cut would, and looks; the words of what is wrong."""
    mount = folder / "mnt"
    mount.mkdir(exist_ok=True)
    with replay.mounted(image, mount) as wrong:
        if wrong:
            return wrong
        found = subprocess.run([*check, mount, str(mark)], capture_output=True, text=True, timeout=60)
    return found.returncode and (found.stdout.strip() or found.stderr.strip() or "it crashed")


def cut(log, before, folder, check, cuts, dice):
    """Cuts at random moments. Returns [(moment, what is wrong)]."""
    moments = sorted(dice.randrange(len(log.entries)) for _ in range(cuts))
    bad, seen, mark = [], 0, 0
    for moment, left in replay.states(log, before, folder, moments, dice):
        mark = marked(log, log.entries[seen : moment + 1], mark)
        seen = moment + 1
        wrong = look(left, folder, check, mark)
        if wrong:
            bad.append((moment, wrong))
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", type=pathlib.Path)
    parser.add_argument("--cuts", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root, to mount what the cuts leave")
    kernel, modules = unpack_kernel()
    workload = given.workload.resolve()
    initramfs = make_initramfs(workload, modules)
    print(f"seed {given.seed}")
    failed = False
    for case in [case for case in CASES if given.only in case.name]:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="tillback-block-") as name:
            folder = pathlib.Path(name)
            before, path = record(case, kernel, initramfs, folder)
            log = replay.Log(path)
            own = ("eventlog", "hub")
            kind = f"check-{case.workload if case.workload in own else 'sqlite'}"
            dice = random.Random(f"{given.seed}-{case.name}")
            bad = cut(log, before, folder, [workload, kind], given.cuts, dice)
        wrong = bool(bad) != case.loses
        failed = failed or wrong
        print(
            f"  {'WRONG' if wrong else 'ok':5}  {case.name:38} {len(bad):3} of {given.cuts} cuts bad,"
            f" {len(log.entries)} writes, {time.monotonic() - began:.0f} s",
            flush=True,
        )
        for moment, words in bad[: 3 if wrong else 1]:
            print(f"           after write {moment}: {words}")
    sys.exit(1 if failed else 0)


main()
