"""The root file system as a tree: chosen files of Debian's packages with the libraries they need,
our programs, and the overlay."""

import fnmatch
import os
import pathlib
import shutil
import subprocess

from . import elf, modules

# Mount points, and what init wants to be there.
FOLDERS = ("boot/efi", "data", "dev", "proc", "run", "sys", "tmp", "var", "root")
PROGRAMS = ("tillbackd", "tillback", "grub-editenv")


def read_list(path):
    """The lines of a list, without comments."""
    lines = (line.split("#")[0].strip() for line in pathlib.Path(path).read_text().splitlines())
    return [line for line in lines if line]


class Tree:
    """`debian` is where the packages were unpacked, `target` the tree that is made; `taken` holds
    the paths that came from packages."""

    def __init__(self, debian, target, triplet):
        self.debian = pathlib.Path(debian)
        self.target = pathlib.Path(target)
        self.triplet = triplet
        self.taken = set()
        shutil.rmtree(self.target, ignore_errors=True)
        for folder in FOLDERS:
            (self.target / folder).mkdir(parents=True)
        for name in ("bin", "lib", "sbin", "lib64"):
            if (self.debian / name).is_symlink():
                (self.target / name).symlink_to(f"usr/{name}")
                (self.target / "usr" / name).mkdir(parents=True, exist_ok=True)

    def take_listed(self, patterns):
        everything = [
            str(path.relative_to(self.debian))
            for path in self.debian.rglob("*")
            if path.is_symlink() or not path.is_dir()
        ]
        for pattern in patterns:
            pattern = pattern.replace("@TRIPLET@", self.triplet)
            found = fnmatch.filter(everything, pattern) if "*" in pattern else [pattern]
            if not found:
                raise FileNotFoundError(f"no package has {pattern}")
            for path in sorted(found):
                self.take(path)

    def take(self, path):
        """One file, what a link names, and the libraries it needs."""
        path = self._real_folder(path)
        if path in self.taken:
            return
        source, target = self.debian / path, self.target / path
        if not os.path.lexists(source):
            raise FileNotFoundError(f"no package has {path}")
        self.taken.add(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            link = os.readlink(source)
            target.symlink_to(link)
            self.take(os.path.normpath(os.path.join("/", os.path.dirname(path), link)))
            return
        shutil.copy2(source, target)
        target.chmod(target.stat().st_mode & 0o777)  # nobody gains rights by a program here
        self.take_libraries(source)

    def take_libraries(self, file):
        if elf.is_elf(file):
            for library in elf.libraries(file, self.debian, self.triplet):
                self.take(library)

    def _real_folder(self, path):
        """bin/x is usr/bin/x."""
        path = path.lstrip("/")
        first = path.split("/")[0]
        return f"usr/{path}" if (self.target / first).is_symlink() else path

    def add_programs(self, folder, strip):
        for name in PROGRAMS:
            target = self.target / "usr/bin" / name
            subprocess.run([strip, "-o", target, pathlib.Path(folder) / name], check=True)
            self.take_libraries(target)

    def add_overlay(self, folder):
        shutil.copytree(folder, self.target, symlinks=True, dirs_exist_ok=True)
        resolv = self.target / "etc/resolv.conf"
        if not resolv.is_symlink():
            resolv.symlink_to("../run/systemd/resolve/stub-resolv.conf")

    def add_screen(self, line):
        """The status for a technician, on the serial line as on the screen."""
        wants = self.target / "usr/lib/systemd/system/multi-user.target.wants"
        (wants / f"tillback-screen@{line}.service").symlink_to("../tillback-screen@.service")

    def add_busybox_links(self, applets):
        """Every applet that no real program of the tree does better."""
        for applet in applets:
            folders = [self.target / "usr/bin", self.target / "usr/sbin"]
            if not any(os.path.lexists(folder / applet) for folder in folders):
                (self.target / "usr/bin" / applet).symlink_to("busybox")

    def add_kernel(self, names):
        release = modules.release(self.debian)
        modules.install(self.debian, self.target, release, names)
        self.taken.add(f"boot/vmlinuz-{release}")
        shutil.copy2(self.debian / f"boot/vmlinuz-{release}", self.target / "boot/vmlinuz")
        return release
