"""Method pxe: the installer comes over the network, because the disk is empty.

Disk before network, always. An empty disk falls through to the network and an installed one boots without
asking anybody, so nobody has to change the domain when the installation is over.
"""

from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import Given
from provisioner.plan.methods.prepared import Prepared


def prepare(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Prepared:
    """Nothing: the definition is all that it takes."""
    return Prepared()


def warnings(spec: GuestSpec) -> tuple[str, ...]:
    """Nothing beyond what the network's verdict says."""
    return ()
