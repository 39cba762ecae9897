"""Passes TCP connections on: at once or with a delay, and not at all while a line is cut.

    relay.py --listen PORT --to HOST:PORT --delay MILLISECONDS        until it is ended; the delay is that of one way

A cut is silent, as one of a cable is: nothing passes, nothing is refused, nothing is closed. What was under way arrives
once the line is whole again.
"""

import argparse
import asyncio
import contextlib
import socket
import threading
from typing import NamedTuple

CHUNK_BYTES = 64 * 1024
# Of one direction of one connection; at 50 ms a way, 4 MiB still let 80 MB a second pass.
CHUNKS_UNDER_WAY = 64


class Target(NamedTuple):
    """A server, the port at which it is found on this side of the relay, and the seconds that a byte takes to it."""

    name: str
    host: str
    port: int
    inside: int
    delay: float = 0.0


class Line:
    """What all connections of one machine share. Used on the relay's thread only."""

    def __init__(self):
        self.whole = asyncio.Event()
        self.whole.set()
        self.tasks = set()


class Relay:
    """An event loop on a thread of its own; the methods without an underscore are for other threads."""

    def __init__(self):
        self.loop, self.lines = asyncio.new_event_loop(), []
        self.thread = threading.Thread(target=self.loop.run_forever, name="relay", daemon=True)
        self.thread.start()

    def line(self):
        return self._call(self._new_line())

    def serve(self, listener, target, line):
        """Takes over a listening socket."""
        listener.setblocking(False)
        self.loop.call_soon_threadsafe(self._keep, line, self._accept(listener, target, line))

    def cut(self, line):
        self._call(self._set(line, False))

    def restore(self, line):
        self._call(self._set(line, True))

    def close_line(self, line):
        """Closes every connection and listener of the line."""
        self._call(self._close(line))

    def stop(self):
        """Closes everything."""
        for line in self.lines:
            self.close_line(line)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    async def _new_line(self):
        self.lines.append(Line())
        return self.lines[-1]

    async def _set(self, line, whole):
        if whole:
            line.whole.set()
        else:
            line.whole.clear()

    async def _close(self, line):
        tasks = list(line.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, line, coroutine):
        task = self.loop.create_task(coroutine)
        line.tasks.add(task)
        task.add_done_callback(line.tasks.discard)

    async def _accept(self, listener, target, line):
        with listener:
            while True:
                near, _ = await self.loop.sock_accept(listener)
                self._keep(line, self._connect(near, target, line))

    async def _connect(self, near, target, line):
        with near, socket.socket() as far:
            for side in (near, far):
                side.setblocking(False)
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # The kernel has accepted the connection already; across the line that takes a round trip.
            await asyncio.sleep(2 * target.delay)
            await line.whole.wait()
            with contextlib.suppress(OSError):
                await self.loop.sock_connect(far, (target.host, target.port))
                await self._both(self._pass(near, far, target, line), self._pass(far, near, target, line))

    async def _both(self, *ways):
        """Until both have ended; an error of one ends the other."""
        tasks = [self.loop.create_task(way) for way in ways]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _pass(self, source, sink, target, line):
        if target.delay:
            pieces = asyncio.Queue(CHUNKS_UNDER_WAY)
            await self._both(self._take(source, pieces, target.delay), self._deliver(sink, pieces, line))
            return
        while data := await self.loop.sock_recv(source, CHUNK_BYTES):
            await line.whole.wait()
            await self.loop.sock_sendall(sink, data)
        await line.whole.wait()
        sink.shutdown(socket.SHUT_WR)

    async def _take(self, source, pieces, delay):
        while True:
            data = await self.loop.sock_recv(source, CHUNK_BYTES)
            await pieces.put((self.loop.time() + delay, data))
            if not data:
                return

    async def _deliver(self, sink, pieces, line):
        while True:
            due, data = await pieces.get()
            await asyncio.sleep(max(0.0, due - self.loop.time()))
            await line.whole.wait()
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            await self.loop.sock_sendall(sink, data)


def listening(port=0):
    """A socket on this host's loopback."""
    return socket.create_server(("127.0.0.1", port), backlog=256)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", type=int, required=True)
    parser.add_argument("--to", required=True, metavar="HOST:PORT")
    parser.add_argument("--delay", type=float, default=0, metavar="MILLISECONDS")
    arguments = parser.parse_args()
    host, port = arguments.to.rsplit(":", 1)
    relay = Relay()
    target = Target("server", host, int(port), arguments.listen, arguments.delay / 1000)
    relay.serve(listening(arguments.listen), target, relay.line())
    relay.thread.join()


if __name__ == "__main__":
    main()
