"""What the use cases need from outside, as Protocols. Edges satisfy them; `wiring` introduces them."""

from provisioner.service.ports.edges import (
    AnswerArchive,
    ImageBuilder,
    Linter,
    LoaderFolder,
    Renderer,
    ServedText,
    Systems,
    TreeReader,
    Workshop,
)
from provisioner.service.ports.evidence import EvidenceFiles, GuestLogs, Line, Piece
from provisioner.service.ports.hosts import Connection, Connections, HostStore, Validator
from provisioner.service.ports.hypervisor import DomainEvent, Hosts, Hypervisor, OnDomainEvent
from provisioner.service.ports.labs import LabStore, LabThing, Seal
from provisioner.service.ports.life import Channel, Display, LifeHosts, LifeHypervisor, VolumeFacts
from provisioner.service.ports.networks import NetworkHost, Segments
from provisioner.service.ports.snapshots import SnapshotStore
from provisioner.service.ports.storage import (
    ImagePreparer,
    Inspector,
    MediaFolders,
    StorageHost,
    StorageHosts,
)
from provisioner.service.ports.store import (
    Clock,
    GuestRow,
    Holdings,
    JournalRow,
    Opening,
    Store,
    Token,
    TokenKind,
    Volumes,
)

__all__ = [
    "AnswerArchive",
    "Channel",
    "Clock",
    "Connection",
    "Connections",
    "Display",
    "DomainEvent",
    "EvidenceFiles",
    "GuestLogs",
    "GuestRow",
    "Holdings",
    "HostStore",
    "Hosts",
    "Hypervisor",
    "ImageBuilder",
    "ImagePreparer",
    "Inspector",
    "JournalRow",
    "LabStore",
    "LabThing",
    "LifeHosts",
    "LifeHypervisor",
    "Line",
    "Linter",
    "LoaderFolder",
    "MediaFolders",
    "NetworkHost",
    "OnDomainEvent",
    "Opening",
    "Piece",
    "Renderer",
    "Seal",
    "Segments",
    "ServedText",
    "SnapshotStore",
    "StorageHost",
    "StorageHosts",
    "Store",
    "Systems",
    "Token",
    "TokenKind",
    "TreeReader",
    "Validator",
    "VolumeFacts",
    "Volumes",
    "Workshop",
]
