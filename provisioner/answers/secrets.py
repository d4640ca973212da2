"""Secrets: hashed before they enter an answer file, masked before a text is shown."""

import re
from collections.abc import Iterable

from passlib.handlers.sha2_crypt import sha512_crypt

MASK = "***"
_HASH = re.compile(r"\$(?:[156]|2[abxy]|y|gy|7)\$[./0-9A-Za-z$,=+-]+")
"""Any crypt(3) hash, whoever put it into the text."""


def hash_password(text: str) -> str:
    """`$6$…`: SHA-512 crypt, which every release that we install understands."""
    return str(sha512_crypt.using(rounds=5000).hash(text))


def mask(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret, and each password hash, as `***`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _HASH.sub(MASK, text)
