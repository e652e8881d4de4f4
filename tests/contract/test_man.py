"""The man pages say what --help says, all of it and in its order, and groff has nothing against them."""

import os
import pathlib
import re
import subprocess

import pytest
import schemas

PROGRAMS = pathlib.Path(os.environ.get("PROGRAMS") or schemas.ROOT / "build/release").resolve()
FOLDERS = (schemas.ROOT / "toolchain/folders.mk").read_text()
NAMES = re.search(r"^PROGRAM_NAMES := (.*)$", FOLDERS, re.M)[1].split()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("man")
    programs = [PROGRAMS / name for name in NAMES]
    subprocess.run([schemas.ROOT / "toolchain/manpages", *programs, folder], check=True)
    return {page.stem: page for page in folder.iterdir()}


def rendered(page):
    """As a person sees it, on lines so long that no word is divided; and what groff complains of."""
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou", "-rLL=4000n", page],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout, done.stderr


def test_every_program_has_a_page(pages):
    assert set(pages) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_page_says_all_that_help_says(pages, name):
    page, complaints = rendered(pages[name])
    assert complaints == ""
    said = subprocess.run([PROGRAMS / name, "--help"], capture_output=True, text=True, check=True)
    words = iter(re.sub(r"[‐−]", "-", page).upper().split())
    for word in said.stdout.removeprefix("usage:").upper().split():
        heading = word.removesuffix(":")
        assert any(found in (word, heading) for found in words), f"{word} is missing, or out of place"
