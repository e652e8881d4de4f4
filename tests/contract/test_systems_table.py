"""Each test that sync/hub/connect/README.md names as showing what a system outside sends and gets is
there, and each system has one."""

import re

import schemas

TABLE = (schemas.ROOT / "sync" / "hub" / "connect" / "README.md").read_text().split("\n\n")[2]
SYSTEMS = {
    "POS", "e-commerce", "marketplace", "returns portal, call centre", "payment provider",
    "tax engine", "warehouse", "CRM", "customer service", "fraud", "ERP (Tryton 6.0)", "bank",
}


def rows():
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in TABLE.splitlines()[2:]]
    return {row[0]: row[3] for row in cells}


def test_every_system_has_its_row_and_every_test_of_it_is_there():
    paths = [p for p in (schemas.ROOT / "tests").rglob("*") if p.suffix in (".c", ".py")]
    sources = "\n".join(path.read_text() for path in paths)
    files = {path.name for path in paths}
    assert rows().keys() == SYSTEMS
    for system, shown in rows().items():
        named = re.findall(r"`([\w./]+)`", shown)
        assert named, system
        for name in named:
            if "/" in name:
                assert (schemas.ROOT / name).exists(), (system, name)
            elif name.endswith(".c"):
                assert name in files, (system, name)
            else:
                assert re.search(rf"\b{name}\b\(", sources), (system, name)
