"""Method url: the tree's kernel and initrd are started directly, with the installer's arguments.

They are brought to the host as volumes beside the guest's disk, so that a host which shares no file system
with us gets them too. The definition knows nothing of them: the guest is started with them once, a reboot
ends that run, and the next start is from disk.
"""

from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import Cdrom, FirstStage, Given
from provisioner.plan.methods.prepared import Prepared, upload
from provisioner.plan.steps import FetchFile


def prepare(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Prepared:
    """Kernel and initrd fetched and uploaded, and the first stage that is started with them."""
    kernel_file, initrd_file = f"{given.work}/kernel", f"{given.work}/initrd"
    fetched = FetchFile(tree.source, tree.kernel, kernel_file)
    packed = FetchFile(tree.source, tree.initrd, initrd_file, given.files)
    kernel = upload(spec, host, given, "kernel", fetched, kernel_file)
    initrd = upload(spec, host, given, "initrd", packed, initrd_file)
    cdroms = (Cdrom(spec.iso),) if spec.iso else ()
    return Prepared(
        before=(*kernel.steps, *initrd.steps),
        first=FirstStage(kernel.path, initrd.path, given.arguments, cdroms),
        temporary=(kernel.volume, initrd.volume),
    )


def warnings(spec: GuestSpec) -> tuple[str, ...]:
    """What a person should know: only about an installer that nobody answers."""
    if spec.unmanaged and not spec.extra_args:
        return (f"no profile answers the installer of {spec.name}: it will ask its questions on the console",)
    return ()
