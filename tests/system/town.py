"""Several stores on one broker and one hub, each behind a line of its own, each with a wall clock
that can jump; and a peer with too many rights, who sends again what was sent, as it was or damaged.
"""

import calendar
import os
import pathlib
import random
import struct
import threading
import time

from road.audit import Audit, all_arrived
from road.journal import all_posted, journal_problems, read_journal
from road.link import Link
from road.programs import Program
from road.road import DEVICE, HOST, PORT_OFFSETS, Road, _get, await_true, free_port_base
from road.till import Kept, Load
from wire import Wire

PROGRAMS = pathlib.Path(
    os.environ.get("PROGRAMS") or pathlib.Path(__file__).parents[2] / "build" / "release"
).resolve()
HUB_LINK = 6
STORES_FROM = 11  # the page of the second store; its line is at the next port
MEDDLER = "meddler"
SETTLE_S = 120


class Clock:
    """The wall clock of one program: see tests/fault/clock_shim.c."""

    def __init__(self, path):
        self.path = path
        self.jump(0)

    def jump(self, offset_ms):
        """Off from the machine's by so much, at once."""
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("q", int(offset_ms)))

    def jump_to(self, wall_s):
        self.jump((wall_s - time.time()) * 1000)

    def words(self):
        """What to write before the program's command."""
        return ["env", f"LD_PRELOAD={PROGRAMS / 'clock_shim.so'}", f"CLOCK_SHIM={self.path}"]


class Store:
    """One store as the audit and the tills see it."""

    def __init__(self, road, number, device, state, appliance, url):
        self.road = road
        self.number = number
        self.device = device
        self.store_state = state
        self.hub_state = road.hub_state
        self.appliance = appliance
        self.store_url = url
        self.clock = Clock(road.folder / f"clock-{number}")
        appliance.command[:0] = self.clock.words()
        self.link = None
        self.kept = Kept()
        self._token = None

    def token(self):
        if not self._token:
            self._token = self.road._run(
                "tillback", "--state", self.store_state, "token", "add", "--lane", "01"
            ).strip()
        return self._token

    def ask_store(self, path):
        return _get(self.store_url + path, self.token())

    def verify(self):
        return self.road._run("tillback", "--state", self.store_state, "verify")

    def load(self, seed):
        return Load(
            self.store_url,
            self.token(),
            self.kept,
            f"{seed}-{self.number}",
            tills=2,
            pause_s=0.03,
            store=self.number,
        )


