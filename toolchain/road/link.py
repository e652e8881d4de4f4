"""The line between the store and the broker: a TCP forwarder that can fail as real lines do.

    up          bytes pass both ways
    cut         connections are reset, new ones refused
    black hole  nothing passes, nothing is answered, nothing is reset
    half open   the far side is gone; the near side isn't told, and what it sends vanishes
"""

import asyncio
import socket
import struct
import threading

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
PIECE = 64 * 1024


class Link:
    def __init__(self, listen_port, target_port, host="127.0.0.1"):
        """`target_port`: or the path of a socket."""
        self.host = host
        self.listen_port = listen_port
        self.target_port = target_port
        self.up_bytes = 0  # that have passed so far, TLS and all
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._call(self._open())

    def restore(self):
        self._call(self._restore())

    def cut(self):
        self._call(self._cut())

    def black_hole(self):
        self._call(self._black_hole())

    def half_open(self):
        self._call(self._half_open())

    def close(self):
        self._call(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _open(self):
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server = None
        await self._listen()

    async def _listen(self):
        self._server = await asyncio.start_server(
            self._serve, self.host, self.listen_port, reuse_address=True
        )

    async def _restore(self):
        self._flowing.set()
        if not self._server:
            await self._listen()

    async def _cut(self):
        if self._server:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            self._reset(writer)
        self._flowing.set()

    async def _black_hole(self):
        self._flowing.clear()

    async def _half_open(self):
        self._flowing.clear()
        for writer in list(self._writers):
            if writer.far:
                self._reset(writer)

    @staticmethod
    def _reset(writer):
        sock = writer.get_extra_info("socket")
        if sock and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        writer.transport.abort()

    async def _serve(self, near_reader, near_writer):
        near_writer.far = False
        self._writers.add(near_writer)
        far_writer = None
        try:
            await self._flowing.wait()
            far_reader, far_writer = await self._open_far()
            far_writer.far = True
            self._writers.add(far_writer)
            await asyncio.gather(
                self._pump(near_reader, far_writer), self._pump(far_reader, near_writer)
            )
        except OSError:
            pass
        finally:
            for writer in (near_writer, far_writer):
                if writer:
                    self._reset(writer)
                    self._writers.discard(writer)

    async def _open_far(self):
        if isinstance(self.target_port, int):
            return await asyncio.open_connection(self.host, self.target_port)
        return await asyncio.open_unix_connection(self.target_port)

    async def _pump(self, reader, writer):
        while True:
            piece = await reader.read(PIECE)
            await self._flowing.wait()
            if not piece:
                writer.write_eof()
                return
            self.up_bytes += len(piece) if writer.far else 0
            writer.write(piece)
            await writer.drain()
