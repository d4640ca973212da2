"""Repairs of a segment: made, kept over a restart, and taken back.

The intent is stored before anything is touched. What a killed service left half-made is made whole or
removed by the next one, which knows what is ours by its mark.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from provisioner.core import urls
from provisioner.core.errors import Conflict, Invalid, NotFound, ProvisionerError
from provisioner.core.network import Range, Repair, RepairKind, interface, interfaces, macvlan_name
from provisioner.plan import bootfile
from provisioner.plan.verdict import Place
from provisioner.service import places
from provisioner.service.networks import NetworkHosts
from provisioner.service.ports import Segments, Store
from provisioner.service.served import Served

_log = logging.getLogger(__name__)
_TICK_SECONDS = 2.0
_LAST = ("addresses", "macvlan", "options", "bootp", "proxy")
"""The order in which repairs are taken back: what stands on another goes first."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks to be done at a place. `given` is a range, `address` one with its prefix.

    `force` allows what cuts the link of running guests, and a second DHCP server.
    """

    kind: RepairKind
    given: str = ""
    address: str = ""
    force: bool = False


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
        self._new_mac = new_mac
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
            repair = await self._planned(spot, wish, uri)
            await self._store.put_repair(repair)
            try:
                await self._make(repair, wish.force)
            except BaseException:
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
            devices = {spot.bridge, *spot.parents} - {""}
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

    async def _planned(self, spot: Place, wish: Wish, uri: str) -> Repair:
        """The repair that is meant, once it is known that it can be."""
        match wish.kind:
            case "macvlan":
                return self._macvlan(spot, wish)
            case "addresses":
                return await self._lender(spot, wish)
            case _:
                return await self._beside(spot, wish, uri)

    async def _beside(self, spot: Place, wish: Wish, uri: str) -> Repair:
        """Our netboot on a bridge, with or without files named by the libvirt network there."""
        if not spot.bridge:
            raise Conflict(
                f"{spot.what} has no bridge that {wish.kind} could be done on",
                remedy=f"provisioner network check {spot.word} --repair macvlan",
            )
        if not await self._segments.address(spot.bridge):
            raise Conflict(
                f"this host has no address on {spot.bridge}: guests there could not fetch anything from it",
                remedy=f"ip address add 192.168.90.2/24 dev {spot.bridge}",
            )
        if wish.kind == "proxy":
            if self._served.by_setting(spot.bridge):
                raise Conflict(f"{spot.bridge} is served by the setting interfaces already")
            return Repair("proxy", spot.bridge, uri=uri)
        if spot.network is None or spot.network.mode == "bridge" or not spot.network.dhcp:
            raise Conflict(
                f"{spot.what} has no DHCP server of libvirt's whose boot file could be named",
                remedy=f"provisioner network check {spot.word} --repair proxy",
            )
        return Repair(wish.kind, spot.bridge, spot.network.name, uri)

    def _macvlan(self, spot: Place, wish: Wish) -> Repair:
        if not spot.parents:
            raise Conflict(
                f"{spot.what} is no macvtap", remedy=f"provisioner network check {spot.word} --repair proxy"
            )
        address = str(interface(wish.address, "--address")) if wish.address else ""
        return Repair("macvlan", spot.device, address=address, mac=self._new_mac())

    async def _lender(self, spot: Place, wish: Wish) -> Repair:
        name = spot.bridge or macvlan_name(spot.device)
        own = await self._segments.address(name)
        if not own:
            raise Conflict(
                f"this host has no address on {name}, so it can lend none there",
                remedy=f"ip address add 192.168.90.2/24 dev {name}"
                if spot.bridge
                else f"provisioner network check {spot.word} --repair macvlan --address 192.168.90.2/24",
            )
        if not wish.given:
            raise Invalid(
                f"which addresses of {interface(own, name).network} may be lent on {name}?",
                remedy="say it: --range FIRST,LAST",
            )
        net = interface(own, name)
        lent = Range.parse(wish.given).inside(net.network, net.ip)
        if not wish.force:
            others = [answer.server for answer in await self._segments.ask(spot.device) if answer.address]
            if others:
                raise Conflict(
                    f"{others[0]} gives addresses on {spot.what} already; two DHCP servers would quarrel",
                    remedy="switch that one off, or say --force",
                )
        return Repair("addresses", name, given=str(lent))

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
