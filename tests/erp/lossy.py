"""Stands before an HTTP server and fails as networks and busy servers do. A fake of trouble only:
what it lets through is answered by the real server behind it.

    lossy.lose(METHOD, times)           forwards, and drops the answer
    lossy.answer(METHOD, status, times) answers itself, and forwards nothing

METHOD is part of the request's body, as a JSON-RPC method is.
"""

import contextlib
import http.client
import http.server
import threading
import urllib.parse


class Lossy:
    def __init__(self, port, target):
        self.target = urllib.parse.urlsplit(target)
        self.url = f"http://127.0.0.1:{port}/"
        self.seen = []  # bodies, as they came
        self._plans = []  # [what is in the body, kind, times left]
        self._lock = threading.Lock()
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                owner.serve(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def lose(self, method, times=1):
        self._plan(method, "lose", times)

    def answer(self, method, status, times=1):
        self._plan(method, status, times)

    def left(self):
        with self._lock:
            return sum(plan[2] for plan in self._plans)

    def _plan(self, method, kind, times):
        with self._lock:
            self._plans.append([method.encode(), kind, times])

    def _take(self, body):
        with self._lock:
            self.seen.append(body)
            for plan in self._plans:
                if plan[2] and plan[0] in body:
                    plan[2] -= 1
                    return plan[1]
        return None

    def serve(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        kind = self._take(body)
        if isinstance(kind, int):
            handler.send_response(kind)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        try:
            status, headers, answer = self._forward(handler, body)
        except OSError:
            kind = "lose"
        if kind == "lose":
            handler.close_connection = True
            handler.connection.close()
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it was killed meanwhile
            self._pass_on(handler, status, headers, answer)

    @staticmethod
    def _pass_on(handler, status, headers, answer):
        handler.send_response(status)
        handler.send_header("Content-Type", headers.get("Content-Type", "application/json"))
        handler.send_header("Content-Length", str(len(answer)))
        handler.end_headers()
        handler.wfile.write(answer)

    def _forward(self, handler, body):
        far = http.client.HTTPConnection(self.target.netloc, timeout=60)
        wanted = ("Content-Type", "Authorization")
        headers = {k: v for k, v in handler.headers.items() if k in wanted}
        far.request("POST", handler.path, body, headers)
        answer = far.getresponse()
        text = answer.read()
        far.close()
        return answer.status, answer.headers, text
