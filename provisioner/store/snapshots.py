"""Guests as they were installed."""

from dataclasses import asdict

from sqlalchemy import delete, insert, select

from provisioner.core.errors import NotFound
from provisioner.core.snapshot import Frozen, Snapshot
from provisioner.store.base import Session
from provisioner.store.rows import Row
from provisioner.store.sessions import Sessions
from provisioner.store.tables import snapshots


class Snapshots(Sessions):
    async def put_snapshot(self, snapshot: Snapshot) -> None:
        async def work(session: Session) -> None:
            await session.execute(delete(snapshots).where(snapshots.c.guest == snapshot.guest))
            await session.execute(insert(snapshots).values(asdict(snapshot)))

        await self._write(work)

    async def snapshots(self) -> list[Snapshot]:
        return [_noun(row) for row in await self._rows(select(snapshots).order_by(snapshots.c.guest))]

    async def snapshot(self, guest: str) -> Snapshot:
        row = await self._row(select(snapshots).where(snapshots.c.guest == guest))
        if row is None:
            raise NotFound(f"guest {guest} has no snapshot", remedy=f"provisioner lab snapshot {guest}")
        return _noun(row)

    async def remove_snapshot(self, guest: str) -> None:
        await self._change(delete(snapshots).where(snapshots.c.guest == guest))


def _noun(row: Row) -> Snapshot:
    disks = tuple(Frozen(**disk) for disk in row["disks"])
    was = tuple((pool, name) for pool, name in row["was"])
    return Snapshot(**{**row, "disks": disks, "was": was})
