"""A till: sells, takes back, and asks again with the same key until it knows what came of it."""

import http.client
import itertools
import json
import random
import threading
import time
import urllib.parse

PRICE = 1000
PIECES = 3
STOP_S = 240  # much more than a till ever waits, on a busy machine too
IDLE_S = 30  # our servers end a connection after 60 s without a request


class Till:
    """One connection to an appliance. Not for several threads."""

    def __init__(self, url, token, store="0042", lane="01", timeout_s=30, tls=None):
        """`tls` is an ssl.SSLContext, for an https URL."""
        self.url = url
        self.tls = tls
        self.address = urllib.parse.urlsplit(url).netloc
        self.token = token
        self.store = store
        self.lane = lane
        self.timeout_s = timeout_s
        self.asked_again = 0
        self._connection = None
        self._used = 0.0

    def request(self, method, path, body=None, key=None, headers=()):
        """One exchange: (status, headers, body). OSError or HTTPException when none came."""
        given = dict(headers)
        if self.token:
            given.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            given.setdefault("Content-Type", "application/json")
        if key:
            given["Idempotency-Key"] = key
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        if time.monotonic() - self._used > IDLE_S:
            self.close()
        if not self._connection:
            self._connection = self._connect()
        try:
            self._connection.request(method, path, body, given)
            answer = self._connection.getresponse()
            self._used = time.monotonic()
            return answer.status, answer.headers, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def _connect(self):
        if self.tls:
            return http.client.HTTPSConnection(
                self.address, timeout=self.timeout_s, context=self.tls
            )
        return http.client.HTTPConnection(self.address, timeout=self.timeout_s)

    def insist(self, path, body, key, until=lambda: False):
        """Asks with one key until there is an answer that says what happened; None: gave up."""
        while not until():
            try:
                status, _, text = self.request("POST", path, body, key)
                if status != 503:
                    return status, json.loads(text)
            except (OSError, http.client.HTTPException):
                pass
            self.asked_again += 1
            time.sleep(0.05)
        return None

    def sell(self, receipt, until=lambda: False):
        return self.insist("/v1/sales", self.sale(receipt), f"sale-{receipt}", until)

    def give_back(self, receipt, piece=0, until=lambda: False):
        body = {
            "receipt": receipt,
            "lines": [{"line": 1, "quantity": 1, "reason": "unwanted", "condition": "new_sealed"}],
        }
        return self.insist("/v1/returns", body, f"return-{receipt}-{piece}", until)

    def sale(self, receipt):
        return {
            "receipt": receipt,
            "channel": "store",
            "store": self.store,
            "lane": self.lane,
            "sold_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "currency": "EUR",
            "prices_include_tax": True,
            "lines": [
                {
                    "line": 1,
                    "sku": "4711",
                    "gtin": "04006381333931",
                    "description": "Socks",
                    "category": "apparel",
                    "quantity": PIECES,
                    "unit": "each",
                    "amount": PRICE,
                    "tax": [
                        {
                            "type": "vat",
                            "class": "standard",
                            "jurisdiction": "DE",
                            "rate": "19",
                            "amount": 160,
                        }
                    ],
                    "cost": 600,
                }
            ],
            "tenders": [
                {"tender": 1, "type": "card", "amount": PRICE, "reference": "tok_8f2"}
            ],
        }

    def close(self):
        if self._connection:
            self._connection.close()
            self._connection = None


class Kept:
    """What an appliance said it had saved, thread by thread: the words the audit holds it to."""

    def __init__(self):
        self.sales = {}  # key -> answer
        self.returns = {}
        self.refused = []
        self._lock = threading.Lock()

    def note(self, kind, key, status, answer):
        with self._lock:
            if status == 201:
                getattr(self, kind)[key] = answer
            else:
                self.refused.append((key, status, answer))

    def keys(self):
        with self._lock:
            return self.sales.keys() | self.returns.keys()

    def __len__(self):
        return len(self.sales) + len(self.returns)


class Load:
    """Tills that sell and take back until they are stopped; each sale comes back in pieces."""

    def __init__(
        self, url, token, kept, seed, tills=3, pause_s=0.01, store="0042", timeout_s=30, tls=None
    ):
        """`tls` is an ssl.SSLContext, for an https URL."""
        self.kept = kept
        self.asked_again = 0
        self._stopping = threading.Event()
        self._abandoned = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._work,
                args=(
                    Till(url, token, store, timeout_s=timeout_s, tls=tls),
                    f"{seed}t{number}",  # digits alone look like a card now and then
                    random.Random(f"{seed}-{number}"),
                    pause_s,
                ),
                daemon=True,
            )
            for number in range(tills)
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, failure, *_):
        if failure:
            self._abandoned.set()
        self.stop()

    def stop(self):
        """No new business; what is unanswered is asked again until it is answered."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(STOP_S)
            if thread.is_alive():
                self._abandoned.set()
                raise TimeoutError(f"a till got no answer for {STOP_S} s")

    def _work(self, till, name, dice, pause_s):
        for number in itertools.count():
            receipt = f"{till.store}-{till.lane}-{name}-{number:05}"
            self._do("sales", f"sale-{receipt}", till.sell, receipt)
            for piece in range(PIECES):
                if self._stopping.is_set():
                    break
                self._do("returns", f"return-{receipt}-{piece}", till.give_back, receipt, piece)
                time.sleep(dice.uniform(0, 2 * pause_s))
            if self._stopping.is_set():
                break
        self.asked_again += till.asked_again
        till.close()

    def _do(self, kind, key, ask, *words):
        answered = ask(*words, until=self._abandoned.is_set)
        if answered:
            self.kept.note(kind, key, *answered)
