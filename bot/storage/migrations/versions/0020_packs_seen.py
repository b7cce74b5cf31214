"""Packs of demand stay right for writers of other isolation, and for those whose sessions name no schema."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_MOVED = """
        UPDATE demand_packed SET until_day = written.day
        FROM (SELECT product_id, min(day) AS day FROM rows GROUP BY product_id) AS written
        WHERE demand_packed.product_id = written.product_id AND until_day > written.day;"""
_SEEN = """
        INSERT INTO demand_packed (product_id, until_day)
        SELECT DISTINCT product_id, DATE '1696-03-17' FROM rows ON CONFLICT (product_id) DO NOTHING;"""
_GONE = """
        DELETE FROM demand_packed WHERE product_id IN (SELECT product_id FROM rows);"""
_EMPTIED = """
        DELETE FROM demand_packed;"""


def _replace(path: str, written: str) -> None:
    """The three functions anew; on PostgreSQL alone, for SQLite's triggers are right as they are."""
    if op.get_bind().dialect.name == "postgresql":
        bodies = {"demand_written": written, "demand_packs_gone": _GONE, "demand_emptied": _EMPTIED}
        for name, body in bodies.items():
            kind = f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql {path}"
            op.execute(f"{kind} AS $$ BEGIN{body} RETURN NULL; END $$")


def upgrade() -> None:
    _replace("SET search_path FROM CURRENT", _MOVED + _SEEN)


def downgrade() -> None:
    _replace("", _MOVED)
