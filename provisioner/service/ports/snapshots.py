"""Snapshots: guests as they were installed."""

from typing import Protocol

from provisioner.core.snapshot import Snapshot


class SnapshotStore(Protocol):
    """The part of the store that keeps them: one for each guest, which goes with the guest."""

    async def put_snapshot(self, snapshot: Snapshot) -> None:
        """Adds it, or puts it in the place of the guest's former one."""
        ...

    async def snapshots(self) -> list[Snapshot]: ...
    async def snapshot(self, guest: str) -> Snapshot:
        """Raises NotFound."""
        ...

    async def remove_snapshot(self, guest: str) -> None:
        """One that is gone is not an error."""
        ...
