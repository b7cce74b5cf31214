"""Daily demand once more, packed for reading all of it at once, and until which day the packs hold.

Packs are a copy: what is lost of them costs time alone. Whoever writes daily demand, by whatever statement, moves
`demand_packed.until_day` back by the triggers below, and where packs are deleted nothing is said of their product any
more. The migrations write the triggers down as well, and a test compares the two.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import DDL, LargeBinary, event
from sqlalchemy.orm import Mapped, mapped_column

from bot.storage.tables.base import Base, Id
from bot.storage.tables.facts import DailyDemand


class DemandPack(Base):
    """A product's demand of 32 days at all its places, see `bot.storage.packs`; `span` counts from 1970.

    It refers to no product: what is deleted must not be kept by a copy.
    """

    __tablename__ = "demand_packs"
    product_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    span: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    wide: Mapped[bool] = mapped_column(doc="with numbers too large for the narrow form, or sold and shipped apart")
    body: Mapped[bytes] = mapped_column(LargeBinary)


class DemandPacked(Base):
    """The packs of a product hold all its demand of the days before `until_day`, and speak of no other day."""

    __tablename__ = "demand_packed"
    product_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    until_day: Mapped[date]


def _moved_back(row: str) -> str:
    return (
        f"UPDATE demand_packed SET until_day = {row}.day "  # noqa: S608  # the two names of a trigger's row
        f"WHERE product_id = {row}.product_id AND until_day > {row}.day;"
    )


# Writers whose sessions name no schema, as restores of dumps do, find the tables by the path of who made the functions.
_FUNCTION = "RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS"
_EMPTIED = f"""CREATE OR REPLACE FUNCTION demand_emptied() {_FUNCTION} $$ BEGIN
    DELETE FROM demand_packed; RETURN NULL; END $$"""  # noqa: S608  # a part of the definition


def _of_all(table: str) -> tuple[str, str]:
    emptied = f"CREATE TRIGGER {table}_truncate AFTER TRUNCATE ON {table} "
    return _EMPTIED, f"{emptied}FOR EACH STATEMENT EXECUTE FUNCTION demand_emptied()"


_WRITTEN = {
    "sqlite": tuple(
        f"CREATE TRIGGER demand_packed_{deed} AFTER {deed} ON daily_demand BEGIN {' '.join(map(_moved_back, rows))} END"
        for deed, rows in (("insert", ("NEW",)), ("update", ("OLD", "NEW")), ("delete", ("OLD",)))
    ),
    "postgresql": (
        # The second statement does nothing but fail where the first one, in a transaction that began before the product
        # was packed, could not see what it had to move back.
        f"""CREATE OR REPLACE FUNCTION demand_written() {_FUNCTION} $$ BEGIN
        UPDATE demand_packed SET until_day = written.day
        FROM (SELECT product_id, min(day) AS day FROM rows GROUP BY product_id) AS written
        WHERE demand_packed.product_id = written.product_id AND until_day > written.day;
        INSERT INTO demand_packed (product_id, until_day)
        SELECT DISTINCT product_id, DATE '1696-03-17' FROM rows ON CONFLICT (product_id) DO NOTHING;
        RETURN NULL; END $$""",  # noqa: S608  # as above
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
        *_of_all("daily_demand"),
    ),
}
_GONE = {
    "sqlite": (
        (
            "CREATE TRIGGER demand_packs_delete AFTER DELETE ON demand_packs "
            "BEGIN DELETE FROM demand_packed WHERE product_id = OLD.product_id; END"
        ),
    ),
    "postgresql": (
        f"""CREATE OR REPLACE FUNCTION demand_packs_gone() {_FUNCTION} $$ BEGIN
        DELETE FROM demand_packed WHERE product_id IN (SELECT product_id FROM rows); RETURN NULL; END $$""",  # noqa: S608  # as above
        """CREATE TRIGGER demand_packs_delete AFTER DELETE ON demand_packs
        REFERENCING OLD TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION demand_packs_gone()""",
        *_of_all("demand_packs"),
    ),
}

for _table, _by_dialect in ((DailyDemand.__table__, _WRITTEN), (DemandPack.__table__, _GONE)):
    for _dialect, _statements in _by_dialect.items():
        for _statement in _statements:
            _trigger = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it unannotated
            event.listen(_table, "after_create", _trigger.execute_if(dialect=_dialect))
