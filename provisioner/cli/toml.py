"""A profile as TOML for an editor, and back."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from provisioner.core.errors import Invalid

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def dump(item: Mapping[str, Any]) -> str:
    """The scalars and lists first, then one table for each mapping."""
    plain = [
        f"{_key(key)} = {_value(value)}\n"
        for key, value in item.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    tables = [
        f"\n[{_key(key)}]\n" + "".join(f"{_key(k)} = {_value(v)}\n" for k, v in value.items())
        for key, value in item.items()
        if isinstance(value, Mapping)
    ]
    return "".join(plain + tables)


def read(text: str, where: str) -> dict[str, Any]:
    """Raises Invalid naming the file and the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Invalid(f"{where} is not TOML: {error}") from None


def value(text: str) -> Any:
    """`4`, `true`, `["a", "b"]` and `"quoted"` as what they are in TOML, anything else as the text itself."""
    try:
        found = tomllib.loads(f"v = {text}")
    except tomllib.TOMLDecodeError:
        return text
    return found["v"] if len(found) == 1 else text


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _value(key)


def _value(item: object) -> str:
    if isinstance(item, Mapping):
        return "{" + ", ".join(f"{_key(k)} = {_value(v)}" for k, v in item.items()) + "}"
    if isinstance(item, list | tuple):
        return "[" + ", ".join(map(_value, item)) + "]"
    # JSON's strings, numbers and truth values are TOML's too, but for DEL, which TOML wants escaped.
    return json.dumps(item, ensure_ascii=False).replace("\x7f", "\\u007f")
