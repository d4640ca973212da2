"""Which processor the tree of an install is for."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("installs", sa.Column("arch", sa.String(16), nullable=False, server_default=""))
