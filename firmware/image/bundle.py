"""Signed update bundles for RAUC."""

import os
import pathlib
import shutil
import subprocess

from . import names


def make(file, root, arch, version, authority, certificate, key, scratch, compatible=None):
    """In the format "verity": each block is checked as it is read."""
    scratch = pathlib.Path(scratch)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    os.link(root, scratch / "root.squashfs")
    (scratch / "manifest.raucm").write_text(
        f"[update]\ncompatible={compatible or names.COMPATIBLE[arch]}\nversion={version}\n\n"
        "[bundle]\nformat=verity\n\n[image.rootfs]\nfilename=root.squashfs\n"
    )
    pathlib.Path(file).unlink(missing_ok=True)
    subprocess.run(
        ["rauc", "bundle", f"--cert={certificate}", f"--key={key}", f"--keyring={authority}",
         scratch, file],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
