"""What a site's own DHCP server needs, with our address on the segment that it serves."""

from collections.abc import Callable, Mapping

from provisioner.core.errors import Conflict, Invalid
from provisioner.plan.snippet import SERVERS, Server, snippet
from provisioner.plan.verdict import Readings, served_interface
from provisioner.service import places
from provisioner.service.networks import NetworkHosts


class Snippets:
    """`served` gives interface to our address."""

    def __init__(self, hosts: NetworkHosts, served: Callable[[], Mapping[str, str]], http_port: int) -> None:
        self._hosts = hosts
        self._served = served
        self._http_port = http_port

    async def snippet(self, kind: str, word: str = "", uri: str = "") -> str:
        """Text for one of `SERVERS`. Raises Invalid, NotFound, Conflict where we have no address there.

        Without a place it is for the one interface that is served.
        """
        server: Server | None = next((known for known in SERVERS if known == kind), None)
        if server is None:
            raise Invalid(f"snippet for {kind!r} is not known; use {', '.join(SERVERS)}")
        now = self._served()
        if not word:
            if len(now) != 1:
                listed = ", ".join(sorted(now)) or "none"
                raise Conflict(
                    f"which segment is it for? netboot is answered on: {listed}",
                    remedy="name one: --network default, or --network bridge=br0",
                )
            ((interface, address),) = now.items()
            return snippet(server, address, self._http_port, f"on {interface}")
        facts = await self._hosts(uri).facts()
        spot = places.find(word, facts)
        interface = served_interface(Readings(places.nic(word), facts, now), spot)
        if not interface:
            raise Conflict(
                f"netboot is not answered on {spot.what}",
                remedy=f"provisioner network check {spot.word} --repair",
            )
        subnet = next(iter(spot.network.addresses), "") if spot.network else ""
        return snippet(server, now[interface], self._http_port, f"on {spot.what}", subnet)
