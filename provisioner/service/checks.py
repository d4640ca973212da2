"""Looks at a place from every side and has it judged: can a guest there reach netboot?"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from provisioner.core.errors import ProvisionerError
from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts
from provisioner.core.network import macvlan_name
from provisioner.core.segment import Door
from provisioner.plan import firewall, verdict
from provisioner.plan.verdict import Place, Readings, Verdict
from provisioner.service import places
from provisioner.service.networks import NetworkHosts
from provisioner.service.ports import Segments


@dataclass(frozen=True, slots=True)
class Checked:
    """`word` is the place as --network takes it, `what` the same for a person."""

    word: str
    what: str
    verdicts: tuple[Verdict, ...]

    @property
    def good(self) -> bool:
        return all(item.severity != "fail" for item in self.verdicts)


class Checks:
    """`served` gives interface to our address; `doors` are the ports that guests must reach."""

    def __init__(
        self,
        hosts: NetworkHosts,
        segments: Segments,
        served: Callable[[], Mapping[str, str]],
        doors: tuple[Door, ...],
    ) -> None:
        self._hosts = hosts
        self._segments = segments
        self._served = served
        self._doors = doors

    async def check(self, word: str, uri: str = "", *, ask: bool = True) -> Checked:
        """`ask`: a PXE question is asked there too, for up to five seconds. Raises Invalid, NotFound."""
        host = self._hosts(uri)
        facts = await host.facts()
        spot = places.find(word, facts)
        seen = await self._read(places.nic(word), facts, spot, ask=ask)
        return Checked(spot.word, spot.what, verdict.judge(seen))

    async def _read(self, nic: Nic, facts: HostFacts, spot: Place, *, ask: bool) -> Readings:
        here = places.is_here(facts.uri)
        seen = Readings(nic, facts, self._served(), here=here)
        if not here or not spot.device or (spot.network and not spot.network.active):
            return seen
        links = await self._segments.links()
        unasked, answers = "", None
        if ask:
            try:
                answers = tuple(await self._segments.ask(spot.device))
            except ProvisionerError as error:
                unasked = str(error)
        seen = Readings(nic, facts, seen.served, here, links, answers, unasked)
        interface = verdict.served_interface(seen, spot) or spot.bridge or macvlan_name(spot.device)
        rules, address = await asyncio.gather(
            self._segments.firewall(interface), self._segments.address(interface)
        )
        closed = firewall.rejections(rules, interface, self._doors, address)
        return Readings(nic, facts, seen.served, here, links, answers, unasked, closed)
