"""Cases, requests and what may be done about them: policy, votes, effects, promotions, rates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bot.storage.types import Micros, UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _policy()
    _requests()
    _of_requests()


def _policy() -> None:
    op.create_table(
        "exchange_rates",
        sa.Column("id", ID, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("base", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rate", sa.String(), nullable=False),
        sa.Column("stated_at", UtcDateTime(), nullable=False),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_rates")),
        sa.UniqueConstraint(
            "source", "base", "currency", "day", name=op.f("uq_exchange_rates_source_base_currency_day")
        ),
    )
    op.create_index(op.f("ix_exchange_rates_day"), "exchange_rates", ["day"], unique=False)
    op.create_table(
        "authenticators",
        sa.Column("member_id", ID, nullable=False),
        sa.Column("secret", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_authenticators_member_id")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_authenticators")),
    )
    op.create_table(
        "delegations",
        sa.Column("id", ID, nullable=False),
        sa.Column("from_member", ID, nullable=False),
        sa.Column("to_member", ID, nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["from_member"], ["members.id"], name=op.f("fk_delegations_from_member")),
        sa.ForeignKeyConstraint(["to_member"], ["members.id"], name=op.f("fk_delegations_to_member")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index(op.f("ix_delegations_ends_at"), "delegations", ["ends_at"], unique=False)
    op.create_index(op.f("ix_delegations_from_member"), "delegations", ["from_member"], unique=False)
    op.create_index(op.f("ix_delegations_to_member"), "delegations", ["to_member"], unique=False)
    op.create_table(
        "halts",
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_halts_member_id")),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_halts")),
    )
    op.create_index(op.f("ix_halts_member_id"), "halts", ["member_id"], unique=False)
    op.create_table(
        "member_scopes",
        sa.Column("member_id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_scopes_member_id")),
        sa.PrimaryKeyConstraint("member_id", "kind", "code", name=op.f("pk_member_scopes")),
    )
    op.create_table(
        "policies",
        sa.Column("id", ID, nullable=False),
        sa.Column("document", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("loosens", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("proposed_by", ID, nullable=True),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("fk_policies_decided_by")),
        sa.ForeignKeyConstraint(["proposed_by"], ["members.id"], name=op.f("fk_policies_proposed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
    )
    op.create_index(op.f("ix_policies_decided_by"), "policies", ["decided_by"], unique=False)
    op.create_index(op.f("ix_policies_proposed_by"), "policies", ["proposed_by"], unique=False)
    op.create_index(op.f("ix_policies_state"), "policies", ["state"], unique=False)


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("needs", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("supplier_id", ID, nullable=True),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("from_location_id", ID, nullable=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("requested_by", ID, nullable=True),
        sa.Column("edited_by", ID, nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_platform", sa.String(), nullable=False),
        sa.Column("ordered_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["decided_by"], ["members.id"], name=op.f("fk_requests_decided_by")),
        sa.ForeignKeyConstraint(["edited_by"], ["members.id"], name=op.f("fk_requests_edited_by")),
        sa.ForeignKeyConstraint(["from_location_id"], ["locations.id"], name=op.f("fk_requests_from_location_id")),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_requests_location_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["members.id"], name=op.f("fk_requests_requested_by")),
        sa.ForeignKeyConstraint(["supplier_id"], ["suppliers.id"], name=op.f("fk_requests_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_decided_by"), "requests", ["decided_by"], unique=False)
    op.create_index(op.f("ix_requests_edited_by"), "requests", ["edited_by"], unique=False)
    op.create_index(op.f("ix_requests_expires_at"), "requests", ["expires_at"], unique=False)
    op.create_index(op.f("ix_requests_from_location_id"), "requests", ["from_location_id"], unique=False)
    op.create_index(op.f("ix_requests_location_id"), "requests", ["location_id"], unique=False)
    op.create_index(op.f("ix_requests_requested_by"), "requests", ["requested_by"], unique=False)
    op.create_index(op.f("ix_requests_state"), "requests", ["state"], unique=False)
    op.create_index(op.f("ix_requests_supplier_id"), "requests", ["supplier_id"], unique=False)
    op.create_index("ix_requests_supply", "requests", ["supplier_id", "created_at"], unique=False)
    op.create_table(
        "cases",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("product_id", ID, nullable=True),
        sa.Column("location_id", ID, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("notified_severity", sa.Integer(), nullable=False),
        sa.Column("money_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("notified_at", UtcDateTime(), nullable=True),
        sa.Column("snoozed_until", UtcDateTime(), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("evidence", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_cases_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_cases_product_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_cases_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    op.create_index(op.f("ix_cases_location_id"), "cases", ["location_id"], unique=False)
    op.create_index(op.f("ix_cases_product_id"), "cases", ["product_id"], unique=False)
    op.create_index(
        "ix_cases_ranked",
        "cases",
        ["kind", "money_minor"],
        unique=False,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_index(op.f("ix_cases_request_id"), "cases", ["request_id"], unique=False)
    op.create_index(op.f("ix_cases_resolved_at"), "cases", ["resolved_at"], unique=False)
    op.create_index(
        "uq_cases_unresolved",
        "cases",
        ["key"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "effects",
        sa.Column("id", ID, nullable=False),
        sa.Column("idempotency_key", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.Column("lease_until", UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=True),
        sa.Column("finished_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_effects_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_effects")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_effects_idempotency_key")),
    )
    op.create_index("ix_effects_due", "effects", ["state", "due_at"], unique=False)
    op.create_index(op.f("ix_effects_request_id"), "effects", ["request_id"], unique=False)


def _of_requests() -> None:
    op.create_table(
        "dialogues",
        sa.Column("id", ID, nullable=False),
        sa.Column("conversation_id", ID, nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("form", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("answers", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("asking", sa.String(), nullable=False),
        sa.Column("message_id", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["conversation_id"], ["conversations.id"], name=op.f("fk_dialogues_conversation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dialogues")),
        sa.UniqueConstraint("conversation_id", "person", name=op.f("uq_dialogues_conversation_id_person")),
    )
    op.create_index(op.f("ix_dialogues_conversation_id"), "dialogues", ["conversation_id"], unique=False)
    op.create_index(op.f("ix_dialogues_expires_at"), "dialogues", ["expires_at"], unique=False)
    op.create_table(
        "offers",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_offers_member_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_offers_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offers")),
        sa.UniqueConstraint(
            "request_id", "version", "member_id", "reason", name=op.f("uq_offers_request_id_version_member_id_reason")
        ),
    )
    op.create_index(op.f("ix_offers_member_id"), "offers", ["member_id"], unique=False)
    op.create_index(op.f("ix_offers_request_id"), "offers", ["request_id"], unique=False)
    op.create_table(
        "promotions",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("location_id", ID, nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("prior_minor", sa.BigInteger(), nullable=True),
        sa.Column("prior", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("stop_after", sa.Integer(), nullable=True),
        sa.Column("baseline_per_day", Micros(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
        sa.Column("stopping_at", UtcDateTime(), nullable=True),
        sa.Column("stopped_at", UtcDateTime(), nullable=True),
        sa.Column("stop_reason", sa.String(), nullable=False),
        sa.Column("restored", sa.Boolean(), nullable=True),
        sa.Column("reported_at", UtcDateTime(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["locations.id"], name=op.f("fk_promotions_location_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_promotions_product_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_promotions_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promotions")),
        sa.UniqueConstraint("request_id", name=op.f("uq_promotions_request_id")),
    )
    op.create_index(op.f("ix_promotions_ends_at"), "promotions", ["ends_at"], unique=False)
    op.create_index(op.f("ix_promotions_location_id"), "promotions", ["location_id"], unique=False)
    op.create_index(op.f("ix_promotions_product_id"), "promotions", ["product_id"], unique=False)
    op.create_table(
        "receipts",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("member_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_receipts_member_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_receipts_product_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_receipts_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_receipts_source_external_id")),
    )
    op.create_index(op.f("ix_receipts_member_id"), "receipts", ["member_id"], unique=False)
    op.create_index(op.f("ix_receipts_product_id"), "receipts", ["product_id"], unique=False)
    op.create_index(op.f("ix_receipts_request_id"), "receipts", ["request_id"], unique=False)
    op.create_table(
        "votes",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("principal_id", ID, nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("comment", sa.String(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_votes_member_id")),
        sa.ForeignKeyConstraint(["principal_id"], ["members.id"], name=op.f("fk_votes_principal_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_votes_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_votes")),
        sa.UniqueConstraint("request_id", "version", "member_id", name=op.f("uq_votes_request_id_version_member_id")),
        sa.UniqueConstraint(
            "request_id", "version", "principal_id", name=op.f("uq_votes_request_id_version_principal_id")
        ),
    )
    op.create_index(op.f("ix_votes_at"), "votes", ["at"], unique=False)
    op.create_index(op.f("ix_votes_member_id"), "votes", ["member_id"], unique=False)
    op.create_index(op.f("ix_votes_principal_id"), "votes", ["principal_id"], unique=False)
    op.create_index(op.f("ix_votes_request_id"), "votes", ["request_id"], unique=False)
    op.create_table(
        "request_lines",
        sa.Column("id", ID, nullable=False),
        sa.Column("request_id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("case_id", ID, nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=False),
        sa.Column("unit_cost_minor", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON(none_as_null=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_request_lines_quantity")),
        sa.CheckConstraint("received >= 0", name=op.f("ck_request_lines_received")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_request_lines_case_id")),
        sa.ForeignKeyConstraint(["product_id"], ["products.id"], name=op.f("fk_request_lines_product_id")),
        sa.ForeignKeyConstraint(["request_id"], ["requests.id"], name=op.f("fk_request_lines_request_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_lines")),
        sa.UniqueConstraint("request_id", "product_id", name=op.f("uq_request_lines_request_id_product_id")),
    )
    op.create_index(op.f("ix_request_lines_case_id"), "request_lines", ["case_id"], unique=False)
    op.create_index(op.f("ix_request_lines_product_id"), "request_lines", ["product_id"], unique=False)
    op.create_index(op.f("ix_request_lines_request_id"), "request_lines", ["request_id"], unique=False)


def downgrade() -> None:
    for table in (
        "request_lines",
        "votes",
        "receipts",
        "promotions",
        "offers",
        "effects",
        "dialogues",
        "cases",
        "requests",
        "policies",
        "member_scopes",
        "halts",
        "delegations",
        "authenticators",
        "exchange_rates",
    ):
        op.drop_table(table)
