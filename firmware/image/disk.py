"""What lies on the disk: the slot's file system, the partition of the boot loader, and the disk."""

import os
import pathlib
import subprocess

from . import names


def run(*words, **options):
    subprocess.run([str(word) for word in words], check=True, **options)


def squash(tree, file, epoch, compression=("gzip", "-Xcompression-level", "9")):
    """GRUB reads the kernel from it: so no compression that GRUB doesn't know."""
    file = pathlib.Path(file)
    file.unlink(missing_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
    run(
        *("mksquashfs", tree, file, "-noappend", "-quiet", "-no-progress", "-all-root", "-no-xattrs"),
        *("-mkfs-time", epoch, "-all-time", epoch, "-comp", *compression),
        env=environment,
    )
    if file.stat().st_size > names.SLOT_MIB * names.MIB:
        raise ValueError(f"{file} does not fit in a slot of {names.SLOT_MIB} MiB")


def make_boot_partition(file, arch, grub_modules, files, scratch):
    """FAT with GRUB for UEFI; `files` maps names on it to files of this machine."""
    platform, loader = names.GRUB[arch]
    scratch = pathlib.Path(scratch)
    run(
        *("grub-mkimage", "-O", platform, "-d", grub_modules, "-p", "/grub"),
        *("-o", scratch / loader),
        *("part_gpt", "fat", "squash4", "linux", "loadenv", "test", "echo", "normal", "eval"),
        *("configfile", "serial", "terminal", "reboot", "gzio", "regexp", "sleep"),
    )
    file = pathlib.Path(file)
    file.unlink(missing_ok=True)
    with open(file, "wb") as image:
        image.truncate(names.ESP_MIB * names.MIB)
    run("mkfs.vfat", "--invariant", "-i", names.FAT_ID, "-n", "TILLBACK", file, stdout=subprocess.DEVNULL)
    run("mmd", "-i", file, "::/EFI", "::/EFI/BOOT", "::/grub", "::/rescue")
    run("mcopy", "-i", file, scratch / loader, f"::/EFI/BOOT/{loader}")
    for name, source in files.items():
        run("mcopy", "-i", file, source, f"::/{name}")


def make_disk(file, arch, boot_partition, root):
    """The image that is written to a disk. The data partition is not in it: the appliance makes it
    from what is free."""
    sectors = names.MIB // names.SECTOR
    esp, slot = names.ESP_MIB * sectors, names.SLOT_MIB * sectors
    start_a = names.ALIGN + esp
    root_type = names.ROOT_TYPE[arch]
    table = f"""label: gpt
label-id: {names.DISK_ID}
first-lba: {names.ALIGN}
start={names.ALIGN}, size={esp}, type=U, uuid={names.ESP_ID}, name=tillback-esp
start={start_a}, size={slot}, type={root_type}, uuid={names.ROOT_A_ID}, name=root-a
start={start_a + slot}, size={slot}, type={root_type}, uuid={names.ROOT_B_ID}, name=root-b
"""
    file = pathlib.Path(file)
    file.unlink(missing_ok=True)
    with open(file, "wb") as image:
        image.truncate((names.ESP_MIB + 2 * names.SLOT_MIB + 2) * names.MIB)
    run("sfdisk", "--quiet", file, input=table.encode())
    with open(file, "r+b") as image:
        _write_at(image, names.ALIGN, boot_partition)
        _write_at(image, start_a, root)


def _write_at(image, sector, part):
    """Blocks of zeros stay holes."""
    image.seek(sector * names.SECTOR)
    with open(part, "rb") as source:
        while block := source.read(64 * 1024):
            if any(block):
                image.write(block)
            else:
                image.seek(len(block), os.SEEK_CUR)
