"""What no two things of a lab may share."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network

from provisioner.core.errors import Invalid
from provisioner.core.machine import normalise_mac, normalise_uuid
from provisioner.lab.check import cards, network
from provisioner.lab.expand import Draft
from provisioner.lab.problems import Problems

_Segment = tuple[str, str, str]
"""Host, kind and source of what a card is plugged in."""


def check_unique(drafts: Iterable[Draft], problems: Problems) -> None:
    """Names, MAC addresses, UUIDs, IPv4 addresses of one network, and subnets of one host."""
    things = list(drafts)
    held: dict[object, Draft] = {}
    for draft in things:
        for key, field, text in _claims(draft):
            other = held.setdefault(key, draft)
            if other is not draft:
                problems.add(
                    draft.where(field),
                    f"{draft}: {text} is that of {other} on line {other.place.line} already",
                )
    _check_addresses(things, problems)
    _check_subnets(things, problems)


def _claims(draft: Draft) -> Iterator[tuple[object, str, str]]:
    """What it claims for itself: a key, the field that says so, and words for it."""
    yield draft.ref, "name", f"the name {draft.name}"
    if draft.kind != "guest":
        return
    for mac in _macs(draft):
        yield ("mac", mac), "mac" if draft.text("mac") else "networks", f"the MAC address {mac}"
    if draft.text("uuid"):
        with suppress(Invalid):
            found = normalise_uuid(draft.text("uuid"))
            yield ("uuid", found), "uuid", f"the UUID {found}"


def _macs(draft: Draft) -> list[str]:
    """Those that are given: of the first card by `mac`, else each card's own."""
    given = [nic.mac for nic in cards(draft)]
    with suppress(Invalid):
        if draft.text("mac"):
            given[:1] = [normalise_mac(draft.text("mac"))]
    return [mac for mac in given if mac]


def _check_addresses(things: list[Draft], problems: Problems) -> None:
    """A network's reservations, and the addresses that its guests give themselves."""
    held: dict[tuple[_Segment, IPv4Address], tuple[str, str]] = {}
    for draft in things:
        if draft.kind == "network":
            with suppress(Invalid):
                for row in network(draft).reserved:
                    segment = (draft.on, "network", draft.name)
                    held[segment, row.address] = (f"reserved for {row.mac} in {draft}", row.mac)
    for draft in things:
        own = _address(draft)
        if own is None or not (plugs := cards(draft)):
            continue
        segment = (draft.on, plugs[0].kind, plugs[0].source)
        macs = _macs(draft)
        words, mac = held.setdefault((segment, own), (f"that of {draft}", draft.name))
        if mac not in (draft.name, *macs):
            problems.add(draft.where("variables"), f"{draft}: the address {own} is {words} already")


def _address(draft: Draft) -> IPv4Address | None:
    variables = draft.value("variables")
    given = variables.get("address") if draft.kind == "guest" and isinstance(variables, dict) else None
    if not isinstance(given, str):
        return None
    with suppress(ValueError):
        return IPv4Address(given.partition("/")[0])
    return None


def _check_subnets(things: list[Draft], problems: Problems) -> None:
    held: list[tuple[str, IPv4Network, Draft]] = []
    for draft in things:
        if draft.kind != "network":
            continue
        with suppress(Invalid):
            if own := network(draft).subnet:
                host, net = draft.on, own.network
                for where, other, owner in held:
                    if where == host and net.overlaps(other):
                        problems.add(draft.where("subnet"), f"{draft}: {net} overlaps {other} of {owner}")
                held.append((host, net, draft))
