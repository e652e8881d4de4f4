"""Initial RAM disks: a shell, the drivers of disks, and a script. One finds the slot; the other is the
rescue, for a box of which no slot starts."""

import gzip

import os
import pathlib
import shutil
import stat

from . import elf, modules

APPLETS = ("cat", "grep", "mount", "modprobe", "readlink", "reboot", "sed", "sh", "sleep",
           "sort", "switch_root", "umount")
RESCUE_APPLETS = (*APPLETS, "cut", "dd", "head", "mkdir", "rm", "sha256sum", "sync", "tail", "tr")
RESCUE_MODULES = ("ext4", "crc32c_generic", "loop", "nls_ascii", "nls_cp437", "nls_utf8", "vfat")
RESCUE_FILES = ("etc/rauc/system.conf", "etc/rauc/ca.pem")


def make(tree, names, boot, scratch):
    """The archive's bytes; `tree` already holds busybox and the kernel's modules, `boot` the scripts."""
    return _make(tree, names, boot, "init", APPLETS, pathlib.Path(scratch))


def make_rescue(tree, names, boot, scratch):
    """The same for the rescue, packed: it lies on the boot partition, which is small."""
    scratch = pathlib.Path(scratch)
    archive = _make(tree, [*names, *RESCUE_MODULES], boot, "rescue", RESCUE_APPLETS, scratch, RESCUE_FILES,
                    ("rauc", "grub-editenv"))  # fmt: skip
    return gzip.compress(archive, mtime=0)


def _make(tree, names, boot, script, applets, scratch, files=(), programs=()):
    shutil.rmtree(scratch, ignore_errors=True)
    for folder in ("bin", "dev", "proc", "sys", "root", "usr/lib"):
        (scratch / folder).mkdir(parents=True)
    for name in ("lib", "lib64"):
        if (tree.target / name).is_symlink():
            (scratch / name).symlink_to(f"usr/{name}")
            (scratch / "usr" / name).mkdir(exist_ok=True)
    shutil.copy2(boot / script, scratch / "init")
    shutil.copy2(boot / "disks.sh", scratch / "disks.sh")
    for name in ("busybox", *programs):
        _copy_program(tree, name, scratch)
    for name in files:
        (scratch / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(tree.target / name, scratch / name)
    for applet in applets:
        (scratch / "bin" / applet).symlink_to("busybox")
    modules.install(tree.target, scratch, modules.release(tree.target), names)
    return archive(scratch)


def _copy_program(tree, name, scratch):
    program = scratch / "bin" / name
    shutil.copy2(tree.target / "usr/bin" / name, program)
    wanted = elf.libraries(program, tree.debian, tree.triplet)
    while wanted:
        library = wanted.pop()
        if not (scratch / library).exists():
            _copy_library(tree, library, scratch)
            wanted += elf.libraries(tree.debian / library, tree.debian, tree.triplet)


def _copy_library(tree, path, scratch):
    real = (tree.debian / path).resolve()
    target = scratch / path
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(real, target)


def archive(folder):
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
