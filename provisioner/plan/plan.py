"""From a guest's spec and the facts to the steps that make, remake or remove it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from provisioner.core.guest import GuestSpec, Method
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.distros.osinfo import system
from provisioner.plan.domain import domain_xml
from provisioner.plan.given import Given
from provisioner.plan.methods import disk, iso, pxe, url
from provisioner.plan.methods.prepared import Prepared
from provisioner.plan.naming import volume_name
from provisioner.plan.steps import (
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    Plan,
    SetAutostart,
    StartDomain,
    Step,
    StopDomain,
    UndefineDomain,
)


class Way(Protocol):
    """What each file of `methods/` offers."""

    def prepare(self, spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Prepared:
        """What the method adds to the plan. Raises Invalid for what it cannot do."""
        ...

    def warnings(self, spec: GuestSpec) -> tuple[str, ...]:
        """What a person should be told."""
        ...


METHODS: Mapping[Method, Way] = {"pxe": pxe, "url": url, "iso": iso, "import": disk}

_GIB = 1024**3


def plan_guest(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Plan:
    """The steps from nothing to a guest that boots into its installer, or into what it was imported from."""
    prepared = METHODS[spec.method].prepare(spec, host, tree, given)
    define, start = _domain(spec, host, tree, given, prepared)
    autostart = (SetAutostart(spec.name, spec.uuid, True),) if spec.autostart else ()
    started = () if spec.start == "off" else (start,)
    disks = (*_system(spec, given, prepared), *_data(spec, given))
    steps = (*prepared.before, *disks, define, *autostart, *started)
    return Plan(spec.name, given.install, steps, _warnings(spec, host, tree), prepared.temporary)


def plan_rebuild(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given, *, old_volume: str) -> Plan:
    """The steps that give a guest an empty disk, a fresh variable store and a new installation.

    The old volume goes once the new one is in its place: a full pool costs nobody their guest. Further
    disks keep what is on them, unless their volumes bear this install's name: then they are made anew.
    """
    prepared = METHODS[spec.method].prepare(spec, host, tree, given)
    define, start = _domain(spec, host, tree, given, prepared)
    define = replace(define, replaces=True)
    stop = StopDomain(spec.name, spec.uuid)
    made = (*_system(spec, given, prepared), *_data(spec, given, anew=True))
    old: tuple[Step, ...] = (DeleteVolume(spec.disk.pool, old_volume),)
    if spec.disk.volume or given.keep:
        old = ()
    steps: tuple[Step, ...] = (stop, *prepared.before, *made, define, *old, start)
    if old and old_volume == given.volume:
        steps = (stop, *old, *prepared.before, *made, define, start)
    return Plan(spec.name, given.install, steps, _warnings(spec, host, tree), prepared.temporary)


def plan_removal(name: str, uuid: str, volumes: Iterable[tuple[str, str]]) -> Plan:
    """The steps that leave nothing of a guest; `volumes` as (pool, name), each once."""
    gone = (DeleteVolume(pool, volume) for pool, volume in dict.fromkeys(volumes))
    return Plan(name, "", (UndefineDomain(name, uuid), *gone))


def data_volumes(spec: GuestSpec, install: str) -> tuple[str, ...]:
    """The names of a new guest's further volumes, "" for one that is there already."""
    numbered = enumerate(spec.disks[1:], 2)
    return tuple("" if disk.volume else volume_name(spec.name, install, number) for number, disk in numbered)


def _system(spec: GuestSpec, given: Given, prepared: Prepared) -> tuple[Step, ...]:
    if given.keep:
        return ()
    if prepared.system is not None:
        return prepared.system
    return () if spec.disk.volume else (_empty(spec, 0, given.volume),)


def _data(spec: GuestSpec, given: Given, *, anew: bool = False) -> tuple[Step, ...]:
    """With `anew` those alone whose volume bears this install's name."""
    mine = data_volumes(spec, given.install) if anew else given.data_volumes
    named = enumerate(given.data_volumes, 1)
    return tuple(_empty(spec, number, name) for number, name in named if name and name in mine)


def _empty(spec: GuestSpec, number: int, name: str) -> CreateVolume:
    disk = spec.disks[number]
    return CreateVolume(disk.pool, name, round(disk.size * _GIB), disk.format)


def _domain(
    spec: GuestSpec, host: HostFacts, tree: Tree, given: Given, prepared: Prepared
) -> tuple[DefineDomain, StartDomain]:
    xml = domain_xml(spec, host, tree, given, seed=prepared.seed)
    first = (
        domain_xml(spec, host, tree, given, seed=prepared.seed, first=prepared.first)
        if prepared.first
        else ""
    )
    return (
        DefineDomain(spec.name, spec.uuid, xml),
        # A variable store left by another domain of this name may still enforce Secure Boot.
        StartDomain(
            spec.name, spec.uuid, reset_nvram=spec.boot == "uefi", xml=first, paused=spec.start == "paused"
        ),
    )


def _warnings(spec: GuestSpec, host: HostFacts, tree: Tree) -> tuple[str, ...]:
    told = [*host.warnings, *METHODS[spec.method].warnings(spec)]
    if host.virt_type != "kvm":
        why = f" ({host.virt_reason})" if host.virt_reason else ""
        told.insert(0, f"{spec.name} is emulated without KVM{why}: expect it to be many times slower")
        if not tree.family and not spec.cpu and system(spec.osinfo) == ("", ""):
            told.append(
                f"nothing tells what {spec.name} runs, so it is emulated as the oldest x86-64: what needs "
                "a newer one (EL9, EL10) stops early; --osinfo rhel9 or --cpu maximum gives it that"
            )
    return tuple(told)
