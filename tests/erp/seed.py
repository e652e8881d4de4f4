"""Makes a database of Tryton and fills it: a company, the chart of the books that ship, two years
of monthly periods, a journal for returns, and a user with no more rights than posting needs.

    seed.py CONFIG DATABASE BOOKS

Runs in a process of its own: Tryton's settings are a process's.
"""

import datetime
import json
import sys
from decimal import Decimal

from trytond.config import config

config.update_etc(sys.argv[1])

from trytond.pool import Pool  # noqa: E402
from trytond.transaction import Transaction  # noqa: E402

COMPANY = "Retail Test Co"
YEARS = (2025, 2026, 2027)


def get(model):
    return Pool().get(model)


def make(of, **values):
    [record] = get(of).create([values])
    return record


def sequence_type(name):
    [found] = get("ir.sequence.type").search([("name", "=", name)])
    return found.id


def make_company():
    euro = make(
        "currency.currency",
        name="Euro",
        code="EUR",
        symbol="EUR",
        digits=2,
        rounding=Decimal("0.01"),
        rates=[("create", [{"date": datetime.date(2020, 1, 1), "rate": Decimal(1)}])],
    )
    party = make("party.party", name=COMPANY)
    return make("company.company", party=party.id, currency=euro.id)


def make_chart(company, books):
    """Each account of the books, of the types that the numbers' first digits stand for."""
    kinds = {
        name: make(
            "account.account.type", name=name, company=company.id, statement=statement, **flags
        )
        for name, statement, flags in (
            ("Assets", "balance", {"assets": True}),
            ("Debts", "balance", {}),
            ("Income", "income", {"revenue": True}),
            ("Expenses", "income", {"expense": True}),
        )
    }
    by_digit = {"1": "Assets", "2": "Debts", "4": "Income", "5": "Expenses"}
    names = {row["account"]: row["name"] for row in books["companies"][0]["accounts"]}
    root = make("account.account", name="Chart", company=company.id)
    for code, name in sorted(names.items()):
        make(
            "account.account",
            code=code,
            name=name,
            company=company.id,
            parent=root.id,
            type=kinds[by_digit[code[0]]].id,
        )


def make_years(company):
    for year in YEARS:
        numbers = make(
            "ir.sequence",
            name=f"Posts {year}",
            sequence_type=sequence_type("Account Move"),
            company=company.id,
            prefix=f"{year}-",
        )
        made = make(
            "account.fiscalyear",
            name=str(year),
            start_date=datetime.date(year, 1, 1),
            end_date=datetime.date(year, 12, 31),
            company=company.id,
            post_move_sequence=numbers.id,
        )
        get("account.fiscalyear").create_period([made])


def make_journal(company):
    """Open in each period from the start: two first moves at once would make that row twice."""
    numbers = make(
        "ir.sequence",
        name="Returns",
        sequence_type=sequence_type("Account Journal"),
        company=company.id,
    )
    journal = make(
        "account.journal", name="Retail returns", code="RET", type="general", sequence=numbers.id
    )
    get("account.journal.period").create(
        [{"journal": journal.id, "period": p.id} for p in get("account.period").search([])]
    )


def make_group():
    """Accountants may not delete moves: the hub's user deletes its own drafts."""
    group = make("res.group", name="Tillback")
    for name in ("account.move", "account.move.line"):
        [model] = get("ir.model").search([("model", "=", name)])
        make(
            "ir.model.access",
            model=model.id,
            group=group.id,
            perm_read=True,
            perm_write=True,
            perm_create=True,
            perm_delete=True,
        )
    return group


def make_user(company, password):
    groups = [*get("res.group").search([("name", "=", "Account")]), make_group()]
    values = {
        "name": "Tillback",
        "login": "tillback",
        "password": password,
        "companies": [("add", [company.id])],
        "company": company.id,
        "groups": [("add", [g.id for g in groups])],
    }
    get("res.user").create([values])


def main():
    database, books, password = sys.argv[2], sys.argv[3], sys.argv[4]
    Pool.start()
    with Transaction().start(None, 0, readonly=True):
        pool = Pool(database)
    pool.init()
    with Transaction().start(database, 1) as transaction:
        company = make_company()
        admin = get("res.user")(1)
        get("res.user").write([admin], {"companies": [("add", [company.id])], "company": company.id})
        with transaction.set_context(company=company.id):
            with open(books) as text:
                make_chart(company, json.load(text))
            make_years(company)
            make_journal(company)
            make_user(company, password)
        transaction.commit()


main()
