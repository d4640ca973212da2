"""Method iso: the guest boots a medium in its drive, and finds its answers on a second, small one.

Both are there for the first stage only: the definition has neither, so a reboot ends that run and the next
start is from disk.
"""

from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import Cdrom, FirstStage, Given
from provisioner.plan.methods.prepared import Prepared, seed_volume


def prepare(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Prepared:
    """The medium first in the boot order, and beside it the seed where there is one."""
    medium = Cdrom(spec.iso, boot=1, device=spec.iso.startswith("/dev/"))
    if given.seed is None:
        return Prepared(first=FirstStage(cdroms=(medium,)))
    seed = seed_volume(spec, host, given, given.seed)
    return Prepared(
        before=seed.steps,
        first=FirstStage(cdroms=(medium, Cdrom(seed.path))),
        temporary=(seed.volume,),
    )


def warnings(spec: GuestSpec) -> tuple[str, ...]:
    """What a person should know: only about an installer that nobody answers."""
    if spec.unmanaged:
        return (f"no profile answers the installer of {spec.name}: it will ask its questions on the console",)
    return ()
