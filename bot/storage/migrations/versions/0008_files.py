"""Files that members send in a chat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import JsonData, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", ID, nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("given", JsonData, nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_uploads_conversation_id")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_uploads_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sa.UniqueConstraint("platform", "event_id", "place", name=op.f("uq_uploads_platform_event_id_place")),
    )
    op.create_index(op.f("ix_uploads_conversation_id"), "uploads", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_uploads_member_id"), "uploads", ["member_id"], unique=False)


def downgrade() -> None:
    op.drop_table("uploads")
