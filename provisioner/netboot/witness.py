"""What goes wrong on a served interface, as its packets show it.

Other DHCP servers that name a boot file, questions on port 4011 that nobody answers, machines that fetch
another server's file, loaders that were fetched and not started. A server on this machine, such as libvirt's
dnsmasq, is seen as well: the kernel shows what leaves, too.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Mapping
from typing import Any, Final

from provisioner.boot.client import Local
from provisioner.boot.quiet import Bucket
from provisioner.boot.tracks import Finding, Tracks
from provisioner.core.install import Kind
from provisioner.netboot import bpf, interfaces, packet
from provisioner.netboot.listener import Listener, opening
from provisioner.netboot.sightings import Answer, Question, Request, Solicit, filtering, sighting
from provisioner.netboot.told import Told

_ETH_ALL: Final = 3
"""A socket of one protocol is not shown what leaves."""
_SOL_PACKET, _ADD_MEMBERSHIP, _DROP_MEMBERSHIP, _PROMISCUOUS = 263, 1, 2, 1  # linux/if_packet.h
_IGNORE_OUTGOING, _LOOPBACK = 23, "lo"
"""There, what leaves comes in a moment later, and is heard once."""
_CLOSELY: Final = 60.0
_REST: Final = 1.0
"""Seconds in which it hears nothing, where more comes than a second's share: answers come before watching."""


class Witness:
    """Listens on one served interface; it sends nothing. It is shown what we tell of our own answers."""

    def __init__(self, local: Local, told: Told) -> None:
        self._local = local
        self._told = told
        self._tracks = Tracks(local.address)
        self._share = Bucket(rate=1000, burst=2000)
        self._loop = asyncio.get_running_loop()
        self._listener: Listener | None = None
        self._membership = b""
        self._closely: asyncio.TimerHandle | None = None
        self._until = 0.0
        told.follow(self._noticed)

    def open(self) -> None:
        """Raises OSError where raw sockets are not allowed or the interface is gone."""
        name = self._local.interface
        with opening(socket.AF_PACKET, socket.SOCK_DGRAM) as sock:
            bpf.attach(sock, filtering(self._local.address))
            if name == _LOOPBACK:
                sock.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
            sock.bind((name, _ETH_ALL))
            if interfaces.is_bridge(name):
                self._membership = struct.pack("@iHH8x", socket.if_nametoindex(name), _PROMISCUOUS, 0)
        self._listener = Listener(sock, f"a netboot packet on {name}", self._heard)

    def close(self) -> None:
        if self._closely is not None:
            self._closely.cancel()
            self._closely = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _noticed(self, kind: Kind, mac: str, address: str, facts: Mapping[str, object]) -> None:
        """What we told ourselves."""
        now = self._loop.time()
        if facts.get("port") == 67:
            self._tracks.asked(mac, now)
        match kind:
            case Kind.DHCP_OFFER:
                self._tracks.offered(mac, str(facts.get("file")), now)
                self._look_closely()
            case Kind.DHCP_IGNORED | Kind.LOCAL_BOOT if mac:
                self._tracks.refused(mac, now)
            case Kind.LOADER_SENT:
                self._tracks.sent(address, str(facts.get("file")), now)
            case _:
                pass

    def _look_closely(self) -> None:
        """For a minute, what a bridge carries past us too: whom the machine that has our offer goes to."""
        if self._listener is None or not self._membership:
            return
        self._until = self._loop.time() + _CLOSELY
        if self._closely is None:  # one timer, however many offers put it off
            self._member(_ADD_MEMBERSHIP)
            self._closely = self._loop.call_at(self._until, self._look_away)

    def _look_away(self) -> None:
        if self._loop.time() < self._until:
            self._closely = self._loop.call_at(self._until, self._look_away)
            return
        self._closely = None
        self._member(_DROP_MEMBERSHIP)

    def _member(self, change: int) -> None:
        if self._listener is not None:
            with contextlib.suppress(OSError):  # the bridge went, and its membership with it
                self._listener.socket.setsockopt(_SOL_PACKET, change, self._membership)

    def _heard(self, data: bytes, sender: Any) -> None:
        now = self._loop.time()
        if not self._share.take("all", now) and self._listener is not None:
            self._listener.pause(_REST)
        seen = sighting(data)
        mac = sender[4].hex(":")
        match seen:
            case Question(mac, server):
                self._tell(mac, self._tracks.asked_for_file(mac, server, now))
            case Answer():
                if seen.port != 67:
                    self._tracks.answered(seen.mac)
                if seen.reply is not None:
                    self._tell_rival(seen.reply)
            case Request(address, server, file):
                self._tell(mac, self._tracks.requested(mac, address, server, file, now))
            case Solicit():
                self._tell(mac, self._tracks.solicited(mac, now))
            case None:
                pass

    def _tell(self, mac: str, finding: Finding | None) -> None:
        if finding is not None:
            facts = {**finding.facts, "remedy": finding.remedy} if finding.remedy else finding.facts
            source = "tftp" if finding.kind.startswith("loader.") else "dhcp"
            self._told.tell(finding.kind, source, finding.text, mac=mac, data=facts, once=finding.text)

    def _tell_rival(self, reply: packet.Reply) -> None:
        rival = rivalry(reply, self._local.address)
        if rival:
            facts = {
                "server": reply.answer.server,
                "file": reply.answer.file,
                "from": reply.answer.boot_server,
                "remedy": "switch the netboot answers of that server off, or keep it off this network",
            }
            self._told.tell(Kind.DHCP_RIVAL, "dhcp", rival, mac=reply.mac, data=facts, once=rival)


def rivalry(reply: packet.Reply, ours: str) -> str:
    """What an answer says against ours; "" where it names no boot file, or the one that we give."""
    answer = reply.answer
    server = answer.server or "a server without a name"
    source = answer.boot_server or server
    if answer.file and source != ours:
        return f"{server} answers as well, with {answer.file} from {source}"
    if reply.netboots and server != ours:
        return f"{server} answers netboot questions as well"
    return ""
