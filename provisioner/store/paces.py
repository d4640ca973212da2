"""How long earlier installs took."""

from collections.abc import Collection
from dataclasses import astuple
from typing import Any

from sqlalchemy import delete, insert, select

from provisioner.pace.learn import Sample
from provisioner.pace.marks import Mark, Point, Way
from provisioner.store.base import Session
from provisioner.store.rows import Row
from provisioner.store.sessions import Sessions
from provisioner.store.tables import paces

_NEWEST = (paces.c.ended.desc(), paces.c.install)


class Paces(Sessions):
    async def put_sample(self, sample: Sample, keep: int) -> None:
        async def work(session: Session) -> None:
            await session.execute(delete(paces).where(paces.c.install == sample.install))
            await session.execute(insert(paces).values(_values(sample)))
            mine = select(paces.c.install).where(paces.c.profile == sample.profile)
            old = (await session.execute(mine.order_by(*_NEWEST).offset(keep))).scalars().all()
            if old:
                await session.execute(delete(paces).where(paces.c.install.in_(old)))

        await self._write(work)

    async def samples(self, profile: str) -> list[Sample]:
        mine = select(paces).where(paces.c.profile == profile)
        return [_sample(row) for row in reversed(await self._rows(mine.order_by(*_NEWEST)))]

    async def sampled(self, installs: Collection[str]) -> frozenset[str]:
        found = await self._rows(select(paces.c.install).where(paces.c.install.in_(list(installs))))
        return frozenset(row["install"] for row in found)


def _values(sample: Sample) -> dict[str, Any]:
    return {
        "install": sample.install,
        "profile": sample.profile,
        "method": sample.way.method,
        "boot": sample.way.boot,
        "by": sample.way.by,
        "host": sample.way.host,
        "ended": sample.ended,
        "silence": sample.silence,
        "points": {mark.value: list(astuple(point)) for mark, point in sample.points.items()},
    }


def _sample(row: Row) -> Sample:
    """A mark that this program does not know is passed over."""
    points = {Mark(name): Point(*values) for name, values in row["points"].items() if name in _MARKS}
    way = Way(row["method"], row["boot"], row["by"], row["host"])
    return Sample(row["install"], row["profile"], way, row["ended"], points, row["silence"])


_MARKS = frozenset(mark.value for mark in Mark)
