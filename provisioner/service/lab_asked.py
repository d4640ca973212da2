"""What an item of a lab asks of the use cases: the same that the API's requests ask of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provisioner.core.guest import Start
from provisioner.core.lab import Item
from provisioner.core.network import NetworkSpec
from provisioner.core.profile import Profile
from provisioner.core.storage import PoolSpec
from provisioner.service.recognition import Wanted
from provisioner.service.requests import CreateGuest


@dataclass(frozen=True, slots=True)
class HostAsked:
    name: str
    uri: str
    allow_unsafe: bool = False


@dataclass(frozen=True, slots=True)
class TreeAsked:
    """`mirrors` and `key` None: as it has them."""

    name: str
    source: str
    wanted: Wanted
    mirrors: Sequence[str] | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ImageAsked:
    name: str
    tune: bool = False
    mirror: str = ""


@dataclass(frozen=True, slots=True)
class CloneAsked:
    name: str
    source: str
    linked: bool = True
    start: Start = "off"


Asked = HostAsked | NetworkSpec | PoolSpec | TreeAsked | ImageAsked | Profile | CreateGuest | CloneAsked
Ask = Callable[[Item], Asked]
"""From an item to what it asks for, as the API's own request of its kind does. Raises Invalid."""
