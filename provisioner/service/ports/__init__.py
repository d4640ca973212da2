"""What the use cases need from outside, as Protocols. Edges satisfy them; `wiring` introduces them."""

from provisioner.service.ports.edges import ImageBuilder, Linter, TreeReader
from provisioner.service.ports.hypervisor import DomainEvent, Hosts, Hypervisor, OnDomainEvent
from provisioner.service.ports.storage import (
    ImagePreparer,
    Inspector,
    MediaFolders,
    StorageHost,
    StorageHosts,
)
from provisioner.service.ports.store import Clock, GuestRow, JournalRow, Store, Token, TokenKind

__all__ = [
    "Clock",
    "DomainEvent",
    "GuestRow",
    "Hosts",
    "Hypervisor",
    "ImageBuilder",
    "ImagePreparer",
    "Inspector",
    "JournalRow",
    "Linter",
    "MediaFolders",
    "OnDomainEvent",
    "StorageHost",
    "StorageHosts",
    "Store",
    "Token",
    "TokenKind",
    "TreeReader",
]
