"""What the database itself refuses: to change or delete an entry of the audit log.

The migrations write the same guard down; a test compares the two. Whoever may change tables can lift it; the chain of
hashes then shows what they did (`stocktide audit verify`).
"""

from __future__ import annotations

from sqlalchemy import DDL, event

from bot.storage.tables.books import Audit

SQLITE = (
    *(
        f"CREATE TRIGGER audit_refuses_{deed} BEFORE {deed} ON audit "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for deed in ("update", "delete")
    ),
    # INSERT OR REPLACE deletes what stands in its way without telling the trigger above.
    (
        "CREATE TRIGGER audit_refuses_replace BEFORE INSERT ON audit "
        "WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id OR hash = NEW.hash OR previous_hash = NEW.previous_hash) "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    ),
)
POSTGRESQL = (
    """CREATE OR REPLACE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()""",
)

for _dialect, _statements in (("sqlite", SQLITE), ("postgresql", POSTGRESQL)):
    for _statement in _statements:
        _guard = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it unannotated
        event.listen(Audit.__table__, "after_create", _guard.execute_if(dialect=_dialect))
