"""Domains: what there is, and the steps of a plan carried out on those that are ours.

Every step is looked up by UUID and refused with Conflict where the domain there does not carry our
metadata. Doing a step twice leaves the same as doing it once.
"""

from collections.abc import Collection
from typing import Literal

import libvirt

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.host import Definition, Domain
from provisioner.hypervisor.errors import is_code
from provisioner.hypervisor.shapes import Shapes, shape
from provisioner.hypervisor.xml import Element, attribute, child_text, parse
from provisioner.plan.naming import NAMESPACE
from provisioner.plan.steps import DefineDomain, SetAutostart, StartDomain, StopDomain, UndefineDomain

State = Literal["running", "shut off", "paused", "crashed", "other"]
_STATES: dict[int, State] = {
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "running",
    libvirt.VIR_DOMAIN_SHUTDOWN: "running",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
}
_KIB_UNITS = {"": 1, "KiB": 1, "MiB": 1024, "GiB": 1024**2, "TiB": 1024**3}
_WITH_ALL = (
    libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
    | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
    | libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
)
_WITH_NVRAM = _WITH_ALL | libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | getattr(libvirt, "VIR_DOMAIN_UNDEFINE_TPM", 0)
_RESET_NVRAM = getattr(libvirt, "VIR_DOMAIN_START_RESET_NVRAM", 0)


def read(domain: libvirt.virDomain) -> Domain:
    """What a domain's XML tells, and its state as shut off: the census knows the rest of all at once."""
    return told(domain.XMLDesc())


def told(xml: str) -> Domain:
    """The same of a text: libvirt's, or ours that libvirt is given."""
    root = parse(xml)
    tag = root.find(f"metadata/{{{NAMESPACE}}}guest")
    memory = int(child_text(root, "memory", "0")) * _KIB_UNITS.get(attribute(root, "memory", "unit"), 1)
    return Domain(
        name=child_text(root, "name"),
        uuid=child_text(root, "uuid"),
        state="shut off",
        ours=tag is not None,
        memory=memory // 1024,
        vcpus=int(child_text(root, "vcpu", "1")),
        macs=tuple(mac.get("address", "") for mac in root.iterfind("devices/interface/mac")),
        install="" if tag is None else child_text(tag, f"{{{NAMESPACE}}}install"),
        screen=has_screen(root),
    )


def state(domain: libvirt.virDomain) -> State:
    """How a domain is right now."""
    return _STATES.get(int(domain.state()[0]), "other")


def is_ours(connection: libvirt.virConnect, uuid: str) -> bool | None:
    """Whether the domain of this UUID carries our metadata, None where there is no such domain."""
    domain = _by_uuid(connection, uuid)
    return None if domain is None else _marked(domain)


def ours(connection: libvirt.virConnect, name: str, uuid: str) -> libvirt.virDomain:
    """The domain of a guest of ours. Raises Conflict where it is gone or no longer carries our metadata."""
    domain = _ours(connection, uuid)
    if domain is None:
        raise Conflict(
            f"guest {name} is no longer in libvirt: somebody removed its domain",
            remedy=f"provisioner guest delete {name}",
        )
    return domain


def running(connection: libvirt.virConnect, name: str, uuid: str) -> libvirt.virDomain:
    """The same, for what only a guest that is on can do. Raises Conflict where it is off."""
    return _running(ours(connection, name, uuid))


def xml(connection: libvirt.virConnect, name: str) -> str:
    """A domain's XML as libvirt has it now, without its secrets."""
    return str(_by_name(connection, name).XMLDesc())


def definitions(connection: libvirt.virConnect, uuids: Collection[str]) -> list[Definition]:
    """All domains, with the definitions of these, unparsed. One that goes meanwhile is left out."""
    found, flags = [], libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE
    listed = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_AUTOSTART)
    autostart = {domain.UUID() for domain in listed}
    for domain in connection.listAllDomains():
        uuid = domain.UUIDString()
        try:
            xml = str(domain.XMLDesc(flags)) if uuid in uuids else ""
        except libvirt.libvirtError as error:
            if not is_code(error, "NO_DOMAIN"):
                raise
            continue
        found.append(Definition(domain.name(), uuid, domain.ID() != -1, domain.UUID() in autostart, xml))
    return found


