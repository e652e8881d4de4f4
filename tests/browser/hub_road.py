"""A whole road for the dashboard's test, with a fake payment provider and a fake system that is told
events. Prints where it is as JSON, then does what each line of standard input asks for, and answers with a
line of JSON. Ends with its standard input.

    return RECEIPT          sells and takes back; the till has paid the card
    online RECEIPT PLAN     the same, paid online and so to be refunded by the hub; the provider does PLAN
    settle RECEIPT AMOUNT   a settlement file in which the refund has this amount
    outlet STATUS           what the system that is told events answers next
"""

import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / name) for name in ("toolchain", "tests/hub", "tests/contract")]

from provider import Provider  # noqa: E402
from receiver import SECRET, Receiver  # noqa: E402
from road.road import Road, await_true, free_port_base  # noqa: E402
from road.till import Till  # noqa: E402

ADYEN = (
    "Psp Reference,Merchant Reference,Creation Date,Type,Modification Reference,Gross Currency,"
    "Gross Debit (GC),Gross Credit (GC),Net Currency,Net Debit (NC),Net Credit (NC),Batch Number\n"
)


class Town:
    def __init__(self, folder):
        programs = pathlib.Path(os.environ.get("PROGRAMS") or ROOT / "build" / "release").resolve()
        self.provider = Provider(folder)
        self.receiver = Receiver()
        settings = (
            self.provider.settings(),
            self._outlets(folder),
            "connector.retry_least_ms=20",
        )
        self.road = Road(folder / "road", free_port_base(), programs, hub_settings=settings)

    def _outlets(self, folder):
        (folder / "secret").write_text(SECRET)
        outlet = json.loads((ROOT / "sync/hub/connect/outlets.example.json").read_text())["outlets"][0]
        outlet |= {"url": self.receiver.url, "secret_file": str(folder / "secret")}
        (folder / "outlets.json").write_text(json.dumps({"outlets": [outlet]}))
        return f"outlets.file={folder / 'outlets.json'}"

    def open(self):
        self.road.await_link()
        self.till = Till(self.road.store_url, self.road.token())
        self.hub = Till(self.road.hub_url, self.road.hub_token("finance"))

    def close(self):
        self.till.close()
        self.hub.close()
        self.provider.close()
        self.receiver.close()

    def ask(self, path):
        return json.loads(self.hub.request("GET", path)[2])

    def pay_back(self, receipt):
        self.till.sell(receipt)
        _, answer = self.till.give_back(receipt)
        tenders = [{"tender": 1, "amount": 333, "reference": f"RF-{receipt}"}]
        path = f"/v1/returns/{answer['return_id']}/refund"
        self.till.insist(path, {"tenders": tenders}, f"refund-{receipt}")
        await_true(
            lambda: any(r["receipt"] == receipt for r in self.ask("/v1/refunds")["refunds"]),
            20,
            "the refund at the hub",
        )
        return answer

    def pay_online(self, receipt, plan):
        self.provider.plan(plan)
        sale = self.till.sale(receipt)
        sale["tenders"][0]["type"] = "online_payment"
        self.till.insist("/v1/sales", sale, f"sale-{receipt}")
        _, answer = self.till.give_back(receipt)
        return answer

    def settle(self, receipt, amount):
        line = f"P,X,2026-11-23 10:00:00,Refunded,RF-{receipt},EUR,{amount},,EUR,{amount},,B1\n"
        status, _, text = self.hub.request("POST", "/v1/settlements?format=adyen", ADYEN + line)
        assert status == 201, text
        return json.loads(text)

    def refuse_next(self, status):
        self.receiver.plan(int(status))
        return {}

    def obey(self, word, *rest):
        verbs = {
            "return": self.pay_back,
            "online": self.pay_online,
            "settle": self.settle,
            "outlet": self.refuse_next,
        }
        return verbs[word](*rest)


def main():
    with tempfile.TemporaryDirectory() as folder:
        town = Town(pathlib.Path(folder))
        with town.road as road:
            town.open()
            tokens = {role: road.hub_token(role) for role in ("finance", "it", "viewer")}
            print(json.dumps({"url": road.hub_url, **tokens}), flush=True)
            for line in sys.stdin:
                print(json.dumps(town.obey(*line.split())), flush=True)
            town.close()


main()
