"""The whole road in one folder. Start it twice, and what was there before goes on.

    FOLDER/hub        the hub's state: database, authority, identity
    FOLDER/broker     both Mosquittos' configuration, made from the ones for production
    FOLDER/store      the appliance's state
    FOLDER/log        what each program said
    FOLDER/paper.txt  what the printer printed, if there is one; as bytes in paper.bin

Ports, from a base: the store page at +0, the broker at +3, the link to it at +4, the printer at +5,
the hub at +10, the enrolment broker at +17, for the hub at +18.
"""

import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request

from .link import Link
from .programs import Program, ProgramError

ROOT = pathlib.Path(__file__).resolve().parents[2]
BROKER = "/usr/sbin/mosquitto"
HOST = "127.0.0.1"
STORE = "0042"
DEVICE = "store-0042-a"
PORT_OFFSETS = (0, 3, 4, 5, 10, 17, 18)
PATIENCE = 4


_held_bases = {}


def free_port_base(above=0, offsets=PORT_OFFSETS):
    """A base whose ports are all free now; this process has twenty to itself until it ends."""
    for base in range(max(21000 + os.getpid() % 400 * 20, above + 20), 60000, 20):
        if _hold(base) and all(_is_free(base + offset) for offset in offsets):
            return base
    raise ProgramError("no free ports")


def _hold(base):
    """False when another process has the base: suites run side by side."""
    if base not in _held_bases:
        lock = socket.socket(socket.AF_UNIX)
        try:
            lock.bind(f"\0tillback-ports-{base}")
        except OSError:
            lock.close()
            return False
        _held_bases[base] = lock
    return True


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def await_true(check, timeout_s, what, pause_s=0.02):
    """Waits until check() is true and returns that; fails with the words in `what`, which may be a
    function that makes them. `timeout_s` is more than a machine at rest needs; a busy one gets
    PATIENCE times as long."""
    deadline = time.monotonic() + PATIENCE * timeout_s
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > deadline:
            words = what() if callable(what) else what
            raise TimeoutError(f"{words}: not within {PATIENCE * timeout_s} s")
        time.sleep(pause_s)


