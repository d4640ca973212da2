"""Can a guest on this network reach a netboot server, and if not: why, and what mends it.

Readings in, verdicts out. Each verdict is a sentence for a person, with what to do and the repairs that
`provisioner network check … --repair` can make.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from provisioner.core.firmware import LOADERS
from provisioner.core.guest import Nic
from provisioner.core.host import HostFacts, Network
from provisioner.core.network import RepairKind, macvlan_name
from provisioner.core.segment import Answer, Link, Rejection

Severity = Literal["good", "warn", "fail"]
Kind = Literal[
    "good",
    "stopped",
    "remote",
    "unseen",
    "unserved",
    "silent",
    "own-host",
    "no-addresses",
    "no-uplink",
    "foreign-file",
    "rival",
    "firewall",
]

_TAPS = ("tun", "macvtap")
_CHECK = "provisioner network check"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`fail`: a guest there cannot netboot; `warn`: it may not. `repairs` we can make, the best first."""

    kind: Kind
    severity: Severity
    sentence: str
    remedy: str = ""
    repairs: tuple[RepairKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Readings:
    """What was looked at. What is None could not be, or was not, looked at.

    `served` is interface to our address on it. `here` tells whether the host is this machine. `links` are
    this machine's interfaces by name. `answers` is what a PXE question on the segment was answered with.
    `rejections` are doors that the host's firewall keeps closed to guests there.
    """

    nic: Nic
    host: HostFacts
    served: Mapping[str, str]
    here: bool = True
    links: Mapping[str, Link] | None = None
    answers: tuple[Answer, ...] | None = None
    unasked: str = ""
    rejections: tuple[Rejection, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a card is plugged in: a bridge, or the `parents` of a macvtap. `word` is what --network takes."""

    word: str
    what: str
    bridge: str
    parents: tuple[str, ...]
    network: Network | None

    @property
    def device(self) -> str:
        return self.bridge or next(iter(self.parents), "")


def place(nic: Nic, host: HostFacts) -> Place:
    """A network that is not there is one without bridge and parents."""
    match nic.kind:
        case "bridge":
            return Place(f"bridge={nic.source}", f"bridge {nic.source}", nic.source, (), None)
        case "direct":
            what = f"macvtap on {nic.source}"
            return Place(f"type=direct,source={nic.source}", what, "", (nic.source,), None)
        case _:
            found = next((n for n in host.networks if n.name == nic.source), None)
            if found is None:
                return Place(nic.source, f"libvirt network {nic.source}", "", (), None)
            where = f" (bridge {found.bridge})" if found.bridge else ""
            what = f"libvirt network {found.name}{where}"
            return Place(nic.source, what, found.bridge, found.parents, found)


def judge(seen: Readings) -> tuple[Verdict, ...]:
    """Everything that stands against netbooting there, the gravest first; one `good` where nothing does."""
    spot = place(seen.nic, seen.host)
    if spot.network and not spot.network.active:
        return (_stopped(spot),)
    if not seen.here:
        return (_remote(seen, spot),)
    if not spot.device:
        return (_unseen(spot),)
    found = [*_answered(seen, spot), *_addresses(seen, spot), *_foreign(seen, spot)]
    found += [*_firewall(seen, spot), *_uplink(seen, spot)]
    grave = sorted(found, key=lambda verdict: verdict.severity != "fail")
    return tuple(grave) or (_good(seen, spot),)


def served_interface(seen: Readings, spot: Place) -> str:
    """The interface on which we answer guests there, "" where there is none."""
    if spot.bridge:
        return spot.bridge if spot.bridge in seen.served else ""
    for parent in spot.parents:
        if macvlan_name(parent) in seen.served:
            return macvlan_name(parent)
        for link in (seen.links or {}).values():
            if link.kind == "macvlan" and link.parent == parent and link.name in seen.served:
                return link.name
    return ""


def _stopped(spot: Place) -> Verdict:
    return Verdict(
        "stopped",
        "fail",
        f"libvirt network {spot.word} is not active",
        f"provisioner network start {spot.word}",
    )


def _remote(seen: Readings, spot: Place) -> Verdict:
    on = spot.bridge or ", ".join(spot.parents) or spot.word
    return Verdict(
        "remote",
        "warn",
        f"{seen.host.uri} is another machine: whether netboot is answered on its {on} cannot be seen "
        "from here",
        f"unless that segment reaches this host, start the netboot role there: provisioner serve "
        f"--interface {spot.bridge or on}",
    )


def _unseen(spot: Place) -> Verdict:
    return Verdict(
        "unseen",
        "warn",
        f"{spot.what} has neither a bridge nor a card that this host could ask on: whether netboot is "
        "answered there cannot be told",
        "let the DHCP server there name our boot files: provisioner network snippet --for dnsmasq",
    )


def _answered(seen: Readings, spot: Place) -> Iterator[Verdict]:
    """Whether our netboot answers there."""
    heard = seen.answers is not None and any(_is_ours(answer, seen) for answer in seen.answers)
    if heard:
        return
    interface = served_interface(seen, spot)
    if interface and seen.answers is None:
        return
    if interface:
        yield Verdict(
            "silent",
            "fail",
            f"netboot serves {interface}, but a PXE question from a guest's place on {spot.what} got no "
            "answer of ours",
            "see whether a firewall drops UDP 67 there, and: provisioner doctor",
        )
    elif spot.bridge:
        yield from _unserved(seen, spot)
    elif spot.parents:
        yield _own_host(seen, spot)


def _unserved(seen: Readings, spot: Place) -> Iterator[Verdict]:
    network = spot.network
    if network and network.bootp:
        return  # told by _foreign
    others = ", ".join(sorted(seen.served)) or "none"
    repairs: tuple[RepairKind, ...] = ("proxy",)
    if network and network.mode != "bridge" and network.dhcp:
        repairs = ("proxy", "options", "bootp")
    yield Verdict(
        "unserved",
        "fail",
        f"nobody answers PXE on {spot.what}; netboot is answered on: {others}",
        f"{_CHECK} {spot.word} --repair",
        repairs,
    )


def _own_host(seen: Readings, spot: Place) -> Verdict:
    parents = ", ".join(spot.parents)
    what = f"network {spot.network.name} is macvtap on {parents}" if spot.network else spot.what
    sentence = f"{what}: a guest there cannot reach this host itself"
    if seen.answers is not None:
        sentence += ", and nobody else answers PXE for us"
    return Verdict(
        "own-host",
        "warn" if seen.answers is None else "fail",
        sentence,
        f"{_CHECK} {spot.word} --repair (makes {macvlan_name(spot.device)}, a macvlan of {spot.device} on "
        "this host, on which netboot then answers)",
        ("macvlan",),
    )


def _addresses(seen: Readings, spot: Place) -> Iterator[Verdict]:
    """Whether anybody lends addresses there: seen, or else known from the network's XML."""
    if seen.answers is not None:
        given = any(answer.address for answer in seen.answers)
    else:
        given = not spot.network or spot.network.dhcp or spot.network.mode == "bridge"
    if given:
        return
    remedy = f"{_CHECK} {spot.word} --repair addresses --range FIRST,LAST"
    if seen.answers is None and spot.network:
        yield Verdict(
            "no-addresses",
            "warn",
            f"network {spot.network.name} gives no addresses: without another DHCP server on its bridge "
            f"{spot.bridge} the guest cannot netboot",
            remedy,
            ("addresses",),
        )
    else:
        yield Verdict(
            "no-addresses", "fail", f"nobody gives addresses on {spot.what}", remedy, ("addresses",)
        )


def _foreign(seen: Readings, spot: Place) -> Iterator[Verdict]:
    """Boot files that do not lead here."""
    network = spot.network
    if network and network.bootp and not _leads_here(network.bootp, "", seen):
        ours = served_interface(seen, spot)
        if not ours:
            yield Verdict(
                "foreign-file",
                "warn",
                f"network {network.name} names its own boot file {network.bootp}, and nobody answers PXE on "
                f"its bridge {network.bridge}: the guest installs only if that file leads here",
                f"{_CHECK} {spot.word} --repair",
                ("proxy",),
            )
            return
    for answer in seen.answers or ():
        if (
            answer.file
            and not _is_ours(answer, seen)
            and not _leads_here(answer.file, answer.boot_server, seen)
        ):
            yield Verdict(
                "rival",
                "warn",
                f"{answer.server} offers a boot file of its own on {spot.what}: {answer.file}; a guest may "
                "take that one",
                "switch it off there, or let it name our files: provisioner network snippet --for dnsmasq "
                f"--network {spot.word}",
            )


def _firewall(seen: Readings, spot: Place) -> Iterator[Verdict]:
    for found in seen.rejections:
        yield Verdict(
            "firewall",
            "fail",
            f"{found.by} rejects {found.door} from guests on {spot.what}",
            found.command,
        )


def _uplink(seen: Readings, spot: Place) -> Iterator[Verdict]:
    """A bridge of the host's own that leads nowhere; libvirt's own networks are routed."""
    shared = spot.network is None or spot.network.mode == "bridge"
    if not spot.bridge or not shared or seen.links is None:
        return
    ports = [link for link in seen.links.values() if link.master == spot.bridge]
    if any(link.kind not in _TAPS for link in ports):
        return
    others = ", ".join(n.name for n in seen.host.networks if n.active and n.bridge != spot.bridge)
    yield Verdict(
        "no-uplink",
        "warn",
        f"bridge {spot.bridge} has no uplink: guests there reach this host and each other, nobody else",
        f"ip link set DEVICE master {spot.bridge}"
        + (f", or use another network: {others}" if others else ""),
    )


def _good(seen: Readings, spot: Place) -> Verdict:
    if seen.answers is None:
        why = f" ({seen.unasked})" if seen.unasked else ""
        return Verdict("good", "good", f"netboot serves {spot.what}; nobody was asked there{why}")
    lender = next((answer.server for answer in seen.answers if answer.address), "")
    booter = next((answer.server for answer in seen.answers if _is_ours(answer, seen)), "")
    return Verdict(
        "good", "good", f"a guest on {spot.what} netboots: addresses from {lender}, boot files from {booter}"
    )


def _is_ours(answer: Answer, seen: Readings) -> bool:
    """libvirt's DHCP server speaks from the same address as we do: only the boot file tells the two apart."""
    return bool(answer.file) and _leads_here(answer.file, answer.boot_server, seen)


def _leads_here(file: str, server: str, seen: Readings) -> bool:
    ours = set(seen.served.values())
    if any(file.startswith(f"http://{address}:") for address in ours):
        return True
    return file in LOADERS and (not server or server in ours)
