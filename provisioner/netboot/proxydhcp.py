"""ProxyDHCP on one interface: ports 67 and 4011. It names a boot file and never offers an address.

Port 67 is bound to 255.255.255.255, not to every address: so the broadcasts of clients reach us and the DHCP
server of the same machine alike, and unicast renewals of a lease reach that server alone.
"""

import logging
import socket
import time
from collections.abc import Callable, Mapping
from functools import partial

from provisioner.boot.client import DISCOVER, PROBE, REQUEST, Ignore, Local, Question, identify
from provisioner.boot.decide import Offer
from provisioner.boot.quiet import Bucket
from provisioner.core.errors import Invalid
from provisioner.core.install import Kind
from provisioner.netboot import packet
from provisioner.netboot.datagrams import roomy
from provisioner.netboot.listener import Listener, opening
from provisioner.netboot.ports import naming
from provisioner.netboot.told import Told

Decide = Callable[[Question, Local], Offer | Ignore]
Known = Callable[[str], bool]
"""Whether a MAC address is that of a machine of ours."""

_log = logging.getLogger(__name__)
_BROADCAST = "255.255.255.255"
_SERVER_PORT = 67
_PXE_PORT = 4011
_QUEUE = 4 * 1024 * 1024
"""Bytes of questions that wait: some thousands, which are a tenth of a second of a flood."""


class ProxyDhcp:
    """Answers each DISCOVER by broadcast and each REQUEST on 4011 to where it came from."""

    def __init__(
        self,
        local: Local,
        decide: Decide,
        told: Told,
        client_port: int = 68,
        known: Known = lambda mac: False,
    ) -> None:
        self._local = local
        self._known = known
        self._decide = decide
        self._told = told
        self._client_port = client_port
        self._pace = Bucket(rate=10, burst=20)
        self._strangers = Bucket(rate=500, burst=1000)
        self._listeners: list[Listener] = []

    def open(self, dhcp_port: int, proxy_port: int) -> None:
        """Raises Unavailable where a port is taken or not allowed, OSError where the interface is gone."""
        try:
            self._listen(_BROADCAST, dhcp_port, _SERVER_PORT)
            self._listen(self._local.address, proxy_port, _PXE_PORT)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def answer(self, data: bytes, role: int) -> bytes | None:
        """The reply to one datagram on port 67 or 4011 (`role`), None for silence. Tells what it did."""
        if not self._admitted(packet.mac(data), time.monotonic()):
            return None
        question = packet.decode(data, role)
        if isinstance(question, Ignore):
            return None
        decision = self._decide(question, self._local)
        if question.message not in (DISCOVER, REQUEST) or (question.message, role) == (REQUEST, _SERVER_PORT):
            return None  # between the client and its DHCP server; `decide` only learns an address from it
        if isinstance(decision, Offer):
            try:
                reply = packet.encode(question, decision)
            except Invalid as error:
                decision = Ignore(str(error))
            else:
                if question.user_class != PROBE:
                    self._tell_offer(question, decision)
                return reply
        self._told.ignored("dhcp", decision, mac=question.mac, data=_facts(question))
        return None

    def _admitted(self, mac: str, now: float) -> bool:
        """Whether a packet is read at all. A flood from anybody leaves time for the machines that we know."""
        if not self._known(mac) and not self._strangers.take("all", now):
            return False
        return self._pace.take(mac, now)

    def _tell_offer(self, question: Question, offer: Offer) -> None:
        client = identify(question)
        name = question.vendor_class if isinstance(client, Ignore) else client.name
        asked = "DISCOVER" if question.message == DISCOVER else f"REQUEST on {question.port}"
        facts = _facts(question)
        self._told.tell(Kind.DHCP_QUESTION, "dhcp", f"{name} asks: {asked}", mac=question.mac, data=facts)
        text = f"{name} is offered {offer.file} from {offer.server}"
        self._told.tell(Kind.DHCP_OFFER, "dhcp", text, mac=question.mac, data={**facts, "file": offer.file})

    def _listen(self, address: str, port: int, role: int) -> None:
        with opening(socket.AF_INET, socket.SOCK_DGRAM) as sock, naming("udp", address, port):
            # Before bind: else a DHCP server that is started later finds the port taken.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._local.interface.encode())
            sock.bind((address, port))
            roomy(sock, _QUEUE)
        self._listeners.append(Listener(sock, "a DHCP packet", partial(self._asked, sock, role)))

    def _asked(self, sock: socket.socket, role: int, data: bytes, peer: tuple[str, int]) -> None:
        reply = self.answer(data, role)
        if reply is not None:
            self._send(sock, reply, (_BROADCAST, self._client_port) if role == _SERVER_PORT else peer)

    def _send(self, sock: socket.socket, reply: bytes, peer: tuple[str, int]) -> None:
        try:
            sock.sendto(reply, peer)
        except OSError as error:
            _log.warning("no DHCP answer could be sent on %s: %s", self._local.interface, error)


def _facts(question: Question) -> Mapping[str, object]:
    """Who asked, as plain values."""
    client = identify(question)
    return {
        "firmware": "" if isinstance(client, Ignore) else client.firmware.name,
        "mac": question.mac,
        "uuid": question.uuid,
        "vendor_class": question.vendor_class,
        "arch": question.code,
        "user_class": question.user_class,
        "port": question.port,
    }
