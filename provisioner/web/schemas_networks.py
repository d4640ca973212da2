"""The API's models of networks: what a new one is made of, what a check found, what a repair did."""

from typing import Any, Literal

from pydantic import Field

from provisioner.core.host import Network
from provisioner.core.network import (
    NetworkSpec,
    Range,
    Repair,
    RepairKind,
    Reservation,
    subnet,
)
from provisioner.plan.verdict import Verdict
from provisioner.service.checks import Checked
from provisioner.service.networks import Shown
from provisioner.web.schemas import In, Line, Name, Out


class NewNetwork(In):
    """A network to be made and started."""

    name: Name
    mode: Literal["nat", "route", "isolated", "bridge", "macvtap"] = "nat"
    subnet: Line = Field("", description="the guests' own, as 192.168.90.0/24; nat, route, isolated")
    bridge: Line = Field("", description="its bridge's name; of mode bridge, the host's bridge")
    parents: list[Line] = Field(default_factory=list, max_length=16, description="the host's devices")
    dhcp: bool = True
    dhcp_range: Line = Field("", description="FIRST,LAST; empty: all that is free")
    dhcp_hosts: list[Line] = Field(default_factory=list, max_length=1000, description="MAC,ADDRESS[,NAME]")
    autostart: bool = False

    def spec(self) -> NetworkSpec:
        """Raises Invalid."""
        return NetworkSpec(
            self.name,
            self.mode,
            subnet(self.subnet) if self.subnet else None,
            self.bridge,
            tuple(self.parents),
            self.dhcp,
            Range.parse(self.dhcp_range) if self.dhcp_range else None,
            tuple(map(Reservation.parse, self.dhcp_hosts)),
            self.autostart,
        )


class NetworkOut(Out):
    """A libvirt network; `ours` where this service made it."""

    name: str
    uuid: str
    active: bool
    persistent: bool
    autostart: bool
    bridge: str
    mode: str
    addresses: list[str]
    dhcp: bool
    ranges: list[str]
    reserved: list[str]
    bootp: str
    parents: list[str]
    ours: bool

    @classmethod
    def of(cls, network: Network) -> "NetworkOut":
        return cls(**_values(network, cls))


class NetworkShown(NetworkOut):
    leases: list[str] = Field(description="MAC, address and name of each address that it lent")

    @classmethod
    def shown(cls, shown: Shown) -> "NetworkShown":
        return cls(**_values(shown.network, NetworkOut), leases=list(shown.leases))


class VerdictOut(Out):
    """`fail`: a guest there cannot netboot; `warn`: it may not. `repairs` can be made, the best first."""

    kind: str
    severity: Literal["good", "warn", "fail"]
    sentence: str
    remedy: str
    repairs: list[RepairKind]


class CheckOut(Out):
    """Whether a guest at a place can reach netboot."""

    place: str
    good: bool
    verdicts: list[VerdictOut]
    done: list[str] = Field(default_factory=list, description="the repairs that were made before")

    @classmethod
    def of(cls, checked: Checked, done: list[str]) -> "CheckOut":
        return cls(
            place=checked.word, good=checked.good, verdicts=list(map(_verdict, checked.verdicts)), done=done
        )


class WishIn(In):
    """What is to be done at a place; without a kind, what its verdicts name first."""

    kind: RepairKind | None = None
    range: Line = Field("", description="FIRST,LAST that are lent; of kind addresses")
    address: Line = Field("", description="the macvlan's own, with its prefix; empty: by DHCP")
    force: bool = Field(
        False, description="also where running guests lose their link, or DHCP answers already"
    )


class RepairOut(Out):
    """A repair that is in force."""

    kind: RepairKind
    device: str
    interface: str
    network: str
    range: str
    address: str

    @classmethod
    def of(cls, repair: Repair) -> "RepairOut":
        return cls(
            kind=repair.kind,
            device=repair.device,
            interface=repair.interface,
            network=repair.network,
            range=repair.given,
            address=repair.address,
        )


def _values(network: Network, model: type[NetworkOut]) -> dict[str, Any]:
    found = {name: getattr(network, name) for name in model.model_fields}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in found.items()}


def _verdict(item: Verdict) -> VerdictOut:
    return VerdictOut(
        kind=item.kind,
        severity=item.severity,
        sentence=item.sentence,
        remedy=item.remedy,
        repairs=list(item.repairs),
    )
