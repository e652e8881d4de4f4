"""What an appliance's disk holds, read while the appliance is off."""

import contextlib
import json
import shutil
import subprocess

SECTOR = 512


def partition(disk, name):
    """(first byte, bytes) of the partition of that name."""
    output = subprocess.run(["sfdisk", "--json", disk], capture_output=True, text=True, check=True)
    [found] = [
        part
        for part in json.loads(output.stdout)["partitiontable"]["partitions"]
        if part.get("name") == name
    ]
    return found["start"] * SECTOR, found["size"] * SECTOR


@contextlib.contextmanager
def mounted_file(file, folder, options="loop"):
    """A file system in a file, which is written to: its journal is played as at a start."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-o", options, file, folder]
    subprocess.run(command, check=True, capture_output=True, text=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def copy_log(disk, target, scratch):
    """The appliance's folder, from a copy of the disk: the disk itself stays as it is."""
    copy = scratch / "copy-of-disk"
    subprocess.run(["cp", "--sparse=always", disk, copy], check=True)
    at, size = partition(copy, "tillback-data")
    with mounted_file(copy, scratch / "mounted", f"loop,offset={at},sizelimit={size}") as data:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(data / "tillback", target, ignore=shutil.ignore_patterns("*.sock"))
    copy.unlink()
