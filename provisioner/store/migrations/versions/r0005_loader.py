"""Which loader the firmware of an install is given."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("installs") as table:
        table.add_column(sa.Column("loader", sa.String(length=16), nullable=False, server_default="ipxe"))
    with op.batch_alter_table("installs") as table:
        table.alter_column(
            "loader",
            existing_type=sa.String(length=16),
            existing_nullable=False,
            server_default=None,
        )
