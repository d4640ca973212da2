"""Which CPU a guest is given: the host's own where KVM works, else the oldest that its family runs on."""

import re
from dataclasses import dataclass
from typing import Literal

from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree


@dataclass(frozen=True, slots=True)
class Cpu:
    """libvirt's cpu element: `model` and the features taken `without` count in mode custom only."""

    mode: Literal["custom", "host-passthrough", "maximum"]
    model: str = ""
    without: tuple[str, ...] = ()


# The oldest CPU of each x86-64 level that QEMU emulates whole. Emulated cmpxchg16b makes newer Debian
# kernels fault, and no program built for the first level needs it.
_LEVELS = {
    1: Cpu("custom", "qemu64", without=("cx16",)),
    2: Cpu("custom", "Nehalem"),
    3: Cpu("maximum"),
}
# From which major release on a family is built for more than the first level.
_NEEDS = {"rhel": {9: 2, 10: 3}}


def cpu(host: HostFacts, tree: Tree) -> Cpu:
    """The CPU for a guest that is installed from `tree` on `host`."""
    if host.virt_type == "kvm":
        return Cpu("host-passthrough")
    return _LEVELS[level(tree)]


def level(tree: Tree) -> int:
    """The x86-64 level (1 to 3) that a tree's programs are built for."""
    digits = re.match(r"\d+", tree.release)
    major = int(digits[0]) if digits else 0
    steps = _NEEDS.get(tree.family, {})
    return max((needed for since, needed in steps.items() if major >= since), default=1)
