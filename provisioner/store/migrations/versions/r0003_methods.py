"""Guests of several disks and cards, with all the volumes that were made for them."""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FORMER = ("disk", "nic", "mac")


def upgrade() -> None:
    with op.batch_alter_table("guests") as table:
        table.add_column(sa.Column("holdings", sa.JSON(), nullable=True))
        table.add_column(sa.Column("first_stage", sa.Boolean(), nullable=False, server_default=sa.false()))
    guests = sa.table(
        "guests",
        sa.column("name", sa.String),
        sa.column("volume", sa.String),
        sa.column("spec", sa.JSON),
        sa.column("holdings", sa.JSON),
    )
    connection = op.get_bind()
    for row in connection.execute(sa.select(guests.c.name, guests.c.volume, guests.c.spec)).all():
        values = {"spec": _spec(row.spec), "holdings": _holdings(row.spec, row.volume)}
        connection.execute(guests.update().where(guests.c.name == row.name).values(values))
    with op.batch_alter_table("guests") as table:
        table.alter_column("holdings", existing_type=sa.JSON(), nullable=False)
        table.alter_column(
            "first_stage", existing_type=sa.Boolean(), existing_nullable=False, server_default=None
        )


def _spec(asked: Any) -> dict[str, Any]:
    """One disk and one card become the first of several."""
    former = dict(json.loads(asked) if isinstance(asked, str) else asked)
    kept = {key: value for key, value in former.items() if key not in _FORMER}
    return {**kept, "disks": [former["disk"]], "nics": [{**former["nic"], "mac": former["mac"]}]}


def _holdings(asked: Any, volume: str) -> dict[str, Any]:
    former = json.loads(asked) if isinstance(asked, str) else asked
    return {"data": [], "owned": [[former["disk"]["pool"], volume]], "temporary": [], "leftover": []}
