"""Which processor a tree is for."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trees", sa.Column("arch", sa.String(16), nullable=False, server_default="x86_64"))
