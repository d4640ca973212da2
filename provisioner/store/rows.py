"""A table's row as a noun, and a noun as a row."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from typing import Any, cast

from sqlalchemy import RowMapping

from provisioner.core.guest import Disk, GuestSpec, Nic
from provisioner.core.install import Event, Install, Kind, Stage
from provisioner.core.machine import Machine
from provisioner.core.network import Repair
from provisioner.core.profile import Image, Profile, Tree
from provisioner.service.ports import GuestRow, Holdings, JournalRow, Token, TokenKind, Volumes

Values = dict[str, Any]
Row = Mapping[str, Any] | RowMapping


def install(row: Row) -> Install:
    values = {name: row[name] for name in _INSTALL}
    stage = Stage(values.pop("stage"))
    failed_at = values.pop("failed_at")
    return Install(**values, stage=stage, failed_at=Stage(failed_at) if failed_at else None)


def install_values(value: Install) -> Values:
    values = {name: getattr(value, name) for name in _INSTALL}
    failed_at = str(value.failed_at) if value.failed_at else None
    return {**values, "stage": str(value.stage), "failed_at": failed_at}


def event(row: Row) -> Event:
    return Event(**{**{name: row[name] for name in _EVENT}, "kind": Kind(row["kind"])})


def event_values(value: Event) -> Values:
    values = {name: getattr(value, name) for name in _EVENT if name != "id"}
    return {**values, "kind": str(value.kind), "data": dict(value.data)}


def guest(row: Row) -> GuestRow:
    asked, held = dict(row["spec"]), row["holdings"]
    disks = tuple(Disk(**disk) for disk in asked.pop("disks"))
    nics = tuple(Nic(**nic) for nic in asked.pop("nics"))
    pairs = {name: _volumes(held[name]) for name in ("owned", "temporary", "leftover")}
    return GuestRow(
        spec=GuestSpec(**asked, disks=disks, nics=nics),
        holdings=Holdings(
            data=tuple(held["data"]),
            former=tuple(held.get("former", ())),
            keep=held.get("keep", False),
            **pairs,
        ),
        **{name: row[name] for name in _GUEST},
    )


def guest_values(value: GuestRow) -> Values:
    return {
        **{name: getattr(value, name) for name in _GUEST},
        "name": value.spec.name,
        "uuid": value.spec.uuid,
        "spec": asdict(value.spec),
        "holdings": asdict(value.holdings),
        "secrets": dict(value.secrets),
    }


def _volumes(pairs: Iterable[Iterable[str]]) -> Volumes:
    return tuple((pool, name) for pool, name in pairs)


def guest_machine(value: GuestRow) -> Machine:
    """The machine that every guest is."""
    return Machine(value.spec.name, value.spec.mac, value.spec.uuid, guest=True, profile=value.spec.profile)


def token(row: Row) -> Token:
    return Token(row["install"], cast(TokenKind, row["kind"]), row["expires"], row["revoked"])


def token_values(digest: str, value: Token) -> Values:
    return {"digest": digest, **{field.name: getattr(value, field.name) for field in fields(value)}}


def journal_values(value: JournalRow) -> Values:
    return {**{field.name: getattr(value, field.name) for field in fields(value)}, "closed": False}


def machine(row: Row) -> Machine:
    return Machine(**row)


def profile(row: Row) -> Profile:
    return Profile(**row)


def tree(row: Row) -> Tree:
    return Tree(**{**row, "mirrors": tuple(row["mirrors"])})


def image(row: Row) -> Image:
    return Image(**row)


def plain_values(value: Machine | Profile | Tree | Image | Repair) -> Values:
    """The fields of a noun whose columns bear their names."""
    if isinstance(value, Profile):
        value = replace(value, variables=dict(value.variables))
    return {field.name: getattr(value, field.name) for field in fields(value)}


_INSTALL = tuple(field.name for field in fields(Install))
_EVENT = tuple(field.name for field in fields(Event))
_GUEST = ("install", "volume", "old_volume", "uri", "created", "first_stage", "secrets")
