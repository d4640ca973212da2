"""What removing a guest takes away, for the person who is asked."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from provisioner.cli.output import size


def sentences(guest: Mapping[str, Any], removal: Mapping[str, Any]) -> Iterator[str]:
    """One line for each thing that goes, and for each that stays."""
    name = guest["name"]
    yield f"This removes guest {name} ({guest['state']}):"
    yield f"  domain {name}{' with ' + ' and '.join(state) if (state := list(_state(removal))) else ''}"
    for volume in removal["volumes"]:
        yield f"  volume {_volume(volume)}"
    if removal["stays"]:
        yield "It leaves:"
    for kept in removal["stays"]:
        yield f"  volume {_volume(kept['volume'])}: {_why(kept['users'])}"


def _state(removal: Mapping[str, Any]) -> Iterator[str]:
    if removal["nvram"]:
        yield f"its variable store {removal['nvram']}"
    if removal["tpm"]:
        yield "the state of its TPM"


def _why(users: Sequence[str]) -> str:
    if not users:
        return "it was not made here"
    return f"{', '.join(users)} {'stand' if len(users) > 1 else 'stands'} on it"


def _volume(volume: Mapping[str, Any]) -> str:
    taken = f"{size(volume['capacity'])}, {size(volume['allocation'])} taken"
    return f"{volume['name']} in pool {volume['pool']} ({taken})"
