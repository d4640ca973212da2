"""Ways in which a guest breaks from inside, as scripts of its kickstart, and what is found out of each."""

from dataclasses import dataclass
from random import Random

SECONDS = 45
"""Silence that ends an installation here."""


@dataclass(frozen=True, slots=True)
class Break:
    """`script` runs in the installer (`pre`) or in the installed system (`post`); `causes` are the diagnoses
    that are right.
    """

    name: str
    points: tuple[str, ...]
    script: str
    causes: frozenset[str]


BREAKS = (
    Break(
        "panic",
        ("pre", "post"),
        "sleep 1; echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger",
        frozenset({"kernel-panic"}),
    ),
    Break("hangs", ("pre", "post"), "sleep 100000", frozenset({"silence", "script-hangs"})),
    Break("loops", ("pre", "post"), "while :; do :; done", frozenset({"silence", "script-hangs"})),
    Break("fails", ("pre", "post"), "echo it is wrong; exit 3", frozenset({"script-failed"})),
    Break(
        "full-disk",
        ("post",),
        "fallocate -l 8G /filling || exit 1",
        frozenset({"space-short", "disk-too-small", "script-failed"}),
    ),
    Break(
        "no-memory",
        ("pre",),
        "mkdir /filling; mount -t tmpfs -o size=100% none /filling; cat /dev/zero >/filling/x; exit 1",
        frozenset({"too-little-memory"}),
    ),
    Break(
        "link-down",
        ("pre",),
        "for card in /sys/class/net/e*; do ip link set ${card##*/} down; done",
        frozenset({"silence", "server-unreachable", "repository-unreachable"}),
    ),
)


def chosen(seed: int, count: int) -> list[tuple[Break, str]]:
    """`count` of them with where they break; each kind about as often as every other."""
    random = Random(seed)
    drawn: list[Break] = []
    while len(drawn) < count:
        drawn += random.sample(BREAKS, len(BREAKS))
    return [(kind, random.choice(kind.points)) for kind in drawn[:count]]
