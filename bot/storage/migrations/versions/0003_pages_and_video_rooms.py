"""Pages and video rooms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import UtcDateTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _pages()
    _rooms()
    _of_rooms()


def _pages() -> None:
    op.create_table(
        "web_passes",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_web_passes_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_passes")),
        sa.UniqueConstraint("digest", name=op.f("uq_web_passes_digest")),
    )
    op.create_index(op.f("ix_web_passes_expires_at"), "web_passes", ["expires_at"], unique=False)
    op.create_index(op.f("ix_web_passes_member_id"), "web_passes", ["member_id"], unique=False)

    op.create_table(
        "web_sessions",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_web_sessions_member_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_web_sessions_digest")),
    )
    op.create_index(op.f("ix_web_sessions_expires_at"), "web_sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_web_sessions_member_id"), "web_sessions", ["member_id"], unique=False)


def _rooms() -> None:
    op.create_table(
        "rooms",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("case_id", ID, nullable=True),
        sa.Column("conversation_id", ID, nullable=True),
        sa.Column("opened_by", ID, nullable=False),
        sa.Column("cap", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Boolean(), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=False),
        sa.Column("event", sa.String(), nullable=True),
        sa.Column("calls", sa.JSON(), nullable=False),
        sa.Column("called", sa.JSON(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("reminded_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("minutes_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_rooms_case_id")),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_rooms_conversation_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["members.id"], name=op.f("fk_rooms_opened_by")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_rooms_product_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rooms")),
        sa.UniqueConstraint("event", name=op.f("uq_rooms_event")),
        sa.UniqueConstraint("key", name=op.f("uq_rooms_key")),
    )
    op.create_index(op.f("ix_rooms_case_id"), "rooms", ["case_id"], unique=False)
    op.create_index(op.f("ix_rooms_conversation_id"), "rooms", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_rooms_ended_at"), "rooms", ["ended_at"], unique=False)
    op.create_index(op.f("ix_rooms_opened_by"), "rooms", ["opened_by"], unique=False)
    op.create_index(op.f("ix_rooms_product_id"), "rooms", ["product_id"], unique=False)


def _of_rooms() -> None:
    op.create_table(
        "room_guests",
        sa.Column("id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("invited", sa.Boolean(), nullable=False),
        sa.Column("minutes_due", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_room_guests_member_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_room_guests_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_guests")),
        sa.UniqueConstraint("room_id", "member_id", name=op.f("uq_room_guests_room_id_member_id")),
    )
    op.create_index(op.f("ix_room_guests_minutes_due"), "room_guests", ["minutes_due"], unique=False)
    op.create_index(op.f("ix_room_guests_member_id"), "room_guests", ["member_id"], unique=False)
    op.create_index(op.f("ix_room_guests_room_id"), "room_guests", ["room_id"], unique=False)

    op.create_table(
        "room_notes",
        sa.Column("id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_room_notes_member_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_room_notes_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_notes")),
    )
    op.create_index(op.f("ix_room_notes_member_id"), "room_notes", ["member_id"], unique=False)
    op.create_index(op.f("ix_room_notes_room_id"), "room_notes", ["room_id"], unique=False)

    op.create_table(
        "room_visits",
        sa.Column("id", ID, nullable=False),
        sa.Column("room_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("visit", sa.String(), nullable=False),
        sa.Column("joined_at", UtcDateTime(), nullable=False),
        sa.Column("left_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_room_visits_member_id")),
        sa.ForeignKeyConstraint(["room_id"], ["rooms.id"], name=op.f("fk_room_visits_room_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_visits")),
        sa.UniqueConstraint("visit", name=op.f("uq_room_visits_visit")),
    )
    op.create_index(op.f("ix_room_visits_member_id"), "room_visits", ["member_id"], unique=False)
    op.create_index(op.f("ix_room_visits_room_id"), "room_visits", ["room_id"], unique=False)


def downgrade() -> None:
    for table in ("room_notes", "room_visits", "room_guests", "rooms", "web_sessions", "web_passes"):
        op.drop_table(table)
