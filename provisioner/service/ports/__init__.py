"""What the use cases need from outside, as Protocols. Edges satisfy them; `wiring` introduces them."""

from provisioner.service.ports.edges import ImageBuilder, Linter, TreeReader
from provisioner.service.ports.hypervisor import DomainEvent, Hosts, Hypervisor, OnDomainEvent
from provisioner.service.ports.life import Channel, Display, LifeHosts, LifeHypervisor, VolumeFacts
from provisioner.service.ports.store import Clock, GuestRow, JournalRow, Store, Token, TokenKind

__all__ = [
    "Channel",
    "Clock",
    "Display",
    "DomainEvent",
    "GuestRow",
    "Hosts",
    "Hypervisor",
    "ImageBuilder",
    "JournalRow",
    "LifeHosts",
    "LifeHypervisor",
    "Linter",
    "OnDomainEvent",
    "Store",
    "Token",
    "TokenKind",
    "TreeReader",
    "VolumeFacts",
]
