"""A firewall's chains as one packet sees them, and what becomes of it there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from provisioner.core.segment import Door

Truth = bool | None
"""Whether a packet matches; None where that cannot be told."""
Action = Literal["accept", "drop", "jump", "goto", "return", "go on"]

_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Packet:
    """The first packet of a guest to one of our doors. DHCP's is a broadcast from no address."""

    interface: str
    door: Door
    subnet: str = ""
    """The guests' network with its prefix, "" where it is not known."""


@dataclass(frozen=True, slots=True)
class Rule:
    truth: Truth
    action: Action
    target: str = ""


@dataclass(slots=True)
class Chain:
    """`policy` is what becomes of a packet at the end of a base chain."""

    rules: list[Rule] = field(default_factory=list)
    policy: Literal["accept", "drop", ""] = ""


def outcome(chain: str, chains: Mapping[str, Chain]) -> set[str]:
    """What may become of the packet in a base chain: accept, drop, or either."""
    ends, falls = _walk(chain, chains, 0)
    return ends | {chains[chain].policy or "accept"} if falls else ends


def _walk(name: str, chains: Mapping[str, Chain], depth: int) -> tuple[set[str], bool]:
    """The ends that are possible, and whether the packet may also come out at the chain's end."""
    ends: set[str] = set()
    if depth > _DEEPEST or name not in chains:
        return {"accept"}, True
    leaves = False  # it may have left by a rule that is not sure to match
    for rule in chains[name].rules:
        if rule.truth is False or rule.action == "go on":
            continue
        sure = rule.truth is True
        match rule.action:
            case "accept" | "drop":
                ends.add(rule.action)
                if sure:
                    return ends, leaves
            case "return":
                if sure:
                    return ends, True
                leaves = True
            case "jump" | "goto":
                below, falls = _walk(rule.target, chains, depth + 1)
                ends |= below
                if sure and not falls:
                    return ends, leaves
                if rule.action == "goto":
                    leaves = leaves or falls
                    if sure:
                        return ends, leaves
    return ends, True


def both(one: Truth, other: Truth) -> Truth:
    """Whether both hold."""
    if one is False or other is False:
        return False
    return None if one is None or other is None else True
