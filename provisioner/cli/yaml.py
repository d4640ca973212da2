"""JSON values as YAML 1.2: block style, every string in double quotes, so that nothing is guessed."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
# Words that a YAML 1.1 reader takes for something else than a string.
_RESERVED = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
# Printable in JSON, not printable in YAML.
_UNPRINTABLE = re.compile("[\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")


def dump(value: object) -> str:
    """One document, ending in a newline. Takes what `json.loads` gives."""
    return "\n".join(_block(value)) + "\n"


def _block(value: object) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{_key(str(key))}:", item)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        for item in value:
            first, *rest = _block(item)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield _scalar(value)


def _entry(head: str, item: object) -> Iterator[str]:
    if isinstance(item, Mapping | Sequence) and not isinstance(item, str) and item:
        yield head
        yield from (f"  {line}" for line in _block(item))
    else:
        yield f"{head} {_scalar(item)}"


def _key(text: str) -> str:
    plain = _PLAIN_KEY.fullmatch(text) and text.lower() not in _RESERVED
    return text if plain else _scalar(text)


def _scalar(value: object) -> str:
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}[str(value)]
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match.group()):04x}", text)
