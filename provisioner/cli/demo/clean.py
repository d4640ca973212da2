"""Removes what a demo made, whether its service still lives or not."""

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from provisioner.cli.demo import service
from provisioner.cli.demo.site import Site
from provisioner.core.errors import Conflict

if TYPE_CHECKING:
    from provisioner.hypervisor.connection import LibvirtHost

_MOUNTS = Path("/proc/self/mountinfo")


def clean(site: Site, uri: str, *, everything: bool) -> list[str]:
    """Stops the service, removes guests and network; with `everything` the state directory too.

    Returns what was removed, for a person. What the service's own database names is removed, and nothing
    else: so a service that was killed half-way leaves nothing behind, and foreign guests are never touched.
    """
    removed = ["service"] if service.stop(site) else []
    shutil.rmtree(site.keys, ignore_errors=True)
    removed += asyncio.run(_from_libvirt(site, uri, known=site.database.is_file()))
    for cut_off in (site.state_dir / "images").glob(".*"):
        _remove(cut_off)
    if everything and site.state_dir.exists():
        _remove(site.state_dir)
        removed.append(str(site.state_dir))
    return removed


def _remove(folder: Path) -> None:
    """Deletes a folder in which nothing is mounted. Raises Conflict where something is: it could be /dev."""
    mounted = [line.split()[4] for line in _MOUNTS.read_text().splitlines()]
    inside = [place for place in mounted if Path(place).is_relative_to(folder)]
    if inside:
        raise Conflict(
            f"{inside[0]} is mounted below {folder}", remedy=f"umount {inside[-1]}, then try again"
        )
    shutil.rmtree(folder)


async def _from_libvirt(site: Site, uri: str, *, known: bool) -> list[str]:
    from provisioner.hypervisor.connection import LibvirtHost

    host = LibvirtHost(uri)
    try:
        await host.open()
        removed = [f"guest {name}" for name in await _guests(site, host)] if known else []
        if any(network.name == site.network for network in await host.networks()):
            await host.remove_network(site.network)
            removed.append(f"network {site.network}")
    finally:
        await host.close()
    return removed


async def _guests(site: Site, host: "LibvirtHost") -> list[str]:
    """Removes every guest that the demo's database names, with its volume; returns their names."""
    from provisioner.plan.naming import volume_name
    from provisioner.plan.steps import DeleteVolume
    from provisioner.service.execution import carry_out_removal
    from provisioner.service.removal import removal_of
    from provisioner.store.database import Database

    store = Database(f"sqlite+aiosqlite:///{site.database}")
    try:
        await store.open()
        rows, installs = await store.guests(), await store.installs()
        for row in rows:
            spec = row.spec
            await carry_out_removal(removal_of(row), host)
            # A rebuild that was cut off has a volume of its own beside the guest's.
            for install in installs:
                if install.guest == spec.name:
                    await host.apply(DeleteVolume(spec.disk.pool, volume_name(spec.name, install.id)))
            await store.remove_guest(spec.name)
    finally:
        await store.close()
    return [row.spec.name for row in rows]
