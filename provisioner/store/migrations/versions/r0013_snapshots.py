"""Guests as they were installed, to be had again without an installer."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("guest", sa.String(length=63), nullable=False),
        sa.Column("install", sa.String(length=32), nullable=False),
        sa.Column("taken", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disks", sa.JSON(), nullable=False),
        sa.Column("nvram", sa.String(length=255), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("was", sa.JSON(), nullable=False),
        sa.Column("starts", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guest"], ["guests.name"], name=op.f("fk_snapshots_guest_guests"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("guest", name=op.f("pk_snapshots")),
    )
