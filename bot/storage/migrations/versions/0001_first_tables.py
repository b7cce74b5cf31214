"""Facts, people, messages and the books, and a guard that keeps the audit log append-only.

Names of keys and indexes follow the naming convention of the declared tables.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import Micros, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# Whoever may change tables can lift the guard; the chain of hashes then shows what they did (`stocktide audit verify`).
_GUARD = {
    "sqlite": (
        *(
            f"CREATE TRIGGER audit_refuses_{deed} BEFORE {deed} ON audit "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            for deed in ("update", "delete")
        ),
        (
            "CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit "
            "WHEN EXISTS (SELECT 1 FROM audit "
            "WHERE id = NEW.id OR hash = NEW.hash OR previous_hash = NEW.previous_hash) "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        ),
    ),
    "postgresql": (
        """CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
        """CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
        FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()""",
    ),
}


def upgrade() -> None:
    _standing_alone()
    _facts()
    _people()
    _work()
    for statement in _GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


# A column on a line, so that a table is seen at a glance.
# fmt: off


def downgrade() -> None:
    for table in (
        "digest_ledger", "outbox", "subscriptions", "posts", "stock_movements",
        "stock_levels", "sales", "routes", "link_codes", "inbounds", "identities", "daily_demand", "conversations",
        "audit", "suppliers", "products", "members", "marks", "locations", "job_runs", "inbox", "imports",
        "feeds", "buttons",
    ):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_refuses")


