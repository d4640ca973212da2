"""What the use cases need from outside, as Protocols. Edges satisfy them; `wiring` introduces them."""

from provisioner.service.ports.edges import ImageBuilder, Linter, TreeReader
from provisioner.service.ports.hypervisor import DomainEvent, Hosts, Hypervisor, OnDomainEvent
from provisioner.service.ports.networks import NetworkHost, Segments
from provisioner.service.ports.store import Clock, GuestRow, JournalRow, Store, Token, TokenKind

__all__ = [
    "Clock",
    "DomainEvent",
    "GuestRow",
    "Hosts",
    "Hypervisor",
    "ImageBuilder",
    "JournalRow",
    "Linter",
    "NetworkHost",
    "OnDomainEvent",
    "Segments",
    "Store",
    "Token",
    "TokenKind",
    "TreeReader",
]