class Road:
    def __init__(
        self,
        folder,
        port_base,
        programs=None,
        appliance_settings=(),
        hub_settings=(),
        watchers=(),
        meddlers=(),
        printer=False,
        hub_database=None,
        hubs=1,
    ):
        """`programs` is the folder of our programs; `watchers` are clients that may read every
        topic and `meddlers` write them too, for tests that look at what is on the road or disturb
        it; `printer`: lane 01 has one; `hub_database` is for --db of the hub, or of the `hubs` that
        share it."""
        self.folder = pathlib.Path(folder).resolve()
        self.programs = pathlib.Path(programs or ROOT / "build" / "release").resolve()
        self.base = port_base
        self.watchers = watchers
        self.hub_database = hub_database
        self.meddlers = meddlers
        self.hub_state = self.folder / "hub"
        self.store_state = self.folder / "store"
        self.journal = self.hub_state / "journal.ledger"  # where the hub posts
        self.broker_folder = self.folder / "broker"
        self.scanner_port = self.folder / "scanner"
        self.paper = self.folder / "paper.txt"
        self.paper_bytes = self.folder / "paper.bin"
        self.store_url = f"http://{HOST}:{port_base}"
        self.hub_url = f"http://{HOST}:{port_base + 10}"
        self.broker_port = port_base + 3
        self.link_port = port_base + 4
        self.enrol_port = port_base + 17
        self.printer_address = f"{HOST}:{port_base + 5}"
        self.link = None
        # A Unix socket's path is short, and FOLDER may not be.
        self.runtime = pathlib.Path(tempfile.mkdtemp(prefix="tillback-"))
        self._make_folders()
        self.broker = self._program(
            "broker", [BROKER, "-c", self.broker_folder / "mosquitto.conf"], ready=None
        )
        self.enrol_broker = self._program(
            "enrol-broker", [BROKER, "-c", self.broker_folder / "enrol.conf"], ready=None
        )
        self.hub = self._program("hub", self.hub_command(hub_settings), ready="ready http=")
        self.more_hubs = [
            self._program(name, self.more_hub_command(name, 10 + i), ready="ready http=")
            for i, name in enumerate(self._more_hub_names(hubs), 1)
        ]
        self.appliance = self._program(
            "appliance", self.appliance_command(appliance_settings, printer), ready="ready http="
        )
        self.scanner = self._program(
            "scanner",
            [self.programs / "tillback-sim", "scanner", "--link", self.scanner_port],
            ready="ready scanner=",
            feed=True,
        )
        self.printer = printer and self._program(
            "printer",
            [self.programs / "tillback-sim", "printer", "--listen", self.printer_address]
            + ["--paper", self.paper, "--bytes", self.paper_bytes],
            ready="ready printer=",
            feed=True,
        )

    def hub_words(self, *words):
        """A command of the hub's program on the hub's state and database."""
        database = ["--db", self.hub_database] if self.hub_database else []
        return [self.programs / "tillback-hub", "--state", self.hub_state, *database, *words]

    def hub_command(self, settings=()):
        command = [
            *self.hub_words(),
            *("--set", f"http.listen={HOST}:{self.base + 10}"),
            *("--set", f"broker.url=mqtts://{HOST}:{self.broker_port}"),
            *("--set", f"tls.crl={self.hub_state / 'trust' / 'crl.pem'}"),
            *("--set", f"broker.folder={self.broker_folder}"),
            *("--set", f"broker.pid_file={self.broker_folder / 'tillback.pid'}"),
            *("--set", f"enrol.pid_file={self.broker_folder / 'tillback-enrol.pid'}"),
            *("--set", f"enrol.url=mqtts://{HOST}:{self.base + 18}"),
            *("--set", f"runtime.folder={self.runtime}"),
            *("--set", f"posting.connector=ledger-file:{self.journal}"),
        ]
        for setting in settings:
            command += ["--set", setting]
        return command

    @staticmethod
    def _more_hub_names(hubs):
        return [f"tillback-hub-{number}" for number in range(2, hubs + 1)]

    def more_hub_command(self, name, port_offset):
        """A further hub on the same database: with a state and an identity of its own. It posts
        nothing, since the file to which the first one posts belongs to that one."""
        return [
            self.programs / "tillback-hub",
            *("--state", self.folder / name),
            *("--db", self.hub_database),
            *("--set", f"http.listen={HOST}:{self.base + port_offset}"),
            *("--set", f"broker.url=mqtts://{HOST}:{self.broker_port}"),
            *("--set", f"broker.client_id={name}"),
        ]

    def appliance_command(self, settings=(), printer=False):
        command = [
            self.programs / "tillbackd",
            *("--state", self.store_state),
            *("--set", f"http.listen={HOST}:{self.base}"),
            *("--set", "identity.look_s=1"),
            *("--set", f"scanner.counter=serial:{self.scanner_port},lane=01"),
        ]
        if printer:
            command += ["--set", f"printer.counter=tcp:{self.printer_address},lane=01"]
        for setting in settings:
            command += ["--set", setting]
        return command

    def _program(self, name, command, ready, feed=False):
        return Program(name, command, self.folder / "log", ready, feed)

    def _make_folders(self):
        for path in (self.hub_state, self.store_state, self.broker_folder, self.folder / "log"):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(0o700)

    # --- Identities --------------------------------------------------------------------------

    def authority(self, *words):
        self._run("tillback-hub", "--state", self.hub_state, "ca", *words)

    def cli(self, *words, said=None):
        return self._run("tillback", "--state", self.store_state, *words, said=said)

    def _run(self, program, *words, said=None):
        done = subprocess.run(
            [self.programs / program, *words],
            input=said,
            capture_output=True,
            text=True,
            timeout=60,
        )
        if done.returncode:
            raise ProgramError(f"{program} {' '.join(map(str, words))}: {done.stderr.strip()}")
        return done.stdout

    def provision(self):
        """Authority and servers' certificates, as far as they are missing; fresh lists each time."""
        if not (self.hub_state / "ca" / "ca.pem").exists():
            self.authority("init")
        self.authority("crl")
        if not (self.hub_state / "servers" / "broker.pem").exists():
            self.authority("server", "broker", HOST, "localhost")
        for hub in self.more_hubs:
            (self.folder / hub.name).mkdir(exist_ok=True)
            self.identity(hub.name, self.folder / hub.name / "identity")
        self._write_broker_folder()

    def device(self, *words):
        """tillback-hub device, as central IT gives it."""
        return self._run(
            *self.hub_words(
                *("--set", f"public.broker_url=mqtts://{HOST}:{self.link_port}"),
                *("--set", f"public.enrol_url=mqtts://{HOST}:{self.enrol_port}"),
                *("device", *words),
            )
        )

    def invite(self, *words, store=STORE, name="Front counter"):
        """What `device add` tells in JSON: device, code, link, ..."""
        return json.loads(self.device("add", "--store", store, "--name", name, "--json", *words))

    def enrol(self):
        """Makes the appliance our store's, as a technician does with the bundle's file."""
        bundle = self.folder / "bundle.json"
        self.invite("--id", DEVICE, "--out", bundle)
        self.cli("provision", "--bundle", bundle)
        bundle.unlink()

    def identity(self, device, folder=None):
        """The folder of a client's certificate, made when there is none."""
        folder = folder or self.hub_state / "devices" / device
        if not (folder / "current.pem").exists():
            folder.parent.mkdir(exist_ok=True)
            self.authority("device", device, folder)
        return folder

    def token(self, lane="01"):
        """The token that this folder's tills use; kept beside them, since it is told only once."""
        kept = self.folder / f"token-{lane}"
        if not kept.exists():
            token = self.cli("token", "add", "--lane", lane).strip()
            kept.touch(0o600)
            kept.write_text(token)
        return kept.read_text()

    def hub_token(self, role="it"):
        """The same for those who ask the hub."""
        kept = self.folder / f"hub-token-{role}"
        if not kept.exists():
            token = self._run(
                *self.hub_words("token", "add", "--role", role),
            ).strip()
            kept.touch(0o600)
            kept.write_text(token)
        return kept.read_text()

    @staticmethod
    def _copy(source, target):
        temporary = target.with_suffix(".new")
        temporary.write_bytes(source.read_bytes())
        temporary.replace(target)

    def _write_broker_folder(self):
        """The configuration for production, with this folder's paths and port."""
        source = ROOT / "sync" / "transport" / "broker"
        trust = self.hub_state / "trust"
        servers = self.hub_state / "servers"
        self._copy(trust / "ca.pem", self.broker_folder / "ca.pem")
        self._copy(trust / "crl.pem", self.broker_folder / "crl.pem")
        self._copy(servers / "broker.pem", self.broker_folder / "server.pem")
        self._copy(servers / "broker-key.pem", self.broker_folder / "server-key.pem")
        self._write_config(source / "mosquitto.conf", {"8883": self.broker_port})
        self._write_config(
            source / "enrol.conf", {"8884": self.enrol_port, "8885": self.base + 18}
        )
        acl = (source / "acl").read_text()
        for hub in self.more_hubs:
            of_hub = re.search(r"^user tillback-hub\n(?:topic .*\n)+", acl, re.MULTILINE)[0]
            acl += "\n" + of_hub.replace("tillback-hub", hub.name)
        for watcher in self.watchers:
            acl += f"\nuser {watcher}\ntopic read tb/v1/#\n"
        for meddler in self.meddlers:
            acl += f"\nuser {meddler}\ntopic readwrite tb/v1/#\n"
        self._write_private("acl", acl)
        for name in ("enrol.acl", "enrol-hub.acl"):
            self._write_private(name, (source / name).read_text())

    def _write_config(self, source, ports):
        config = source.read_text()
        places = {
            "/etc/mosquitto/tillback/": f"{self.broker_folder}/",
            "pid_file /run/mosquitto/": f"pid_file {self.broker_folder}/",
            "/var/lib/mosquitto/": f"{self.broker_folder}/",
        }
        for port, here in ports.items():
            assert f"listener {port}" in config, f"{source} has no listener {port}"
            places[f"listener {port}"] = f"listener {here} {HOST}"
        # They have more to take in than any client in production, and may be slow; with 0, for no limit,
        # Mosquitto 2.0.11 ends every client that publishes.
        if self.watchers:
            places["max_queued_messages 2000"] = "max_queued_messages 200000"
        for production, here in places.items():
            config = config.replace(production, here)
        if os.geteuid() == 0:
            config += "\nuser root\n"  # else it couldn't read its files in our private folder
        (self.broker_folder / source.name).write_text(config)

    def _write_private(self, name, text):
        (self.broker_folder / name).write_text(text)
        (self.broker_folder / name).chmod(0o600)

    # --- Starting and stopping ---------------------------------------------------------------

    def start(self):
        for offset in PORT_OFFSETS:
            if not _is_free(self.base + offset):
                raise ProgramError(f"port {self.base + offset} is taken; PORT_BASE= moves them all")
        self.provision()
        self.token()
        self.hub_token()
        self.link = Link(self.link_port, self.broker_port)
        self.start_broker()
        self.enrol_broker.start()
        for hub in (self.hub, *self.more_hubs):
            hub.start()
        if not (self.store_state / "identity" / "current.pem").exists():
            self.enrol()
        self.scanner.start()
        if self.printer:
            self.printer.start()
        self.appliance.start()
        return self

    def start_broker(self):
        self.broker.start()
        await_true(lambda: self._broker_answers(), 10, f"broker\n{self.broker.last_words()}")

    def _broker_answers(self):
        if not self.broker.running:
            raise ProgramError(f"broker did not come up:\n{self.broker.last_words()}")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((HOST, self.broker_port)) == 0

    def stop(self):
        """Stops all that runs, the appliance first, and tells who ended badly."""
        bad = []
        simulated = [self.scanner, self.printer] if self.printer else [self.scanner]
        hubs = (*self.more_hubs, self.hub)
        for program in (self.appliance, *simulated, *hubs, self.enrol_broker, self.broker):
            try:
                if program in simulated:
                    program.kill()
                elif program.stop() not in (0, None):
                    bad.append(f"{program.name} ended with {program.process.returncode}")
            except ProgramError as error:
                bad.append(str(error))
        self.scanner_port.unlink(missing_ok=True)
        shutil.rmtree(self.runtime, ignore_errors=True)
        if self.link:
            self.link.close()
            self.link = None
        return bad

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_):
        self.stop()

    # --- Looking -----------------------------------------------------------------------------

    def tell_printer(self, word):
        """paper-out, cover-open, off or ready."""
        self.printer.say(word)

    def scan(self, text):
        self.scanner.say(text)

    def ask_store(self, path):
        return _get(self.store_url + path, self.token())

    def ask_hub(self, path, role="it"):
        return _get(self.hub_url + path, self.hub_token(role))

    def ask_hub_text(self, path, role="it"):
        return _get_text(self.hub_url + path, self.hub_token(role))

    def await_link(self, timeout_s=15):
        """Until the appliance is online, and has noted what time the hub says it is."""

        def is_up():
            status = self.ask_store("/v1/status")
            noted = status["time_trusted"] and status["streams"]["returns"]["head"] > 0
            return status["link"] == "online" and noted

        return await_true(is_up, timeout_s, "link")


def _get(url, token):
    return json.loads(_get_text(url, token))


def _get_text(url, token):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()
