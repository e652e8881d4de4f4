"""The appliance as a virtual machine: QEMU without hardware acceleration, from the image as it is
shipped. Tests speak to it as a technician would, by the console on its second serial line; that is
switched on in the boot partition of the disk's copy, and nothing else is changed."""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import typing

MIB = 1024 * 1024
ESP_OFFSET = MIB
BOOT_S = 1800  # without hardware acceleration, on a busy machine


class Board(typing.NamedTuple):
    """What differs from architecture to architecture."""

    qemu: tuple
    uefi: str  # code and variables, where one word is missing
    second_line: tuple  # QEMU's words for the technician's console
    second_tty: str
    for_emulator: str  # arguments of the kernel's that are not about what is tested

    @property
    def arguments(self):
        return f"systemd.wants=tillback-console@{self.second_tty}.service {self.for_emulator}"


AMD64 = Board(
    ("qemu-system-x86_64", "-M", "q35", "-cpu", "Nehalem"),
    "/usr/share/OVMF/OVMF_{}_4M.fd",
    ("-serial", "chardev:console"),
    "ttyS1",
    # Faster; and a starved emulator's timer is not taken for a broken one, with a panic.
    "mitigations=off no_timer_check",
)
ARM64 = Board(
    ("qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a53"),
    "/usr/share/AAVMF/AAVMF_{}.fd",
    ("-device", "pci-serial,chardev=console"),
    "ttyS0",
    "mitigations=off",
)


class MachineError(Exception):
    """The machine did not do what was awaited; the text holds its last words."""


def make_disk(image, disk, size_mib=1024, arguments=AMD64.arguments):
    """A disk with the image on it, larger than it, that starts with further kernel arguments."""
    subprocess.run(["cp", "--sparse=always", image, disk], check=True)
    with open(disk, "r+b") as file:
        file.truncate(size_mib * MIB)
    where = f"{disk}@@{ESP_OFFSET}"
    configuration = pathlib.Path(f"{disk}.grub.cfg")
    subprocess.run(["mcopy", "-n", "-o", "-i", where, "::/grub/grub.cfg", configuration], check=True)
    configuration.write_text(f'set EXTRA="{arguments}"\n' + configuration.read_text())
    subprocess.run(["mcopy", "-o", "-i", where, configuration, "::/grub/grub.cfg"], check=True)
    configuration.unlink()
    return disk


