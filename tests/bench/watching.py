"""`python -m tests.bench.watching PLAN.json`: ranges of a file as fast as they come, from so many connections in one thread.

Plain sockets and one buffer, so that whoever sends is measured and not whoever reads. Prints one line of JSON for each number
of connections.
"""

import contextlib
import random
import re
import selectors
import socket
import sys
import time
from pathlib import Path

import msgspec

BUFFER = 1024 * 1024
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class WatchingPlan(msgspec.Struct, frozen=True):
    """`range_bytes` is asked for somewhere in the file of `size` bytes, again and again; the bytes are never looked at."""

    port: int
    path: str
    size: int
    range_bytes: int = 512 * 1024
    clients: tuple[int, ...] = (1, 10, 60)
    seconds: float = 3.0


class Watched(msgspec.Struct, frozen=True):
    clients: int
    moved: int
    requests: int
    seconds: float
    worst_ms: float

    @property
    def speed(self) -> float:
        """MB/s."""
        return self.moved / self.seconds / 1e6


class Watcher:
    """One connection: asks, reads, asks again. Raises RuntimeError at any answer but a range."""

    def __init__(self, plan: WatchingPlan, number: int) -> None:
        self._plan = plan
        self._chance = random.Random(number)
        self.socket = self._connected()
        self.last = False
        """Whether the server closes after this answer, as nginx does now and then."""
        self._head = b""
        self._left: int | None = None
        self.moved = self.requests = 0
        self.worst = 0.0

    def _connected(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self._plan.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self) -> None:
        start = self._chance.randrange(self._plan.size - self._plan.range_bytes)
        text = (
            f"GET {self._plan.path} HTTP/1.1\r\nHost: 127.0.0.1:{self._plan.port}\r\n"
            f"Range: bytes={start}-{start + self._plan.range_bytes - 1}\r\n\r\n"
        )
        self._began = time.monotonic()
        self.socket.sendall(text.encode())

    def close(self) -> None:
        self.socket.close()

    def again(self) -> None:
        self.socket.close()
        self.socket, self.last = self._connected(), False

    def read(self, buffer: memoryview) -> bool:
        """Takes what has come; True when the answer is whole."""
        n = self.socket.recv_into(buffer)
        if not n:
            raise RuntimeError("the connection ended in the middle of an answer")
        if self._left is None:
            self._head += bytes(buffer[:n])
            head, end, rest = self._head.partition(b"\r\n\r\n")
            if not end:
                return False
            length = _LENGTH.search(head)
            if b" 206 " not in head.split(b"\r\n", 1)[0] or length is None:
                raise RuntimeError(f"no range came: {head[:300]!r}")
            self.last = b"\r\nconnection: close" in head.lower()
            self._head, self._left, n = b"", int(length[1]), len(rest)
        self._left -= n
        self.moved += n
        if self._left > 0:
            return False
        self._left = None
        self.requests += 1
        self.worst = max(self.worst, time.monotonic() - self._began)
        return True


def _until(until: float, watchers: list[Watcher]) -> float:
    """Reads what comes, and asks again; returns the seconds it took."""
    buffer = memoryview(bytearray(BUFFER))
    began = time.monotonic()
    with selectors.DefaultSelector() as waiting:
        for watcher in watchers:
            waiting.register(watcher.socket, selectors.EVENT_READ, watcher)
            watcher.ask()
        while time.monotonic() < until:
            for key, _ in waiting.select(1.0):
                watcher = key.data
                if watcher.read(buffer):
                    if watcher.last:
                        waiting.unregister(watcher.socket)
                        watcher.again()
                        waiting.register(watcher.socket, selectors.EVENT_READ, watcher)
                    watcher.ask()
        return time.monotonic() - began


def watch(plan: WatchingPlan, clients: int) -> Watched:
    with contextlib.ExitStack() as opened:
        watchers = [opened.enter_context(contextlib.closing(Watcher(plan, number))) for number in range(clients)]
        seconds = _until(time.monotonic() + plan.seconds, watchers)
    moved, requests = sum(one.moved for one in watchers), sum(one.requests for one in watchers)
    return Watched(clients, moved, requests, seconds, 1000 * max(one.worst for one in watchers))


if __name__ == "__main__":
    plan = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=WatchingPlan)
    for clients in plan.clients:
        print(f"watched {msgspec.json.encode(watch(plan, clients)).decode()}", flush=True)
