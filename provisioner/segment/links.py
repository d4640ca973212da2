"""Links, addresses and routes by iproute2, a guest's place to ask from, and macvlans of ours."""

import contextlib
import ipaddress
import json
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from provisioner.core.errors import Conflict, NotFound, Unavailable
from provisioner.core.segment import HostAddresses, Link
from provisioner.segment.commands import run

MACVLAN = "urn:provisioner:macvlan:1"
"""Written with its owner on every macvlan that we make: only what carries both is removed."""
_PLACE = "urn:provisioner:place:1"
_TABLES = 4011 << 20


def links() -> dict[str, Link]:
    """Every interface of this machine by name."""
    return {item["ifname"]: _link(item) for item in _ip("-d", "link", "show")}


def in_use() -> HostAddresses:
    """The addresses and routes that this machine has."""
    there = links()
    addresses = {
        item["ifname"]: tuple(f"{a['local']}/{a['prefixlen']}" for a in item["addr_info"])
        for item in _ip("-4", "address", "show")
        if item.get("addr_info")
    }
    routes = {r["dst"]: r.get("dev", "") for r in _ip("-4", "route", "show") if r.get("dst") != "default"}
    return HostAddresses(
        addresses,
        routes,
        tuple(sorted(link.name for link in there.values() if link.kind == "bridge")),
        tuple(sorted(link.name for link in there.values() if link.kind != "bridge" and link.name != "lo")),
    )


@contextmanager
def guest_place(device: str, owner: str) -> Iterator[tuple[str, str]]:
    """An interface that is where a guest's card would be, and its MAC address; gone with the block.

    `owner` tells whose it is, should its maker be killed meanwhile.
    A cable into a bridge, a macvlan on any other device. Raises NotFound, Unavailable, Conflict.
    """
    link = links().get(device)
    if link is None:
        raise NotFound(f"this host has no interface {device}")
    if link.stp:
        raise Conflict(
            f"bridge {device} runs the spanning tree protocol: a new port is silent for half a minute"
        )
    tail = secrets.token_hex(3)
    name, mac = f"pvq{tail}", _mac("52:54:00")
    try:
        if link.kind == "bridge":
            # A high address on the bridge's side: a bridge takes the lowest of its ports for its own.
            run("ip", "link", "add", f"pvr{tail}", "address", _mac("fe:54:00"), "type", "veth",
                "peer", "name", name, "address", mac)  # fmt: skip
            _own(f"pvr{tail}", f"{_PLACE} {owner}")
            run("ip", "link", "set", f"pvr{tail}", "master", device, "up")
        else:
            run(
                "ip", "link", "add", name, "link", device, "address", mac, "type", "macvlan", "mode", "bridge"
            )
        _own(name, f"{_PLACE} {owner}")
        run("ip", "link", "set", name, "up")
        yield name, mac
    finally:
        with contextlib.suppress(Unavailable):
            run("ip", "link", "delete", name)


def sweep(owner: str) -> None:
    """Removes the places that this owner left when it was killed."""
    for link in links().values():
        if link.alias == f"{_PLACE} {owner}":
            with contextlib.suppress(Unavailable):
                run("ip", "link", "delete", link.name)


def macvlans(owner: str) -> list[Link]:
    """Those of one owner."""
    mine = f"{MACVLAN} {owner}"
    return [link for link in links().values() if link.kind == "macvlan" and link.alias == mine]


def make_macvlan(name: str, parent: str, mac: str, owner: str) -> None:
    """Makes one of ours where it is not there yet. Raises NotFound, Conflict, Unavailable."""
    there = links()
    if parent not in there:
        raise NotFound(f"this host has no interface {parent}")
    if there[parent].master or there[parent].kind == "bridge":
        what = f"a port of {there[parent].master}" if there[parent].master else "a bridge"
        raise Conflict(f"{parent} is {what}: guests there need a card on the bridge, no macvtap")
    link = there.get(name)
    if link is not None and (link.alias != f"{MACVLAN} {owner}" or link.parent != parent):
        raise Conflict(f"this host has an interface {name} already, which is not ours")
    if link is None:
        run("ip", "link", "add", name, "link", parent, "address", mac, "type", "macvlan", "mode", "bridge")
        _own(name, f"{MACVLAN} {owner}")
    run("ip", "link", "set", name, "up")


def address_macvlan(name: str, address: str, seconds: int = 0) -> None:
    """Gives a macvlan its address for so many seconds (0: for good), and sends answers back through it.

    The parent may have an address in the same network. Without a rule of its own, what we answer from the
    macvlan's address would leave by the parent, which guests on a macvtap never hear.
    """
    own = ipaddress.IPv4Interface(address)
    life = str(seconds) if seconds else "forever"
    run(
        "ip",
        "address",
        "replace",
        address,
        "dev",
        name,
        "valid_lft",
        life,
        "preferred_lft",
        life,
        "noprefixroute",
    )
    table = _table(name)
    run("ip", "route", "replace", str(own.network), "dev", name, "src", str(own.ip), "table", table)
    _drop_rules(table)
    run("ip", "rule", "add", "from", str(own.ip), "table", table)


def has_address(name: str) -> str:
    """The first IPv4 address of an interface with its prefix, "" where it has none or is not there."""
    try:
        found = _ip("-4", "address", "show", "dev", name)
    except Unavailable:
        return ""
    return next((f"{a['local']}/{a['prefixlen']}" for item in found for a in item.get("addr_info", [])), "")


def remove_macvlan(name: str, owner: str) -> None:
    """Removes one of ours and its rule; one that is gone is no error, another's a Conflict."""
    link = links().get(name)
    if link is None:
        _drop_rules(_table(name))
        return
    if link.alias != f"{MACVLAN} {owner}":
        raise Conflict(f"{name} is not a macvlan of ours; it is left alone")
    _drop_rules(_table(name))
    run("ip", "link", "delete", name)


def _drop_rules(table: str) -> None:
    for rule in _ip("-4", "rule", "show"):
        if str(rule.get("table")) == table:
            with contextlib.suppress(Unavailable):
                run("ip", "rule", "del", "from", rule["src"], "table", table)


def _table(name: str) -> str:
    """The routing table of a macvlan: the same for the same name, so that no rule is forgotten."""
    return str(_TABLES + zlib.crc32(name.encode()) % 2**20)


def _own(name: str, mark: str) -> None:
    run("ip", "link", "set", name, "alias", mark)


def _mac(begin: str) -> str:
    return f"{begin}:{secrets.token_bytes(3).hex(':')}"


def _ip(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("ip", "-j", *arguments) or "[]")
    return [item for item in found if item]


def _link(item: dict[str, Any]) -> Link:
    info = item.get("linkinfo", {})
    kind = info.get("info_kind", "")
    return Link(
        name=item["ifname"],
        kind=kind,
        master=item.get("master", ""),
        parent=item.get("link", "") if kind in ("macvlan", "macvtap", "vlan") else "",
        mac=item.get("address", ""),
        alias=item.get("ifalias", ""),
        stp=bool(kind == "bridge" and info.get("info_data", {}).get("stp_state")),
    )
