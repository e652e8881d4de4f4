"""Makes a database of Tryton and fills it: a company, the chart of the books that ship, three years
of monthly periods, a journal for returns, and a user with no more rights than posting needs. With
"documents", where the module sale is active, also what return sales and credit notes need: a
customer, a product, a tax, and numbers for invoices.

    seed.py CONFIG DATABASE BOOKS PASSWORD [documents]

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
REFUNDS_PAYABLE = "2100"


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


def make_chart(company, books, documents):
    """Each account of the books, of the types that the numbers' first digits stand for. What is owed
    to customers is a receivable where documents are made: their party stands on it."""
    kinds = {
        name: make(
            "account.account.type", name=name, company=company.id, statement=statement, **flags
        )
        for name, statement, flags in (
            ("Assets", "balance", {"assets": True}),
            ("Debts", "balance", {}),
            ("Income", "income", {"revenue": True}),
            ("Expenses", "income", {"expense": True}),
            ("Customers", "balance", {"receivable": True}),
        )
    }
    by_digit = {"1": "Assets", "2": "Debts", "4": "Income", "5": "Expenses"}
    names = {row["account"]: row["name"] for row in books["companies"][0]["accounts"]}
    root = make("account.account", name="Chart", company=company.id)
    made = {}
    for code, name in sorted(names.items()):
        kind = "Customers" if documents and code == REFUNDS_PAYABLE else by_digit[code[0]]
        made[code] = make(
            "account.account",
            code=code,
            name=name,
            company=company.id,
            parent=root.id,
            type=kinds[kind].id,
            **({"reconcile": True, "party_required": True} if kind == "Customers" else {}),
        )
    return made


def make_years(company, documents):
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
            **(invoice_numbers(company, year) if documents else {}),
        )
        get("account.fiscalyear").create_period([made])


def invoice_numbers(company, year):
    kinds = ("in_invoice", "in_credit_note", "out_invoice", "out_credit_note")
    numbers = {
        f"{kind}_sequence": make(
            "ir.sequence.strict",
            name=f"{kind} {year}",
            sequence_type=sequence_type("Invoice"),
            company=company.id,
            prefix=f"{'CN' if 'credit' in kind else 'INV'}{year}-",
        ).id
        for kind in kinds
    }
    return {"invoice_sequences": [("create", [{"company": company.id, **numbers}])]}


def make_articles(company, accounts):
    """The socks that the tests sell, with the tax on them, and who buys them."""
    tax = make(
        "account.tax",
        name="VAT 19%",
        description="VAT 19%",
        type="percentage",
        rate=Decimal("0.19"),
        company=company.id,
        invoice_account=accounts["2200"].id,
        credit_note_account=accounts["2200"].id,
    )
    category = make(
        "product.category",
        name="Goods",
        accounting=True,
        account_revenue=accounts["4100"].id,
        account_expense=accounts["5000"].id,
        customer_taxes=[("add", [tax.id])],
    )
    [unit] = get("product.uom").search([("symbol", "=", "u")])
    make(
        "product.template",
        name="Socks",
        type="goods",
        default_uom=unit.id,
        sale_uom=unit.id,
        salable=True,
        list_price=Decimal(10),
        account_category=category.id,
        products=[("create", [{"suffix_code": "4711"}])],
    )
    make(
        "party.party",
        name="Walk-in customer",
        account_receivable=accounts[REFUNDS_PAYABLE].id,
        addresses=[("create", [{"street": "At the till"}])],
    )
    configuration = get("account.configuration")(1)
    configuration.default_category_account_revenue = accounts["4100"]
    configuration.default_account_receivable = accounts[REFUNDS_PAYABLE]
    configuration.save()


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


def make_user(company, password, documents):
    names = ["Account"] + (["Sales", "Stock"] if documents else [])
    groups = [*get("res.group").search([("name", "in", names)]), make_group()]
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
    database, books, password = sys.argv[2:5]
    documents = sys.argv[5:] == ["documents"]
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
                accounts = make_chart(company, json.load(text), documents)
            make_years(company, documents)
            make_journal(company)
            make_user(company, password, documents)
            if documents:
                make_articles(company, accounts)
        transaction.commit()


main()
