"""What a person asks to be done at a place, and the repair that it comes to, where it can be done there."""

from collections.abc import Callable
from dataclasses import dataclass

from provisioner.core.errors import Conflict, Invalid
from provisioner.core.network import Range, Repair, RepairKind, interface, macvlan_name
from provisioner.plan.verdict import Place
from provisioner.service.ports import Segments
from provisioner.service.served import Served


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks to be done at a place. `given` is a range, `address` one with its prefix.

    `force` allows what cuts the link of running guests, and a second DHCP server.
    """

    kind: RepairKind
    given: str = ""
    address: str = ""
    force: bool = False


class Wishes:
    """Turns a wish into a repair. `new_mac` makes up a macvlan's hardware address."""

    def __init__(self, segments: Segments, served: Served, new_mac: Callable[[], str]) -> None:
        self._segments = segments
        self._served = served
        self._new_mac = new_mac

    async def plan(self, spot: Place, wish: Wish, uri: str) -> Repair:
        """The repair that is meant, once it is known that it can be. Raises Invalid, Conflict."""
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
