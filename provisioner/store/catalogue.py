"""Profiles of users, trees and images."""

from sqlalchemy import ColumnElement, Table, bindparam, delete, insert, select, update

from provisioner.core.errors import Conflict, NotFound
from provisioner.core.profile import Image, Profile, Tree
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.sessions import Sessions, changed
from provisioner.store.tables import images, profiles, trees

_NAMED = {table: select(table).where(table.c.name == bindparam("of")) for table in (profiles, trees, images)}


class Catalogue(Sessions):
    async def put_profile(self, profile: Profile, *, new: bool) -> None:
        await self._put(profiles, rows.plain_values(profile), new=new)

    async def profiles(self) -> list[Profile]:
        return [rows.profile(row) for row in await self._all(profiles)]

    async def profile(self, name: str) -> Profile:
        return rows.profile(await self._named(profiles, name))

    async def remove_profile(self, name: str) -> None:
        await self._remove(profiles, name)

    async def put_tree(self, tree: Tree) -> None:
        await self._put(trees, rows.plain_values(tree))

    async def trees(self) -> list[Tree]:
        return [rows.tree(row) for row in await self._all(trees)]

    async def tree(self, name: str) -> Tree:
        return rows.tree(await self._named(trees, name))

    async def remove_tree(self, name: str) -> None:
        await self._remove(trees, name)

    async def put_image(self, image: Image) -> None:
        await self._put(images, rows.plain_values(image))

    async def images(self) -> list[Image]:
        return [rows.image(row) for row in await self._all(images)]

    async def image(self, name: str) -> Image:
        return rows.image(await self._named(images, name))

    async def remove_image(self, name: str) -> None:
        await self._remove(images, name)

    async def _put(self, table: Table, values: rows.Values, *, new: bool | None = None) -> None:
        """Adds or replaces a row; `new` True refuses to replace, False refuses to add."""
        name = str(values["name"])

        async def work(session: Session) -> None:
            mine = _is(table, name)
            if new:
                if await session.scalar(select(table.c.name).where(mine)):
                    raise Conflict(f"a {_noun(table)} called {name!r} exists already")
            elif await changed(session, update(table).where(mine).values(values)):
                return
            elif new is False:
                raise _absent(table, name)
            await session.execute(insert(table).values(values))

        await self._write(work)

    async def _all(self, table: Table) -> list[rows.Row]:
        return list(await self._rows(select(table).order_by(table.c.name)))

    async def _named(self, table: Table, name: str) -> rows.Row:
        row = await self._one(_NAMED[table], {"of": name})
        if row is None:
            raise _absent(table, name)
        return row

    async def _remove(self, table: Table, name: str) -> None:
        if not await self._change(delete(table).where(_is(table, name))):
            raise _absent(table, name)


def _is(table: Table, name: str) -> ColumnElement[bool]:
    return table.c.name == name


def _noun(table: Table) -> str:
    return table.name.removesuffix("s")


def _absent(table: Table, name: str) -> NotFound:
    return NotFound(f"no {_noun(table)} is called {name!r}", remedy=f"provisioner {_noun(table)} list")
