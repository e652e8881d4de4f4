"""Which slot the boot loader chooses, start by start: GRUB's configuration run by bash, whose language is
near enough, with GRUB's own commands faked. By GRUB itself it is run in the machine's tests."""

import re
import subprocess

import pytest
from conftest import FIRMWARE, ROOT

CONFIGURATION = ROOT / "firmware/boot/grub.cfg"
GRUB_EDITENV = FIRMWARE / "root/usr/bin/grub-editenv"
COMMANDS = r"""
set() { printf -v "${1%%=*}" %s "${1#*=}"; }
load_env() {
    local file=$2 line name
    while IFS= read -r line; do
        for name in "${@:3}"; do
            [ "${line%%=*}" != "$name" ] || set "$line"
        done
    done < <("$GRUB_EDITENV" "$file" list 2>/dev/null)
}
save_env() {
    local name words=()
    for name in "${@:3}"; do words+=("$name=${!name}"); done
    "$GRUB_EDITENV" "$2" set "${words[@]}" 2>/dev/null
}
regexp() { disk=hd0; }
linux() { kernel="$1 $2 $3"; }
boot() { builtin echo "$kernel ${next:-}"; exit; }
for name in echo initrd serial terminal_input terminal_output; do eval "$name() { :; }"; done
root=$1 grub_cpu=x86_64
"""

def starts(slot, partition):
    kernel = f"hd0,{partition}/boot/vmlinuz tillback.slot={slot} rauc.slot={slot}"
    return [f"{kernel} {start}" for start in (1, 2, 3)]


A, B = starts("A", "gpt2"), starts("B", "gpt3")
RESCUE = ["rescue"]


class BootLoader:
    def __init__(self, esp):
        self.esp = esp
        (esp / "grub").mkdir()
        (esp / "rescue").mkdir()
        (esp / "rescue/vmlinuz").touch()
        self.write("spare", A_TRY=0, B_TRY=0)

    def edit(self, block, *words):
        command = [GRUB_EDITENV, self.esp / "grub" / block, *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def write(self, block, **variables):
        self.edit(block, "create", *(f"{name}={value}" for name, value in variables.items()))

    def start(self):
        """What is started, and of a slot, which start it is."""
        text = re.sub(r"\((\$[^)]*)\)", r"\1", CONFIGURATION.read_text())
        command = ["bash", "-c", f"{COMMANDS}{text}", "bash", self.esp]
        environment = {"PATH": "/usr/bin:/bin", "GRUB_EDITENV": str(GRUB_EDITENV)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.stderr == ""
        return "rescue" if "/rescue/vmlinuz" in done.stdout else done.stdout.strip()

    def starts(self, count):
        return [self.start() for _ in range(count)]


@pytest.fixture
def loader(tmp_path):
    return BootLoader(tmp_path)


def test_slot_has_three_starts_and_then_the_other_has(loader):
    loader.write("grubenv", ORDER="A B", A_OK=1, A_TRY=0, B_OK=1, B_TRY=0)
    assert loader.starts(6) == A + B


def test_first_of_the_order_is_started_and_a_healthy_one_for_ever(loader):
    for _ in range(4):
        loader.write("grubenv", ORDER="B A", A_OK=1, A_TRY=0, B_OK=1, B_TRY=0)
        assert loader.start() == B[0]


def test_slot_that_is_not_ok_is_not_started(loader):
    loader.write("grubenv", ORDER="B A", A_OK=1, A_TRY=1, B_OK=0, B_TRY=0)
    assert loader.starts(2) == A[1:]


def test_rescue_that_does_not_come_up_is_not_started_again_before_the_slots_were(loader):
    loader.write("grubenv", ORDER="A B", A_OK=1, A_TRY=3, B_OK=0, B_TRY=0)
    assert loader.starts(8) == RESCUE + A + RESCUE + A


def test_rescue_and_the_first_slot_are_tried_in_turn_when_none_is_ok(loader):
    loader.write("grubenv", ORDER="B A", A_OK=0, A_TRY=0, B_OK=0, B_TRY=0)
    assert loader.starts(4) == RESCUE + A[:1] + RESCUE + A[:1]


def test_rescue_that_came_up_is_started_again(loader):
    loader.write("grubenv", ORDER="A B", A_OK=1, A_TRY=3, B_OK=1, B_TRY=3)
    for _ in range(2):
        assert loader.start() == "rescue"
        loader.edit("spare", "set", "RESCUE=0")


def test_without_a_rescue_the_slots_are_tried_again(loader):
    (loader.esp / "rescue/vmlinuz").unlink()
    loader.write("grubenv", ORDER="A B", A_OK=1, A_TRY=3, B_OK=1, B_TRY=3)
    assert loader.starts(4) == A + B[:1]


NONSENSE = b"# GRUB Environment Block\nORDER=C\nA_OK=0\nA_TRY=3\n".ljust(1024, b"#")
DAMAGED = [None, bytes(1024), NONSENSE[:32], NONSENSE]


@pytest.mark.parametrize("block", DAMAGED)
def test_starts_are_counted_apart_while_the_environment_cannot_be_read(loader, block):
    if block:
        (loader.esp / "grub/grubenv").write_bytes(block)
    assert loader.starts(7) == A + B + RESCUE


def test_something_is_started_though_nothing_can_be_read(loader):
    (loader.esp / "grub/spare").unlink()
    assert loader.start() == A[0]
