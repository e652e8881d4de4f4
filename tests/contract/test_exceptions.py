"""The README of the hub says whose each exception is, and by when: that is what the hub does."""

import re

from schemas import ROOT

DEFAULT = ("stores", 72)


def told():
    """code -> (team, hours), from the table of the README."""
    row = re.compile(r"\| (`\w+`(?:, `\w+`)*) \|.*\| (\w+) \| (\d+(?:, \d+)*) \|")
    table = {}
    for line in (ROOT / "sync/hub/web/README.md").read_text().splitlines():
        if match := row.fullmatch(line):
            codes = re.findall(r"\w+", match[1])
            hours = [int(text) for text in match[3].split(",")]
            for code, due in zip(codes, hours if len(hours) > 1 else hours * len(codes), strict=True):
                table[code] = (match[2], due)
    return table


def kept():
    text = (ROOT / "sync/hub/ingest/exception_target.c").read_text()
    table = {}
    for code, team, hours in re.findall(r'\{"(\w+)", "(\w+)", ([\d *]+)\}', text):
        table[code] = (team, eval(hours))
    return table


def test_team_and_hours_of_each_exception_are_as_told():
    assert len(told()) > 20
    assert {code: kept().get(code, DEFAULT) for code in told()} == told()


def test_no_exception_is_left_out_of_the_table():
    assert set(kept()) <= set(told())
