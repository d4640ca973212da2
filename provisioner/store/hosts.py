"""Hosts that were added by name."""

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.host import Host
from provisioner.store.sessions import Sessions
from provisioner.store.tables import hosts


class HostRows(Sessions):
    async def add_host(self, host: Host) -> None:
        async def work(session: AsyncSession) -> None:
            same = or_(hosts.c.name == host.name, hosts.c.uri == host.uri)
            taken = await session.scalar(select(hosts.c.name).where(same))
            if taken:
                raise Conflict(f"a host called {taken!r} with that name or URI exists already")
            await session.execute(
                insert(hosts).values(name=host.name, uri=host.uri, allow_unsafe=host.allow_unsafe)
            )

        await self._write(work)

    async def hosts(self) -> list[Host]:
        rows = await self._rows(select(hosts).order_by(hosts.c.name))
        return [Host(row["name"], row["uri"], row["allow_unsafe"]) for row in rows]

    async def remove_host(self, name: str) -> None:
        if not await self._change(delete(hosts).where(hosts.c.name == name)):
            raise NotFound(f"no host is called {name!r}", remedy="provisioner host list")
