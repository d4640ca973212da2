"""The tables: constraints named by one convention, times in UTC, nothing that is SQLite's alone."""

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. One without a time zone is refused; SQLite keeps none, so UTC is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone; the store keeps UTC")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


machines = Table(
    "machines",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("mac", String(17), nullable=False, unique=True),
    Column("uuid", String(36), index=True),
    Column("guest", Boolean, nullable=False),
    Column("profile", String(63)),
    Column("discovered", Boolean, nullable=False),
    Column("firmware", String(32), nullable=False),
    Column("address", String(45), nullable=False),
    Column("first_seen", UtcDateTime),
    Column("last_seen", UtcDateTime),
)

guests = Table(
    "guests",
    METADATA,
    Column("name", String(63), ForeignKey("machines.name", ondelete="CASCADE"), primary_key=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("install", String(32), nullable=False),
    Column("volume", String(255), nullable=False),
    Column("old_volume", String(255), nullable=False),
    Column("uri", String(255), nullable=False),
    Column("created", UtcDateTime, nullable=False),
    Column("spec", JSON, nullable=False),
    Column("holdings", JSON, nullable=False),
    Column("first_stage", Boolean, nullable=False),
    Column("secrets", JSON, nullable=False),
)

# `number` counts installs in the order they were asked for: the latest of a machine has the highest.
installs = Table(
    "installs",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("id", String(32), nullable=False, unique=True),
    Column("guest", String(63), nullable=False, index=True),
    Column("mac", String(17), nullable=False, index=True),
    Column("uuid", String(36), nullable=False, index=True),
    Column("profile", String(63), nullable=False),
    Column("stage", String(16), nullable=False, index=True),
    Column("created", UtcDateTime, nullable=False),
    Column("changed", UtcDateTime, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("answered", UtcDateTime),
    Column("percent", Integer, nullable=False),
    Column("failed_at", String(16)),
    Column("reason", Text, nullable=False),
    Column("address", String(45), nullable=False, index=True),
    Column("resets", Integer, nullable=False),
    Column("loader", String(16), nullable=False),
    Column("arch", String(16), nullable=False),
    sqlite_autoincrement=True,
)

# The live views read on from the last id they saw, so an id is never given twice.
events = Table(
    "events",
    METADATA,
    # SQLite counts only in a column of type INTEGER, which holds 64 bits there.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(24), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("source", String(24), nullable=False),
    Column("machine", String(17), nullable=False),
    Column("install", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("data", JSON, nullable=False),
    sqlite_autoincrement=True,
)
Index(None, events.c.install, events.c.kind)

tokens = Table(
    "tokens",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("install", String(32), ForeignKey("installs.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("expires", UtcDateTime, nullable=False),
    Column("revoked", Boolean, nullable=False),
)

journal = Table(
    "journal",
    METADATA,
    Column("install", String(32), ForeignKey("installs.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step", Text, nullable=False),
    Column("state", String(8), nullable=False),
    Column("closed", Boolean, nullable=False),
)

profiles = Table(
    "profiles",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("family", String(16), nullable=False),
    Column("tree", String(63), nullable=False),
    Column("template", Text, nullable=False),
    Column("release", String(32), nullable=False),
    Column("kernel_args", Text, nullable=False),
    Column("image", String(63), nullable=False),
    Column("memory", Integer, nullable=False),
    Column("vcpus", Integer, nullable=False),
    Column("disk", Float, nullable=False),
    Column("variables", JSON, nullable=False),
    Column("summary", Text, nullable=False),
    Column("shipped", Boolean, nullable=False),
)

hosts = Table(
    "hosts",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("uri", String(255), nullable=False, unique=True),
    Column("allow_unsafe", Boolean, nullable=False),
)

trees = Table(
    "trees",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("source", Text, nullable=False),
    Column("family", String(16), nullable=False),
    Column("release", String(32), nullable=False),
    Column("kernel", Text, nullable=False),
    Column("initrd", Text, nullable=False),
    Column("arch", String(16), nullable=False),
    Column("mirrors", JSON, nullable=False),
    Column("offline", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("quota", BigInteger, nullable=False),
    Column("key", Text, nullable=False),
)

images = Table(
    "images",
    METADATA,
    Column("name", String(63), primary_key=True),
    Column("file", String(255), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("unpacked", BigInteger, nullable=False),
    Column("tuned", Boolean, nullable=False),
    Column("summary", Text, nullable=False),
)

# How long an install took that went well; `points` has of each mark seconds, percent, bytes, files, lines.
paces = Table(
    "paces",
    METADATA,
    Column("install", String(32), primary_key=True),
    Column("profile", String(63), nullable=False, index=True),
    Column("method", String(16), nullable=False),
    Column("boot", String(16), nullable=False),
    Column("by", String(16), nullable=False),
    Column("host", String(255), nullable=False),
    Column("ended", UtcDateTime, nullable=False),
    Column("silence", Float, nullable=False),
    Column("points", JSON, nullable=False),
)

# What was done to a segment; `device` is its bridge or the macvtap's parent.
repairs = Table(
    "repairs",
    METADATA,
    Column("device", String(63), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("network", String(255), nullable=False),
    Column("uri", String(255), nullable=False),
    Column("given", String(63), nullable=False),
    Column("address", String(63), nullable=False),
    Column("mac", String(17), nullable=False),
)

# What applies of labs made or took over; `host` is part of the name of networks and pools.
lab_things = Table(
    "lab_things",
    METADATA,
    Column("lab", String(63), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("host", String(63), primary_key=True),
    Column("placed", String(63), nullable=False),
    Column("wanted", JSON, nullable=False),
    Column("made", Boolean, nullable=False),
    Column("begun", Boolean, nullable=False),
)

# Definitions of guests as libvirt had them, to tell what somebody else changed.
seals = Table(
    "seals",
    METADATA,
    Column("guest", String(63), ForeignKey("guests.name", ondelete="CASCADE"), primary_key=True),
    Column("state", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("profile", String(64), nullable=False),
    Column("xml", Text, nullable=False),
)

# Guests as they were installed. `state` tells what was under way when a service was killed.
snapshots = Table(
    "snapshots",
    METADATA,
    Column("guest", String(63), ForeignKey("guests.name", ondelete="CASCADE"), primary_key=True),
    Column("install", String(32), nullable=False),
    Column("taken", UtcDateTime, nullable=False),
    Column("disks", JSON, nullable=False),
    Column("nvram", String(255), nullable=False),
    Column("turn", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("was", JSON, nullable=False),
    Column("starts", Boolean, nullable=False),
)
