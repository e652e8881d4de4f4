"""Which libraries an ELF file needs, and where they are in a tree; of any architecture."""

import functools
import os
import pathlib
import subprocess


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


@functools.lru_cache(maxsize=None)
def _needed(path):
    """The names of the libraries, and the paths of the interpreter and of further folders."""
    output = subprocess.run(
        ["readelf", "--wide", "--dynamic", "--program-headers", path],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    names, interpreters, folders = [], [], []
    for line in output.splitlines():
        if "program interpreter" in line:
            interpreters.append(line.split(": ", 1)[1].rstrip("]"))
        elif "(NEEDED)" in line:
            names.append(line.split("[")[1].split("]")[0])
        elif "(RUNPATH)" in line or "(RPATH)" in line:
            folders += line.split("[")[1].split("]")[0].split(":")
    return names, interpreters, folders


def libraries(path, tree, triplet):
    """Paths from the root of `tree` of what the file needs, links not followed. A private library
    needs its neighbours, which its program's run path would find."""
    names, interpreters, folders = _needed(str(path))
    path, tree = pathlib.Path(path), pathlib.Path(tree)
    if path.is_relative_to(tree):
        folders = [*folders, f"/{path.parent.relative_to(tree)}"]
    found = [name.lstrip("/") for name in interpreters]
    for name in names:
        places = [*folders, f"/usr/lib/{triplet}", "/usr/lib", f"/lib/{triplet}", "/lib"]
        for place in places:
            candidate = f"{place.lstrip('/')}/{name}"
            if os.path.lexists(tree / candidate):
                found.append(candidate)
                break
        else:
            raise FileNotFoundError(f"{path} needs {name}, which no package brought")
    return found
