"""Migrations: from nothing to the declared tables on both databases, once, whole or not at all."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Inspector, delete, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from bot.ports import MovableClock
from bot.services.audit import Audit
from bot.storage import migrations, tables
from bot.storage.database import Database
from bot.storage.migrations import config, differences, migrate, revisions
from tests.services.work.kit import add

HEAD = "0025"


async def inspected(database: Database) -> dict[str, Any]:
    """Everything a database says of its tables: columns, keys, references, indexes and checks."""

    def look(connection: Connection) -> dict[str, Any]:
        eye: Inspector = inspect(connection)
        return {
            name: {
                "columns": [_plain(column) for column in eye.get_columns(name)],
                "key": _plain(eye.get_pk_constraint(name)),
                "references": sorted(map(_plain, eye.get_foreign_keys(name))),
                "indexes": sorted(map(_plain, eye.get_indexes(name))),
                "unique": sorted(map(_plain, eye.get_unique_constraints(name))),
                "checks": sorted(map(_plain, eye.get_check_constraints(name))),
            }
            for name in eye.get_table_names()
            if name != "alembic_version"
        } | {"guards": _guards(connection)}

    async with database.reading() as connection:
        return await connection.run_sync(look)


def _guards(connection: Connection) -> Any:
    """The triggers and what they call, as the database keeps them."""
    if connection.dialect.name == "sqlite":
        found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"))
    else:
        found = connection.execute(
            text(
                "SELECT tgname, pg_get_triggerdef(t.oid), regexp_replace(p.prosrc, '\\s+', ' ', 'g'), "
                "p.proconfig FROM pg_trigger t "
                "JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT tgisinternal ORDER BY tgname"
            )
        )
    return [tuple(row) for row in found]


def _plain(found: Any) -> str:
    """What the inspector found as text: types and clauses are objects that equal none but themselves."""
    if isinstance(found, dict):
        return str([(key, _plain(value)) for key, value in sorted(found.items())])
    return str(found)


async def tables_of(database: Database) -> set[str]:
    """The names of a database's tables."""
    return set(await inspected(database)) - {"guards"}


async def test_nothing_becomes_the_newest_revision(empty: Database) -> None:
    assert await revisions(empty) == ("none", HEAD)
    assert await migrate(empty) == ("none", HEAD)
    assert await revisions(empty) == (HEAD, HEAD)


async def test_the_migrated_tables_are_the_declared_ones(empty: Database) -> None:
    await migrate(empty)
    assert await differences(empty) == []


@pytest.fixture(params=["sqlite", "postgres"])
def pair(request: pytest.FixtureRequest) -> tuple[Database, str]:
    """A database whose tables were declared, and the address of an empty one beside it."""
    return request.getfixturevalue(f"{request.param}_database"), request.getfixturevalue(f"empty_{request.param}")


async def test_migrating_and_declaring_give_the_same_schema_to_the_last_name(pair: tuple[Database, str]) -> None:
    declared, migrated = pair[0], Database(pair[1])
    try:
        await migrate(migrated)
        assert await inspected(migrated) == await inspected(declared)
    finally:
        await migrated.close()


async def test_a_table_that_was_never_migrated_is_a_difference(empty: Database) -> None:
    await migrate(empty)
    async with empty.transaction() as connection:
        await connection.execute(text("ALTER TABLE marks RENAME COLUMN value TO worth"))
    assert len(await differences(empty)) == 2


async def test_a_column_of_another_type_is_a_difference(empty: Database) -> None:
    await migrate(empty)
    async with empty.transaction() as connection:
        await connection.execute(text("DROP TABLE marks"))
        await connection.execute(text("CREATE TABLE marks (key VARCHAR PRIMARY KEY, value BIGINT NOT NULL)"))
    assert any("modify_type" in found for found in await differences(empty))


async def test_migrating_twice_changes_nothing(empty: Database) -> None:
    await migrate(empty)
    async with empty.transaction() as connection:
        await connection.execute(insert(tables.Mark).values(key="kept", value="yes"))
    before = await inspected(empty)
    assert await migrate(empty) == (HEAD, HEAD)
    assert await inspected(empty) == before
    async with empty.reading() as connection:
        assert (await connection.execute(select(tables.Mark.value))).scalars().all() == ["yes"]


async def test_a_migration_that_fails_leaves_nothing_behind(empty: Database) -> None:
    async with empty.transaction() as connection:  # the last table of the migration is there already
        await connection.execute(text("CREATE TABLE digest_ledger (id INTEGER PRIMARY KEY)"))
    with pytest.raises(DBAPIError):
        await migrate(empty)
    assert await tables_of(empty) == {"digest_ledger"}
    assert await revisions(empty) == ("none", HEAD)


async def test_every_migration_can_be_taken_back(empty: Database) -> None:
    await migrate(empty)

    def back(connection: Connection) -> None:
        chosen = config()
        chosen.attributes["connection"] = connection
        command.downgrade(chosen, "base")

    async with empty.transaction() as connection:
        await connection.run_sync(back)
    assert await tables_of(empty) == set()
    assert (await inspected(empty))["guards"] == []
    assert await migrate(empty) == ("none", HEAD)


def upgrade(connection: Connection, to: str) -> None:
    """Migrate to a revision."""
    chosen = config()
    chosen.attributes["connection"] = connection
    command.upgrade(chosen, to)


