"""Which CPU a guest is given: the host's own where KVM works, else the oldest that its family runs on."""

from dataclasses import dataclass
from typing import Literal

from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.distros.detect import family
from provisioner.distros.osinfo import system


@dataclass(frozen=True, slots=True)
class Cpu:
    """libvirt's cpu element: `model` and the features taken `without` count in mode custom only."""

    mode: Literal["custom", "host-passthrough", "host-model", "maximum"]
    model: str = ""
    without: tuple[str, ...] = ()


# The oldest CPU of each x86-64 level that QEMU emulates whole. Emulated cmpxchg16b makes newer Debian
# kernels fault, and no program built for the first level needs it.
_LEVELS = {
    1: Cpu("custom", "qemu64", without=("cx16",)),
    2: Cpu("custom", "Nehalem"),
}
_NEWEST = Cpu("maximum")


def cpu(host: HostFacts, tree: Tree, asked: str = "", osinfo: str = "") -> Cpu:
    """The CPU for a guest that is installed from `tree` on `host`, or the one that is `asked` for.

    A guest without a tree is what `osinfo` says. Where that says nothing it may run anything, so it is given
    the first level; other processors than a PC's have none. Raises Invalid for an unknown family.
    """
    match asked:
        case "host-passthrough" | "host-model" | "maximum":
            return Cpu(asked)
        case str() if asked:
            return Cpu("custom", asked)
        case _:
            pass
    if host.virt_type == "kvm":
        return Cpu("host-passthrough")
    if host.arch != "x86_64":
        return _NEWEST
    name, release = (tree.family, tree.release) if tree.family else system(osinfo)
    if not name:
        return _LEVELS[1]
    return _LEVELS.get(family(name).cpu_level(release), _NEWEST)
