"""A real Tryton 6.0 from Debian's packages, on this machine's loopback. Its database is made once for
a version of its seed and kept in build/erp; each test has a copy. Tryton writes and syncs in every
call, its session at least, so on SQLite its folder is best in memory: nobody cuts its power here.

    Tryton(FOLDER, PORT)                     on SQLite
    Tryton(FOLDER, PORT, server=URI)         on PostgreSQL, where moves are posted side by side
    Tryton(FOLDER, PORT, documents=True)     with sales, invoices and stock

SQLite's sequences hand the same number to two who post at the same time; PostgreSQL's don't.
"""

import base64
import contextlib
import decimal
import fcntl
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import sqlite3
import subprocess
import sys
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain")]

from road.programs import Program  # noqa: E402
from road.road import await_true  # noqa: E402

BOOKS = ROOT / "sync" / "hub" / "ledger" / "books.default.json"
SEED = pathlib.Path(__file__).with_name("seed.py")
SEEDS = ROOT / "build" / "erp"
PASSWORD = "a-bench-19"


class TrytonError(Exception):
    """Tryton refused; the text holds its words."""


class Tryton:
    def __init__(self, folder, port, server=None, documents=False):
        self.folder = pathlib.Path(folder)
        self.port = port
        self.server = server and dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(server).query))
        self.database = f"retail_{secrets.token_hex(4)}" if server else "retail"
        self.documents = documents
        self.url = f"http://127.0.0.1:{port}/"
        self.config = self.folder / "trytond.conf"
        self.session = None
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        (self.folder / "password").write_text(PASSWORD)
        self.write_config()
        self.program = Program(
            "tryton", ["/usr/bin/trytond", "-c", self.config, "-d", self.database], self.folder
        )

    def write_config(self, session_s=300):
        uri = "sqlite://"
        if self.server:  # the database's name takes the place of the path
            uri = f"postgresql://{self.server['user']}@/?host={self.server['host']}"
        self.config.write_text(
            f"[web]\nlisten = 127.0.0.1:{self.port}\n"
            f"[database]\nuri = {uri}\npath = {self.folder}\n"
            f"[session]\ntimeout = {session_s}\n[password]\nlength = 8\n"
        )

    # --- Making the database -----------------------------------------------------------------

    def _seed(self):
        module = "sale" if self.documents else "account"
        email = ("--email", "admin@example.com")
        self._run("trytond-admin", "-u", module, "--activate-dependencies", *email)
        self._run(SEED, self.database, BOOKS, PASSWORD, *(["documents"] if self.documents else []))

    def _run(self, program, *words):
        if program == SEED:
            command = ["/usr/bin/python3", "-B", SEED, self.config, *words]
        else:
            command = [f"/usr/bin/{program}", "-c", self.config, "-d", self.database, *words]
        done = subprocess.run(
            list(map(str, command)),
            env={**os.environ, "TRYTONPASSFILE": str(self.folder / "password"), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            raise TrytonError(f"{program}: {done.stderr[-2000:]}")

    def _kept(self):
        digest = hashlib.sha256(SEED.read_bytes() + BOOKS.read_bytes()).hexdigest()
        kind = "documents" if self.documents else "moves"
        return SEEDS / f"{kind}-{digest[:16]}.{'sql' if self.server else 'sqlite'}"

    def _make(self):
        """A copy of the one that is kept; whoever comes first makes that, and the others wait."""
        self._create()
        SEEDS.mkdir(parents=True, exist_ok=True)
        kept = self._kept()
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                self._seed()
                partial = kept.with_suffix(".partial")
                self._copy_to(partial)
                partial.replace(kept)
                return
        self._copy_from(kept)

    def _create(self):
        if self.server:
            self._ask_server("psql", "postgres", "-c", f"CREATE DATABASE {self.database}")
        else:
            (self.folder / f"{self.database}.sqlite").touch()

    def _copy_to(self, path):
        if self.server:
            self._ask_server("pg_dump", self.database, "-O", "-f", path)
        else:
            shutil.copyfile(self.folder / f"{self.database}.sqlite", path)

    def _copy_from(self, path):
        if self.server:
            self._ask_server("psql", self.database, "-v", "ON_ERROR_STOP=1", "-1", "-f", path)
        else:
            shutil.copyfile(path, self.folder / f"{self.database}.sqlite")

    def _ask_server(self, program, database, *words):
        where = ("-h", self.server["host"], "-U", self.server["user"], "-d", database)
        command = [program, *where, *map(str, words)]
        subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)

    # --- Life --------------------------------------------------------------------------------

    def __enter__(self):
        self._make()
        self.start()
        return self

    def __exit__(self, *_):
        self.program.kill()

    def start(self):
        self.program.start()
        await_true(self._answers, 60, "Tryton to answer")

    def restart(self):
        self.program.kill()
        self.session = None
        self.start()

    def _answers(self):
        if not self.program.running:
            raise TrytonError(self.program.last_words())
        try:
            return self.call("model.account.journal.search", [[["code", "=", "RET"]], 0, 1, None])
        except OSError:
            return None

    # --- Asking it, as its administrator -----------------------------------------------------

    def _post(self, method, params):
        headers = {"Content-Type": "application/json"}
        if self.session:
            headers["Authorization"] = f"Session {self.session}"
        request = urllib.request.Request(
            f"{self.url}{self.database}/",
            json.dumps({"id": 1, "method": method, "params": params}).encode(),
            headers,
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        if "error" in told:
            raise TrytonError(told["error"])
        return told["result"]

    def call(self, method, params, company=True):
        if not self.session:
            user, key = self._post("common.db.login", ["admin", {"password": PASSWORD}])[:2]
            self.session = base64.b64encode(f"admin:{user}:{key}".encode()).decode()
        return self._post(method, [*params, {"company": 1} if company else {}])

    def read(self, model, domain, fields):
        return self.call(f"model.{model}.search_read", [domain, 0, None, None, fields])

    def _sums(self, moves):
        """{move: {account code: minor units}}"""
        sums = {move: {} for move in moves}
        lines = self.read(
            "account.move.line",
            [["move", "in", list(moves)]],
            ["move", "account.code", "debit", "credit"],
        )
        for line in lines:
            code = line["account."]["code"]
            amount = minor(line["debit"]) - minor(line["credit"])
            sums[line["move"]][code] = sums[line["move"]].get(code, 0) + amount
        return sums

    def moves(self, state=None):
        """The journal's moves by our reference: {reference: [{account code: minor units}, ...]}."""
        domain = [["journal.code", "=", "RET"]] + ([["state", "=", state]] if state else [])
        moves = self.read("account.move", domain, ["number"])
        return self._by_reference({m["id"]: m["number"] for m in moves})

    def credit_notes(self):
        """The same of the posted invoices."""
        posted = self.read("account.invoice", [["state", "=", "posted"]], ["reference", "move"])
        return self._by_reference({i["move"]: i["reference"] for i in posted})

    def _by_reference(self, references):
        found = {}
        for move, sums in self._sums(references).items():
            found.setdefault(references[move], []).append(sums)
        return found

    def balances(self):
        """All that is posted: {account code: minor units}, without the zeros."""
        total = {}
        moves = self.read("account.move", [["state", "=", "posted"]], ["id"])
        for sums in self._sums([m["id"] for m in moves]).values():
            for code, amount in sums.items():
                total[code] = total.get(code, 0) + amount
        return {code: amount for code, amount in total.items() if amount}

    def set_period(self, name, method):
        """close, reopen"""
        [period] = self.call("model.account.period.search", [[["name", "=", name]], 0, 1, None])
        self.call(f"model.account.period.{method}", [[period]])

    def _change(self, *statements):
        """What Tryton itself would refuse; on SQLite only."""
        with contextlib.closing(sqlite3.connect(self.folder / f"{self.database}.sqlite")) as db:
            for statement in statements:
                db.execute(statement)
            db.commit()

    def forget_sessions(self):
        """As when they have idled out."""
        self._change("DELETE FROM ir_session")
        self.session = None

    def date_later(self, invoice, days):
        """As if that posted invoice had been made some days later."""
        later = f"+{days} days"
        self._change(
            f"UPDATE account_move SET date = date(date, '{later}') WHERE id = {invoice['move']}",
            f"UPDATE account_invoice SET accounting_date = date(accounting_date, '{later}'), "
            f"invoice_date = date(invoice_date, '{later}') WHERE id = {invoice['id']}",
        )

    def connector(self, books_company="main", **more):
        """The connector's file for this Tryton, for one company of the books."""
        path = self.folder / "connector.json"
        company = {"company": books_company, "erp_company": "Retail Test Co", "journal": "RET"}
        if self.documents:
            taxes = [{"jurisdiction": "DE", "rate": "19", "tax": "VAT 19%"}]
            company |= {"documents": "sales", "party": "Walk-in customer", "taxes": taxes}
        settings = {
            "url": self.url,
            "database": self.database,
            "user": "tillback",
            "password_file": str(self.folder / "password"),
            "companies": [company],
            **more,
        }
        path.write_text(json.dumps(settings))
        return f"tryton:{path}"


def minor(value):
    return int(decimal.Decimal(value["decimal"]) * 100)
