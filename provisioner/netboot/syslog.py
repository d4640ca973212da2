"""Installer logs over UDP and TCP, one LOG event for each line of a machine that we know.

TCP is framed by newlines or by a count of octets before each message (RFC 6587); a sender may use either.
"""

import asyncio
import logging
import re
import socket

from provisioner.boot.quiet import Bucket
from provisioner.core.install import Kind
from provisioner.netboot.ports import naming
from provisioner.netboot.told import Told, Who

_log = logging.getLogger(__name__)
_LONGEST = 1024
_BUFFER = 16384
_CONNECTIONS = 64
_CONNECTIONS_EACH = 8
_PRIORITY = re.compile(r"^<\d{1,3}>(?:1 )?")
_COUNT = re.compile(rb"([1-9]\d{0,4}) ")
_SPACES = re.compile(r"\n+")


def plain(raw: bytes) -> str:
    """One message as a line of text: no priority, at most 1024 characters, each of which can be seen.

    So nothing of a stranger moves a terminal's cursor or turns its writing around.
    """
    text = _PRIORITY.sub("", raw.decode("utf-8", "replace"))
    return _SPACES.sub(" ", "".join(c if c.isprintable() else "\n" for c in text)).strip()[:_LONGEST]


def frames(buffer: bytes) -> tuple[list[bytes], bytes]:
    """The whole messages at the head of a stream, and what is left of it."""
    messages: list[bytes] = []
    while buffer:
        counted = _COUNT.match(buffer)
        if counted:
            end = counted.end() + int(counted[1])
            if len(buffer) < end:
                break
            messages.append(buffer[counted.end() : end])
            buffer = buffer[end:]
            continue
        line, newline, rest = buffer.partition(b"\n")
        if not newline:
            break
        messages.append(line)
        buffer = rest
    return messages, buffer


class Syslog:
    """The log server on one address. Lines of strangers are dropped, and so is what comes too fast."""

    def __init__(self, address: str, told: Told, who: Who) -> None:
        self._address = address
        self._told = told
        self._who = who
        self._pace = Bucket(rate=20, burst=400)
        self._dropped: dict[str, int] = {}
        self._datagrams: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._streams: dict[asyncio.StreamWriter, str] = {}

    @property
    def port(self) -> int:
        """The port in use, for a server that was opened on port 0."""
        return int(self._server.sockets[0].getsockname()[1]) if self._server is not None else 0

    async def open(self, port: int) -> None:
        """Raises Unavailable where the port is taken or not allowed, OSError where the interface is gone."""
        with naming("tcp", self._address, port):
            self._server = await asyncio.start_server(self._stream, self._address, port, limit=_BUFFER)
        with naming("udp", self._address, port):
            self._datagrams, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: _Datagrams(self), local_addr=(self._address, self.port), family=socket.AF_INET
            )

    def close(self) -> None:
        if self._datagrams is not None:
            self._datagrams.close()
        if self._server is not None:
            self._server.close()
        for writer in list(self._streams):
            writer.close()

    def received(self, raw: bytes, address: str) -> None:
        """One message from an address."""
        text = plain(raw)
        machine = self._who(address)
        if not text or machine is None:
            return
        if not self._pace.take(address, asyncio.get_running_loop().time()):
            self._dropped[address] = self._dropped.get(address, 0) + 1
            return
        if dropped := self._dropped.pop(address, 0):
            note = f"{dropped} log lines came too fast and were dropped"
            self._told.tell(Kind.LOG, "syslog", note, mac=machine, address=address)
        self._told.tell(Kind.LOG, "syslog", text, mac=machine, address=address)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = writer.get_extra_info("peername")[0]
        mine = sum(1 for other in self._streams.values() if other == address)
        if len(self._streams) >= _CONNECTIONS or mine >= _CONNECTIONS_EACH:
            writer.close()
            return
        self._streams[writer] = address
        buffer = b""
        try:
            while chunk := await reader.read(_BUFFER):
                messages, buffer = frames(buffer + chunk)
                for message in messages:
                    self.received(message, address)
                if len(buffer) > _BUFFER:
                    break  # no line is that long; this is no log
            self.received(buffer, address)
        except OSError as error:
            _log.debug("log stream of %s ended: %s", address, error)
        finally:
            del self._streams[writer]
            writer.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, syslog: Syslog) -> None:
        self._syslog = syslog

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            self._syslog.received(data, addr[0])
        except Exception:
            _log.exception("a log line from %s could not be handled", addr[0])
