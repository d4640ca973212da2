"""Clients that fetch one URL at the same time, once each, from addresses of their own.

`python -m tests.bench.once_load URL CLIENTS` prints as JSON when the first byte of a body had come, of the
first, the middle and the last client, when the last had all of it (seconds since all asked), how many got
none, and how many different bodies two of them had; the others' are thrown away by the kernel.
"""

import hashlib
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass
from statistics import median
from typing import Any
from urllib.parse import urlsplit

_SILENT = 120.0
_PIECE = 1024 * 1024


@dataclass
class Client:
    socket: socket.socket
    digest: Any = None
    head: bytes = b""
    left: int = -1
    first: float = 0.0
    last: float = 0.0
    failed: bool = False

    def read(self, now: float, into: bytearray) -> bool:
        """Takes what is there; whether there is nothing more to come."""
        if self.left < 0:
            return self._begin(self.socket.recv(8192), now)
        flags = 0 if self.digest else socket.MSG_TRUNC
        count = self.socket.recv_into(into, min(self.left, len(into)), flags)
        self.failed = not count
        return self.failed or self._take(memoryview(into)[:count], now)

    def _begin(self, data: bytes, now: float) -> bool:
        self.head += data
        head, end, rest = self.head.partition(b"\r\n\r\n")
        fields = head.lower().split(b"\r\n")
        if not data or (end and b" 200 " not in fields[0] + b" "):
            self.failed = True
            return True
        if not end:
            return False
        self.left = next(int(one.split(b":")[1]) for one in fields if one.startswith(b"content-length:"))
        return bool(rest) and self._take(memoryview(rest), now)

    def _take(self, data: memoryview, now: float) -> bool:
        self.first = self.first or now
        if self.digest:
            self.digest.update(data)
        self.left -= len(data)
        self.last = now
        return self.left == 0


def load(url: str, clients: int) -> dict[str, float]:
    parts = urlsplit(url)
    question = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
    into = bytearray(_PIECE)
    selector = selectors.DefaultSelector()
    made = []
    for number in range(clients):
        here = f"127.9.{number // 250}.{number % 250 + 1}"
        opened = socket.create_connection((parts.hostname or "", parts.port or 80), source_address=(here, 0))
        opened.setblocking(False)
        made.append(Client(opened, hashlib.blake2b() if number in (0, clients - 1) else None))
        selector.register(opened, selectors.EVENT_READ, made[-1])
    begun = time.monotonic()
    for client in made:
        client.socket.sendall(question)
    waiting = clients
    while waiting:
        ready = selector.select(_SILENT)
        if not ready:
            raise TimeoutError(f"{waiting} clients wait for {_SILENT:.0f} s")
        for key, _ in ready:
            if key.data.read(time.monotonic(), into):
                selector.unregister(key.fileobj)
                key.data.socket.close()
                waiting -= 1
    served = [client for client in made if not client.failed]
    if not served:
        raise ConnectionError(f"{clients} clients got nothing: {made[0].head[:200]!r}")
    first = sorted(client.first - begun for client in served)
    return {
        "soonest": first[0],
        "first": median(first),
        "latest": first[-1],
        "last": max(client.last for client in served) - begun,
        "failed": clients - len(served),
        "bodies": len({client.digest.hexdigest() for client in served if client.digest}),
    }


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], int(sys.argv[2]))))
