"""A profile's template may be the template itself, and not only its name."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("profiles") as table:
        table.alter_column("template", type_=sa.Text, existing_type=sa.String(255), existing_nullable=False)
