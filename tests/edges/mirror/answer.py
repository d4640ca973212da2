"""One answer of the hostile upstream: what is left alone in it is as an honest server has it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MODIFIED = "Thu, 01 Jan 2026 00:00:00 GMT"
BOUNDARY = "part"


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the whole file, `headers` are added to those that it has.

    `status`   another than 200 is given with `body` as it is: no part, no condition
    `framing`  how the end is told: Content-Length, chunks, or the end of the connection
    `cut`      after so many bytes of what is sent the connection ends, by a reset where `reset`
    `stall`    after so many bytes nothing more comes until the upstream is told to go on
    `claim`    bytes by which Content-Length is too large
    `rate`     bytes a second, 0: as they go
    `ranges`   what becomes of a Range: "right"; "ignored": 200 and the whole; "shifted": another part, told
               as it is; "swapped": another part, told as the one that was asked for; "several":
               multipart/byteranges; "regardless": right, but If-Range is not looked at
    """

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    etag: str = '"first"'
    modified: str = MODIFIED
    framing: Literal["length", "chunked", "close"] = "length"
    cut: int | None = None
    reset: bool = False
    stall: int | None = None
    claim: int = 0
    rate: int = 0
    ranges: Literal["right", "ignored", "shifted", "swapped", "several", "regardless"] = "right"

    def to(self, asked: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
        """Status, headers without those of the framing, and body; `asked` has its names in lower case."""
        headers = {"Etag": self.etag, "Last-Modified": self.modified}
        headers = {name: value for name, value in headers.items() if value} | dict(self.headers)
        if self.status != 200:
            return self.status, headers, self.body
        if self.etag and asked.get("if-none-match") == self.etag:
            return 304, headers, b""
        if "if-none-match" not in asked and self.modified and asked.get("if-modified-since") == self.modified:
            return 304, headers, b""
        condition = asked.get("if-range", "")
        same = condition in ("", self.etag, self.modified) or self.ranges == "regardless"
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked.get("range", ""))
        if self.ranges == "ignored" or not found or not same:
            return 200, headers, self.body
        size = len(self.body)
        first = int(found[1]) if found[1] else max(0, size - int(found[2]))
        last = min(int(found[2] or size), size - 1) if found[1] else size - 1
        if first >= size:
            return 416, headers | {"Content-Range": f"bytes */{size}"}, b""
        told = f"bytes {first}-{last}/{size}"
        if self.ranges in ("shifted", "swapped"):
            away = 1 if last + 1 < size else -1
            first, last = max(0, first + away), last + away
        if self.ranges == "shifted":
            told = f"bytes {first}-{last}/{size}"
        part = self.body[first : last + 1]
        if self.ranges != "several":
            return 206, headers | {"Content-Range": told}, part
        middle = len(part) // 2
        halves = ((first, part[:middle]), (first + middle, part[middle:]))
        head = "--{}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {}-{}/{}\r\n\r\n"
        body = b"".join(
            head.format(BOUNDARY, at, at + len(half) - 1, size).encode() + half + b"\r\n"
            for at, half in halves
        )
        headers["Content-Type"] = f"multipart/byteranges; boundary={BOUNDARY}"
        return 206, headers, body + f"--{BOUNDARY}--\r\n".encode()


def moved(to: str) -> Answer:
    return Answer(status=302, headers={"Location": to}, etag="", modified="")


def refused(status: int) -> Answer:
    """An answer without a file: 403, 404, 429, 500, 503."""
    return Answer(f"<h1>{status}</h1>\n".encode(), status, {"Content-Type": "text/html"}, "", "")


LOGIN = Answer(b"<html><title>Please log in</title></html>\n" * 9, 200, {"Content-Type": "text/html"}, "", "")
