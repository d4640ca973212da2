"""What is made ready while the service starts: the mini installer's tree, and the verdict on KVM."""

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from provisioner import state
from provisioner.core.errors import ProvisionerError

if TYPE_CHECKING:
    from provisioner.config import Settings
    from provisioner.core.profile import Profile
    from provisioner.hypervisor.connection import LibvirtHost
    from provisioner.service.ports import Store
    from provisioner.wiring.hosts import Connections

_log = logging.getLogger("provisioner")
_MINI = "mini"


class Prepared:
    """Profiles, once what a guest needs is there: the mini installer's tree and the verdict on KVM."""

    def __init__(self, profiles: Any, prepared: asyncio.Task[None]) -> None:
        self._profiles = profiles
        self._prepared = prepared

    async def get(self, name: str) -> "Profile":
        await asyncio.shield(self._prepared)
        profile: Profile = await self._profiles.get(name)
        return profile


async def prepare(settings: "Settings", store: "Store", hosts: "Connections") -> None:
    """Builds the mini installer where it is not there yet and proves KVM with it. Raises nothing."""
    from provisioner.core.profile import Tree
    from provisioner.distros.detect import detect
    from provisioner.hypervisor.kvm import prove
    from provisioner.media.mini import build_mini

    folder = settings.state_dir / "trees" / _MINI
    if settings.rootless:
        await _pool(hosts(""))
    try:
        await build_mini(folder, settings.state_dir / "cache")
        facts = detect({".treeinfo": (folder / ".treeinfo").read_bytes()})
        tree = Tree(_MINI, str(folder), facts.family, facts.release, facts.kernel, facts.initrd, facts.arch)
        await store.put_tree(tree)
        proof = settings.state_dir / "cache" / "kvm.json"
        verdict = state.remembered_proof(proof)
        if verdict is None:
            verdict = await prove(hosts("").uri, folder / facts.kernel, folder / facts.initrd, folder)
            state.remember_proof(proof, verdict)
        hosts.use_kvm(*verdict)
        _log.info("KVM: %s", verdict[1])
    except ProvisionerError as error:
        _log.warning("the mini installer is not there: %s", error)


async def _pool(host: "LibvirtHost") -> None:
    """A user's own libvirt begins without a pool; this is the one that virt-manager makes there."""
    try:
        await host.ensure_pool("default", str(state.user_data() / "libvirt/images"))
    except ProvisionerError as error:
        _log.warning("there is no storage pool default: %s", error)
