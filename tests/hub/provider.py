"""A fake payment provider on loopback, in the dialect of sync/hub/connect/provider.h. It can be told to
misbehave, and its list of executions is what tests hold the hub to.

    provider.plan("lose")      executes, and drops the connection instead of answering
    provider.plan("deaf")      drops it without executing
    provider.plan("busy")      503, without executing
    provider.plan("decline")   402
    provider.plan("pending")   takes it; provider.finish(reference, ...) decides later
    provider.plan("other")     executes another amount
    forgets=True               it knows no idempotency keys: each POST executes anew
"""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time
import urllib.parse
import urllib.request

from api_document import HUB

KEY = "sk_test_1"
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four+").decode()


class Provider:
    def __init__(self, folder, forgets=False):
        self.folder = folder
        self.forgets = forgets
        self.refunds = {}  # reference -> refund
        self.executed = []  # references, each time money went out
        self.asked = []  # references, each POST
        self.looked = []
        self._plans = []
        self._lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                owner.post(self)

            def do_GET(self):
                owner.get(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def settings(self, **more):
        """The hub's file for this provider."""
        for name, text in (("provider-key", KEY), ("provider-secret", SECRET)):
            (self.folder / name).write_text(text)
        path = self.folder / "provider.json"
        path.write_text(
            json.dumps(
                {
                    "url": self.url,
                    "key_file": str(self.folder / "provider-key"),
                    "webhook_secret_file": str(self.folder / "provider-secret"),
                    "timeout_ms": 2000,
                    "tenders": ["card", "online_payment"],
                    **more,
                }
            )
        )
        return f"payment.provider={path}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def plan(self, *kinds):
        with self._lock:
            self._plans.extend(kinds)

    def planned(self):
        with self._lock:
            return list(self._plans)

    # --- Serving -----------------------------------------------------------------------------

    def post(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        reference = body["reference"]
        with self._lock:
            assert handler.headers["Authorization"] == f"Bearer {KEY}"
            assert handler.headers["Idempotency-Key"] == reference
            self.asked.append(reference)
            known = self.refunds.get(reference)
            if known and not self.forgets:
                return self._answer(handler, 200, known)
            kind = self._plans.pop(0) if self._plans else "execute"
            if kind == "deaf":
                return self._drop(handler)
            if kind == "busy":
                return self._answer(handler, 503, {})
            refund = self._execute(kind, body)
        if kind == "lose":
            return self._drop(handler)
        return self._answer(handler, 402 if kind == "decline" else 201, refund)

    def _execute(self, kind, body):
        amount = dict(body["amount"])
        status = {"decline": "failed", "pending": "pending"}.get(kind, "succeeded")
        if kind == "other":
            amount["value"] += 1
        if status == "succeeded":
            self.executed.append(body["reference"])
        refund = {
            "id": f"re_{len(self.asked)}",
            "reference": body["reference"],
            "status": status,
            "amount": amount,
        }
        if status == "failed":
            refund["reason"] = "the card is closed"
        self.refunds[body["reference"]] = refund
        return refund

    def get(self, handler):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(handler.path).query)
        with self._lock:
            self.looked.append(query["reference"][0])
            found = self.refunds.get(query["reference"][0])
        self._answer(handler, 200, {"refunds": [found] if found else []})

    @staticmethod
    def _answer(handler, status, body):
        text = json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    @staticmethod
    def _drop(handler):
        handler.close_connection = True
        handler.connection.close()

    # --- Late answers ------------------------------------------------------------------------

    def finish(self, reference, status, reason=None):
        """What was pending is decided. The refund as it is now."""
        with self._lock:
            refund = self.refunds[reference]
            refund["status"] = status
            if reason:
                refund["reason"] = reason
            if status == "succeeded":
                self.executed.append(reference)
            return dict(refund)

    @staticmethod
    def tell(hub_url, refund, secret=SECRET, at=None, altered=None):
        """The webhook. The status of the hub's answer."""
        body = json.dumps({"type": "refund.updated", "data": refund}).encode()
        at = str(int(time.time()) if at is None else at)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        code = hmac.new(key, b"msg_1." + at.encode() + b"." + body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "webhook-id": "msg_1",
            "webhook-timestamp": at,
            "webhook-signature": "v1," + base64.b64encode(code).decode(),
        }
        path = f"{hub_url}/v1/payments/webhook"
        request = urllib.request.Request(path, altered or body, headers)
        try:
            answer = urllib.request.urlopen(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            HUB.hold("POST", "/v1/payments/webhook", answer.status, answer.headers, answer.read())
            return answer.status
