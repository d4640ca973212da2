"""Method pxe: the installer comes over the network, because the disk is empty.

Disk before network, always. An empty disk falls through to the network and an installed one boots without
asking anybody, so nobody has to change the domain when the installation is over. A disk that keeps what is on
it would boot instead: such a guest is started with the network first, and a reboot ends that run.
"""

from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import FirstStage, Given
from provisioner.plan.methods.prepared import Prepared
from provisioner.plan.staged import staged


def prepare(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Prepared:
    """The definition is all that it takes, where iPXE fetches the rest by HTTP."""
    return Prepared(
        before=staged(tree, given.boot) if spec.netboots_by != "ipxe" else (),
        first=FirstStage(network=True) if given.keep else None,
    )


def warnings(spec: GuestSpec) -> tuple[str, ...]:
    """What the network's verdict cannot tell: which server GRUB goes on with.

    GRUB before 2.12 reads it from the DHCP server's answer and knows nothing of a ProxyDHCP's.
    """
    if spec.netboots_by != "grub" or spec.nic.kind in ("network", "user"):
        return ()
    return (
        f"GRUB before 2.12 fetches its menu from the server that the DHCP server of {spec.nic.source} names: "
        "where that is not this one, GRUB stops at its prompt (provisioner network snippet mends it there)",
    )
