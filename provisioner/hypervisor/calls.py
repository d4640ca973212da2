"""What the parts of `LibvirtHost` share: the connection, and what is kept of its host."""

from provisioner.hypervisor.census import Census
from provisioner.hypervisor.link import Link
from provisioner.hypervisor.surroundings import Lookout


class Calls:
    """One part of a libvirt host: questions by `_link.run`, changes by `_link.act`."""

    uri: str
    _link: Link
    _census: Census
    _lookout: Lookout
