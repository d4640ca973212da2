"""Netboot tells of machines: one that nobody knew, and one that has another address now."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from provisioner.boot.client import DISCOVER, Client, Ignore, Local, Question
from provisioner.boot.quiet import Bucket, Quiet
from provisioner.core.errors import Invalid
from provisioner.core.install import Event, Kind
from provisioner.core.machine import Machine, discovered_name, normalise_mac
from provisioner.service.ports import Clock

A_MINUTE: Final = 60
MOST: Final = 1000
REGISTERED: Final = Ignore("registered; boots its disk until an install is asked for")
_AGAIN = 60.0
_ALARM = 3600.0
_MOVES_A_SECOND = 1.0


class Sightings:
    """`emit` takes the events; whoever records them registers the machines.

    With `discover` a stranger that asks to netboot is registered. However many hardware addresses are made
    up, there are `a_minute` new ones a minute at most and `most` without a name in all, and one alarm an
    hour.
    """

    def __init__(
        self,
        emit: Callable[[Event], None],
        clock: Clock,
        *,
        discover: bool = False,
        a_minute: int = A_MINUTE,
        most: int = MOST,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._discover = discover
        self._a_minute, self._most = a_minute, most
        self._pace = Bucket(rate=a_minute / 60, burst=a_minute)
        self._moves = Bucket(rate=_MOVES_A_SECOND, burst=60)
        self._alarms = Quiet(_ALARM)
        self._said = Quiet(_AGAIN)
        self._nameless: frozenset[str] = frozenset()
        self._pending: dict[str, float] = {}
        """Addresses that were told of and are not known to be registered yet, with the time of telling."""

    def known(self, machines: Iterable[Machine]) -> None:
        """The machines that are registered now."""
        self._nameless = frozenset(machine.mac for machine in machines if machine.nameless)
        oldest = self._now() - _AGAIN
        self._pending = {
            mac: at for mac, at in self._pending.items() if mac not in self._nameless and at > oldest
        }

    def meet(self, client: Client, question: Question, local: Local, address: str) -> Ignore | None:
        """What a machine is told that nobody knows, None for what strangers are told anyway."""
        if not self._discover or question.message != DISCOVER:
            return None
        mac, now = client.mac, self._now()
        if mac in self._pending and now - self._pending[mac] < _AGAIN:
            return REGISTERED
        if not _is_real(mac):
            return Ignore(f"not registered: {mac} is no machine's own address")
        count = len(self._nameless) + len(self._pending)
        if count >= self._most:
            return self._too_many(f"{count} machines without a name are registered, which is the limit")
        if not self._pace.take("discovered", now):
            return self._too_many(f"more than {self._a_minute} unknown machines asked within a minute")
        self._pending[mac] = now
        name, firmware = discovered_name(mac), client.firmware.name
        text = f"{mac} ({firmware}) asks to netboot and is registered as {name}"
        facts = {
            "name": name,
            "uuid": _uuid(client.uuid),
            "firmware": firmware,
            "interface": local.interface,
            "address": address,
        }
        self._tell(Kind.MACHINE_DISCOVERED, "dhcp", text, mac, facts)
        return REGISTERED

    def spoke(self, machine: Machine | None, address: str, local: Local) -> None:
        """A machine has or wants an IP address."""
        if machine is None or machine.guest or machine.address == address:
            return
        now = self._now()
        if self._said.first((machine.mac, address), now) and self._moves.take("moved", now):
            facts = {"interface": local.interface, "address": address}
            text = f"{machine.name} has the address {address}"
            self._tell(Kind.MACHINE_MOVED, "dhcp", text, machine.mac, facts)

    def _too_many(self, why: str) -> Ignore:
        if self._alarms.first("flood", self._now()):
            text = f"{why}: no other is registered for now; provisioner machine list shows them"
            self._tell(Kind.ALARM, "netboot", text, "", {})
        return Ignore(f"not registered: {why}")

    def _tell(self, kind: Kind, source: str, text: str, mac: str, data: Mapping[str, object]) -> None:
        self._emit(Event(kind, self._clock(), source, machine=mac, text=text, data=data))

    def _now(self) -> float:
        return self._clock().timestamp()


def _is_real(mac: str) -> bool:
    try:
        return normalise_mac(mac) == mac and set(mac) > set("0:")
    except Invalid:
        return False


def _uuid(text: str) -> str:
    """ "" for what firmware sends where the board has none."""
    return "" if set(text) <= set("0-") or set(text) <= set("f-") else text
