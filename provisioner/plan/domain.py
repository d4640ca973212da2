"""A guest as libvirt XML, from `templates/libvirt/domain.xml.j2`."""

from provisioner.core.errors import Invalid
from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.cpu import cpu
from provisioner.plan.drives import controllers, drives
from provisioner.plan.given import FirstStage, Given
from provisioner.plan.naming import LOG_PORT, NAMESPACE
from provisioner.resources import markup

# Milliseconds that SeaBIOS waits at "no bootable device" before it starts over. A guest whose network was
# not ready tries again by itself.
_REBOOT_TIMEOUT = 5000
_DEVICES = {"virtio": "virtio-net-pci"}
# VNC asks for a password that expired long ago: nobody gets in until somebody sets one for a while.
_NO_PASSWORD = "expired"  # noqa: S105 - it opens nothing


def domain_xml(
    spec: GuestSpec,
    host: HostFacts,
    tree: Tree,
    given: Given,
    *,
    seed: str = "",
    first: FirstStage | None = None,
) -> str:
    """The whole domain; with `first` as it is started once, and ends at its first reboot.

    Raises Invalid where a text cannot stand in XML.
    """
    texts = {
        "install id": given.install,
        "serial": given.serial,
        "serial log": given.log,
        "volume": given.volume or spec.disk.volume,
        "pool": spec.disk.pool,
    }
    for what, text in texts.items():
        if not text:
            raise Invalid(f"guest {spec.name}: the {what} is empty")
    texts |= {f"network {number}": nic.source for number, nic in enumerate(spec.nics, 1)}
    texts |= {"profile": spec.profile, "arguments": given.arguments, "medium": spec.iso}
    for what, text in texts.items():
        if not text.isprintable():
            raise Invalid(f"guest {spec.name}: the {what} {text!r} holds control characters")
    found = drives(spec, host, tree, given, seed, first)
    return (
        markup()
        .get_template("libvirt/domain.xml.j2")
        .render(
            namespace=NAMESPACE,
            spec=spec,
            host=host,
            cpu=cpu(host, tree, spec.cpu, spec.osinfo),
            install=given.install,
            profile=spec.profile,
            serial=given.serial,
            reboot_timeout=_REBOOT_TIMEOUT,
            drives=found,
            controllers=controllers(found),
            usb=any(drive.bus == "usb" for drive in found) or spec.graphics == "vnc",
            nic_order=1 if first and first.network else max((d.boot for d in found), default=0) + 1,
            slirp=_user_network(spec, given.stub),
            slirp_model=_DEVICES.get(spec.nic.model, spec.nic.model),
            no_password=_NO_PASSWORD,
            first=first,
            log=given.log,
            log_port=given.log_port,
            log_port_name=LOG_PORT,
        )
    )


def _user_network(spec: GuestSpec, stub: str) -> str:
    """QEMU's own words for the user network of the first card, "" where libvirt's element says it all.

    libvirt has none for the boot file that QEMU's DHCP server names, nor for the port that leads to ssh.
    """
    nic = spec.nic
    if nic.kind != "user":
        return ""
    words = [f"bootfile={stub}"] if spec.method == "pxe" else []
    words += [f"hostfwd=tcp:127.0.0.1:{nic.forward}-:22"] if nic.forward else []
    return ",".join(["user", "id=hostnet0", *(word.replace(",", ",,") for word in words)]) if words else ""
