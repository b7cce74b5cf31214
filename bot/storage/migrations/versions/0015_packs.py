"""Packs of daily demand and triggers that say until which day they hold; fingerprints of what cases keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_NEW = "UPDATE demand_packed SET until_day = NEW.day WHERE product_id = NEW.product_id AND until_day > NEW.day;"
_OLD = "UPDATE demand_packed SET until_day = OLD.day WHERE product_id = OLD.product_id AND until_day > OLD.day;"
_TRIGGERS = {
    "sqlite": (
        f"CREATE TRIGGER demand_packed_insert AFTER insert ON daily_demand BEGIN {_NEW} END",
        f"CREATE TRIGGER demand_packed_update AFTER update ON daily_demand BEGIN {_OLD} {_NEW} END",
        f"CREATE TRIGGER demand_packed_delete AFTER delete ON daily_demand BEGIN {_OLD} END",
        (
            "CREATE TRIGGER demand_packs_delete AFTER DELETE ON demand_packs "
            "BEGIN DELETE FROM demand_packed WHERE product_id = OLD.product_id; END"
        ),
    ),
    "postgresql": (
        """CREATE FUNCTION demand_written() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE demand_packed SET until_day = written.day
        FROM (SELECT product_id, min(day) AS day FROM rows GROUP BY product_id) AS written
        WHERE demand_packed.product_id = written.product_id AND until_day > written.day;
        RETURN NULL; END $$""",
        *(
            f"CREATE TRIGGER demand_packed_{name} AFTER {deed} ON daily_demand "
            f"REFERENCING {which} TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION demand_written()"
            for name, deed, which in (
                ("insert", "INSERT", "NEW"),
                ("update_from", "UPDATE", "OLD"),
                ("update_to", "UPDATE", "NEW"),
                ("delete", "DELETE", "OLD"),
            )
        ),
        """CREATE FUNCTION demand_emptied() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        DELETE FROM demand_packed; RETURN NULL; END $$""",
        *(
            f"CREATE TRIGGER {table}_truncate AFTER TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION demand_emptied()"
            for table in ("daily_demand", "demand_packs")
        ),
        """CREATE FUNCTION demand_packs_gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        DELETE FROM demand_packed WHERE product_id IN (SELECT product_id FROM rows); RETURN NULL; END $$""",
        """CREATE TRIGGER demand_packs_delete AFTER DELETE ON demand_packs
        REFERENCING OLD TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION demand_packs_gone()""",
    ),
}


def upgrade() -> None:
    op.create_table(
        "demand_packs",
        sa.Column("product_id", ID, autoincrement=False, nullable=False),
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wide", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "span", name=op.f("pk_demand_packs")),
    )
    op.create_table(
        "demand_packed",
        sa.Column("product_id", ID, autoincrement=False, nullable=False),
        sa.Column("until_day", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_demand_packed")),
    )
    op.create_table(
        "case_prints",
        sa.Column("case_id", ID, autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_prints")),
    )
    for statement in _TRIGGERS[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    op.drop_table("case_prints")
    if op.get_bind().dialect.name == "postgresql":
        for name in ("insert", "update_from", "update_to", "delete"):
            op.execute(f"DROP TRIGGER demand_packed_{name} ON daily_demand")
        op.execute("DROP TRIGGER daily_demand_truncate ON daily_demand")
    else:
        for name in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER demand_packed_{name}")
    op.drop_table("demand_packs")
    op.drop_table("demand_packed")
    if op.get_bind().dialect.name == "postgresql":
        for name in ("demand_written", "demand_emptied", "demand_packs_gone"):
            op.execute(f"DROP FUNCTION {name}")