async def test_stays_left_open_by_an_earlier_version_were_seen_when_they_began(
    empty: Database, clock: MovableClock
) -> None:
    at = clock.now()
    async with empty.transaction() as connection:
        await connection.run_sync(upgrade, "0003")
        member = await add(connection, tables.Member, name="Lin Wei", role="approver", zone="UTC", created_at=at)
        room = await add(
            connection, tables.Room, key="k1", provider="embedded", title="Tea", opened_by=member, cap=6, calls={},
            called=[], starts_at=at, created_at=at,
        )  # fmt: skip
        for visit, left_at in (("open", None), ("over", at + timedelta(minutes=5))):
            await add(
                connection, tables.RoomVisit, room_id=room, member_id=member, visit=visit, joined_at=at, left_at=left_at
            )
        await connection.run_sync(upgrade, "0004")
        found = await connection.execute(select(tables.RoomVisit.visit, tables.RoomVisit.seen_at))
        assert {row.visit: row.seen_at for row in found} == {"open": at, "over": None}


async def test_parts_of_kits_that_were_sold_are_kept_with_their_units_where_every_kit_takes_as_many(
    empty: Database, clock: MovableClock
) -> None:
    at = clock.now()
    async with empty.transaction() as connection:
        await connection.run_sync(upgrade, "0022")
        place = await add(
            connection, tables.Location, code="BER", name="BER", zone="UTC", country="", currency="EUR", markets=[]
        )  # fmt: skip
        ids = {}
        for sku in ("SET", "BOX", "MUG", "CUP"):
            ids[sku] = await add(
                connection, tables.Product, sku=sku, name=sku, currency="EUR", active=True, created_at=at
            )  # fmt: skip
        for kit, part, units in (("SET", "MUG", 2), ("BOX", "MUG", 2), ("SET", "CUP", 1), ("BOX", "CUP", 3)):
            await add(connection, tables.Kit, product_id=ids[kit], component_id=ids[part], quantity=units)
        for name, sku in (("1/a/{}", "MUG"), ("1/a/{}/return/r", "MUG"), ("1/a/{}", "CUP"), ("1/b", "MUG")):
            await add(
                connection, tables.Sale, source="store:shop", external_id=name.format(ids[sku]), order_ref="1",
                product_id=ids[sku], location_id=place, code=sku, sold_at=at, day=at.date(), quantity=4,
                unit_price=Decimal(1), amount_minor=400, currency="EUR", customer="", kind="sale",
            )  # fmt: skip
        await connection.run_sync(upgrade, "0023")
        found = await connection.execute(select(tables.Sale.kit_units).order_by(tables.Sale.id))
        assert found.scalars().all() == [2, 2, None, None]


def test_the_revisions_are_numbered_in_one_line() -> None:
    script = ScriptDirectory.from_config(config())
    found = [revision.revision for revision in script.walk_revisions()][::-1]
    assert found == [f"{number:04}" for number in range(1, len(found) + 1)]
    files = sorted(path.name for path in (Path(migrations.__file__).parent / "versions").glob("*.py"))
    assert [name[:4] for name in files] == found


@pytest.fixture(params=["migrated", "declared"])
async def book(request: pytest.FixtureRequest, empty: Database, clock: MovableClock) -> Audit:
    """An audit log with three entries, whose tables were migrated, or made as they are declared."""
    if request.param == "migrated":
        await migrate(empty)
    else:
        async with empty.engine.begin() as connection:
            await connection.run_sync(tables.Base.metadata.create_all)
    audit = Audit(database=empty, clock=clock)
    for number in range(3):
        async with empty.transaction() as connection:
            await audit.append(connection, "case.snoozed", f"case:{number}", {"number": number})
    return audit


async def test_entries_are_appended_to_a_guarded_log(book: Audit) -> None:
    verdict = await book.verify()
    assert (verdict.entries, verdict.broken_at) == (3, None)


@pytest.mark.parametrize(
    "change",
    [
        update(tables.Audit).where(tables.Audit.id == 2).values(action="request.approved"),
        update(tables.Audit).values(platform="slack"),
        delete(tables.Audit).where(tables.Audit.id == 3),
        delete(tables.Audit),
    ],
    ids=["update one", "update all", "delete one", "delete all"],
)
async def test_the_database_itself_refuses_to_change_the_audit_log(empty: Database, book: Audit, change: Any) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with empty.transaction() as connection:
            await connection.execute(change)
    verdict = await book.verify()
    assert (verdict.entries, verdict.broken_at) == (3, None)


@pytest.mark.parametrize("empty", ["postgres"], indirect=True)
async def test_the_audit_log_cannot_be_truncated(empty: Database, book: Audit) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        async with empty.transaction() as connection:
            await connection.execute(text("TRUNCATE audit"))
    assert (await book.verify()).entries == 3


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
async def test_the_audit_log_s_entries_cannot_be_replaced(empty: Database, book: Audit) -> None:
    replace = "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 2"
    with pytest.raises(DBAPIError, match="append-only"):
        async with empty.transaction() as connection:
            await connection.execute(text(replace))
    assert (await book.verify()).broken_at is None


@pytest.mark.parametrize("empty", ["sqlite"], indirect=True)
async def test_the_guards_test_sees_a_lifted_guard(empty: Database, book: Audit) -> None:
    before = await inspected(empty)
    async with empty.transaction() as connection:
        await connection.execute(text("DROP TRIGGER audit_refuses_update"))
        await connection.execute(update(tables.Audit).where(tables.Audit.id == 2).values(action="request.approved"))
    assert await inspected(empty) != before
    assert (await book.verify()).fault == "edited"
