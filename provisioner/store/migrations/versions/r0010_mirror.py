"""What the mirror is told of a tree: further upstreams, keys, offline, pinned, quota."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("trees", sa.Column("mirrors", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("trees", sa.Column("offline", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("trees", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("trees", sa.Column("quota", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("trees", sa.Column("key", sa.Text(), nullable=False, server_default=""))
