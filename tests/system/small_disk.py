"""A real, small file system, for a state directory that fills up. Needs root and a loop device."""

import os
import pathlib
import subprocess

import pytest


class SmallDisk:
    def __init__(self, folder, mib):
        if os.geteuid() != 0:
            pytest.skip("needs root, for a file system of its own")
        self.image = pathlib.Path(folder) / "image"
        self.path = pathlib.Path(folder) / "disk"
        self.path.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(mib << 20)
        subprocess.run(["mkfs.ext4", "-q", "-m", "0", "-F", self.image], check=True)
        done = subprocess.run(["mount", "-o", "loop", self.image, self.path], capture_output=True)
        if done.returncode:
            pytest.skip(f"no loop device: {done.stderr.decode().strip()}")

    def free(self):
        info = os.statvfs(self.path)
        return info.f_bavail * info.f_frsize

    def fill(self, leaving=0):
        """By somebody else, until so many bytes are left."""
        with open(self.path / "filler", "ab", buffering=0) as file:
            while self.free() > leaving:
                try:
                    file.write(bytes(max(512, min(1 << 20, self.free() - leaving))))
                except OSError:
                    break
            os.fsync(file.fileno())

    def relieve(self):
        (self.path / "filler").unlink(missing_ok=True)
        os.sync()

    def unmount(self):
        subprocess.run(["umount", "-l", self.path], check=True)
