"""What an appliance tells on GET /v1/stream (server-sent events), as it comes."""

import http.client
import json
import queue
import socket
import threading
import urllib.parse


class News:
    def __init__(self, url, token, tls=None):
        """`tls` is an ssl.SSLContext, for an https URL."""
        self._queue = queue.Queue()
        address = urllib.parse.urlsplit(url).netloc
        if tls:
            self._connection = http.client.HTTPSConnection(address, timeout=60, context=tls)
        else:
            self._connection = http.client.HTTPConnection(address, timeout=60)
        self._connection.connect()
        self._socket = self._connection.sock
        self._connection.request(
            "GET", "/v1/stream", headers={"Authorization": f"Bearer {token}"}
        )
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, f"/v1/stream answered {self._answer.status}"
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        name = ""
        try:
            for raw in self._answer:
                word, _, rest = raw.decode().strip().partition(":")
                if word == "event":
                    name = rest.strip()
                elif word == "data":
                    self._queue.put((name, json.loads(rest)))
        except (OSError, ValueError, http.client.HTTPException):
            pass  # closed, by us or by the appliance

    def wait_for(self, name, timeout_s=60):
        """The next event of that name; TimeoutError when none comes."""
        while True:
            try:
                found, data = self._queue.get(timeout=timeout_s)
            except queue.Empty:
                raise TimeoutError(f"no {name} on /v1/stream within {timeout_s} s") from None
            if found == name:
                return data

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join(5)
        self._connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
