"""A fake of a system outside that is told events: takes what is signed, and counts. It can be told to
misbehave: receiver.plan(503, "drop", 422, (429, {"Retry-After": "1"}))."""

import base64
import hashlib
import hmac
import http.server
import json
import threading
import time

SECRET = "whsec_" + base64.b64encode(b"another secret of 24 and more").decode()


class Receiver:
    def __init__(self):
        self.requests = []  # (headers, body) of those taken
        self.tried = 0
        self.tries = []  # when
        self.problems = []
        self._plans = []
        self._lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                owner.take(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def plan(self, *answers):
        with self._lock:
            self._plans.extend(answers)

    def take(self, handler):
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        with self._lock:
            self.tried += 1
            self.tries.append(time.monotonic())
            if not self._signed(handler.headers, body):
                self.problems.append("a signature that doesn't fit")
            answer = self._plans.pop(0) if self._plans else 204
            if answer in (204, "lose"):
                self.requests.append((dict(handler.headers), body))
        if answer in ("drop", "lose"):
            handler.close_connection = True
            handler.connection.close()
            return
        answer, headers = answer if isinstance(answer, tuple) else (answer, {})
        handler.send_response(answer)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    @staticmethod
    def _signed(headers, body):
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        code = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        fresh = abs(int(headers["webhook-timestamp"]) - time.time()) < 300
        return fresh and f"v1,{code}" in headers["webhook-signature"].split()

    def events(self):
        """What was taken: (id, type, data), whichever of the two modes it came in."""
        with self._lock:
            return [self._event(headers, body) for headers, body in self.requests]

    def _event(self, headers, body):
        told = json.loads(body)
        lower = {name.lower(): value for name, value in headers.items()}
        if lower["content-type"].startswith("application/cloudevents+json"):
            assert told["specversion"] == "1.0" and "ce-id" not in lower
            return told["id"], told["type"], told["data"]
        assert lower["ce-specversion"] == "1.0" and lower["content-type"] == "application/json"
        return lower["ce-id"], lower["ce-type"], told
