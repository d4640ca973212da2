"""Repairs of segments."""

from sqlalchemy import ColumnElement, and_, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from provisioner.core.network import Repair
from provisioner.store.rows import plain_values
from provisioner.store.sessions import Sessions
from provisioner.store.tables import repairs


class Repairs(Sessions):
    async def put_repair(self, repair: Repair) -> None:
        async def work(session: AsyncSession) -> None:
            await session.execute(delete(repairs).where(_is(repair)))
            await session.execute(insert(repairs).values(plain_values(repair)))

        await self._write(work)

    async def repairs(self) -> list[Repair]:
        rows = await self._rows(select(repairs).order_by(repairs.c.device, repairs.c.kind))
        return [Repair(**row) for row in rows]

    async def remove_repair(self, repair: Repair) -> None:
        await self._change(delete(repairs).where(_is(repair)))


def _is(repair: Repair) -> ColumnElement[bool]:
    return and_(repairs.c.device == repair.device, repairs.c.kind == repair.kind)