class Machine:
    """`ports` maps a port of this host to one of the machine; `devices` are further words for QEMU.
    What may change from one start to the next: `drive` (the words for its disk), `clock` (the
    time that its hardware clock starts with), `more_devices`, and `alone` (it reaches nothing of
    this host, which reaches it)."""

    def __init__(self, folder, disk, ports=None, devices=(), memory_mib=512, board=AMD64):
        self.folder = pathlib.Path(folder)
        self.disk = disk
        self.ports = ports or {}
        self.devices = devices
        self.memory_mib = memory_mib
        self.board = board
        self.drive = self.plain_drive = [
            # What QEMU has written outlives it; that its flushes reach this host's disk adds nothing.
            *("-blockdev", f"driver=file,node-name=disk,filename={disk},discard=unmap,cache.no-flush=on")
        ]
        self.clock = "utc"
        self.more_devices = []
        self.alone = False
        self.process = None
        self.started = None
        self.on = False
        self._power = threading.Lock()
        self._network = True
        self._console = self._status = self._qmp = None

    # --- Power ---------------------------------------------------------------------------------

    def start(self, saved=None):
        """From the plug on; or as what save() has saved, with the disk that it has now."""
        self.on = True
        self.started = time.monotonic()
        self._launch(["-incoming", f"exec:cat {saved}"] if saved else [])
        self._status = Line(self, "status")
        self._console = Console(self)
        threading.Thread(target=self._start_again, args=[self.process], daemon=True).start()
        return self

    def _start_again(self, process):
        """A restart that the machine asks for is a new QEMU: one that was reset was seen once
        to stand still in its firmware. So no test here shows a warm reset."""
        while process.wait() == 0:
            with self._power:
                if not self.on:
                    return
                self._launch()
                process = self.process

    def _launch(self, more_words=()):
        variables = self.folder / "uefi-variables.fd"
        if not variables.exists():
            shutil.copy(self.board.uefi.format("VARS"), variables)
        code = self.board.uefi.format("CODE")
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{a}-:{b}" for a, b in self.ports.items())
        alone = ",restrict=on" if self.alone else ""
        command = [
            *("setpriv", "--pdeathsig", "KILL"),
            *(*self.board.qemu, "-accel", "tcg", "-smp", "1", "-no-reboot"),
            *("-m", str(self.memory_mib), "-rtc", f"base={self.clock}"),
            *("-nodefaults", "-display", "none"),
            *("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}"),
            *("-drive", f"if=pflash,unit=1,format=raw,file={variables}"),
            *(*self.drive, "-device", "virtio-blk-pci,drive=disk,bootindex=1"),
            *("-netdev", f"user,id=net{forwards}{alone}", "-device", "virtio-net-pci,netdev=net,romfile="),
            *("-device", "virtio-rng-pci", "-device", "i6300esb", "-action", "watchdog=reset"),
            *("-device", "qemu-xhci,id=usb,p2=8,p3=8"),
            *(*self._line("status"), "-serial", "chardev:status"),
            *(*self._line("console"), *self.board.second_line),
            *("-qmp", f"unix:{self.folder}/qmp,server=on,wait=off"),
            *self.devices,
            *self.more_devices,
            *more_words,
        ]
        with open(self.folder / "qemu.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._qmp = Qmp(self)
        if not self._network:
            self.plug_network(False)

    def _line(self, name):
        path = f"{self.folder}/{name}"
        words = f"socket,id={name},path={path},server=on,wait=off,logfile={path}.log,logappend=on"
        return ["-chardev", words]

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def seconds(self):
        """Since power on."""
        return time.monotonic() - self.started

    def cut_power(self):
        """No goodbye: what the disk has is what it has."""
        with self._power:
            self.on = False
            for line in (self._status, self._console):
                if line:
                    line.closed = True
            if self.running:
                self.process.send_signal(signal.SIGKILL)
                self.process.wait()
        for each in (self._status, self._console, self._qmp):
            if each:
                each.close()

    def copy_disk(self, file):
        """What cut_power() would leave now: what QEMU has written outlives it in this host's memory,
        and no thread of it runs while the disk is copied; nor does it start again."""
        with self._power:
            self.process.send_signal(signal.SIGSTOP)
            while self.running and not _is_stopped(self.process.pid):
                time.sleep(0.001)
            subprocess.run(["cp", "--sparse=always", self.disk, file], check=True)
            self.process.send_signal(signal.SIGCONT)

    def save(self, file):
        """All of the machine but its disk; then it is off. Not with a usb-serial device."""
        self.qmp("migrate-set-parameters", **{"max-bandwidth": 1 << 32})
        self.qmp("migrate", uri=f"exec:cat >{file}")
        while (found := self.qmp("query-migrate"))["status"] != "completed":
            if found["status"] == "failed":
                raise MachineError(f"it can't be saved: {found}")
            time.sleep(0.05)
        self.cut_power()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.cut_power()

    # --- Talking -------------------------------------------------------------------------------

    def await_status(self, pattern, timeout_s=BOOT_S):
        """Waits for a line of the status console, from where the last wait ended."""
        return self._status.await_match(pattern, timeout_s)

    def run(self, command, timeout_s=300, check=True):
        """One line of shell on the technician's console, once it is there; what it wrote."""
        code, output = self._console.run(command, timeout_s)
        if check and code:
            _, said = self._console.run("journalctl --no-pager --lines=15", 300)
            raise MachineError(f"{command}: exit {code}\n{output}\n{said}")
        return output

    def cli(self, words):
        """The command line of the appliance, as its own user."""
        command = f"tillback --state /data/tillback {words}"
        return self.run(f'su -s /bin/sh tillback -c "{command}"')

    def await_ready(self, version=r"\S+", slot="[AB]"):
        return self.await_status(rf"tillback: ready: version {version}, slot {slot}, .*\n")

    def begin(self, command):
        """A command whose end is not awaited."""
        self._console.run(f"({command}) >/dev/null 2>&1 &", 300)

    def send(self, command):
        """A command after which the machine starts anew: what is run next is run by that start."""
        self._console.leave(command)

    def expect_restart(self):
        """One that it does by itself: what is run next is run by the start after that."""
        self._console.leave("")

    def restart(self):
        """As somebody wants it."""
        self.send("systemctl reboot")

    def qmp(self, command, **arguments):
        return self._qmp.ask(command, arguments)

    def plug_network(self, up):
        """Also while it is off."""
        self._network = up
        if self.running:
            self.qmp("set_link", name="net", up=up)

    def plug_stick(self, name, image):
        file = {"driver": "file", "filename": str(image)}
        self.qmp("blockdev-add", **{"node-name": name, "driver": "raw", "read-only": True, "file": file})
        self.qmp("device_add", driver="usb-storage", id=name, bus="usb.0", drive=name, removable=True)

    def pull_stick(self, name):
        """Without a word before. One that went with the machine's power is gone already."""
        with contextlib.suppress(MachineError):
            self.qmp("device_del", id=name)

    def written(self):
        """Bytes that the machine has written to its disk since power on."""
        return sum(device["stats"]["wr_bytes"] for device in self.qmp("query-blockstats"))

    def type(self, text):
        """Keys as a wedge scanner sends them, Enter at the end."""
        for character in text:
            self.qmp("send-key", keys=[{"type": "qcode", "data": key} for key in _keys(character)])
        self.qmp("send-key", keys=[{"type": "qcode", "data": "ret"}])

    def say(self, text):
        """A line typed on the status console, which a ticket makes one for technicians."""
        self._status.socket.sendall(f"{text}\n".encode())

    def said(self):
        """All that the status console has shown."""
        return (self.folder / "status.log").read_text(errors="replace")

    def last_words(self):
        return self.said()[-2000:]

    def where_it_is(self):
        """What its processors do: of use when it says nothing."""
        return self.qmp("human-monitor-command", **{"command-line": "info registers -a"})


def _is_stopped(pid):
    """Each thread, by the letters of proc(5); one that ends meanwhile is looked for again."""
    try:
        threads = list(pathlib.Path(f"/proc/{pid}/task").iterdir())
        return all((thread / "stat").read_text().rpartition(")")[2].split()[0] in "TZ" for thread in threads)
    except (FileNotFoundError, ProcessLookupError):
        return False


def _keys(character):
    if character.isupper():
        return ["shift", character.lower()]
    return [{"-": "minus", " ": "spc", ".": "dot", "/": "slash"}.get(character, character)]


class Line:
    """A serial line, by its socket. It is read all the time: a line that nobody reads would stop
    the machine."""

    def __init__(self, machine, name):
        self.machine = machine
        self.path = machine.folder / name
        self.socket = _connect(machine, self.path)
        self.received = b""
        self.seen = 0
        self.changed = threading.Condition()
        self.closed = self.ended = False
        threading.Thread(target=self._receive, daemon=True).start()

    def close(self):
        self.closed = True
        self.socket.close()

    def _receive(self):
        """Until the machine is off; over its restarts."""
        while not self.closed:
            with contextlib.suppress(OSError):
                while data := self.socket.recv(65536):
                    with self.changed:
                        self.received += data
                        self.changed.notify_all()
            if not self.closed:
                with contextlib.suppress(MachineError):
                    self.socket = _connect(self.machine, self.path)
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def find(self, pattern, timeout_s):
        """Behind what was found before; None when the time is over."""
        compiled = re.compile(pattern.encode())
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while not (match := compiled.search(self.received, self.seen)):
                left_s = deadline - time.monotonic()
                if self.ended:
                    raise MachineError(f"{pattern}: the machine is off\n{self._ends()}")
                if left_s <= 0:
                    return None
                self.changed.wait(left_s)
            self.seen = match.end()
            return match[0].decode(errors="replace")

    def await_match(self, pattern, timeout_s):
        found = self.find(pattern, timeout_s)
        if found is None:
            raise MachineError(f"{pattern}: not within {timeout_s} s\n{self._ends()}")
        return found

    def _ends(self):
        text = self.received[-1500:].decode(errors="replace")
        return f"{text}\nstatus: {self.machine.last_words()}"


class Console(Line):
    """The technician's shell. Each start of the machine has a boot id of its own: the shell is asked for
    it until one answers that isn't of the start that was left, so that no word is lost in a shell
    that ends, or in a line that nobody has opened yet. What is awaited is written apart in what is
    asked, so that its echo doesn't look like it; and what comes while a command runs isn't echoed into
    what that writes."""

    ASK_AGAIN_S = 2
    BOOT_ID = 'stty -echo; echo "<<"boot:$(cat /proc/sys/kernel/random/boot_id)\n'

    def __init__(self, machine):
        super().__init__(machine, "console")
        self.commands = 0
        self.boot = self.left = None

    def _meet(self):
        deadline = time.monotonic() + BOOT_S
        while self.boot in (None, self.left):
            if time.monotonic() > deadline:
                raise MachineError(f"no console within {BOOT_S} s\n{self._ends()}")
            with contextlib.suppress(OSError):  # it restarts
                self.socket.sendall(self.BOOT_ID.encode())
            self.boot = self.find("<<boot:[0-9a-f-]{36}", self.ASK_AGAIN_S)

    def leave(self, command):
        self._meet()
        self.left = self.boot
        self.socket.sendall(f"{command}\n".encode())

    def run(self, command, timeout_s):
        self._meet()
        self.commands += 1
        mark = f"{self.commands}"
        line = f"echo \"<<\"{mark}; {command}\necho \">>\"{mark}:$?\n"
        self.socket.sendall(line.encode())
        self.await_match(f"<<{mark}\r?\n", timeout_s)
        begin = self.seen
        code = self.await_match(f">>{mark}:\\d+", timeout_s).split(":")[1]
        output = self.received[begin : self.seen].decode(errors="replace").replace("\r", "")
        lines = output.split("\n")[:-1]
        return int(code), "\n".join(line for line in lines if f'echo ">>"{mark}' not in line)


class Qmp:
    """QEMU's machine protocol."""

    def __init__(self, machine):
        self.socket = _connect(machine, machine.folder / "qmp")
        self.file = self.socket.makefile("rw")
        self.file.readline()
        self.ask("qmp_capabilities", {})

    def close(self):
        self.socket.close()

    def ask(self, command, arguments):
        self.file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if "error" in answer:
                raise MachineError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


def _connect(machine, path):
    deadline = time.monotonic() + 20
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(path))
            return connection
        except OSError:
            connection.close()
            if not machine.on or time.monotonic() > deadline:
                log = (machine.folder / "qemu.log").read_text(errors="replace")
                raise MachineError(f"QEMU did not start:\n{log}") from None
            time.sleep(0.05)
