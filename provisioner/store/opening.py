"""What an install begins with, written in the transaction that writes the install."""

from datetime import timedelta

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncSession

from provisioner.service.ports import Opening
from provisioner.store import rows
from provisioner.store.tables import journal, tokens, trees
from provisioner.store.timeline import record_in


async def open_with(session: AsyncSession, opening: Opening, life: timedelta) -> None:
    """The install's row is there already; `life` is how far a sign of life pushes its tokens."""
    if opening.tree is not None:
        await session.execute(delete(trees).where(trees.c.name == opening.tree.name))
        await session.execute(insert(trees).values(rows.plain_values(opening.tree)))
    if opening.tokens:
        await session.execute(insert(tokens), [rows.token_values(*pair) for pair in opening.tokens])
    if opening.journal:
        await session.execute(insert(journal), [rows.journal_values(row) for row in opening.journal])
    if opening.events:
        await record_in(session, opening.events, life)
