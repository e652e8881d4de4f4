"""Makes the appliance's image from unpacked packages and our programs. Runs inside a Debian 13, so
that the tools are of one version wherever it is built: see `make firmware`.

    python3 -m firmware.image --arch ARCH --debian DIR --programs DIR --out DIR
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess

from . import bundle, disk, initrd, keys, modules, names, sbom, tree

HERE = pathlib.Path(__file__).resolve().parents[1]
VERSION_HEADER = HERE.parent / "hal/base/version.h"


def build_version():
    """The version, and the time that everything in the image bears."""
    text = VERSION_HEADER.read_text()
    version = re.search(r'TILLBACK_VERSION "([^"]+)"', text)[1]
    milliseconds = re.search(r"TILLBACK_BUILD_MS INT64_C\((\d+)\)", text)[1]
    return version, int(milliseconds) // 1000


def run_program(options, program, *words):
    """A program of the image's architecture, with the image's libraries."""
    emulator = names.EMULATOR[options.arch]
    with_libraries = [*emulator, options.debian] if emulator else []
    done = subprocess.run(
        [*with_libraries, program, *words], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def write(path, text, mode=0o644):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def write_identity(root, arch, version, authority):
    """What the image says of itself, and whose updates it takes."""
    write(
        root / "etc/os-release",
        f'NAME=Tillback\nID=tillback\nPRETTY_NAME="Tillback appliance {version}"\n'
        f"VERSION_ID={version}\nIMAGE_ID={names.COMPATIBLE[arch]}\nIMAGE_VERSION={version}\n",
    )
    template = (HERE / "rauc.conf").read_text()
    write(
        root / "etc/rauc/system.conf",
        template.replace("@COMPATIBLE@", names.COMPATIBLE[arch]).replace("@VERSION@", version),
    )
    shutil.copy2(authority, root / "etc/rauc/ca.pem")


def make_tree(options, debian, out, version, authority):
    made = tree.Tree(debian, out / "root", names.TRIPLETS[options.arch])
    made.take_listed(tree.read_list(HERE / "files"))
    made.add_programs(options.programs, names.STRIP[options.arch])
    all_modules, early = modules.read_names(tree.read_list(HERE / "modules"), options.arch)
    made.add_kernel(all_modules)
    made.add_overlay(HERE / "overlay")
    made.add_screen(names.SERIAL_LINE[options.arch])
    made.add_busybox_links(run_program(options, debian / "usr/bin/busybox", "--list").split())
    write_identity(made.target, options.arch, version, authority)
    archive = initrd.make(made, early, HERE / "boot", out / "initrd")
    (made.target / "boot/initrd").write_bytes(archive)
    (out / "rescue.initrd").write_bytes(initrd.make_rescue(made, early, HERE / "boot", out / "rescue"))
    return made


def write_contents(made, options, out, version, epoch):
    """The bill of materials, the licences, and the lock of the packages' versions."""
    packages = sbom.packages_of(options.debian / "var/cache/apt/archives", made.taken)
    for package in packages:
        package["licences"] = sbom.licences(options.debian, package["package"])
    when = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).isoformat()
    document = sbom.cyclonedx(packages, options.arch, version, when)
    write(out / "sbom.cdx.json", json.dumps(document, indent=1, sort_keys=True) + "\n")
    write(out / "licences.txt", sbom.licence_list(packages))
    lock = out / "packages.lock"
    before = sbom.read_lock(lock)
    write(lock, sbom.lock(packages))
    for line in sbom.differences(before, sbom.read_lock(lock)):
        print(f"  {line}")


def main():
    parser = argparse.ArgumentParser(prog="firmware.image", description=__doc__)
    parser.add_argument("--arch", choices=names.TRIPLETS, required=True)
    parser.add_argument("--debian", type=pathlib.Path, required=True)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    options = parser.parse_args()
    version, epoch = build_version()
    os.environ["SOURCE_DATE_EPOCH"] = str(epoch)
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    authority, certificate, key = keys.development_keys(out.parent / "keys")

    trusted = keys.trusted(out.parent / "keys")
    made = make_tree(options, options.debian, out, version, trusted)
    write_contents(made, options, out, version, epoch)
    disk.squash(made.target, out / "root.squashfs", epoch)

    starts = ("A_TRY=0", "B_TRY=0")
    blocks = {"grubenv": ("ORDER=A B", "A_OK=1", "B_OK=0", *starts), "spare": starts}
    for name, variables in blocks.items():
        run_program(options, options.programs / "grub-editenv", out / name, "create", *variables)
    grub_modules = options.debian / "usr/lib/grub" / names.GRUB[options.arch][0]
    files = {
        "grub/grub.cfg": HERE / "boot/grub.cfg",
        "grub/grubenv": out / "grubenv",
        "grub/spare": out / "spare",
        "rescue/vmlinuz": made.target / "boot/vmlinuz",
        "rescue/initrd": out / "rescue.initrd",
    }
    disk.make_boot_partition(out / "esp.img", options.arch, grub_modules, files, out)
    disk.make_disk(out / "tillback.img", options.arch, out / "esp.img", out / "root.squashfs")
    bundle.make(
        *(out / f"tillback-{version}.raucb", out / "root.squashfs", options.arch, version),
        *(authority, certificate, key, out / "bundle"),
    )


main()
