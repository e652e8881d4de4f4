"""What runs the unit tests: a program of another processor is not taken for a script, and what fails
once gets another go unless a sanitizer or a signal told more."""

import os
import subprocess

import pytest

from conftest import ROOT

ELF = b"\x7fELF\x01\x01\x01" + 9 * b"\0" + b"\x03\x00\x77\x77"  # of no processor that there is


def run_tests(folder, program, **environment):
    return subprocess.run(
        [ROOT / "toolchain/run-tests", folder, program],
        cwd=folder,
        env={**os.environ, "RUN_WITH": "", **environment},
        capture_output=True,
        text=True,
    )


def write_program(folder, content):
    program = folder / "tests" / "foreign_test"
    program.parent.mkdir()
    program.write_bytes(content)
    program.chmod(0o755)
    return program


def test_program_of_another_processor_fails_and_leaves_nothing(tmp_path):
    done = run_tests(tmp_path, write_program(tmp_path, ELF + b"\n: >stray\nexit 0\n"))
    assert done.returncode != 0
    assert "Exec format error" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"tests", "results"}


def test_emulator_runs_what_the_processor_cannot(tmp_path):
    done = run_tests(tmp_path, write_program(tmp_path, ELF), RUN_WITH="echo [ OK ] run by an emulator:")
    assert done.returncode == 0, done.stdout
    said = (tmp_path / "results/foreign_test.txt").read_text()
    assert said.strip().endswith("run by an emulator: " + str(tmp_path / "tests/foreign_test"))


def write_once_failing(folder, first):
    """A program that does `first` in its first run, and passes in its second."""
    return write_program(folder, f"#!/bin/sh\n[ -e ran ] && exit 0\n: >ran\n{first}\n".encode())


def test_what_failed_once_is_run_again_and_may_pass(tmp_path):
    done = run_tests(tmp_path, write_once_failing(tmp_path, "echo '[  FAILED  ] it took too long'; exit 1"))
    assert done.returncode == 0, done.stdout
    assert "AGAIN" in done.stdout and "it took too long" in done.stdout


def test_what_a_sanitizer_only_remarks_passes(tmp_path):
    remark = b"#!/bin/sh\necho '==7==WARNING: AddressSanitizer failed to allocate 0x8000000000000000 bytes' >&2\n"
    done = run_tests(tmp_path, write_program(tmp_path, remark))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "first",
    [
        "echo 'WARNING: ThreadSanitizer: data race (pid=7)' >&2; exit 66",
        "echo '==7==ERROR: AddressSanitizer: heap-use-after-free' >&2; exit 1",
        "echo '==7==ERROR: LeakSanitizer: detected memory leaks' >&2; exit 23",
        "echo 'x.c:1:2: runtime error: signed integer overflow' >&2; exit 1",
        "echo 'WARNING: ThreadSanitizer: data race (pid=7), in a child' >&2; exit 0",
        "echo '[  ERROR   ] --- Test failed with exception: Segmentation fault(11)'; exit 1",
        "echo '*** stack smashing detected ***: terminated' >&2; exit 1",
        "kill -ABRT $$",
    ],
)
def test_what_a_sanitizer_or_a_signal_told_of_has_failed_for_good(tmp_path, first):
    done = run_tests(tmp_path, write_once_failing(tmp_path, first))
    assert done.returncode != 0, done.stdout
    assert "FAILED  foreign_test" in done.stdout and "AGAIN" not in done.stdout


def test_what_a_program_leaves_out_is_told(tmp_path):
    said = "[ RUN      ] one\\n[  SKIPPED ] one\\n[  SKIPPED ] 1 test(s), listed below:\\n[  SKIPPED ] one\\n"
    done = run_tests(tmp_path, write_program(tmp_path, f"#!/bin/sh\nprintf '{said}'\n".encode()))
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines() == ["  ok      foreign_test (0)", "  skipped foreign_test:one"]
