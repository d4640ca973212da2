"""Whether a guest has the memory and the disk that its release needs, told before anything is done."""

from datetime import date

from provisioner.core.errors import Invalid
from provisioner.core.guest import GuestSpec
from provisioner.core.profile import Tree
from provisioner.distros.base import Needs
from provisioner.distros.detect import family
from provisioner.distros.osinfo import system


def check_needs(spec: GuestSpec, tree: Tree, *, packed: bool = False) -> tuple[str, ...]:
    """What the release's maker asks for beyond what the guest has. Raises Invalid below the least.

    A guest without a tree is what `--osinfo` says. An imported disk needs nothing: it is installed. A
    `packed` system, which is installed as it is, takes what it takes on disk, whatever installs it.
    """
    return tuple(filter(None, (check_memory(spec, tree), "" if packed else check_disk(spec, tree))))


def check_memory(spec: GuestSpec, tree: Tree) -> str:
    """The part of `check_needs` about memory."""
    known = _needs(spec, tree)
    return _memory(spec, *known) if known else ""


def check_disk(spec: GuestSpec, tree: Tree) -> str:
    """The part of `check_needs` about the system disk."""
    known = _needs(spec, tree)
    return _disk(spec, *known) if known else ""


def _needs(spec: GuestSpec, tree: Tree) -> tuple[Needs, str] | None:
    """What the guest's system asks for, and how it is called; None where nobody knows."""
    name, release = (tree.family, tree.release) if tree.family else system(spec.osinfo)
    if not name or spec.method == "import":
        return None
    return family(name).needs(release), f"{name} {release}".strip()


def foreign(spec: GuestSpec, tree: Tree) -> str:
    """The name of the system that is installed by hand and that no family of ours knows, "" for none."""
    known = tree.family or spec.method != "iso" or system(spec.osinfo)[0]
    return "" if known else spec.osinfo


def advise(spec: GuestSpec, memory: int, disk: float) -> tuple[str, ...]:
    """What a foreign system asks for at least beyond what the guest has; 0 stands for what is not known."""
    needs = Needs(0, 0, memory=memory, disk=disk)
    short = f"{spec.osinfo} asks for {memory} MiB of memory at least; {spec.name} has {spec.memory} MiB"
    return tuple(filter(None, (short if spec.memory < memory else "", _disk(spec, needs, spec.osinfo))))


def outlived(system: str, ended: date | None, today: date) -> tuple[str, ...]:
    """What is told of a system that its maker mends no more."""
    if ended is None or today <= ended:
        return ()
    return (f"{system} gets no security updates any more: its maker's support ended on {ended}",)


def _memory(spec: GuestSpec, needs: Needs, what: str) -> str:
    from_medium = spec.method == "iso"
    least = (needs.medium if from_medium else 0) or needs.least_memory
    way = "from a medium" if from_medium else "over the network"
    if spec.memory < least:
        raise Invalid(
            f"guest {spec.name}: {spec.memory} MiB of memory are less than the {least} MiB "
            f"that {what} needs to install {way}",
            remedy=f"ask for more: --memory {max(needs.memory, least)}",
        )
    if from_medium or spec.memory >= needs.memory:
        return ""
    return f"{what} asks for {needs.memory} MiB of memory to install {way}; {spec.name} has {spec.memory} MiB"


def _disk(spec: GuestSpec, needs: Needs, what: str) -> str:
    size = spec.disk.size
    if not size:  # a volume that is there
        return ""
    if size < needs.least_disk:
        raise Invalid(
            f"guest {spec.name}: a disk of {size:g} GiB is smaller than the {needs.least_disk:g} GiB "
            f"that {what} takes",
            remedy=f"ask for a larger one: --disk size={max(needs.disk, needs.least_disk):g}",
        )
    if size >= needs.disk:
        return ""
    return f"{what} asks for a disk of {needs.disk:g} GiB; that of {spec.name} has {size:g} GiB"
