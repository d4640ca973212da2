"""Clients that fetch one URL at the same time, once each, from addresses of their own.

`python -m tests.bench.once_load URL CLIENTS` prints as JSON when the first byte of a body had come, of the
first, the middle and the last client, when the last had all of it (seconds since all asked), and how many
different bodies there were.
"""

import hashlib
import json
import selectors
import socket
import sys
import time
from dataclasses import dataclass, field
from statistics import median
from typing import Any
from urllib.parse import urlsplit

_SILENT = 120.0
_PIECE = 256 * 1024


@dataclass
class Client:
    socket: socket.socket
    head: bytes = b""
    left: int = -1
    first: float = 0.0
    last: float = 0.0
    digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))

    def read(self, now: float) -> bool:
        """Takes what is there; whether the answer is whole."""
        data = self.socket.recv(_PIECE)
        if not data:
            raise ConnectionError(f"an answer broke off, {self.left} bytes before its end")
        if self.left < 0:
            self.head += data
            head, end, data = self.head.partition(b"\r\n\r\n")
            if not end:
                return False
            fields = head.lower().split(b"\r\n")
            if b" 200 " not in fields[0] + b" ":
                raise ConnectionError(f"answered {fields[0]!r}")
            self.left = next(int(one.split(b":")[1]) for one in fields if one.startswith(b"content-length:"))
        if data and not self.first:
            self.first = now
        self.digest.update(data)
        self.left -= len(data)
        self.last = now
        return self.left == 0


def load(url: str, clients: int) -> dict[str, float]:
    parts = urlsplit(url)
    question = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    made = []
    for number in range(clients):
        here = f"127.9.{number // 250}.{number % 250 + 1}"
        opened = socket.create_connection((parts.hostname or "", parts.port or 80), source_address=(here, 0))
        opened.setblocking(False)
        made.append(Client(opened))
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
            if key.data.read(time.monotonic()):
                selector.unregister(key.fileobj)
                key.data.socket.close()
                waiting -= 1
    first = sorted(client.first - begun for client in made)
    last = max(client.last for client in made) - begun
    bodies = len({client.digest.hexdigest() for client in made})
    return {"soonest": first[0], "first": median(first), "latest": first[-1], "last": last, "bodies": bodies}


if __name__ == "__main__":
    print(json.dumps(load(sys.argv[1], int(sys.argv[2]))))
