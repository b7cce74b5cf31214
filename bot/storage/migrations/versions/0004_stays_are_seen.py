"""Stays in video rooms are marked as seen by the process that holds them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("seen_at", "missed_at"):
        op.add_column("room_visits", sa.Column(name, UtcDateTime(), nullable=True))
    op.create_index(op.f("ix_room_visits_left_at"), "room_visits", ["left_at"], unique=False)
    # Whoever held the open ones was stopped for this upgrade or died before; that they came is all that is known.
    op.execute("UPDATE room_visits SET seen_at = joined_at WHERE left_at IS NULL")


def downgrade() -> None:
    op.drop_index(op.f("ix_room_visits_left_at"), table_name="room_visits")
    for name in ("missed_at", "seen_at"):
        op.drop_column("room_visits", name)
