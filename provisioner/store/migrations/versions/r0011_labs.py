"""Labs: what applies of each made, and the definitions of guests as they were last right."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lab_things",
        sa.Column("lab", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("host", sa.String(length=63), nullable=False),
        sa.Column("placed", sa.String(length=63), nullable=False),
        sa.Column("wanted", sa.JSON(), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("begun", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("lab", "kind", "name", "host", name=op.f("pk_lab_things")),
    )
    op.create_table(
        "seals",
        sa.Column("guest", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("xml", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["guest"], ["guests.name"], name=op.f("fk_seals_guest_guests"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("guest", name=op.f("pk_seals")),
    )
