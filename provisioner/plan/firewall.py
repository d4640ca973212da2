"""Whether a firewall lets guests in, from what its own tool prints: nftables, iptables, firewalld.

Conservative: a door counts as closed only where every way through the rules ends in a refusal. A match that
is not understood may go either way, so it never makes a door closed by itself.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence

from provisioner.core.segment import Door, Firewall, Rejection
from provisioner.plan import nftables
from provisioner.plan.rules import Action, Chain, Packet, Rule, Truth, both, outcome

_SERVICES = {
    "http": ("tcp", 80), "dhcp": ("udp", 67), "proxy-dhcp": ("udp", 4011), "tftp": ("udp", 69),
    "http-alt": ("tcp", 8080),
}  # fmt: skip


def rejections(
    seen: Firewall, interface: str, doors: Sequence[Door], subnet: str = ""
) -> tuple[Rejection, ...]:
    """The doors that are surely closed to guests on an interface, each once."""
    found = []
    for door in doors:
        packet = Packet(interface, door, subnet)
        for judge in (_firewalld, _nft, _iptables):
            if rejection := judge(seen, packet):
                found.append(rejection)
                break
    return tuple(found)


def _nft(seen: Firewall, packet: Packet) -> Rejection | None:
    for base, chains in nftables.base_chains(seen.nft, packet, skip_legacy=bool(seen.iptables)):
        if outcome(base, chains) == {"drop"}:
            family, table, name = base.split()
            door = packet.door
            return Rejection(
                door,
                f"nftables chain {base}",
                f"nft insert rule {family} {table} {name} iifname {packet.interface} "
                f"{door.protocol} dport {door.port} accept",
            )
    return None


def _iptables(seen: Firewall, packet: Packet) -> Rejection | None:
    chains: dict[str, Chain] = {"INPUT": Chain(policy="accept")}
    for line in seen.iptables.splitlines():
        match shlex.split(line):
            case ["-P", name, policy]:
                chains.setdefault(name, Chain()).policy = "accept" if policy == "ACCEPT" else "drop"
            case ["-N", name]:
                chains.setdefault(name, Chain())
            case ["-A", name, *words]:
                chains.setdefault(name, Chain()).rules.append(_rule(words, packet))
    if outcome("INPUT", chains) != {"drop"}:
        return None
    door = packet.door
    return Rejection(
        door,
        "iptables chain INPUT",
        f"iptables -I INPUT -i {packet.interface} -p {door.protocol} --dport {door.port} -j ACCEPT",
    )


_TARGETS: dict[str, Action] = {
    "ACCEPT": "accept", "DROP": "drop", "REJECT": "drop", "RETURN": "return",
    "LOG": "go on", "MARK": "go on", "CONNMARK": "go on", "NFLOG": "go on", "": "go on",
}  # fmt: skip


def _rule(words: Sequence[str], packet: Packet) -> Rule:
    truth: Truth = True
    target, action = "", ""
    it = iter(words)
    inverted = False
    for word in it:
        if word == "!":
            inverted = True
            continue
        if word in ("-j", "-g"):
            target, action = next(it, ""), word
            break  # what follows are the target's own options
        if word == "-m":
            next(it, "")
            continue
        test = _TESTS.get(word)
        value = next(it, "") if test or _takes_value(word) else ""
        truth = both(truth, _not(test(value, packet) if test else None, inverted))
        inverted = False
    plain = _TARGETS.get(target)
    if plain is None:
        return Rule(truth, "goto" if action == "-g" else "jump", target)
    return Rule(truth, plain)


def _takes_value(word: str) -> bool:
    return word.startswith("-") and word not in ("--syn", "-f")


def _port_in(text: str, packet: Packet) -> Truth:
    return any(_between(part, packet.door.port) for part in text.split(","))


def _between(text: str, port: int) -> bool:
    first, _, last = text.partition(":")
    low = int(first or 0) if (first or "0").isdigit() else port + 1
    high = int(last or 65535) if text.count(":") else low
    return low <= port <= high


def _same_device(pattern: str, packet: Packet) -> Truth:
    if pattern.endswith("+"):
        return packet.interface.startswith(pattern[:-1])
    return pattern == packet.interface


_TESTS: dict[str, Callable[[str, Packet], Truth]] = {
    "-i": _same_device,
    "-o": lambda value, packet: False,
    "-p": lambda value, packet: value in ("all", packet.door.protocol),
    "--dport": _port_in,
    "--dports": _port_in,
    "--ctstate": lambda value, packet: "NEW" in value.split(","),
    "--state": lambda value, packet: "NEW" in value.split(","),
    "-s": lambda value, packet: nftables.source_in(value, packet.door.port, packet.subnet),
    "--comment": lambda value, packet: True,
}


def _not(truth: Truth, inverted: bool) -> Truth:
    return truth if truth is None or not inverted else not truth


def _firewalld(seen: Firewall, packet: Packet) -> Rejection | None:
    if not seen.zone:
        return None
    rules = dict(_fields(seen.zone_rules))
    rich = [line for line in rules.get("rich rules", "").splitlines() if line]
    last_word = [line for line in rich if re.fullmatch(r'rule( priority="?\d+"?)? (reject|drop)', line)]
    if len(rich) > len(last_word) or (rules.get("target") == "ACCEPT" and not last_word):
        return None  # a rule that may let it in, or a zone that lets all in
    door = packet.door
    opened = {_SERVICES.get(name) for name in rules.get("services", "").split()}
    for text in rules.get("ports", "").split():
        ports, _, protocol = text.partition("/")
        if protocol == door.protocol and _between(ports.replace("-", ":"), door.port):
            return None
    if (door.protocol, door.port) in opened:
        return None
    return Rejection(
        door,
        f"firewalld zone {seen.zone}",
        f"firewall-cmd --zone={seen.zone} --add-port={door.port}/{door.protocol}",
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """`  services: dhcp dns` and, under `rich rules:`, its lines."""
    name, lines = "", list[str]()
    for line in text.splitlines():
        if found := re.fullmatch(r"  ([a-z][a-z -]*): ?(.*)", line):
            if name:
                yield name, "\n".join(lines)
            name, lines = found[1], [found[2].strip()]
        elif line.startswith("\t"):
            lines.append(line.strip())
    if name:
        yield name, "\n".join(lines)
