"""What an install begins with, written in the transaction that writes the install."""

from functools import reduce

from sqlalchemy import delete, insert

from provisioner.core.install import Install, advance
from provisioner.service.ports import Opening
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.tables import events, installs, journal, tokens, trees

# Made once: most of what a small statement costs is putting it together.
_INSTALL, _TOKEN, _INTENT, _EVENT = insert(installs), insert(tokens), insert(journal), insert(events)


async def open_with(session: Session, install: Install, opening: Opening) -> None:
    """Writes a new install, as far on as its first events bring it. Its tokens live from now on anyway."""
    if opening.tree is not None:
        await session.execute(delete(trees).where(trees.c.name == opening.tree.name))
        await session.execute(insert(trees).values(rows.plain_values(opening.tree)))
    await session.execute(_INSTALL, rows.install_values(reduce(advance, opening.events, install)))
    for statement, values in (
        (_TOKEN, [rows.token_values(*pair) for pair in opening.tokens]),
        (_INTENT, [rows.journal_values(row) for row in opening.journal]),
        (_EVENT, [rows.event_values(event) for event in opening.events]),
    ):
        if values:
            await session.execute(statement, values)
