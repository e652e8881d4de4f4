"""What a cut left is what is looked at, not what was looked at before it. Needs root, to mount."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import replay  # noqa: E402


def run(*words):
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def make_disk(folder, name):
    """An ext4 whose one file says `name`."""
    (folder / "files").mkdir(exist_ok=True)
    (folder / "files" / "who").write_text(name)
    run("truncate", "-s", "32M", folder / name)
    run("mkfs.ext4", "-q", "-d", folder / "files", folder / name)
    return folder / name


def test_image_is_seen_as_it_is_though_somebody_has_its_former_device_open(tmp_path):
    left, folder = tmp_path / "left", tmp_path / "mounted"
    folder.mkdir()
    seen, held = [], []
    for name in "ab":
        run("cp", "--sparse=always", make_disk(tmp_path, name), left)
        with replay.mounted(left, folder) as wrong:
            assert not wrong
            seen.append((folder / "who").read_text())
            held.append(os.open(run("findmnt", "-no", "SOURCE", folder), os.O_RDONLY))
    for device in held:
        os.close(device)
    assert seen == ["a", "b"]


def test_torn_superblock_is_mended_and_what_is_no_file_system_is_told(tmp_path):
    folder = tmp_path / "mounted"
    folder.mkdir()
    disk = make_disk(tmp_path, "a")
    with disk.open("r+b") as image:
        image.seek(1024)
        image.write(bytes(512))
    with replay.mounted(disk, folder) as wrong:
        assert not wrong
        assert (folder / "who").read_text() == "a"
    with disk.open("r+b") as image:
        image.write(bytes(32 << 20))
    with replay.mounted(disk, folder) as wrong:
        assert "it can't be mounted" in wrong
    assert str(disk) not in run("losetup", "--list")
