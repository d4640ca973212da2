"""Method import: no installer; the system disk is made from a disk image.

A copy is the guest's own. A linked one is an overlay on a base volume that its pool keeps for every guest
of the same image. The seed for cloud-init stays with the guest, as a read-only disk: every firmware and
kernel that sees the system disk sees that too.
"""

from provisioner.core.errors import Invalid
from provisioner.core.guest import GuestSpec
from provisioner.core.host import HostFacts
from provisioner.core.profile import Tree
from provisioner.plan.given import DiskImage, Given
from provisioner.plan.methods.prepared import Prepared, seed_volume
from provisioner.plan.steps import (
    CreateVolume,
    PrepareImage,
    ResizeVolume,
    Step,
    UploadVolume,
)

_GIB = 1024**3


def prepare(spec: GuestSpec, host: HostFacts, tree: Tree, given: Given) -> Prepared:
    """Raises Invalid where there is no image, or it is larger than the disk that is asked for."""
    image = given.image
    if spec.disk.volume:
        system: tuple[Step, ...] = ()
    elif image is None:
        raise Invalid(f"guest {spec.name}: --import needs a disk image: --disk IMAGE or --disk vol=POOL/NAME")
    else:
        system = _system(spec, given, image)
    if given.seed is None:
        return Prepared(system=system)
    seed = seed_volume(spec, host, given, given.seed)
    return Prepared(before=seed.steps, system=system, seed=seed.path)


def warnings(spec: GuestSpec) -> tuple[str, ...]:
    """What a person should know: nothing beyond the plan."""
    return ()


def _system(spec: GuestSpec, given: Given, image: DiskImage) -> tuple[Step, ...]:
    wanted = round(spec.disk.size * _GIB)
    if wanted and wanted < image.size:
        raise Invalid(
            f"guest {spec.name}: the image {image.path} holds a disk of {image.size / _GIB:.1f} GiB, "
            f"more than the {spec.disk.size:g} GiB that are asked for",
            remedy="leave size= out, or ask for more",
        )
    size, pool = wanted or image.size, spec.disk.pool
    ready = () if image.ready == image.path else (PrepareImage(image.path, image.ready),)
    if not spec.disk.linked:
        copy = UploadVolume(pool, given.volume, image.ready, image.format, image.size)
        grown = (ResizeVolume(pool, given.volume, size),) if size > image.size else ()
        return (*ready, copy, *grown)
    base = f"base-{image.key}.{image.format}"
    overlay = CreateVolume(pool, given.volume, size, "qcow2", backing=base, backing_format=image.format)
    if base in given.present:
        return (overlay,)
    return (*ready, UploadVolume(pool, base, image.ready, image.format, image.size, shared=True), overlay)
