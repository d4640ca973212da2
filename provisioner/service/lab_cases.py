"""The use cases that labs are made by: those that the API's own requests go through."""

from dataclasses import dataclass
from typing import Protocol

from provisioner.core.host import Network
from provisioner.core.network import NetworkSpec
from provisioner.service.answers import Answers
from provisioner.service.clones import Clones
from provisioner.service.differences import Differences
from provisioner.service.guest_life import GuestLife
from provisioner.service.guests import Guests
from provisioner.service.hosts import Registry
from provisioner.service.images import Images
from provisioner.service.ports import LifeHosts, Store
from provisioner.service.profiles import Profiles
from provisioner.service.storage import Storage
from provisioner.service.tokens import Tokens
from provisioner.service.trees import Trees


class Networks(Protocol):
    async def create(self, spec: NetworkSpec, uri: str = "") -> Network: ...
    async def start(self, name: str, uri: str = "") -> None: ...
    async def autostart(self, name: str, on: bool, uri: str = "") -> None: ...
    async def delete(self, name: str, uri: str = "") -> None: ...


@dataclass(frozen=True, slots=True)
class Cases:
    store: Store
    hypervisors: LifeHosts
    tokens: Tokens
    hosts: Registry
    networks: Networks
    storage: Storage
    trees: Trees
    images: Images
    profiles: Profiles
    guests: Guests
    life: GuestLife
    clones: Clones
    answers: Answers
    differences: Differences
