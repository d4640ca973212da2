"""Which value each variable has for a profile's guests, or for one of them, and who gave it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from provisioner.answers.variables import BY_NAME, VARIABLES, Layer, checked, settle, shown
from provisioner.service.contexts import guest_layer, order
from provisioner.service.ports import Store
from provisioner.service.requests import ProfileSource

Around = Callable[[str], Awaitable[Layer]]
"""From a host's URI, "" for the local one, to its variables."""


@dataclass(frozen=True, slots=True)
class Explained:
    """`origin` is a host, the profile, a guest, or `default`; `text` what the variable does, "" for a name
    that only templates of one's own ask for. Secrets are ***.
    """

    name: str
    value: object
    origin: str
    text: str


class Explain:
    def __init__(self, store: Store, profiles: ProfileSource, around: Around) -> None:
        self._store = store
        self._profiles = profiles
        self._around = around

    async def __call__(self, profile: str, guest: str = "") -> list[Explained]:
        """Every known variable in the reference's order, then the others. Raises NotFound, Invalid."""
        row = await self._store.guest(guest) if guest else None
        around = [await self._around(row.uri if row else "")]
        if row is not None:
            around.append(guest_layer(row))
        settled = settle(order(await self._profiles.get(profile), around))
        checked(settled)
        known = [
            Explained(row.name, row.default, "default", row.text)
            if row.name not in settled
            else Explained(
                row.name, shown(row.name, settled[row.name].value), settled[row.name].origin, row.text
            )
            for row in VARIABLES
        ]
        others = [
            Explained(name, value.value, value.origin, "")
            for name, value in settled.items()
            if name not in BY_NAME
        ]
        return known + sorted(others, key=lambda row: row.name)
