"""Kernel modules: those asked for and those that they need, unpacked; init loads them faster so."""

import lzma
import pathlib
import shutil
import subprocess


def read_names(lines, arch):
    """All names, and the early ones, of what this architecture's kernel has."""
    words = [line.removeprefix(f"{arch}:").split() for line in lines]
    ours = [each for each in words if not each[0].endswith(":")]
    return [each[-1] for each in ours], [each[-1] for each in ours if each[0] == "early"]


def release(tree):
    (folder,) = (pathlib.Path(tree) / "usr/lib/modules").iterdir()
    return folder.name


def _dependencies(folder):
    """Module name -> (its path, paths that it needs), as depmod found them."""
    table = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, needed = line.split(":")
        name = pathlib.Path(path).name.split(".")[0].replace("-", "_")
        table[name] = (path, needed.split())
    return table


def _builtin(folder):
    lines = (folder / "modules.builtin").read_text().splitlines()
    return {pathlib.Path(line).stem.replace("-", "_") for line in lines}


def install(source, target, kernel, names):
    """Copies modules of the kernel from one tree to another, and indexes them there."""
    subprocess.run(["depmod", "-b", source, kernel], check=True)
    from_folder = pathlib.Path(source) / "usr/lib/modules" / kernel
    to_folder = pathlib.Path(target) / "usr/lib/modules" / kernel
    table, builtin = _dependencies(from_folder), _builtin(from_folder)
    for name in names:
        if name in builtin:
            continue
        if name not in table:
            raise FileNotFoundError(f"the kernel has no module {name}")
        path, needed = table[name]
        for each in [path, *needed]:
            _copy(from_folder / each, to_folder / each)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy2(from_folder / name, to_folder / name)
    subprocess.run(["depmod", "-b", target, kernel], check=True)


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix == ".xz":
        target.with_suffix("").write_bytes(lzma.decompress(source.read_bytes()))
    else:
        shutil.copy2(source, target)
