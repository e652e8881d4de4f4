"""The plug pulled hundreds of times: after test_appliance.py's enrolment, on the same machine. One start
yields many cuts: copies of the disk, each of one moment, which are what a kill of QEMU at that moment
would have left; the last of a round is a kill. What each left is looked at on this host, and is
started; how, see copies.py. How often, see tally.py; TILLBACK_SEED= repeats the moments of a run."""

import concurrent.futures
import random
import sys

import pytest
from conftest import BUNDLES, DEVICE, FIRMWARE, PROGRAMS, ROOT
from copies import Copies
from course import PHASES, Course
from road.audit import Audit, all_arrived
from road.road import await_true
from road.till import Till
from state import copy_log
from tally import KILLS, Tally
from updates import verdict

sys.path.append(str(ROOT / "tests/fault/block"))
from capture import log_problem  # noqa: E402

COPIES = 19  # between two kills; of a whole update twice as many, which has many more moments
ANSWERS = 60  # between two cuts, at most
OFTEN = (4, 7, 4, 6, 9, 6)  # a copy is of each of PHASES; few kills come late enough to leave the last
FEW = 5  # cuts, or less, are of what is written, and of the new version's first start: there is no time for more


@pytest.fixture(scope="module")
def saveable(appliance, till):
    """QEMU saves no machine with a usb-serial device."""
    whole = appliance.devices
    at = next(at for at, word in enumerate(whole) if word.startswith("usb-serial"))
    appliance.devices = whole[: at - 1] + whole[at + 1 :]
    if appliance.running:
        appliance.qmp("device_del", id="scanner")
    yield appliance
    appliance.cut_power()
    appliance.devices = whole


class Soak:
    """Rounds of cuts of a machine whose tills work."""

    def __init__(self, machine, centre, token, tls, kept, folder):
        self.machine = machine
        self.centre = centre
        self.token = token
        self.tls = tls
        self.kept = kept
        self.folder = folder
        self.dice = None
        self.copies = Copies(folder, machine, [FIRMWARE / "root.squashfs", *BUNDLES.glob("root-*")])
        self.course = None  # of an update, when there is one
        self.taken = []  # (disk, what was answered before, what is found when it is looked at)
        self.looks = concurrent.futures.ThreadPoolExecutor(1)

    def begin(self):
        if self.machine.running:
            healthy = "systemctl show --property=StatusText tillbackd | grep -q healthy"
            self.machine.run(f"until {healthy}; do sleep 1; done")
            self.copies.prepare(self.machine)
        else:
            self.start()

    def start(self):
        self.machine.start()
        self.machine.await_ready()

    def await_answers(self, count):
        enough = len(self.kept) + count
        await_true(lambda: len(self.kept) >= enough, 240, "answers to the tills")

    def copy(self):
        answered = self.kept.keys()
        disk = self.folder / f"disk-{len(self.taken)}"
        self.machine.copy_disk(disk)
        self.taken.append((disk, answered, self.looks.submit(self._look_at, disk, answered)))

    def kill(self):
        answered = self.kept.keys()
        self.machine.cut_power()
        self.looks.submit(self._look_at, self.machine.disk, answered).result()

    def looked_at(self):
        """Each copy, which is at work; with how it came there and how many were answered. Then it is
        off, and gone."""
        for disk, answered, found in self.taken:
            found.result()
            copy, how = self.copies.start(disk)
            self._works(answered)
            yield copy, how, len(answered)
            self.copies.finish(copy, how)
            disk.unlink()
        self.taken = []

    def _look_at(self, disk, answered):
        state = self.folder / "state"
        copy_log(disk, state, self.folder)
        problem = log_problem(state, PROGRAMS / "tillback", answered)
        if self.course and not problem:
            problem = self.course.problem(state)
        assert problem is None, problem

    def _works(self, answered):
        """It goes on, and who asks again what was answered gets the same answer."""
        till = Till(f"https://127.0.0.1:{self.copies.port}", self.token, timeout_s=120, tls=self.tls)
        assert till.sell("0042-01-in-a-copy")[0] == 201
        returned = sorted(answered & self.kept.returns.keys())
        if returned:
            key = self.dice.choice(returned)
            receipt, _, piece = key.removeprefix("return-").rpartition("-")
            status, again = till.give_back(receipt, int(piece))
            assert (status, again["number"]) == (201, self.kept.returns[key]["number"])
        till.close()

    def audit(self):
        """Once the tills have gone: the hub has what was answered, each once."""
        self.machine.cli("verify")
        await_true(lambda: all_arrived(self.centre), 240, "arrival")
        self.machine.cut_power()
        copy_log(self.machine.disk, self.centre.store_state, self.folder)
        audit = Audit(self.centre, DEVICE, self.kept)
        assert audit.problems == []
        assert self.kept.refused == []
        return f"{len(self.kept)} answered, {len(audit.events)} events at the hub, 0 problems"