def shutdown(connection: libvirt.virConnect, name: str) -> None:
    """Asks a running guest of ours to shut down."""
    _running(_our_name(connection, name)).shutdown()


def reboot(connection: libvirt.virConnect, name: str) -> None:
    """Asks a running guest of ours to reboot."""
    _running(_our_name(connection, name)).reboot()


def reset(connection: libvirt.virConnect, uuid: str) -> None:
    """Presses the reset button of a running guest of ours."""
    domain = _ours(connection, uuid)
    if domain is None:
        raise NotFound(f"no domain with UUID {uuid}")
    _running(domain).reset()


def define(connection: libvirt.virConnect, step: DefineDomain, shapes: Shapes) -> None:
    """Defines; a domain of that UUID must be ours and have that name.

    The first of each shape is checked against libvirt's schema.
    """
    there = _ours(connection, step.uuid)
    if there is not None and there.name() != step.name:
        raise Conflict(f"UUID {step.uuid} belongs to domain {there.name()} already")
    form = shape(step.xml)
    flags = 0 if step.known or shapes.known(form) else libvirt.VIR_DOMAIN_DEFINE_VALIDATE
    try:
        connection.defineXMLFlags(step.xml, flags)
    except libvirt.libvirtError:
        if there is None:
            _check_free(connection, step.name)
        raise
    if flags:
        shapes.taken(form)


def undefine(connection: libvirt.virConnect, step: UndefineDomain) -> None:
    """Powers off and forgets a domain of ours with its variable store, saved state and snapshots."""
    domain = _ours(connection, step.uuid)
    if domain is None:
        return
    _power_off(domain)
    try:
        if domain.isPersistent():
            _undefine(domain)
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_DOMAIN"):
            raise


def start(connection: libvirt.virConnect, step: StartDomain) -> None:
    """Starts a domain of ours unless it runs. Raises Conflict naming an inactive network as the cause."""
    domain = _ours(connection, step.uuid)
    if domain is None:
        raise NotFound(f"no domain {step.name} ({step.uuid})")
    if domain.isActive():
        return
    try:
        _start(connection, domain, step)
    except libvirt.libvirtError as error:
        if _by_uuid(connection, step.uuid) is not None and domain.isActive():
            return  # another caller was faster with the same step
        _blame_network(connection, domain, error)
        raise


def stop(connection: libvirt.virConnect, step: StopDomain) -> None:
    """Cuts the power of a domain of ours; one that is off or gone is no error."""
    domain = _ours(connection, step.uuid)
    if domain is not None:
        _power_off(domain)


def autostart(connection: libvirt.virConnect, step: SetAutostart) -> None:
    """Whether a domain of ours starts with its host."""
    domain = _ours(connection, step.uuid)
    if domain is None:
        raise NotFound(f"no domain {step.name} ({step.uuid})")
    if bool(domain.autostart()) is not step.on:
        domain.setAutostart(int(step.on))


def _start(connection: libvirt.virConnect, domain: libvirt.virDomain, step: StartDomain) -> None:
    paused = libvirt.VIR_DOMAIN_START_PAUSED if step.paused else 0
    fresh = _RESET_NVRAM if step.reset_nvram else 0
    try:
        if fresh or not step.reset_nvram:
            _power_on(connection, domain, step.xml, fresh | paused)
            return
    except libvirt.libvirtError as error:
        if not (fresh and is_code(error, "INVALID_ARG", "ARGUMENT_UNSUPPORTED")):
            raise
    # A libvirt before 8.1: forgetting the domain with its store and defining it again does the same.
    kept = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE | libvirt.VIR_DOMAIN_XML_SECURE)
    _undefine(domain)
    _power_on(connection, connection.defineXML(kept), step.xml, paused)


