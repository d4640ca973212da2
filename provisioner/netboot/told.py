"""What netboot tells the timeline: events, few enough that no flood of packets becomes a flood of rows."""

import time
from collections.abc import Callable, Hashable, Mapping
from datetime import datetime

from provisioner.boot.client import Ignore, Local
from provisioner.boot.decide import BOOT_DISK
from provisioner.boot.quiet import Bucket, Quiet
from provisioner.core.install import Event, Kind

Emit = Callable[[Event], None]
Who = Callable[[str], str | None]
"""The MAC address behind an IP address, where it is known."""
Follow = Callable[[Kind, str, str, Mapping[str, object]], None]
"""Shown (kind, MAC, address, data) of whatever is to be told, also of what was told a moment ago."""

_MINUTE = 60.0


class Manners:
    """The limits that all interfaces share."""

    def __init__(self) -> None:
        self.quiet = Quiet(_MINUTE)
        self.flood = Bucket(rate=5, burst=100)


class Told:
    """Events of one interface. What is told `once` is told again a minute later at the earliest."""

    def __init__(
        self,
        emit: Emit,
        clock: Callable[[], datetime],
        who: Who,
        local: Local,
        manners: Manners | None = None,
    ) -> None:
        self._emit = emit
        self._clock = clock
        self._who = who
        self._local = local
        self._manners = manners or Manners()
        self._followers: list[Follow] = []

    def follow(self, follower: Follow) -> None:
        """Shows it everything from now on."""
        self._followers.append(follower)

    def tell(
        self,
        kind: Kind,
        source: str,
        text: str,
        *,
        mac: str = "",
        address: str = "",
        data: Mapping[str, object] | None = None,
        once: Hashable = None,
    ) -> None:
        """One event about the machine with this MAC, or the one behind this address."""
        machine = mac or (self._who(address) or "" if address else "")
        for follow in self._followers:
            follow(kind, machine, address, data or {})
        if once is not None:
            now = time.monotonic()
            if not self._manners.quiet.first((kind, machine or address, once), now):
                return
            if not self._manners.flood.take(kind, now):
                return
        facts: dict[str, object] = {"interface": self._local.interface, **(data or {})}
        if address:
            facts["address"] = address
        self._emit(Event(kind, self._clock(), source, machine=machine, text=text, data=facts))

    def ignored(
        self,
        source: str,
        ignore: Ignore,
        *,
        mac: str = "",
        address: str = "",
        data: Mapping[str, object] | None = None,
    ) -> None:
        """A question that got nothing, once a minute for each machine and reason."""
        local = ignore.reason.startswith(BOOT_DISK)
        kind = Kind.LOCAL_BOOT if local else Kind.DHCP_IGNORED if source == "dhcp" else Kind.LOADER_FAILED
        facts = {**(data or {}), "remedy": ignore.remedy} if ignore.remedy else data
        self.tell(kind, source, ignore.reason, mac=mac, address=address, data=facts, once=ignore.reason)
