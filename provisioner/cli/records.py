"""Installs and events as the API sends them, read back into the nouns of `core`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from provisioner.cli.pace import left
from provisioner.core.firmware import Dialect
from provisioner.core.install import Event, Install, Kind, Stage


@dataclass(frozen=True, slots=True)
class Told(Install):
    """An install with what the service expects of it: the time left in words, "" where nobody knows."""

    left: str = ""


def install(item: Mapping[str, Any]) -> Told:
    """An install from its JSON; keys that this version does not know are passed over."""
    return Told(
        id=str(item["id"]),
        guest=str(item["guest"]),
        mac=str(item["mac"]),
        uuid=str(item["uuid"]),
        profile=str(item["profile"]),
        stage=Stage(item["stage"]),
        created=moment(item["created"]),
        changed=moment(item["changed"]),
        generation=int(item.get("generation", 1)),
        answered=moment(item["answered"]) if item.get("answered") else None,
        percent=int(item.get("percent", 0)),
        failed_at=Stage(item["failed_at"]) if item.get("failed_at") else None,
        reason=str(item.get("reason") or ""),
        address=str(item.get("address") or ""),
        resets=int(item.get("resets", 0)),
        loader=cast(Dialect, item.get("loader", "ipxe")),
        arch=str(item.get("arch", "")),
        left=left(item),
    )


def event(item: Mapping[str, Any]) -> Event | None:
    """An Event from its JSON, None for a kind that a newer service may have."""
    try:
        kind = Kind(item["kind"])
    except ValueError:
        return None
    return Event(
        kind=kind,
        at=moment(item["at"]),
        source=str(item.get("source", "")),
        machine=str(item.get("machine") or ""),
        install=str(item.get("install") or ""),
        text=str(item.get("text") or ""),
        data=item.get("data") or {},
        id=int(item.get("id", 0)),
    )


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
