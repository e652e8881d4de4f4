"""What a power cut leaves of a disk, from QEMU's log of the disk's writes (`blklogwrites`)."""

import collections
import contextlib
import copy
import struct
import subprocess

SECTOR = 512
FLUSH, FUA, DISCARD = 1, 2, 4

Entry = collections.namedtuple("Entry", "sector sectors flags at")


class Log:
    """QEMU's log of a disk (the format of Linux's dm-log-writes), in the order of completion."""

    def __init__(self, path):
        self.file = path.open("rb")
        magic, _, _, self.sector_size = struct.unpack("<QQQI", self.file.read(28))
        assert magic == 0x6A736677736872 and self.sector_size == SECTOR, "not a log of writes"
        self.entries = list(self._read(path.stat().st_size))

    def _read(self, size):
        at = SECTOR
        while at + SECTOR <= size:
            self.file.seek(at)
            sector, sectors, flags, _ = struct.unpack("<QQQQ", self.file.read(32))
            if flags == 0 and sectors == 0:
                return
            at += SECTOR
            data = 0 if flags & DISCARD else sectors * SECTOR
            if at + data > size:
                return
            yield Entry(sector, sectors, flags, at)
            at += data

    def within(self, first, sectors):
        """The same of a part of the disk, as if it were a disk of its own; a flush is of all."""
        part = copy.copy(self)
        part.entries = [
            entry._replace(sector=entry.sector - first if entry.sectors else 0)
            for entry in self.entries
            if not entry.sectors or first <= entry.sector < first + sectors
        ]
        return part

    def end(self, entry):
        """Where it ends in the file: a log that was so long when something happened holds it."""
        return entry.at + (0 if entry.flags & DISCARD else entry.sectors * SECTOR)

    def data(self, entry):
        if entry.flags & DISCARD:
            return bytes(entry.sectors * SECTOR)
        self.file.seek(entry.at)
        return self.file.read(entry.sectors * SECTOR)


def blockdev(name, disk, log):
    """The word for QEMU's -blockdev that logs what is written to a raw disk."""
    return (
        f"driver=blklogwrites,node-name={name},file.driver=file,file.filename={disk},"
        f"log.driver=file,log.filename={log}"
    )


def states(log, before, folder, moments, dice, keeps_flushed=True):
    """For each of the moments (numbers of entries, rising) yields (moment, file): all up to the last
    flush is there, and of what was written after it some is, some is not, some is torn. A disk
    that does not keep what was flushed is a control: it only says that it had.

    The file is the same each time, and may be written to."""
    durable, left = folder / "durable", folder / "left"
    _copy(before, durable)
    done = 0
    for moment in moments:
        flushes = [i for i in range(done, moment + 1) if log.entries[i].flags & FLUSH]
        if flushes and keeps_flushed:
            with durable.open("r+b") as image:
                for entry in log.entries[done : flushes[-1] + 1]:
                    _write(image, entry, log.data(entry))
            done = flushes[-1] + 1
        _copy(durable, left)
        all_of_it = dice.random() < 0.15
        with left.open("r+b") as image:
            for entry in log.entries[done : moment + 1]:
                luck = dice.random()
                if (keeps_flushed and entry.flags & FUA) or all_of_it or luck < 0.5:
                    _write(image, entry, log.data(entry))
                elif luck < 0.75:
                    _write_torn(image, entry, log.data(entry), dice)
        yield moment, left


@contextlib.contextmanager
def mounted(image, folder):
    """Has what is left mounted; gives the words of what is wrong with that, or None. Mended before, when
    it can't be mounted otherwise: a superblock of 1,024 bytes may be torn in two.

    `mount -o loop` takes the image's former device again while somebody has that open, as another
    mount does for a moment, and shows what the image was then; so the device is always a new one."""
    words = ["losetup", "--find", "--show", image]
    device = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    wrong = _mount(device, folder)
    try:
        yield wrong
    finally:
        if not wrong:
            subprocess.run(["umount", folder], check=True)
        subprocess.run(["losetup", "--detach", device], check=True)


def _mount(device, folder):
    words = ["mount", device, folder]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        subprocess.run(["fsck.ext4", "-y", device], capture_output=True)
        done = subprocess.run(words, capture_output=True, text=True)
    return f"it can't be mounted: {done.stderr.strip()}" if done.returncode else None


def _copy(source, target):
    subprocess.run(["cp", "--sparse=always", source, target], check=True)


def _write(image, entry, data):
    image.seek(entry.sector * SECTOR)
    image.write(data)


def _write_torn(image, entry, data, dice):
    """Each sector for itself: there or not."""
    for number in range(entry.sectors):
        if dice.random() < 0.5:
            image.seek((entry.sector + number) * SECTOR)
            image.write(data[number * SECTOR : (number + 1) * SECTOR])
