"""After a first stage: the guest started again from its disk, and what only the installer needed removed."""

import asyncio
import logging
from dataclasses import replace

from provisioner.core.errors import NotFound, ProvisionerError
from provisioner.core.install import Install, Stage
from provisioner.plan.steps import DeleteVolume, StartDomain
from provisioner.service.ports import GuestRow, Hosts, Store

_log = logging.getLogger(__name__)


class Aftercare:
    """Looks when an install ends, and now and then: a service that was away catches up."""

    def __init__(self, store: Store, hosts: Hosts) -> None:
        self._store = store
        self._hosts = hosts
        self._one = asyncio.Lock()
        self._idle_at: object = None

    async def tick(self) -> None:
        """Looks after every guest that was in a first stage. One that cannot be reached is left for later."""
        version = await self._store.version()
        if version is not None and version == self._idle_at:
            return  # there was nobody to look after, and nothing was written since
        rows = [row for row in await self._store.guests() if row.first_stage or row.holdings.temporary]
        for row in rows:
            await self.look(row.spec.name)
        self._idle_at = None if rows else version

    async def look(self, name: str) -> None:
        """Does what is left to do for one guest, if its first stage is over."""
        async with self._one:
            try:
                await self._look(name)
            except NotFound:
                return  # the guest was deleted meanwhile
            except ProvisionerError as error:
                _log.warning("the first stage of %s is over, but: %s", name, error)

    async def _look(self, name: str) -> None:
        row = await self._store.guest(name)
        if not (row.first_stage or row.holdings.temporary):
            return
        install = await self._store.install(row.install)
        if row.first_stage and (not _left_installer(install) or await self._runs(row)):
            return
        hypervisor = self._hosts(row.uri)
        if row.first_stage:
            if install.stage not in (Stage.FAILED, Stage.CANCELLED):
                await hypervisor.apply(StartDomain(row.spec.name, row.spec.uuid))
            # At once: whoever switches the guest off from now on means it.
            row = replace(row, first_stage=False)
            await self._store.put_guest(row)
        if not install.over:
            return
        held = row.holdings
        for pool, volume in held.temporary:
            await hypervisor.apply(DeleteVolume(pool, volume))
        owned = tuple(pair for pair in held.owned if pair not in held.temporary)
        holdings = replace(held, owned=owned, temporary=())
        await self._store.put_guest(replace(row, holdings=holdings))

    async def _runs(self, row: GuestRow) -> bool:
        for domain in await self._hosts(row.uri).domains():
            if domain.uuid == row.spec.uuid:
                return domain.state not in ("shut off", "crashed")
        raise NotFound(f"guest {row.spec.name} is no longer in libvirt")


def _left_installer(install: Install) -> bool:
    """Whether a first stage that is off is over. One whose answers were fetched is, as by PXE: its report may
    be lost, and then the first boot from its disk tells.
    """
    return install.over or (install.answered is not None and install.stage is not Stage.CREATING)
