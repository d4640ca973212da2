"""Installs as they are told: with how far they are, how long they will take, and whether that is longer."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

from provisioner.core.install import Install
from provisioner.pace.outlook import Outlook
from provisioner.service.requests import Guest
from provisioner.web.services import Services


@dataclass(frozen=True, slots=True)
class InstallOut(Install):
    """An install. Seconds are null where earlier installs of the profile do not tell them.

    `left_seconds` is the likely time until its end, which is between `left_least` and `left_most` nine times
    of ten; `expected_seconds` what such an install takes in all. `slower` says in a sentence which stage
    takes longer than usual, "" where none does. `host` is the libvirt URI of one that runs, "" for the
    configured one.
    """

    left_seconds: int | None = None
    left_least: int | None = None
    left_most: int | None = None
    expected_seconds: int | None = None
    slower: str = ""
    host: str = ""

    @classmethod
    def of(cls, install: Install, outlook: Outlook | None = None) -> "InstallOut":
        if isinstance(install, InstallOut):
            return install
        known = {name: getattr(install, name) for name in _KNOWN}
        if outlook is None:
            return cls(**known)
        left, expected = outlook.left, outlook.expected
        return cls(
            **known | {"percent": outlook.percent},
            left_seconds=round(left.middle) if left else None,
            left_least=round(left.low) if left else None,
            left_most=round(left.high) if left else None,
            expected_seconds=None if expected is None else round(expected),
            slower=outlook.slower,
            host=outlook.host,
        )


async def told(services: Services, installs: Sequence[Install]) -> list[InstallOut]:
    """Installs with what is to be expected of them."""
    outlooks = await services.paces.look(installs)
    return [InstallOut.of(install, outlook) for install, outlook in zip(installs, outlooks, strict=True)]


async def told_one(services: Services, install: Install) -> InstallOut:
    return (await told(services, [install]))[0]


async def told_guests(services: Services, guests: Sequence[Guest]) -> list[Guest]:
    """Guests whose installs are told so."""
    running = [guest.install for guest in guests if guest.install is not None]
    installs = {install.id: install for install in await told(services, running)}
    return [
        replace(guest, install=installs[guest.install.id]) if guest.install else guest for guest in guests
    ]


_KNOWN = tuple(field.name for field in fields(Install))