class Town:
    def __init__(self, folder, seed=0, stores=3):
        ports = [*PORT_OFFSETS, HUB_LINK]
        ports += [STORES_FROM + i for i in range(2 * (stores - 1))]
        self.road = Road(folder, free_port_base(offsets=ports), PROGRAMS, meddlers=[MEDDLER])
        road = self.road
        road.hub.command[road.hub.command.index(f"broker.url=mqtts://{HOST}:{road.broker_port}")] = (
            f"broker.url=mqtts://{HOST}:{road.base + HUB_LINK}"
        )
        self.stores = [
            Store(road, "0042", DEVICE, road.store_state, road.appliance, road.store_url)
        ]
        for number in range(1, stores):
            self.stores.append(self._another(number))
        self.hub_link = None
        self.seed = seed
        self.meddler = Meddler(road, seed)
        self.began = time.time()

    def _another(self, number):
        road = self.road
        name = f"{42 + number:04}"
        page = road.base + STORES_FROM + 2 * (number - 1)
        state = road.folder / f"store-{name}"
        state.mkdir(exist_ok=True)
        state.chmod(0o700)
        command = [
            *(road.programs / "tillbackd", "--state", state),
            *("--set", f"store.number={name}"),
            *("--set", f"http.listen={HOST}:{page}"),
            *("--set", f"broker.url=mqtts://{HOST}:{page + 1}"),
        ]
        appliance = Program(f"appliance-{name}", command, road.folder / "log", "ready http=")
        return Store(road, name, f"store-{name}-a", state, appliance, f"http://{HOST}:{page}")

    def __enter__(self):
        road = self.road
        road.provision()
        self.hub_link = Link(road.base + HUB_LINK, road.broker_port)
        for store in self.stores[1:]:
            road.identity(store.device, store.store_state / "identity")
            road._copy(
                road.hub_state / "ca" / "crl.pem", store.store_state / "identity" / "crl.pem"
            )
        road.identity(MEDDLER)
        try:
            road.start()
            self.stores[0].link = road.link
            for store in self.stores[1:]:
                port = int(store.store_url.rsplit(":", 1)[1]) + 1
                store.link = Link(port, road.broker_port)
                store.appliance.start()
            self.meddler.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.meddler.stop()
        for store in self.stores[1:]:
            store.appliance.kill()
            if store.link:
                store.link.close()
        self.bad_ends = self.road.stop()
        self.hub_link.close()

    def stop_well(self):
        """Who did not end well when asked to."""
        bad = [s.appliance.name for s in self.stores if s.appliance.stop() not in (0, None)]
        self.meddler.stop()
        return bad + self.road.stop()

    def empty_broker(self):
        """The broker comes back with nothing of what it had taken."""
        self.road.broker.kill()
        for path in self.road.broker_folder.glob("*.db*"):
            path.unlink()
        self.road.start_broker()

    def settle(self):
        """All that is waiting has arrived and is posted."""
        for store in self.stores:
            await_true(lambda s=store: all_arrived(s), SETTLE_S, f"arrival from {store.number}")
        await_true(lambda: all_posted(self.road), SETTLE_S, "posting")

    def problems(self):
        """The promise, store by store: what got a 201, the logs on both sides, the journal, the
        times that are said to be trusted."""
        found = []
        entries = read_journal(self.road.journal)
        for store in self.stores:
            audit = Audit(store, store.device, store.kept)
            found += audit.problems + journal_problems(audit.events, entries)
            found += [f"refused: {refused}" for refused in store.kept.refused]
            found += self._wrong_times(audit.events.values())
            if not store.verify().endswith("the chain is whole, the views follow from it.\n"):
                found.append(f"{store.number}: tillback verify finds fault")
        told = "hub_exception: batch_refused:"  # of what the confused peer had damaged
        return sorted({problem for problem in found if not problem.startswith(told)})

    def _wrong_times(self, events):
        """A trusted time is right to within the doubt of the question, and a second."""
        earliest, latest = self.began - 6, time.time() + 6
        for event in events:
            if event.get("timetrusted") and not earliest <= seconds_of(event["time"]) <= latest:
                yield f"event {event['id']} has the trusted time {event['time']}"


def seconds_of(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    parsed = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(parsed) + float("0." + (fraction or "0"))


def _is_batch(message):
    return message.topic.endswith("/up/events")


class Meddler:
    """Remembers what went over the broker, and sends some of it again: late, twice, out of order;
    batches also cut short, with a bit turned over, or as if another store had sent them."""

    KEPT = 400

    def __init__(self, road, seed):
        self.road = road
        self.seen = []
        self.sent = 0
        self._dice = random.Random(f"{seed}-{MEDDLER}")
        self._stopping = threading.Event()
        self._thread = None

    def start(self):
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self):
        self._stopping.set()
        if self._thread:
            self._thread.join(20)

    def _work(self):
        while not self._stopping.is_set():
            try:
                with Wire(self.road, self.road.identity(MEDDLER), MEDDLER) as wire:
                    self._meddle(wire)
            except OSError:
                self._stopping.wait(0.5)  # the broker is away

    def _meddle(self, wire):
        wire.subscribe("tb/v1/#")
        while not wire.lost.is_set() and not self._stopping.is_set():
            for message in wire.drain(0.1):
                self._remember(message)
            burst = self._dice.sample(self.seen, min(len(self.seen), self._dice.randrange(6)))
            for message in burst:
                if _is_batch(message):
                    wire.publish_as(message, *self._confused(message))
                else:
                    wire.publish_as(message, message.payload, message.topic)
                self.sent += 1

    def _remember(self, message):
        if message.retain:
            return
        self.seen.append(message)
        if len(self.seen) > self.KEPT:
            del self.seen[self._dice.randrange(len(self.seen))]

    def _confused(self, message):
        """A batch as it was, or not quite: (payload, topic)."""
        payload, topic = message.payload, message.topic
        luck = self._dice.randrange(6)
        at = self._dice.randrange(len(payload) or 1)
        if luck == 0:
            payload = payload[:at]
        elif luck == 1 and payload:
            flipped = payload[at] ^ 1 << self._dice.randrange(8)
            payload = payload[:at] + bytes([flipped]) + payload[at + 1 :]
        elif luck == 2:
            topic = self._dice.choice([other.topic for other in self.seen if _is_batch(other)])
        return payload, topic
