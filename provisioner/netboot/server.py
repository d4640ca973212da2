"""Netboot as one thing to run: a set of sockets for each listed interface, kept as interfaces come and go."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from provisioner.boot.client import Ignore, Local, Question
from provisioner.core.errors import Unavailable
from provisioner.core.install import Kind
from provisioner.netboot import interfaces
from provisioner.netboot.advertisement import Advertiser
from provisioner.netboot.ear import Ear
from provisioner.netboot.interfaces import Interface
from provisioner.netboot.plane import Behind
from provisioner.netboot.proxydhcp import Decide, Known, ProxyDhcp
from provisioner.netboot.syslog import Syslog
from provisioner.netboot.tftp import Loader, Tftp
from provisioner.netboot.told import Emit, Manners, Told, Who
from provisioner.netboot.transfer import Policy
from provisioner.netboot.witness import Witness

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NetbootSettings:
    """`interfaces` are shell patterns; `poll` is how often (seconds) the kernel's list of them is read.

    Without `netboot` only installer logs are taken, which needs no right.
    """

    interfaces: tuple[str, ...]
    netboot: bool = True
    dhcp_port: int = 67
    client_port: int = 68
    proxy_port: int = 4011
    tftp_port: int = 69
    tftp_window: int = 64
    tftp_timeout: bool = False
    tftp_rollover: int = 0
    syslog_port: int = 5514
    router_advertisement: bool = True
    poll: float = 0.5


class Netboot:
    """ProxyDHCP, TFTP, installer logs and router advertisement on every listed interface.

    `also` names further interfaces, which may change while it runs.
    `decide` and `loader` are asked for each question; `emit` takes the events; `who` turns an address into a
    MAC address. A flood of questions keeps no machine from its answer that is `known`. While who takes the
    events is `behind`, transfers make way.
    """

    def __init__(
        self,
        settings: NetbootSettings,
        decide: Decide,
        loader: Loader,
        emit: Emit,
        clock: Callable[[], datetime],
        who: Who = interfaces.neighbour,
        also: Callable[[], Sequence[str]] = lambda: (),
        known: Known = lambda mac: False,
        behind: Behind = lambda: False,
    ) -> None:
        self._settings = settings
        self._behind = behind
        self._also = also
        self._known = known
        self._decide = decide
        self._loader = loader
        self._emit = emit
        self._clock = clock
        self._who = who
        self._manners = Manners()
        self._served: dict[str, _Served] = {}
        self._ear = Ear(self._heard)
        self._failing: dict[str, str] = {}

    @property
    def serving(self) -> dict[str, str]:
        """Interface to address, as served now."""
        return {name: served.interface.address for name, served in self._served.items()}

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serves until cancelled; `ready` is called once every interface that is there is served.

        Raises Unavailable at the start where a port is taken or not allowed.
        """
        try:
            if self._settings.netboot:
                self._ear.open(self._settings.dhcp_port)
            await self._follow(first=True)
            ready()
            while True:
                await asyncio.sleep(self._settings.poll)
                await self._follow(first=False)
        finally:
            self._ear.close()
            for served in self._served.values():
                served.close()
            self._served.clear()

    async def _follow(self, *, first: bool) -> None:
        """Makes the served interfaces those that are there. A new index is a new interface."""
        present = interfaces.found(self._patterns())
        for name, served in list(self._served.items()):
            if present.get(name) != served.interface:
                served.close()
                del self._served[name]
        for name, interface in present.items():
            if name not in self._served:
                await self._serve(interface, first=first)
        self._ear.leave_out({served.interface.index: name for name, served in self._served.items()})

    def _patterns(self) -> Sequence[str]:
        return (*self._settings.interfaces, *self._also())

    async def _serve(self, interface: Interface, *, first: bool) -> None:
        local = Local(interface.name, interface.address)
        told = self._told(local)
        served = _Served(
            interface, self._settings, self._decide, self._loader, told, self._who, self._known, self._behind
        )
        try:
            await served.open(self._settings)
        except Unavailable as error:
            if first:
                raise
            # At run time an interface that cannot be served must not end the others; it is tried again.
            if self._failing.get(interface.name) != str(error):
                self._failing[interface.name] = str(error)
                _log.error("%s", error)
                told.tell(Kind.ALARM, "netboot", str(error))
            return
        except OSError as error:
            _log.info("%s went while it was opened: %s", interface.name, error)
            return
        self._failing.pop(interface.name, None)
        self._served[interface.name] = served

    def _heard(self, interface: str, question: Question) -> None:
        served = ", ".join(self._patterns()) or "none"
        ignore = Ignore(f"asked on {interface}, an interface that is not served (served are {served})")
        facts = {"mac": question.mac, "uuid": question.uuid, "arch": question.code, "served": False}
        self._told(Local(interface, "")).ignored("dhcp", ignore, mac=question.mac, data=facts)

    def _told(self, local: Local) -> Told:
        return Told(self._emit, self._clock, self._who, local, self._manners)


class _Served:
    """The servers of one interface."""

    def __init__(
        self,
        interface: Interface,
        settings: NetbootSettings,
        decide: Decide,
        loader: Loader,
        told: Told,
        who: Who,
        known: Known,
        behind: Behind,
    ) -> None:
        local = Local(interface.name, interface.address)
        self.interface = interface
        self._dhcp = ProxyDhcp(local, decide, told, settings.client_port, known)
        policy = Policy(
            window=settings.tftp_window, timeout=settings.tftp_timeout, rollover=settings.tftp_rollover
        )
        self._tftp = Tftp(local, interface.mtu, loader, told, policy=policy, behind=behind)
        self._witness = Witness(local, told)
        self._syslog = Syslog(interface.address, told, who)
        self._advertiser = Advertiser(interface) if settings.router_advertisement else None

    async def open(self, settings: NetbootSettings) -> None:
        """Raises Unavailable for a port that is taken or not allowed, OSError for an interface that went."""
        try:
            if settings.netboot:
                self._dhcp.open(settings.dhcp_port, settings.proxy_port)
                self._tftp.open(settings.tftp_port)
                self._advertise()
                self._listen()
            await self._syslog.open(settings.syslog_port)
        except BaseException:
            self.close()
            raise

    def _advertise(self) -> None:
        if self._advertiser is None:
            return
        try:
            self._advertiser.open()
        except PermissionError as error:
            _log.warning("no router advertisement on %s: %s", self.interface.name, error)

    def _listen(self) -> None:
        try:
            self._witness.open()
        except PermissionError as error:
            _log.warning("what goes wrong on the wire of %s is not seen: %s", self.interface.name, error)

    def close(self) -> None:
        self._dhcp.close()
        self._witness.close()
        self._tftp.close()
        self._syslog.close()
        if self._advertiser is not None:
            self._advertiser.close()
