"""Tokens, as their hashes."""

from datetime import datetime

from sqlalchemy import bindparam, insert, select, update

from provisioner.service.ports import Token
from provisioner.store import rows
from provisioner.store.base import Session
from provisioner.store.sessions import Sessions, changed
from provisioner.store.tables import tokens
from provisioner.store.timeline import push_expiry

_TOKEN = select(tokens).where(tokens.c.digest == bindparam("of"))


class Secrets(Sessions):
    async def put_token(self, digest: str, token: Token) -> None:
        """A token that is known keeps its revocation: nothing but a new generation brings it back."""
        values = {"install": token.install, "kind": token.kind, "expires": token.expires}

        async def work(session: Session) -> None:
            mine = update(tokens).where(tokens.c.digest == digest)
            if not await changed(session, mine.values(values)):
                new = values | {"digest": digest, "revoked": token.revoked}
                await session.execute(insert(tokens).values(new))
            elif token.revoked:
                await session.execute(mine.values(revoked=True))

        await self._write(work)

    async def token(self, digest: str) -> Token | None:
        row = await self._one(_TOKEN, {"of": digest})
        return rows.token(row) if row else None

    async def touch_tokens(self, install: str, expires: datetime) -> None:
        async def work(session: Session) -> None:
            await push_expiry(session, install, expires)

        await self._write(work)
