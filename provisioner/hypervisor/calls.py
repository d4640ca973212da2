"""What the parts of `LibvirtHost` share: the connection that their calls go through."""

from provisioner.hypervisor.link import Link


class Calls:
    """One part of a libvirt host: questions by `_link.run`, changes by `_link.act`."""

    uri: str
    _link: Link
