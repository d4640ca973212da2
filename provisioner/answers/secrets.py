"""Secrets: hashed before they enter an answer file, masked before a text is shown."""

import re
from collections.abc import Iterable, Mapping

from passlib.handlers.sha2_crypt import sha512_crypt

MASK = "***"
_HASH = re.compile(r"\$(?:[156]|2[abxy]|y|gy|7)\$[./0-9A-Za-z$,=+-]+")
"""Any crypt(3) hash, whoever put it into the text."""


def hash_password(text: str) -> str:
    """`$6$…`: SHA-512 crypt, which every release that we install understands."""
    return str(sha512_crypt.using(rounds=5000).hash(text))


def hashed(variables: Mapping[str, object]) -> dict[str, object]:
    """The variables with each password in plain text as its hash, so that none is kept."""
    kept = {name: value for name, value in variables.items() if name != "root_password"}
    if password := variables.get("root_password"):
        kept["root_password_hash"] = hash_password(str(password))
    if isinstance(users := kept.get("users"), list | tuple):
        kept["users"] = [_user_hashed(row) for row in users]
    return kept


def _user_hashed(row: object) -> object:
    if not isinstance(row, Mapping) or not row.get("password"):
        return row
    kept = {key: value for key, value in row.items() if key != "password"}
    return kept | {"password_hash": hash_password(str(row["password"]))}


def mask(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret, and each password hash, as `***`."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _HASH.sub(MASK, text)
