"""nftables as `nft -j list ruleset` prints it, for one packet: which rules match, and what they do."""

import ipaddress
import json
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal

from provisioner.plan.rules import Action, Chain, Packet, Rule, Truth, both

_FAMILIES = ("inet", "ip", "bridge", "netdev")
_LEGACY = ("filter", "nat", "mangle", "raw", "security")
_DHCP = 67
_NUMBERS = {"tcp": (6, "6"), "udp": (17, "17")}


def base_chains(
    text: str, packet: Packet, *, skip_legacy: bool = False
) -> Iterator[tuple[str, Mapping[str, Chain]]]:
    """Each base chain that a packet to this host passes, with the chains that it may jump to.

    Chains are named `family table chain`. `skip_legacy` leaves out what iptables made and prints itself.
    """
    try:
        items = json.loads(text or "{}").get("nftables", [])
    except (ValueError, AttributeError):
        return
    chains: dict[str, Chain] = {}
    bases = []
    sets = {_key(v, v["name"]): v.get("elem", []) for i in items for k, v in i.items() if k in ("set", "map")}
    for item in items:
        if (made := item.get("chain")) and made["family"] in _FAMILIES:
            name = _key(made, made["name"])
            policy: Literal["accept", "drop"] = "drop" if made.get("policy") == "drop" else "accept"
            chains[name] = Chain(policy=policy)
            legacy = made["family"] == "ip" and made["table"] in _LEGACY and made["name"].isupper()
            filters = made.get("hook") in ("input", "prerouting") and made.get("type") == "filter"
            if filters and not (legacy and skip_legacy):
                bases.append(name)
        elif (rule := item.get("rule")) and rule["family"] in _FAMILIES:
            chain = chains.setdefault(_key(rule, rule["chain"]), Chain())
            prefix = _key(rule, "")
            for truth, action, target in _read(rule.get("expr", []), packet, prefix, sets):
                chain.rules.append(Rule(truth, action, target))
    for base in bases:
        yield base, chains


def source_in(text: str, port: int, subnet: str) -> Truth:
    """Whether guests' addresses lie in a network; DHCP is asked from no address."""
    try:
        wanted = ipaddress.ip_network(text, strict=False)
        if port == _DHCP:
            return ipaddress.ip_address("0.0.0.0") in wanted  # noqa: S104 - compared, not bound
        ours = ipaddress.ip_network(subnet, strict=False)
    except ValueError:
        return None
    if wanted.version != ours.version or not wanted.overlaps(ours):
        return False
    return True if wanted.supernet_of(ours) else None  # type: ignore[arg-type]


def _key(item: Mapping[str, Any], name: str) -> str:
    return f"{item['family']} {item['table']} {name}"


def _read(
    expressions: Sequence[Mapping[str, Any]], packet: Packet, prefix: str, sets: Mapping[str, Any]
) -> list[tuple[Truth, Action, str]]:
    """A rule as what it does; a verdict map becomes one for each of its verdicts."""
    truth: Truth = True
    for expression in expressions:
        (kind, value), *_ = expression.items()
        match kind:
            case "match":
                truth = both(truth, _matches(value, packet, prefix, sets))
            case "accept":
                return [(truth, "accept", "")]
            case "drop" | "reject":
                return [(truth, "drop", "")]
            case "return":
                return [(truth, "return", "")]
            case "jump":
                return [(truth, "jump", prefix + value["target"])]
            case "goto":
                return [(truth, "goto", prefix + value["target"])]
            case "vmap":
                return _map(truth, value, packet, prefix, sets)
            case "counter" | "log" | "comment" | "mangle" | "notrack":
                pass
            case _:  # limit, xt, queue …: whether it matches cannot be told
                truth = both(truth, None)
    return [(truth, "go on", "")]


def _map(
    truth: Truth, value: Mapping[str, Any], packet: Packet, prefix: str, sets: Mapping[str, Any]
) -> list[tuple[Truth, Action, str]]:
    data = value.get("data")
    pairs = sets.get(prefix + data[1:], []) if isinstance(data, str) else (data or {}).get("set", [])
    rules: list[tuple[Truth, Action, str]] = []
    for key, verdict in pairs:
        match = {"op": "==", "left": value["key"], "right": key}
        hit = both(truth, _matches(match, packet, prefix, sets))
        rules += [(hit, action, to) for _, action, to in _read([verdict], packet, prefix, sets)]
    return rules


def _matches(match: Mapping[str, Any], packet: Packet, prefix: str, sets: Mapping[str, Any]) -> Truth:
    right = match["right"]
    if isinstance(right, str) and right.startswith("@"):
        right = {"set": sets.get(prefix + right[1:], [])}
    options = right if isinstance(right, list) else right["set"] if _is(right, "set") else [right]
    found = [_one(match["left"], option, packet) for option in options]
    truth = True if True in found else None if None in found else False
    if match.get("op") in ("==", "in", None):
        return truth
    if match["op"] == "!=":
        return None if truth is None else not truth
    return None


def _one(left: Mapping[str, Any], right: Any, packet: Packet) -> Truth:
    if _is(right, "elem"):
        right = right["elem"].get("val")
    if not isinstance(left, dict):
        return None
    match left:
        case {"meta": {"key": "iifname" | "iif" | "ibrname"}}:
            return isinstance(right, str) and fnmatchcase(packet.interface, right)
        case {"meta": {"key": "l4proto"}} | {"payload": {"protocol": "ip", "field": "protocol"}}:
            return right in (packet.door.protocol, *_NUMBERS[packet.door.protocol])
        case {"meta": {"key": "nfproto"}}:
            return bool(right == "ipv4")
        case {"payload": {"protocol": "tcp" | "udp" | "th" as protocol, "field": "dport"}}:
            return False if protocol not in ("th", packet.door.protocol) else _number(right, packet)
        case {"payload": {"protocol": "ip", "field": "saddr"}}:
            return source_in(_network(right), packet.door.port, packet.subnet)
        case {"payload": {"protocol": "ip6" | "icmp" | "icmpv6"}}:
            return False
        case {"ct": {"key": "state"}}:
            return bool(right == "new")
        case {"ct": {"key": "status"}}:
            return False if right == "dnat" else None  # what is sent to us is not sent on
        case _:
            return None


def _number(right: Any, packet: Packet) -> Truth:
    if _is(right, "range"):
        low, high = right["range"]
        return bool(isinstance(low, int) and isinstance(high, int) and low <= packet.door.port <= high)
    return right == packet.door.port if isinstance(right, int) else None


def _network(right: Any) -> str:
    if _is(right, "prefix"):
        return f"{right['prefix']['addr']}/{right['prefix']['len']}"
    return str(right)


def _is(value: object, key: str) -> bool:
    return isinstance(value, dict) and key in value