def _power_on(connection: libvirt.virConnect, domain: libvirt.virDomain, xml: str, flags: int) -> None:
    """With `xml` the domain runs by that, and its definition is kept for the next start."""
    if not xml:
        domain.createWithFlags(flags)
        return
    connection.createXML(xml, flags | libvirt.VIR_DOMAIN_START_VALIDATE)


def _undefine(domain: libvirt.virDomain) -> None:
    for flags in (_WITH_NVRAM, _WITH_ALL):
        try:
            domain.undefineFlags(flags)
        except libvirt.libvirtError as error:
            if not is_code(error, "INVALID_ARG", "ARGUMENT_UNSUPPORTED"):
                raise
        else:
            return
    domain.undefine()  # a driver that knows none of them has nothing of the kind


def _power_off(domain: libvirt.virDomain) -> None:
    try:
        if domain.isActive():
            domain.destroy()
    except libvirt.libvirtError as error:
        if not is_code(error, "NO_DOMAIN", "OPERATION_INVALID"):  # it went off by itself meanwhile
            raise


def _running(domain: libvirt.virDomain) -> libvirt.virDomain:
    if not domain.isActive():
        raise Conflict(
            f"guest {domain.name()} is not running", remedy=f"provisioner guest start {domain.name()}"
        )
    return domain


def _blame_network(
    connection: libvirt.virConnect, domain: libvirt.virDomain, error: libvirt.libvirtError
) -> None:
    """Raises a clearer error where a network that the domain names is missing or inactive."""
    sources = parse(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)).iterfind("devices/interface/source")
    for name in filter(None, (source.get("network") for source in sources)):
        try:
            active = connection.networkLookupByName(name).isActive()
        except libvirt.libvirtError:
            raise Conflict(
                f"guest {domain.name()} cannot start: libvirt has no network {name}",
                remedy="provisioner network list; then name one with --network network=NAME",
            ) from error
        if not active:
            raise Conflict(
                f"guest {domain.name()} cannot start: libvirt network {name} is not active",
                remedy=f"virsh net-start {name}",
            ) from error


def _by_uuid(connection: libvirt.virConnect, uuid: str) -> libvirt.virDomain | None:
    try:
        return connection.lookupByUUIDString(uuid)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_DOMAIN"):
            return None
        raise


def _by_name(connection: libvirt.virConnect, name: str) -> libvirt.virDomain:
    try:
        return connection.lookupByName(name)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_DOMAIN"):
            raise NotFound(f"no domain {name} on {connection.getURI()}") from None
        raise


def _ours(connection: libvirt.virConnect, uuid: str) -> libvirt.virDomain | None:
    domain = _by_uuid(connection, uuid)
    return None if domain is None else _checked(domain)


def _our_name(connection: libvirt.virConnect, name: str) -> libvirt.virDomain:
    return _checked(_by_name(connection, name))


def _checked(domain: libvirt.virDomain) -> libvirt.virDomain:
    if not _tagged(domain):
        raise Conflict(f"domain {domain.name()} is not ours; foreign domains are never touched")
    return domain


def _check_free(connection: libvirt.virConnect, name: str) -> None:
    try:
        taken = _by_name(connection, name)
    except NotFound:
        return
    what = "another guest" if _tagged(taken) else "a domain that is not ours"
    raise Conflict(f"the name {name} is taken by {what}", remedy="choose another name")


def _tagged(domain: libvirt.virDomain) -> bool:
    return bool(_marked(domain))


def _marked(domain: libvirt.virDomain) -> bool | None:
    """None where the domain went away since it was looked up: that is not the same as not ours."""
    try:
        domain.metadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, NAMESPACE)
    except libvirt.libvirtError as error:
        if is_code(error, "NO_DOMAIN"):
            return None
        if is_code(error, "NO_DOMAIN_METADATA"):
            return False
        raise
    return True


def has_screen(root: Element) -> bool:
    """Whether a domain's XML has a video card."""
    return any(model.get("type") != "none" for model in root.iterfind("devices/video/model"))
