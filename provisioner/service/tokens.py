"""Tokens that unlock an install: made from the service's key, kept in the store as hashes only."""

import base64
import hashlib
import hmac
import os
import re
import secrets
import stat
import tempfile
from datetime import timedelta
from pathlib import Path

from provisioner.core.errors import Denied, Invalid, NotFound, Unavailable
from provisioner.core.install import Install
from provisioner.service.ports import Clock, Store, Token, TokenKind

KEY_BYTES = 32
KINDS: tuple[TokenKind, ...] = ("stub", "answer", "report")
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


class Tokens:
    """`key` is the service's own. A token lives `minutes` from the last sign of life of its install.

    Whether it still does is asked of `ends`, a clock that nobody sets forward; without it, of `clock`.
    """

    def __init__(
        self, key: bytes, store: Store, clock: Clock, minutes: int = 60, *, ends: Clock | None = None
    ) -> None:
        if len(key) < KEY_BYTES:
            raise Invalid(f"the service key has {len(key)} bytes; it needs {KEY_BYTES}")
        self._key = key
        self._store = store
        self._clock = clock
        self._ends = ends or clock
        self._life = timedelta(minutes=minutes)

    def mint(self, install: str, kind: TokenKind, generation: int) -> str:
        """Always the same 43 characters for the same install, so that they survive a restart."""
        mac = hmac.digest(self._key, f"{install}/{kind}/{generation}".encode(), "sha256")
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def seal(self, secret: str) -> str:
        """A text that tells nothing of a secret and is the same for the same secret alone."""
        return f"sealed:{hmac.digest(self._key, f'seal/{secret}'.encode(), 'sha256').hex()}"

    def fresh(self, install: Install) -> tuple[tuple[str, Token], ...]:
        """The install's three tokens by their digest, good from now on; not yet written down."""
        expires = self._clock() + self._life
        minted = ((kind, self.mint(install.id, kind, install.generation)) for kind in KINDS)
        return tuple((digest(token), Token(install.id, kind, expires)) for kind, token in minted)

    async def issue(self, install: Install) -> None:
        """Makes the install's three tokens good from now on. One that was revoked stays so."""
        for mark, token in self.fresh(install):
            await self._store.put_token(mark, token)

    async def check(self, token: str, kind: TokenKind) -> Install:
        """The install that `token` unlocks. Raises Denied: its reason is for the timeline only."""
        known = await self._store.token(digest(token)) if _FORM.fullmatch(token) else None
        if known is None:
            raise Denied(f"the {kind} token is not known")
        try:
            install = await self._store.install(known.install)
        except NotFound:
            raise Denied(f"the {kind} token is not known") from None
        expected = self.mint(install.id, kind, install.generation)
        if known.kind != kind or not hmac.compare_digest(expected, token):
            raise Denied(f"the token of install {install.id} is not its {kind} token")
        if known.revoked:
            raise Denied(f"the {kind} token of install {install.id} is revoked: the install is over")
        if known.expires <= self._ends():
            raise Denied(f"the {kind} token of install {install.id} has expired")
        return install


def digest(token: str) -> str:
    """What the store knows a token by."""
    return hashlib.sha256(token.encode()).hexdigest()


def load_key(path: Path) -> bytes:
    """The service's key, made at the first use. Raises Invalid or Unavailable: never a weaker key instead."""
    try:
        if not path.exists():
            _make_key(path)
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(descriptor).st_mode
            key = file.read(4096)
    except OSError as error:
        raise Unavailable(
            f"the service key {path} cannot be read: {error.strerror}",
            remedy=f"let the service's user own it, mode 0600; without {path} a new one is made, "
            "and installs that run now lose their tokens",
        ) from error
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        raise Invalid(
            f"the service key {path} is open to others (mode {stat.S_IMODE(mode):04o})",
            remedy=f"chmod 600 {path}, or remove it where somebody may have read it",
        )
    if len(key) < KEY_BYTES:
        raise Invalid(
            f"the service key {path} has {len(key)} bytes; it needs {KEY_BYTES}",
            remedy=f"remove {path}: the next start makes a new one",
        )
    return key


def _make_key(path: Path) -> None:
    """Whole or not at all; of two that make one at once, the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(name, path)
        except FileExistsError:
            return
    finally:
        Path(name).unlink()
