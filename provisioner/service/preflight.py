"""Whether a guest can be netbooted where it is asked for, told before anything is done."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.host import HostFacts
from provisioner.core.profile import Image, Profile
from provisioner.plan import verdict
from provisioner.plan.checks import check
from provisioner.service.ports import Store

_GIB = 1024**3


def judge(
    spec: GuestSpec,
    host: HostFacts,
    served: Mapping[str, str],
    *,
    rebuild: bool = False,
    made: Sequence[Disk] | None = None,
) -> tuple[str, ...]:
    """What a person should know. Raises the first thing that stands against the guest, with its repair.

    `made` are the disks that need room, as `plan.checks.check` takes them.
    """
    check(spec, host, rebuild=rebuild, made=made)
    netboots = spec.method == "pxe" and spec.nic.kind != "user"
    told = network_verdict(spec.nic, host, served) if netboots else ()
    return told + memory_verdict(spec, host)


def network_verdict(nic: Nic, host: HostFacts, served: Mapping[str, str]) -> tuple[str, ...]:
    """What `plan.verdict` says of the place without asking around there. Raises Conflict for what fails."""
    found = verdict.judge(verdict.Readings(nic, host, served, here=urlsplit(host.uri).hostname is None))
    for failed in (item for item in found if item.severity == "fail"):
        raise Conflict(failed.sentence, remedy=failed.remedy)
    return tuple(f"{item.sentence} ({item.remedy})" for item in found if item.severity == "warn")


def memory_verdict(spec: GuestSpec, host: HostFacts) -> tuple[str, ...]:
    """A host lends more memory than it has without a word, and the kernel kills a guest later."""
    taken = sum(d.memory for d in host.domains if d.state == "running" and d.uuid != spec.uuid)
    if not host.memory or taken + spec.memory <= host.memory:
        return ()
    return (
        f"with {spec.name} the guests of this host may use {taken + spec.memory} MiB "
        f"of its {host.memory} MiB",
    )


async def image_verdict(store: Store, profile: Profile, spec: GuestSpec) -> Image | None:
    """The image that the profile installs. Raises NotFound or Invalid."""
    if not profile.image:
        return None
    try:
        image = await store.image(profile.image)
    except NotFound:
        raise NotFound(
            f"profile {profile.name} installs the image {profile.image}, which is not built yet",
            remedy=f"provisioner image build {profile.image}",
        ) from None
    if image.unpacked > spec.disk.size * _GIB:
        raise Invalid(
            f"image {image.name} needs {image.unpacked / _GIB:.1f} GiB, "
            f"more than the disk of {spec.disk.size:g} GiB",
            remedy="ask for a larger disk: --disk size=…",
        )
    return image
