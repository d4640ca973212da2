"""The families that there are, and which of them a tree belongs to."""

import re
from dataclasses import replace

from provisioner.core.errors import Invalid
from provisioner.distros import agama, anaconda, debian, debian_installer, fedora, image, rhel, suse, ubuntu
from provisioner.distros.base import Family, Files, TreeFacts, major

FAMILIES: tuple[Family, ...] = (image, rhel, fedora, suse, agama, debian, ubuntu)

_STABLE = "dists/stable/Release"
_SUITES = tuple(f"dists/{codename}/Release" for codename in (*debian.RELEASES, *ubuntu.BY_PRESEED))
_USUAL = (*anaconda.TREEINFO, debian_installer.DISK_INFO, suse.PRODUCTS)
_ROUNDS = (
    _USUAL,
    (_STABLE, agama.PRODUCTS, ubuntu.SUMS),
    (anaconda.DISCINFO, suse.CONTENT),
    _SUITES,
    debian_installer.MANIFESTS,
)
_LIKELY: tuple[tuple[str, tuple[tuple[str, ...], ...]], ...] = (
    ("centos|rhel|redhat|alma|rocky|oracle|fedora", ((*anaconda.TREEINFO, anaconda.DISCINFO),)),
    ("debian|ubuntu", ((_STABLE, debian_installer.DISK_INFO, ubuntu.SUMS), _SUITES)),
    ("suse|sle[sd]?-|leap", ((anaconda.TREEINFO[0], suse.PRODUCTS), (suse.CONTENT, agama.PRODUCTS))),
)
"""What is asked first where a source is called like that."""
PROBES = tuple(path for row in _ROUNDS for path in row)
"""All the paths that tell a tree."""


def rounds(source: str) -> tuple[tuple[str, ...], ...]:
    """The paths to ask for together, until a round tells."""
    likely = [rows for word, rows in _LIKELY if re.search(word, source, re.IGNORECASE)]
    asked: set[str] = set()
    found = []
    for row in (*(row for rows in likely for row in rows), *_ROUNDS):
        found.append(tuple(path for path in row if path not in asked))
        asked.update(row)
    return tuple(row for row in found if row)


def family(name: str) -> Family:
    """The family of that name. Raises Invalid naming the known ones."""
    for row in FAMILIES:
        if row.name == name:
            return row
    known = ", ".join(row.name for row in FAMILIES)
    raise Invalid(f"family {name!r} is not known; known are {known}")


def recognise(files: Files, arch: str = "", release: str = "") -> TreeFacts | None:
    """What the small files of a tree say, None where they say nothing that a family knows.

    Raises Invalid for a tree that is known and cannot be used, is another processor's than `arch`, or holds
    another release than is wanted.
    """
    for row in FAMILIES:
        facts = row.detect(files, arch, release)
        if facts is not None:
            return _of(_for(facts, arch), release)
    return None


def detect(files: Files, arch: str = "") -> TreeFacts:
    """What the small files of a tree say. Raises Invalid where no family knows them."""
    facts = recognise(files, arch)
    if facts is None:
        raise unknown(files)
    return facts


def told(files: Files, name: str, release: str, arch: str = "") -> TreeFacts:
    """The facts of a tree whose family and release a person names. Raises Invalid."""
    found = anaconda.described(files)
    if found is None:
        return family(name).layout(release, arch or "x86_64")
    facts = family(name).layout(release or found.version, found.arch)
    named = replace(
        facts,
        kernel=found.kernel or facts.kernel,
        initrd=found.initrd or facts.initrd,
        parts=(found.runtime,) if found.runtime else facts.parts,
        checksums=found.checksums,
    )
    return _for(named, arch)


def unknown(files: Files) -> Invalid:
    """The refusal of a tree that no family knows, with what was found of it."""
    found = anaconda.described(files)
    if found is not None:
        return Invalid(
            f"no known installer: it calls itself {found.name} {found.version}, which no family is",
            remedy="where it is a rebuild, name what of: --family rhel --release 9",
        )
    seen = ", ".join(sorted(files)) or "none of the files that an install tree has"
    return Invalid(
        f"no known installer: found {seen}",
        remedy="give the tree's root: the folder that holds .treeinfo, or dists/ of a Debian mirror; "
        "for a tree without either say --family and --release",
    )


def _of(facts: TreeFacts, release: str) -> TreeFacts:
    """The facts with the longer of both numbers: a tree of 7.6 may call itself 7."""
    if not major(release):  # none is wanted, or it is a name that the family knew
        return facts
    pairs = zip(facts.release.split("."), release.split("."), strict=False)
    if any(one != other for one, other in pairs):
        raise Invalid(
            f"the tree holds {facts.family} {facts.release}, not {release}",
            remedy=f"name the tree of {release}: it usually lies beside this one",
        )
    return replace(facts, release=max(facts.release, release, key=len))


def _for(facts: TreeFacts, arch: str) -> TreeFacts:
    if arch and facts.arch != arch:
        raise Invalid(
            f"the tree is for {facts.arch}, not for {arch}",
            remedy=f"name the tree of {arch}: it usually lies beside this one",
        )
    return facts
