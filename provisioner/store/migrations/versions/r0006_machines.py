"""Machines that registered themselves, and when and where each was seen."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Added in place: SQLite's other way makes the table anew, and dropping the old one drops every guest.
    op.add_column(
        "machines", sa.Column("discovered", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("machines", sa.Column("firmware", sa.String(length=32), nullable=False, server_default=""))
    op.add_column("machines", sa.Column("address", sa.String(length=45), nullable=False, server_default=""))
    op.add_column("machines", sa.Column("first_seen", sa.DateTime(timezone=True), nullable=True))
    op.add_column("machines", sa.Column("last_seen", sa.DateTime(timezone=True), nullable=True))
