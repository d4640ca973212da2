"""Stand-ins for a libvirt host's networks and this machine's segments, in memory."""

from dataclasses import replace

from provisioner.core.errors import Conflict, NotFound, Unavailable
from provisioner.core.host import HostFacts, Network
from provisioner.core.network import Repair
from provisioner.core.segment import Answer, Firewall, HostAddresses, Lease, Link
from tests.fakes import FACTS

XML = """<network>
  <name>{name}</name>
  <bridge name="{bridge}"/>
  <ip address="192.168.122.1" netmask="255.255.255.0">
    <dhcp><range start="192.168.122.2" end="192.168.122.254"/></dhcp>
  </ip>
</network>
"""


class FakeNetworkHost:
    """A host's networks. `broken` is why the next redefinition fails."""

    def __init__(self, *networks: Network, uri: str = "qemu:///system") -> None:
        self.uri = uri
        self.there = {network.name: network for network in (*FACTS.networks, *networks)}
        self.xmls = {n.name: XML.format(name=n.name, bridge=n.bridge) for n in self.there.values()}
        self.calls: list[str] = []
        self.broken = ""

    async def facts(self) -> HostFacts:
        bridges = tuple({*FACTS.bridges, *(n.bridge for n in self.there.values() if n.bridge)})
        return replace(FACTS, uri=self.uri, networks=tuple(self.there.values()), bridges=bridges)

    async def networks(self) -> list[Network]:
        return list(self.there.values())

    async def network(self, name: str) -> Network:
        if name not in self.there:
            raise NotFound(f"no libvirt network {name!r}")
        return self.there[name]

    async def network_xml(self, name: str) -> str:
        await self.network(name)
        return self.xmls[name]

    async def network_leases(self, name: str) -> list[str]:
        return ["52:54:00:00:00:01 192.168.122.9 web1"]

    async def create_network(self, xml: str, autostart: bool) -> Network:
        name = xml.split("<name>")[1].split("</name>")[0]
        self.there[name] = Network(name, "nat", True, autostart, ours=True)
        self.xmls[name] = xml
        return self.there[name]

    async def begin_network(self, name: str) -> None:
        self.calls.append(f"start {name}")

    async def stop_network(self, name: str, force: bool) -> None:
        self.calls.append(f"stop {name} {force}")

    async def autostart_network(self, name: str, on: bool) -> None:
        self.calls.append(f"autostart {name} {on}")

    async def delete_network(self, name: str, foreign: bool, force: bool) -> None:
        if not (await self.network(name)).ours and not foreign:
            raise Conflict(f"network {name} is not ours")
        del self.there[name]

    async def redefine_network(self, name: str, xml: str, force: bool) -> None:
        if self.broken:
            raise Conflict(self.broken)
        self.xmls[name] = xml


class FakeSegments:
    """This machine. `answers` are given to whoever asks; `addresses` are those of its interfaces."""

    def __init__(self) -> None:
        self.there = {"virbr0": Link("virbr0", "bridge"), "eth0": Link("eth0")}
        self.answers: list[Answer] = []
        self.addresses = {"virbr0": "192.168.122.1/24", "eth0": "10.0.0.7/24"}
        self.rules = Firewall()
        self.lent: dict[str, str] = {}
        self.made: list[str] = []
        self.lease: Lease | None = Lease("10.0.0.55/24", "10.0.0.1", 120)
        self.mute = ""
        self.broken = ""
        self.asked = 0

    async def links(self) -> dict[str, Link]:
        return dict(self.there)

    async def in_use(self) -> HostAddresses:
        return HostAddresses({name: (a,) for name, a in self.addresses.items()}, {}, ("virbr0",), ("eth0",))

    async def firewall(self, interface: str) -> Firewall:
        return self.rules

    async def ask(self, device: str) -> list[Answer]:
        self.asked += 1
        if self.mute:
            raise Unavailable(self.mute)
        return self.answers

    async def ensure_macvlan(self, repair: Repair) -> Lease | None:
        if self.broken:
            raise Unavailable(self.broken)
        name = repair.interface
        self.made.append(name)
        self.there[name] = Link(name, "macvlan", parent=repair.device, mac=repair.mac)
        lease = None if repair.address else self.lease
        self.addresses[name] = repair.address or (lease.address if lease else "")
        return lease

    async def remove_macvlan(self, name: str) -> None:
        self.there.pop(name, None)
        self.addresses.pop(name, None)

    async def our_macvlans(self) -> list[str]:
        return [link.name for link in self.there.values() if link.kind == "macvlan"]

    async def ensure_addresses(self, repair: Repair, own: str) -> None:
        if self.broken:
            raise Unavailable(self.broken)
        self.lent[repair.interface] = f"{repair.given} from {own}"

    async def stop_addresses(self, interface: str) -> None:
        self.lent.pop(interface, None)

    async def address(self, interface: str) -> str:
        return self.addresses.get(interface, "")

    async def sweep(self) -> None:
        self.made.append("swept")

    async def close(self) -> None:
        self.lent.clear()
