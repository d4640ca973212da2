"""Repairs of a segment: made, kept over a restart, and taken back.

The intent is stored before anything is touched. What a killed service left half-made is made whole or
removed by the next one, which knows what is ours by its mark.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from provisioner.core import urls
from provisioner.core.errors import Conflict, NotFound, ProvisionerError
from provisioner.core.network import Repair, RepairKind, interfaces, macvlan_name
from provisioner.plan import bootfile
from provisioner.service import places
from provisioner.service.networks import NetworkHosts
from provisioner.service.ports import Segments, Store
from provisioner.service.served import Served
from provisioner.service.wishes import Wish, Wishes

_log = logging.getLogger(__name__)
_TICK_SECONDS = 2.0
_LAST = ("addresses", "macvlan", "options", "bootp", "proxy")
"""The order in which repairs are taken back: what stands on another goes first."""


class Repairs:
    def __init__(
        self,
        store: Store,
        hosts: NetworkHosts,
        segments: Segments,
        served: Served,
        new_mac: Callable[[], str],
        http_port: int,
    ) -> None:
        self._store = store
        self._hosts = hosts
        self._segments = segments
        self._served = served
        self._wishes = Wishes(segments, served, new_mac)
        self._http_port = http_port
        self._one = asyncio.Lock()
        self._renew: dict[str, float] = {}
        self._said: dict[str, str] = {}

    async def repair(self, word: str, wish: Wish, uri: str = "") -> Repair:
        """Raises Invalid, NotFound, Conflict, Unavailable; then nothing is left of it."""
        host = self._hosts(uri)
        facts = await host.facts()
        spot = places.find(word, facts)
        if not places.is_here(facts.uri):
            raise Conflict(
                f"{facts.uri} is another machine: its segments are repaired by a service there",
                remedy=f"on that host: provisioner serve --interface {spot.device or 'BRIDGE'}",
            )
        async with self._one:
            repair = await self._wishes.plan(spot, wish, uri)
            there = [r for r in await self._store.repairs() if _place(r) == _place(repair)]
            if there and not (wish.given or wish.address):
                return there[0]
            if there:
                raise Conflict(
                    f"{repair.kind} on {repair.interface} is in force already",
                    remedy=f"take it back first: provisioner network check {spot.word} --undo {repair.kind}",
                )
            await self._store.put_repair(repair)
            try:
                await self._make(repair, wish.force)
            except BaseException:
                with contextlib.suppress(ProvisionerError):  # the first error is the one to be told
                    await self._unmake(repair, force=True)
                await self._store.remove_repair(repair)
                raise
            self._served.repaired(await self._store.repairs())
        return repair

    async def undo(
        self, word: str, kind: RepairKind | None = None, uri: str = "", *, force: bool = False
    ) -> list[Repair]:
        """Takes back the repairs of a place, or the one of a kind. Raises NotFound where there is none."""
        nic = places.nic(word)
        if nic.kind == "network":
            spot = places.find(word, await self._hosts(uri).facts())
            devices = {spot.bridge} if spot.bridge else set(spot.parents)
        else:
            devices = {nic.source}
        devices |= {macvlan_name(device) for device in devices}
        async with self._one:
            mine = [
                repair
                for repair in await self._store.repairs()
                if (repair.device in devices or (nic.kind == "network" and repair.network == nic.source))
                and kind in (None, repair.kind)
            ]
            if not mine:
                what = f"no repair {kind}" if kind else "no repair"
                raise NotFound(f"there is {what} of ours on {word}")
            for repair in sorted(mine, key=lambda item: _LAST.index(item.kind)):
                await self._unmake(repair, force=force)
                await self._store.remove_repair(repair)
            self._served.repaired(await self._store.repairs())
        return mine

    async def load(self) -> None:
        """At the start: from now on what was repaired before is served again."""
        self._served.repaired(await self._store.repairs())

    async def keep(self) -> None:
        """Makes whole what repairs need, until cancelled; a link or server that went is made again."""
        await self._segments.sweep()
        await self._remove_unknown()
        while True:
            try:
                await self.tick()
            except Exception as error:
                self._tell("", str(error))
            await asyncio.sleep(_TICK_SECONDS)

    async def _remove_unknown(self) -> None:
        """Macvlans of ours that no repair knows: their making or unmaking was cut off."""
        async with self._one:
            wanted = interfaces(r for r in await self._store.repairs() if r.kind == "macvlan")
            for name in set(await self._segments.our_macvlans()) - set(wanted):
                await self._segments.remove_macvlan(name)

    async def tick(self) -> None:
        async with self._one:
            repairs = await self._store.repairs()
            for repair in sorted(repairs, key=lambda item: item.kind != "macvlan"):
                if repair.kind in ("macvlan", "addresses"):
                    try:
                        await self._make(repair, force=False)
                    except ProvisionerError as error:
                        self._tell(repair.interface, str(error))
                    else:
                        self._said.pop(repair.interface, None)

    async def list(self) -> list[Repair]:
        return await self._store.repairs()

    def _tell(self, whose: str, sentence: str) -> None:
        if self._said.get(whose) != sentence:
            self._said[whose] = sentence
            _log.warning("a repair is not whole: %s", sentence)

    async def _make(self, repair: Repair, force: bool) -> None:
        match repair.kind:
            case "macvlan":
                await self._make_macvlan(repair)
            case "addresses":
                await self._segments.ensure_addresses(repair, await self._segments.address(repair.interface))
            case "options" | "bootp":
                await self._write(repair, force)
            case "proxy":
                pass  # being stored is all: netboot and the guests' HTTP follow the store

    async def _make_macvlan(self, repair: Repair) -> None:
        there = await self._segments.address(repair.interface)
        if there and time.monotonic() < self._renew.get(repair.interface, 0):
            return
        lease = await self._segments.ensure_macvlan(repair)
        pause = lease.seconds / 2 if lease else 10.0
        self._renew[repair.interface] = time.monotonic() + pause

    async def _write(self, repair: Repair, force: bool) -> None:
        host = self._hosts(repair.uri)
        own = (await self._segments.address(repair.device)).partition("/")[0]
        root = urls.base(own, self._http_port)
        xml = await host.network_xml(repair.network)
        if repair.kind == "options":
            changed = bootfile.with_options(xml, bootfile.options(root, own))
        else:
            changed = bootfile.with_bootp(xml, root)
        await host.redefine_network(repair.network, changed, force)

    async def _unmake(self, repair: Repair, *, force: bool) -> None:
        match repair.kind:
            case "macvlan":
                self._renew.pop(repair.interface, None)
                await self._segments.remove_macvlan(repair.interface)
            case "addresses":
                await self._segments.stop_addresses(repair.interface)
            case "options" | "bootp":
                await self._unwrite(repair, force=force)
            case "proxy":
                pass

    async def _unwrite(self, repair: Repair, *, force: bool) -> None:
        host = self._hosts(repair.uri)
        try:
            xml = await host.network_xml(repair.network)
        except NotFound:
            return
        if bootfile.holds_ours(xml):
            await host.redefine_network(repair.network, bootfile.without(xml), force)


def _place(repair: Repair) -> tuple[str, str]:
    return repair.device, repair.kind
