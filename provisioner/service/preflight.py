"""Whether a guest can be netbooted where it is asked for, told before anything is done."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from provisioner.core.errors import Conflict, Invalid, NotFound
from provisioner.core.guest import GuestSpec, Nic
from provisioner.core.host import HostFacts, Network
from provisioner.core.profile import Image, Profile
from provisioner.plan.checks import check
from provisioner.service.ports import Store

_GIB = 1024**3


def judge(
    spec: GuestSpec, host: HostFacts, served: Mapping[str, str], *, rebuild: bool = False
) -> tuple[str, ...]:
    """What a person should know. Raises the first thing that stands against the guest, with its repair."""
    check(spec, host, rebuild=rebuild)
    netboots = spec.method == "pxe" and spec.nic.kind != "user"
    told = network_verdict(spec.nic, host, served) if netboots else ()
    return told + memory_verdict(spec, host)


def network_verdict(nic: Nic, host: HostFacts, served: Mapping[str, str]) -> tuple[str, ...]:
    """Who gives addresses and who answers PXE where the card is plugged in."""
    network = (
        next((n for n in host.networks if n.name == nic.source), None) if nic.kind == "network" else None
    )
    bridge = network.bridge if network else nic.source
    if nic.kind == "direct" or (network and not bridge):
        # The plan itself warns of the one macvtap that is asked for by its device.
        return _macvtap(network) if network else ()
    if urlsplit(host.uri).hostname:
        return (
            f"{host.uri} is another machine: whether netboot is answered on its {bridge} "
            "cannot be seen from here",
        )
    told = _addresses(network) if network else ()
    if bridge in served:
        return told
    if network and network.bootp:
        return (
            *told,
            f"network {network.name} names its own boot file {network.bootp}, and nobody answers PXE "
            f"on its bridge {bridge}: the guest installs only if that file leads here",
        )
    where = f"libvirt network {network.name} (bridge {bridge})" if network else f"bridge {bridge}"
    others = ", ".join(sorted(served)) or "none"
    raise Conflict(
        f"nobody answers PXE on {where}; netboot is answered on: {others}",
        remedy=f"add {bridge} to the setting interfaces and start the service again "
        f"(PROVISIONER_INTERFACES='{_setting(served, bridge)}')",
    )


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


def _addresses(network: Network) -> tuple[str, ...]:
    if network.dhcp or network.mode == "bridge":
        return ()
    return (
        f"network {network.name} gives no addresses: without another DHCP server on its bridge "
        f"{network.bridge} the guest cannot netboot (virsh net-edit {network.name} adds a <dhcp> range)",
    )


def _macvtap(network: Network) -> tuple[str, ...]:
    parents = ", ".join(network.parents) or "its device"
    return (
        f"network {network.name} is macvtap on {parents}: a guest there cannot reach this host itself, "
        f"unless that serves on a macvlan of {parents} "
        "(ip link add NAME link DEVICE type macvlan mode bridge)",
    )


def _setting(served: Mapping[str, str], bridge: str) -> str:
    names = ", ".join(f'"{name}"' for name in [*sorted(served), bridge])
    return f"[{names}]"