def _standing_alone() -> None:
    """Tables that refer to no other."""
    op.create_table("buttons",
        sa.Column("token", sa.String(), primary_key=True),
        sa.Column("digest", sa.String(), unique=True, nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("arguments", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("page", sa.Integer(), nullable=False),
        sa.Column("in_place", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False))
    op.create_table("feeds",
        sa.Column("id", ID, primary_key=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("fresh_until", UtcDateTime(), nullable=False),
        sa.Column("limit_hours", sa.Integer(), nullable=False),
        sa.UniqueConstraint("source", "kind"))
    op.create_table("imports",
        sa.Column("id", ID, primary_key=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False))
    op.create_table("inbox",
        sa.Column("id", ID, primary_key=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("handled_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.UniqueConstraint("platform", "event_id"))
    op.create_index("ix_inbox_due", "inbox", ["state", "due_at"])
    op.create_table("job_runs",
        sa.Column("id", ID, primary_key=True),
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.UniqueConstraint("job", "due_at"))
    op.create_table("locations",
        sa.Column("id", ID, primary_key=True),
        sa.Column("code", sa.String(), unique=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("markets", sa.JSON(none_as_null=True), nullable=False))
    op.create_table("marks",
        sa.Column("key", sa.String(), primary_key=True),
        sa.Column("value", sa.String(), nullable=False))
    op.create_table("members",
        sa.Column("id", ID, primary_key=True),
        sa.Column("name", sa.String(), unique=True, nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("zone_known", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("working_from", sa.Time(), nullable=False),
        sa.Column("working_to", sa.Time(), nullable=False),
        sa.Column("workdays", sa.String(), nullable=False),
        sa.Column("digest_at", sa.Time(), nullable=True),
        sa.Column("next_digest_at", UtcDateTime(), index=True, nullable=True),
        sa.Column("preferred_platform", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False))
    op.create_table("products",
        sa.Column("id", ID, primary_key=True),
        sa.Column("sku", sa.String(), unique=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False))
    op.create_table("suppliers",
        sa.Column("id", ID, primary_key=True),
        sa.Column("code", sa.String(), unique=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("minimum_total_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=True))


def _facts() -> None:
    """What was sold, counted and ordered, and by which routes goods come."""
    op.create_table("daily_demand",
        sa.Column("product_id", ID, sa.ForeignKey("products.id"), primary_key=True),
        sa.Column("location_id", ID, sa.ForeignKey("locations.id"), primary_key=True),
        sa.Column("day", sa.Date(), primary_key=True, index=True),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("shipped", sa.Integer(), nullable=False),
        sa.Column("revenue_minor", sa.BigInteger(), nullable=False))
    op.create_table("inbounds",
        sa.Column("id", ID, primary_key=True),
        sa.Column("product_id", ID, sa.ForeignKey("products.id"), index=True, nullable=False),
        sa.Column("location_id", ID, sa.ForeignKey("locations.id"), index=True, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), index=True, nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.UniqueConstraint("source", "external_id"))
    op.create_table("routes",
        sa.Column("id", ID, primary_key=True),
        sa.Column("supplier_id", ID, sa.ForeignKey("suppliers.id"), index=True, nullable=False),
        sa.Column("product_id", ID, sa.ForeignKey("products.id"), index=True, nullable=True),
        sa.Column("location_id", ID, sa.ForeignKey("locations.id"), index=True, nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("lead_time_days", Micros(), nullable=False),
        sa.Column("lead_time_sd_days", Micros(), nullable=False),
        sa.Column("minimum_order", sa.Integer(), nullable=False),
        sa.Column("pack_size", sa.Integer(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=False),
        sa.CheckConstraint("lead_time_days > 0 AND lead_time_sd_days >= 0", name="lead_time"),
        sa.CheckConstraint("minimum_order >= 1 AND pack_size >= 1", name="lot"),
        sa.UniqueConstraint("supplier_id", "product_id", "location_id", "mode"))
    op.create_table("sales",
        sa.Column("id", ID, primary_key=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("order_ref", sa.String(), nullable=False),
        sa.Column("product_id", ID, sa.ForeignKey("products.id"), nullable=True),
        sa.Column("location_id", ID, sa.ForeignKey("locations.id"), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("sold_at", UtcDateTime(), index=True, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", Micros(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cancels", sa.String(), nullable=True),
        sa.Column("cancelled_by", sa.String(), nullable=True),
        sa.UniqueConstraint("source", "external_id"))
    op.create_index("ix_sales_match", "sales", ["product_id", "customer", "quantity", "sold_at"])
    op.create_index("ix_sales_place", "sales", ["product_id", "location_id", "day"])
    there = sa.text("cancels IS NOT NULL")
    op.create_index("ix_sales_cancels", "sales", ["cancels"], sqlite_where=there, postgresql_where=there)
    op.create_table("stock_levels",
        sa.Column("id", ID, primary_key=True),
        sa.Column("product_id", ID, sa.ForeignKey("products.id"), index=True, nullable=False),
        sa.Column("location_id", ID, sa.ForeignKey("locations.id"), index=True, nullable=False),
        sa.Column("as_of", UtcDateTime(), index=True, nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.Column("committed", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.UniqueConstraint("product_id", "location_id", "as_of", "source"))
    op.create_table("stock_movements",
        sa.Column("id", ID, primary_key=True),
        sa.Column("product_id", ID, sa.ForeignKey("products.id"), index=True, nullable=False),
        sa.Column("location_id", ID, sa.ForeignKey("locations.id"), index=True, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("day", sa.Date(), index=True, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.UniqueConstraint("source", "external_id"))


def _people() -> None:
    """Who speaks from where, and what a conversation wants to be told."""
    op.create_table("conversations",
        sa.Column("id", ID, primary_key=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("member_id", ID, sa.ForeignKey("members.id"), index=True, nullable=True),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.Column("closed_reason", sa.String(), nullable=False),
        sa.UniqueConstraint("platform", "external_id", "thread", "kind"))
    op.create_table("identities",
        sa.Column("id", ID, primary_key=True),
        sa.Column("member_id", ID, sa.ForeignKey("members.id"), index=True, nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("linked_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("platform", "external_id"))
    op.create_table("link_codes",
        sa.Column("code_hash", sa.String(), primary_key=True),
        sa.Column("member_id", ID, sa.ForeignKey("members.id"), index=True, nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("conversation", sa.String(), nullable=False),
        sa.Column("answers", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False))
    op.create_table("subscriptions",
        sa.Column("id", ID, primary_key=True),
        sa.Column("conversation_id", ID, sa.ForeignKey("conversations.id"), index=True, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("conversation_id", "topic"))


def _work() -> None:
    """Cases, requests, messages on their way, and the books."""
    op.create_table("audit",
        sa.Column("id", ID, primary_key=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("member_id", ID, sa.ForeignKey("members.id"), index=True, nullable=True),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), index=True, nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("previous_hash", sa.String(), unique=True, nullable=False),
        sa.Column("hash", sa.String(), unique=True, nullable=False))
    op.create_table("posts",
        sa.Column("id", ID, primary_key=True),
        sa.Column("conversation_id", ID, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("posted_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("conversation_id", "message_id"))
    op.create_index("ix_posts_subject", "posts", ["subject"])
    op.create_table("outbox",
        sa.Column("id", ID, primary_key=True),
        sa.Column("conversation_id", ID, sa.ForeignKey("conversations.id"), nullable=False),
        sa.Column("dedupe_key", sa.String(), unique=True, nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("message", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("incoming", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("private", sa.Boolean(), nullable=False),
        sa.Column("post_id", ID, sa.ForeignKey("posts.id"), index=True, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("delivered_at", UtcDateTime(), nullable=True),
        sa.Column("error", sa.String(), nullable=False))
    op.create_index("ix_outbox_due", "outbox", ["state", "due_at"])
    op.create_index("ix_outbox_order", "outbox", ["conversation_id", "id"])
    op.create_table("digest_ledger",
        sa.Column("member_id", ID, sa.ForeignKey("members.id"), primary_key=True),
        sa.Column("kind", sa.String(), primary_key=True),
        sa.Column("local_date", sa.Date(), primary_key=True),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outbox_id", ID, sa.ForeignKey("outbox.id"), index=True, nullable=True))
