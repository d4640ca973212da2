"""What the use cases need from outside, as Protocols. Edges satisfy them; `wiring` introduces them."""

from provisioner.service.ports.edges import ImageBuilder, Linter, TreeReader, Workshop
from provisioner.service.ports.hypervisor import DomainEvent, Hosts, Hypervisor, OnDomainEvent
from provisioner.service.ports.store import (
    Clock,
    GuestRow,
    Holdings,
    JournalRow,
    Store,
    Token,
    TokenKind,
    Volumes,
)

__all__ = [
    "Clock",
    "DomainEvent",
    "GuestRow",
    "Holdings",
    "Hosts",
    "Hypervisor",
    "ImageBuilder",
    "JournalRow",
    "Linter",
    "OnDomainEvent",
    "Store",
    "Token",
    "TokenKind",
    "TreeReader",
    "Volumes",
    "Workshop",
]
