"""The initial RAM disk: a shell, the drivers of disks, and the script that finds the slot."""

import os
import pathlib
import shutil
import stat

from . import elf, modules

APPLETS = ("cat", "grep", "mount", "modprobe", "readlink", "reboot", "sed", "sh", "sleep",
           "sort", "switch_root", "umount")


def make(tree, names, init, scratch):
    """The archive's bytes; `tree` already holds busybox and the kernel's modules."""
    scratch = pathlib.Path(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    for folder in ("bin", "dev", "proc", "sys", "root", "usr/lib"):
        (scratch / folder).mkdir(parents=True)
    for name in ("lib", "lib64"):
        if (tree.target / name).is_symlink():
            (scratch / name).symlink_to(f"usr/{name}")
            (scratch / "usr" / name).mkdir(exist_ok=True)
    shutil.copy2(init, scratch / "init")
    shutil.copy2(tree.target / "usr/bin/busybox", scratch / "bin/busybox")
    for library in elf.libraries(scratch / "bin/busybox", tree.debian, tree.triplet):
        _copy_library(tree, library, scratch)
    for applet in APPLETS:
        (scratch / "bin" / applet).symlink_to("busybox")
    modules.install(tree.target, scratch, modules.release(tree.target), names)
    return _archive(scratch)


def _copy_library(tree, path, scratch):
    real = (tree.debian / path).resolve()
    target = scratch / path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(real, target)


def _archive(folder):
    """In cpio's "newc" format, all of root's, without times: the same for the same files."""
    out = bytearray()
    paths = sorted(folder.rglob("*"))
    for number, path in enumerate(paths, 1):
        name = str(path.relative_to(folder))
        mode = path.lstat().st_mode
        if path.is_symlink():
            data = os.readlink(path).encode()
        elif path.is_dir():
            data = b""
        else:
            data = path.read_bytes()
            mode = stat.S_IFREG | (0o755 if mode & 0o111 else 0o644)
        _entry(out, name, mode, number, data)
    _entry(out, "TRAILER!!!", 0, 0, b"")
    return bytes(out)


def _entry(out, name, mode, number, data):
    encoded = name.encode() + b"\0"
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(encoded), 0)
    out += b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
    out += b"\0" * (-len(out) % 4)
    out += data
    out += b"\0" * (-len(out) % 4)
