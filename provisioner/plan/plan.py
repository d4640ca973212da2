"""From a guest's spec and the facts to the steps that make, remake or remove it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, assert_never

from markupsafe import escape

from provisioner.core.guest import GuestSpec, Method
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.domain import BootOrder, domain_xml
from provisioner.plan.methods import pxe
from provisioner.plan.steps import (
    CopyNvram,
    CopyVolume,
    CreateVolume,
    DefineDomain,
    DeleteVolume,
    LinkVolume,
    Plan,
    SetAutostart,
    StartDomain,
    Step,
    StopDomain,
    UndefineDomain,
)


class Way(Protocol):
    """What each file of `methods/` offers: the boot order it needs, and what a person should be told."""

    @property
    def ORDER(self) -> BootOrder: ...  # noqa: N802 - a constant of the method's module

    def warnings(self, spec: GuestSpec) -> tuple[str, ...]: ...


METHODS: Mapping[Method, Way] = {"pxe": pxe}

_GIB = 1024**3


def plan_guest(spec: GuestSpec, host: HostFacts, tree: Tree, *, install: str, serial: str, log: str) -> Plan:
    """The steps from nothing to a guest that boots into its installer."""
    disk, define, start = _parts(spec, host, tree, install=install, serial=serial, log=log)
    autostart = (SetAutostart(spec.name, spec.uuid, True),) if spec.autostart else ()
    return Plan(spec.name, install, (disk, define, *autostart, start), _warnings(spec, host))


def plan_rebuild(
    spec: GuestSpec, host: HostFacts, tree: Tree, *, install: str, serial: str, log: str, old_volume: str
) -> Plan:
    """The steps that give a guest an empty disk, a fresh variable store and a new installation.

    The old volume goes once the new one is in its place: a full pool costs nobody their guest.
    """
    disk, define, start = _parts(spec, host, tree, install=install, serial=serial, log=log)
    stop = StopDomain(spec.name, spec.uuid)
    old = DeleteVolume(spec.disk.pool, old_volume)
    define = replace(define, replaces=True)
    steps: tuple[Step, ...] = (stop, disk, define, old, start)
    if old_volume == disk.name:
        steps = (stop, old, disk, define, start)
    return Plan(spec.name, install, steps, _warnings(spec, host))


def plan_removal(name: str, uuid: str, pool: str, volume: str) -> Plan:
    """The steps that leave nothing of a guest."""
    return Plan(name, "", (UndefineDomain(name, uuid), DeleteVolume(pool, volume)))


def volume_name(guest: str, install: str) -> str:
    """Libvirt keeps no metadata of a volume: its name says whose it is."""
    return f"{guest}-{install}"


def describe(step: Step) -> str:
    """One line for a person and for the journal; it holds no secret."""
    match step:
        case CreateVolume():
            return f"create volume {step.name} in pool {step.pool} ({_gib(step.capacity)}, {step.format})"
        case LinkVolume():
            return f"create volume {step.name} in pool {step.pool} on the shared base {step.base}"
        case CopyVolume():
            return f"copy volume {step.source} in pool {step.pool} to {step.name}"
        case CopyNvram():
            return f"copy the variable store {step.source} for domain {step.name}"
        case DeleteVolume():
            return f"delete volume {step.name} in pool {step.pool}"
        case DefineDomain():
            return f"{'redefine' if step.replaces else 'define'} domain {step.name} ({step.uuid})"
        case UndefineDomain():
            return f"remove domain {step.name} ({step.uuid}) with its variable store"
        case StopDomain():
            return f"power off domain {step.name}"
        case StartDomain():
            return f"start domain {step.name}{' with a fresh variable store' if step.reset_nvram else ''}"
        case SetAutostart():
            return f"switch autostart of domain {step.name} {'on' if step.on else 'off'}"
        case _:
            assert_never(step)


def masked(plan: Plan, secret: str) -> Plan:
    """The same plan with `***` wherever its XML or warnings hold `secret`, escaped or not."""
    if not secret:
        return plan

    def mask(text: str) -> str:
        return text.replace(str(escape(secret)), "***").replace(secret, "***")

    steps = (replace(s, xml=mask(s.xml)) if isinstance(s, DefineDomain) else s for s in plan.steps)
    return replace(plan, steps=tuple(steps), warnings=tuple(map(mask, plan.warnings)))


def _parts(
    spec: GuestSpec, host: HostFacts, tree: Tree, *, install: str, serial: str, log: str
) -> tuple[CreateVolume, DefineDomain, StartDomain]:
    volume = volume_name(spec.name, install)
    order = METHODS[spec.method].ORDER
    xml = domain_xml(spec, host, tree, order, install=install, serial=serial, volume=volume, log=log)
    return (
        CreateVolume(spec.disk.pool, volume, round(spec.disk.size * _GIB), spec.disk.format),
        DefineDomain(spec.name, spec.uuid, xml),
        # A variable store left by another domain of this name may still enforce Secure Boot.
        StartDomain(spec.name, spec.uuid, reset_nvram=spec.boot == "uefi"),
    )


def _warnings(spec: GuestSpec, host: HostFacts) -> tuple[str, ...]:
    told = [*host.warnings, *METHODS[spec.method].warnings(spec)]
    if host.virt_type != "kvm":
        why = f" ({host.virt_reason})" if host.virt_reason else ""
        told.insert(0, f"{spec.name} is emulated without KVM{why}: expect it to be many times slower")
    return tuple(told)


def _gib(size: int) -> str:
    return f"{size / _GIB:g} GiB"
