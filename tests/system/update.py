"""What an update needs beside the programs: a web server that knows ranges and can break off, and a
fake of the system's installer (hal/installer.h). The fake installs nothing: it says what it is told
to, as the image's own installer would, and remembers what it was asked."""

import hashlib
import http.server
import json
import pathlib
import re
import socket
import threading
import time


class Depot:
    """Serves one bundle over HTTP."""

    def __init__(self, data):
        self.data = data
        self.breaks = 0  # so many of the next answers end half way
        self.flows = threading.Event()  # while it is clear, an answer stops half way and waits
        self.flows.set()
        self.ranges = []  # where each request began
        self.asked_at = []  # when it came
        depot = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
                start = int(asked.group(1)) if asked else 0
                depot.ranges.append(start)
                depot.asked_at.append(time.time())
                body = depot.data[start:]
                self.send_response(206 if asked else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if depot.breaks:
                    depot.breaks -= 1
                    body = body[: len(body) // 2]
                half = 0 if depot.flows.is_set() else len(body) // 2
                self.wfile.write(body[:half])
                depot.flows.wait()
                try:
                    self.wfile.write(body[half:])
                except (BrokenPipeError, ConnectionResetError):
                    pass  # whoever asked has been killed

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_port}/bundle"

    def release(self, version, **more):
        return {
            "version": version,
            "url": self.url,
            "sha256": hashlib.sha256(self.data).hexdigest(),
            "bytes": len(self.data),
            **more,
        }

    def close(self):
        self.flows.set()
        self._server.shutdown()
        self._server.server_close()


class FakeInstaller:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.running, self.slot = "0.1.0", "A"
        self.installs = []  # the bundles' bytes
        self._answer = {"result": "none"}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def says(self, result, version, reason="", running=None, slot=None):
        self.running, self.slot = running or self.running, slot or self.slot
        self._answer = {"result": result, "version": version, "reason": reason}

    def _serve(self):
        while True:
            try:
                asking, _ = self._socket.accept()
            except OSError:
                return
            with asking:
                word, _, bundle = asking.recv(4096).decode().strip().partition(" ")
                if word == "install":
                    self.installs.append(pathlib.Path(bundle).read_bytes())
                line = {**self._answer, "running": self.running, "slot": self.slot}
                asking.sendall(json.dumps(line).encode() + b"\n")

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
