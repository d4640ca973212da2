"""What a single thing of a lab says, read as the product reads it: texts parsed, bounds kept."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from provisioner.core.errors import Invalid
from provisioner.core.guest import Disk, Nic, parse_boot
from provisioner.core.lab import LabKind
from provisioner.core.libvirt_uri import check_uri
from provisioner.core.machine import check_name, normalise_mac, normalise_uuid
from provisioner.core.network import Mode, NetworkSpec, Range, Reservation, subnet
from provisioner.core.osinfo import parse_osinfo
from provisioner.core.source import normalise
from provisioner.core.storage import PoolKind, PoolSpec
from provisioner.lab.expand import Draft
from provisioner.lab.problems import Problems

_READERS: Mapping[str, Callable[[str], object]] = {
    "mac": normalise_mac,
    "uuid": normalise_uuid,
    "boot": parse_boot,
    "osinfo": parse_osinfo,
    "disks": Disk.parse,
    "networks": Nic.parse,
}
"""Fields of a guest that are texts of one form each."""
_OPTION = re.compile(r"--([a-z]+(?:-[a-z]+)*)")


def check(draft: Draft, problems: Problems) -> None:
    """What is wrong with it by itself."""
    if draft.kind != "pool":  # libvirt's own rule, which PoolSpec keeps
        _try(draft, "name", problems, lambda: check_name(draft.name, f"{draft.kind} name"))
    _CHECKS[draft.kind](draft, problems)


def cards(draft: Draft) -> list[Nic]:
    """A guest's cards as far as they are understood, the first with the guest's own MAC."""
    found = []
    for text in draft.texts("networks") or ["network=default"]:
        try:
            found.append(Nic.parse(text))
        except Invalid:
            continue
    return found


def disks(draft: Draft) -> list[Disk]:
    """A guest's disks as far as they are understood."""
    found = []
    for text in draft.texts("disks"):
        try:
            found.append(Disk.parse(text))
        except Invalid:
            continue
    return found


def network(draft: Draft) -> NetworkSpec:
    """Raises Invalid."""
    return NetworkSpec(
        draft.name,
        cast(Mode, draft.text("mode") or "nat"),
        subnet(draft.text("subnet")) if draft.text("subnet") else None,
        draft.text("bridge"),
        tuple(draft.texts("parents")),
        draft.value("dhcp") is not False,
        Range.parse(draft.text("dhcp_range")) if draft.text("dhcp_range") else None,
        tuple(map(Reservation.parse, draft.texts("dhcp_hosts"))),
    )


def _host(draft: Draft, problems: Problems) -> None:
    if uri := draft.text("uri"):
        unsafe = draft.value("allow_unsafe") is True
        _try(draft, "uri", problems, lambda: check_uri(uri, allow_unsafe=unsafe))


def _network(draft: Draft, problems: Problems) -> None:
    if draft.sound:
        _try(draft, "", problems, lambda: network(draft))


def _pool(draft: Draft, problems: Problems) -> None:
    kind = cast(PoolKind, draft.text("kind") or "dir")
    path, source, host = draft.text("path"), draft.text("source"), draft.text("host")
    if draft.sound:
        _try(draft, "", problems, lambda: PoolSpec(draft.name, kind, path, source, host))


def _tree(draft: Draft, problems: Problems) -> None:
    source = draft.text("source")
    # What is neither a path nor a URL is the name of an ISO in the media folders.
    if "/" in source or ":" in source:
        _try(draft, "source", problems, lambda: normalise(source))


def _guest(draft: Draft, problems: Problems) -> None:
    for name, reader in _READERS.items():
        for text in draft.texts(name) or filter(None, [draft.text(name)]):
            _try(draft, name, problems, partial(reader, text))


def _nothing(_draft: Draft, _problems: Problems) -> None: ...


_CHECKS: Mapping[LabKind, Callable[[Draft, Problems], None]] = {
    "host": _host,
    "network": _network,
    "pool": _pool,
    "tree": _tree,
    "image": _nothing,
    "profile": _nothing,
    "guest": _guest,
}


def _try(draft: Draft, name: str, problems: Problems, act: Callable[[], object]) -> None:
    """What is raised becomes a problem of the field; options of the command line are fields here."""
    try:
        act()
    except Invalid as error:
        text = "; ".join(filter(None, (str(error), error.remedy)))
        text = _OPTION.sub(lambda found: found[1].replace("-", "_"), text)
        owner = "" if text.startswith((str(draft), f"{draft.kind} name")) else f"{draft}: "
        problems.add(draft.where(name), f"{owner}{text}")
