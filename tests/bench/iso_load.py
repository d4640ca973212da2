"""Connections that fetch one URL again and again and let the kernel throw the bodies away, so that what is
measured is the server; each connection has an address of its own.

`python -m tests.bench.iso_load URL CONNECTIONS SECONDS [PATH …]` prints how many answers were
whole, how many bytes they had and how long it took, as JSON. With paths each request is for one of them,
which are found below the URL, in the same order each time.
"""

import json
import random
import re
import selectors
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_PIECE = 4 * 1024 * 1024
_SILENT = 30.0


@dataclass
class Connection:
    """`left` bytes of a body are still to come, `head` is what came of the next answer's headers."""

    socket: socket.socket
    questions: Sequence[bytes]
    chance: random.Random
    head: bytes = b""
    left: int = 0
    answers: int = 0
    bytes: int = 0

    def ask(self) -> None:
        self.socket.sendall(self.chance.choice(self.questions))

    def read(self, waste: bytearray) -> bool:
        """Takes what is there; whether an answer is whole."""
        if not self.left:
            return self._read_head()
        count = self.socket.recv_into(waste, min(self.left, _PIECE), socket.MSG_TRUNC)
        if not count:
            raise ConnectionError("an answer broke off")
        self.left -= count
        self.bytes += count
        return not self.left

    def _read_head(self) -> bool:
        seen = self.socket.recv(8192, socket.MSG_PEEK)
        if not seen:
            raise ConnectionError("the server hung up")
        end = seen.find(b"\r\n\r\n")
        if end < 0:
            return False  # the rest will be there in a moment
        head = self.socket.recv(end + 4)
        length = _LENGTH.search(head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise ConnectionError(f"answered {head[:200]!r}")
        self.left = int(length[1])
        return False


def load(url: str, connections: int, seconds: float, paths: Sequence[str] = ()) -> dict[str, float]:
    parts = urlsplit(url)
    questions = [
        f"GET {parts.path}{path} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode() for path in paths or ("",)
    ]
    waste = bytearray(_PIECE)
    selector = selectors.DefaultSelector()
    made = []
    for number in range(connections):
        here = f"127.9.{number // 250}.{number % 250 + 1}"
        opened = socket.create_connection((parts.hostname or "", parts.port or 80), source_address=(here, 0))
        opened.setblocking(False)
        made.append(Connection(opened, questions, random.Random(number)))
        selector.register(opened, selectors.EVENT_READ, made[-1])
    begun = time.monotonic()
    for connection in made:
        connection.ask()
    asking = connections
    while asking:
        ready = selector.select(_SILENT)
        if not ready:
            raise TimeoutError(f"{asking} connections wait for {_SILENT:.0f} s")
        for key, _ in ready:
            connection = key.data
            if connection.read(waste):
                connection.answers += 1
                if time.monotonic() - begun < seconds:
                    connection.ask()
                else:
                    asking -= 1
    took = time.monotonic() - begun
    least = min(connection.answers for connection in made)
    total = sum(connection.bytes for connection in made)
    return {"answers": sum(c.answers for c in made), "least": least, "bytes": total, "seconds": took}


if __name__ == "__main__":
    asked, many, lasting, *below = sys.argv[1:]
    print(json.dumps(load(asked, int(many), float(lasting), below)))
