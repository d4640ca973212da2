"""Removes what a demo made, whether its service still lives or not."""

import asyncio
import shutil
from typing import TYPE_CHECKING

from provisioner.cli.demo import service
from provisioner.cli.demo.site import NETWORK, Site

if TYPE_CHECKING:
    from provisioner.hypervisor.connection import LibvirtHost


def clean(site: Site, uri: str, *, everything: bool) -> list[str]:
    """Stops the service, removes guests and network; with `everything` the state directory too.

    Returns what was removed, for a person. What the service's own database names is removed, and nothing
    else: so a service that was killed half-way leaves nothing behind, and foreign guests are never touched.
    """
    removed = ["service"] if service.stop(site) else []
    removed += asyncio.run(_from_libvirt(site, uri, known=(site.database).is_file()))
    if everything and site.state_dir.exists():
        shutil.rmtree(site.state_dir)
        removed.append(str(site.state_dir))
    return removed


async def _from_libvirt(site: Site, uri: str, *, known: bool) -> list[str]:
    from provisioner.hypervisor.connection import LibvirtHost

    host = LibvirtHost(uri)
    try:
        await host.open()
        removed = [f"guest {name}" for name in await _guests(site, host)] if known else []
        if any(network.name == NETWORK for network in await host.networks()):
            await host.remove_network(NETWORK)
            removed.append(f"network {NETWORK}")
    finally:
        await host.close()
    return removed


async def _guests(site: Site, host: "LibvirtHost") -> list[str]:
    """Removes every guest that the demo's database names, with its volume; returns their names."""
    from provisioner.plan.plan import plan_removal
    from provisioner.store.database import Database

    store = Database(f"sqlite+aiosqlite:///{site.database}")
    try:
        await store.open()
        rows = await store.guests()
        for row in rows:
            spec = row.spec
            for step in plan_removal(spec.name, spec.uuid, spec.disk.pool, row.volume).steps:
                await host.apply(step)
            await store.remove_guest(spec.name)
    finally:
        await store.close()
    return [row.spec.name for row in rows]
