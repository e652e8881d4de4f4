"""Each test that tests/fault/README.md names as the one that would catch another's bug is there."""

import re

import schemas

TABLE = (schemas.ROOT / "tests" / "fault" / "README.md").read_text()
# Of a parametrised one, `name[case]`, the name; `..._end` stands for the end of one.
NAME = re.compile(r"`(?:\.\.\.)?(\w+_\w+)(?:\[[\w ]+\])?`")


def names():
    return sorted({name for name in NAME.findall(TABLE) if not name.isupper()})


def is_there(name, sources):
    end = rf"{name}(\(|\b)" if name.startswith("_") else rf"\b{name}\b"
    file = any(path.stem == name for path in sources)
    return file or any(re.search(end, text) for text in sources.values())


def test_every_test_that_the_table_names_is_there():
    folders = [schemas.ROOT / "tests" / part for part in ("unit", "system", "hub", "fault", "support")]
    sources = {
        path: path.read_text()
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in (".c", ".py")
    }
    assert len(names()) > 40
    assert [name for name in names() if not is_there(name, sources)] == []


def test_every_bug_of_others_has_a_test():
    rows = [row for row in TABLE.split("\n\n")[2].splitlines()[2:]]
    assert len(rows) >= 18
    for row in rows:
        assert re.search(r"#\d+", row) and NAME.search(row.split("|")[3]), row
