"""The first form of the tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.String(length=24), nullable=False),
        sa.Column("machine", sa.String(length=17), nullable=False),
        sa.Column("install", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_events_install_kind"), "events", ["install", "kind"], unique=False)
    op.create_table(
        "images",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("file", sa.String(length=255), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("unpacked", sa.BigInteger(), nullable=False),
        sa.Column("tuned", sa.Boolean(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_images")),
    )
    op.create_table(
        "installs",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("guest", sa.String(length=63), nullable=False),
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("profile", sa.String(length=63), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed", sa.DateTime(timezone=True), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("answered", sa.DateTime(timezone=True), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.String(length=16), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("resets", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_installs")),
        sa.UniqueConstraint("id", name=op.f("uq_installs_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_installs_address"), "installs", ["address"], unique=False)
    op.create_index(op.f("ix_installs_guest"), "installs", ["guest"], unique=False)
    op.create_index(op.f("ix_installs_mac"), "installs", ["mac"], unique=False)
    op.create_index(op.f("ix_installs_stage"), "installs", ["stage"], unique=False)
    op.create_index(op.f("ix_installs_uuid"), "installs", ["uuid"], unique=False)
    op.create_table(
        "machines",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("mac", sa.String(length=17), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=True),
        sa.Column("guest", sa.Boolean(), nullable=False),
        sa.Column("profile", sa.String(length=63), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_machines")),
        sa.UniqueConstraint("mac", name=op.f("uq_machines_mac")),
    )
    op.create_index(op.f("ix_machines_uuid"), "machines", ["uuid"], unique=False)
    op.create_table(
        "profiles",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("family", sa.String(length=16), nullable=False),
        sa.Column("tree", sa.String(length=63), nullable=False),
        sa.Column("template", sa.String(length=255), nullable=False),
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("kernel_args", sa.Text(), nullable=False),
        sa.Column("image", sa.String(length=63), nullable=False),
        sa.Column("memory", sa.Integer(), nullable=False),
        sa.Column("vcpus", sa.Integer(), nullable=False),
        sa.Column("disk", sa.Float(), nullable=False),
        sa.Column("variables", sa.JSON(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("shipped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_profiles")),
    )
    op.create_table(
        "trees",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("family", sa.String(length=16), nullable=False),
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("kernel", sa.Text(), nullable=False),
        sa.Column("initrd", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trees")),
    )
    op.create_table(
        "guests",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("install", sa.String(length=32), nullable=False),
        sa.Column("volume", sa.String(length=255), nullable=False),
        sa.Column("old_volume", sa.String(length=255), nullable=False),
        sa.Column("uri", sa.String(length=255), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["name"], ["machines.name"], name=op.f("fk_guests_name_machines"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_guests")),
        sa.UniqueConstraint("uuid", name=op.f("uq_guests_uuid")),
    )
    op.create_table(
        "journal",
        sa.Column("install", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["install"], ["installs.id"], name=op.f("fk_journal_install_installs")),
        sa.PrimaryKeyConstraint("install", "number", name=op.f("pk_journal")),
    )
    op.create_table(
        "tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("install", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["install"], ["installs.id"], name=op.f("fk_tokens_install_installs")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_tokens")),
    )
    op.create_index(op.f("ix_tokens_install"), "tokens", ["install"], unique=False)
