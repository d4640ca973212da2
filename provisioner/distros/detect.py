"""The families that there are, and which of them a tree belongs to."""

from provisioner.core.errors import Invalid
from provisioner.distros import agama, debian, fedora, image, rhel, suse, ubuntu
from provisioner.distros.base import Family, Files, TreeFacts

FAMILIES: tuple[Family, ...] = (image, rhel, fedora, debian, ubuntu, suse, agama)
PROBES = tuple(dict.fromkeys(path for row in FAMILIES for path in row.probes))
"""The paths to look for in a tree before `detect` is asked."""


def family(name: str) -> Family:
    """The family of that name. Raises Invalid naming the known ones."""
    for row in FAMILIES:
        if row.name == name:
            return row
    known = ", ".join(row.name for row in FAMILIES)
    raise Invalid(f"family {name!r} is not known; known are {known}")


def detect(files: Files) -> TreeFacts:
    """What the small files of a tree say. Raises Invalid where no family knows them."""
    for row in FAMILIES:
        facts = row.detect(files)
        if facts is not None:
            return facts
    seen = ", ".join(sorted(files)) or "none of the files that an install tree has"
    raise Invalid(
        f"no known installer: found {seen}",
        remedy="give the tree's root: the folder that holds .treeinfo, or dists/ of a Debian mirror",
    )
