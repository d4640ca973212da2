"""What of a lab is never shown: kept as a seal, by which a change of it is seen all the same."""

import json
from collections.abc import Callable, Mapping

from provisioner.answers.secrets import MASK, mask
from provisioner.answers.variables import shown as shown_variable
from provisioner.core.lab import Item
from provisioner.core.source import shown as shown_source
from provisioner.lab.fields import fields_of

Seal = Callable[[str], str]
"""From a secret to a text that tells nothing of it and is the same for the same secret alone."""


def sealed(item: Item, seal: Seal) -> dict[str, object]:
    """What the item asks for, each secret in it sealed: this may be kept, and compared with."""
    return {
        field.name: _sealed(value, secrets(field.name, value, secret=field.secret), seal)
        for field in fields_of(item.ref.kind, item.wanted)
        if (value := item.wanted.get(field.name)) is not None
    }


def secrets(name: str, value: object, *, secret: bool) -> object:
    """The value of a field with *** for each secret in it."""
    if isinstance(value, Mapping):
        if name == "variables":
            return {key: shown_variable(key, item) for key, item in value.items()}
        return {key: MASK if secret else item for key, item in value.items()}
    return MASK if secret else value


def told(value: object) -> str:
    """A value as a person reads it, "" for one that is not there; of a whole text how long it is."""
    if value is None:
        return ""
    if isinstance(value, str) and "\n" in value:
        return f"{len(value.splitlines())} lines"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=list)
    return mask(shown_source(text), ())


def _sealed(value: object, masked: object, seal: Seal) -> object:
    if masked == MASK:
        return seal(json.dumps(value, ensure_ascii=False, sort_keys=True))
    if isinstance(value, Mapping) and isinstance(masked, Mapping):
        return {key: _sealed(item, masked[key], seal) for key, item in value.items()}
    if isinstance(value, list) and isinstance(masked, list):
        return [_sealed(item, other, seal) for item, other in zip(value, masked, strict=True)]
    return value