@pytest.fixture
def soak(saveable, centre, token, tls, kept, tmp_path):
    return Soak(saveable, centre, token, tls, kept, tmp_path)


def test_what_was_answered_outlives_every_cut_while_tills_work(soak, work, seed, show):
    dice = soak.dice = random.Random(f"{seed}-capture")
    tally = Tally("capture", seed, show)
    soak.begin()
    with work("soak-c", 0.01):
        while tally.goes_on():
            for _ in range(tally.more(COPIES)):
                soak.await_answers(dice.randint(1, ANSWERS))
                soak.copy()
            soak.await_answers(dice.randint(1, ANSWERS))
            soak.kill()
            for _, how, answered in soak.looked_at():
                tally.note(f"answered={answered} {how}")
            soak.start()
            soak.await_answers(1)
            tally.note(f"answered={len(soak.kept)} killed, started")
    show(f"capture: TILLBACK_SEED={seed}: {tally.here} cuts, {soak.audit()}")


@pytest.fixture
def course(soak, centre):
    soak.course = Course(soak.machine, centre, "newer")
    yield soak.course
    soak.course.depot.close()


def moments(dice, most, often, killed_in):
    """(phase, part of it) of each cut, in their order. The last is the kill, at any moment of the phase
    `killed_in`: it ends the update, of whose copies, at most `most`, those before it are left."""
    kill = (PHASES.index(killed_in), dice.random())
    phases = dice.choices(range(len(PHASES)), often, k=most)
    copies = sorted((phase, dice.random()) for phase in phases)
    return [(PHASES[phase], part) for phase, part in [*(cut for cut in copies if cut < kill), kill]]


def phases_of_kills(dice, phases):
    """Each comes once before one comes again."""
    while True:
        yield from dice.sample(phases, len(phases))


def test_every_cut_of_an_update_leaves_a_whole_appliance(soak, course, work, seed, show):
    dice = soak.dice = random.Random(f"{seed}-update")
    tally = Tally("update", seed, show)
    soak.begin()
    few = KILLS <= FEW
    often = (0, 1, 0, 0, 0, 0) if few else OFTEN
    kills = phases_of_kills(dice, ["switch"] if few else PHASES)
    with work("soak-u", 0.2):
        while tally.goes_on():
            soak.await_answers(1)
            cuts = moments(dice, tally.more(2 * COPIES), often, next(kills))
            course.begin("write" if few else "download")
            reached = []
            for phase, part in cuts:
                reached.append(course.reach(phase, part))
                if len(reached) < len(cuts):
                    soak.copy()
            soak.kill()
            soak.machine.plug_network(False)  # no version needs one to be found good
            for (copy, how, _), phase in zip(soak.looked_at(), reached):
                tally.note(f"phase={phase} {how}, {verdict(copy, course.slot)}")
            soak.start()
            soak.machine.plug_network(True)
            tally.note(f"phase={reached[-1]} killed, started, {verdict(soak.machine, course.slot)}")
    show(f"update: TILLBACK_SEED={seed}: {tally.here} cuts, {soak.audit()}")
    show(f"update: {tally.by('phase')}; of these killed: {tally.by('phase', 'killed')}")
