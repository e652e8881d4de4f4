"""What runs the unit tests: a program of another processor is not taken for a script."""

import os
import subprocess

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
