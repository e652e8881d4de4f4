"""A whole road for the dashboard's test: prints where it is as JSON, then does what lines on
standard input ask for: "return RECEIPT" sells and takes back, "settle RECEIPT AMOUNT" settles it.
Ends with its standard input.
"""

import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain")]

from road.road import Road, await_true, free_port_base  # noqa: E402
from road.till import Till  # noqa: E402

ADYEN = (
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch Number\n"
)


def take_back(till, receipt):
    till.sell(receipt)
    _, answer = till.give_back(receipt)
    tenders = [{"tender": 1, "amount": 333, "reference": f"RF-{receipt}"}]
    path = f"/v1/returns/{answer['return_id']}/refund"
    till.insist(path, {"tenders": tenders}, f"refund-{receipt}")
    return answer


def settle(hub, receipt, amount):
    line = f"P,X,2026-11-23 10:00:00,Refunded,RF-{receipt},EUR,{amount},,EUR,{amount},,B1\n"
    status, _, text = hub.request("POST", "/v1/settlements?format=adyen", ADYEN + line)
    assert status == 201, text
    return json.loads(text)


def await_refund(hub, receipt):
    def known():
        refunds = json.loads(hub.request("GET", "/v1/refunds")[2])["refunds"]
        return any(refund["receipt"] == receipt for refund in refunds)

    await_true(known, 10, "the refund at the hub")


def main():
    programs = pathlib.Path(os.environ.get("PROGRAMS") or ROOT / "build" / "release").resolve()
    with tempfile.TemporaryDirectory() as folder:
        with Road(pathlib.Path(folder), free_port_base(), programs) as road:
            road.await_link()
            till = Till(road.store_url, road.token())
            hub = Till(road.hub_url, road.hub_token("finance"))
            print(json.dumps({"url": road.hub_url, "token": road.hub_token("finance")}), flush=True)
            for line in sys.stdin:
                words = line.split()
                if words[0] == "return":
                    answer = take_back(till, words[1])
                    await_refund(hub, words[1])
                else:
                    answer = settle(hub, words[1], words[2])
                print(json.dumps(answer), flush=True)
            till.close()
            hub.close()


main()
