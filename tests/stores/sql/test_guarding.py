"""What a database is not asked for: writing, too much, too long, other hosts; and what is told of it."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from bot.errors import Declined, Unreached
from bot.settings import StorePart
from bot.stores.sql import SqlFeed
from bot.stores.sql.address import engine_of
from bot.stores.sql.cursor import OVERLAP, Cursor
from bot.stores.sql.reading import Terms
from bot.stores.sql.statement import plain
from tests.stores.sql.conftest import Seller

MOMENTS = st.datetimes(timezones=st.just(UTC))
SECRET = "hunter2-of-the-database"


@pytest.mark.parametrize(
    "written",
    [
        "DELETE FROM t",
        "SELECT 1; DELETE FROM t",
        "/* SELECT */ UPDATE t SET x = 1",
        "SELECT ';' AS a; SELECT 2",
        "SELECT $q$;$q$; DROP TABLE t",
        "",
        "PRAGMA writable_schema = 1",
    ],
)
def test_what_is_not_one_query_is_refused(written: str) -> None:
    with pytest.raises(Declined, match=r"options\.sales"):
        plain("sales", written)


@pytest.mark.parametrize(
    "written",
    ["SELECT ';' AS a", "select 1 -- ; no more\n", "WITH a AS (SELECT 1) SELECT * FROM a /* ; */", 'SELECT 1 AS ";"'],
)
def test_semicolons_that_end_nothing_are_no_statements(written: str) -> None:
    assert plain("sales", written) == written


def test_the_last_semicolon_is_left_out() -> None:
    assert plain("sales", "SELECT 'a;b' AS a ; -- done; really\n") == "SELECT 'a;b' AS a "


@pytest.mark.parametrize(
    "query",
    [
        "WITH gone AS (DELETE FROM t RETURNING code) SELECT code, 1 AS on_hand FROM gone",
        "SELECT code, 1 AS on_hand FROM t) x; DELETE FROM t WHERE code IN (SELECT code FROM t",
        "SELECT code, 1 AS on_hand INTO other FROM t",
    ],
)
async def test_a_query_that_would_write_fails_and_writes_nothing(seller: Seller, query: str) -> None:
    seller.run("CREATE TABLE t (code TEXT); INSERT INTO t VALUES ('A')")
    with pytest.raises(Declined):
        await seller.read("stock", stock=query)
    (page,) = await seller.read("stock", stock="SELECT code, 1 AS on_hand FROM t")
    assert len(page.facts) == 1


async def test_a_function_that_writes_is_stopped_by_the_transaction(postgres_seller: Seller) -> None:
    postgres_seller.run("CREATE SEQUENCE s")
    with pytest.raises(Declined, match="read-only transaction"):
        await postgres_seller.read("stock", stock="SELECT 'A' AS code, 1 AS on_hand FROM nextval('s') AS n")


async def test_a_file_is_opened_so_that_nothing_can_write_it(sqlite_seller: Seller) -> None:
    engine = await engine_of(sqlite_seller.part())
    with engine.connect() as connection, pytest.raises(Exception, match="readonly database"):
        connection.execute(text("CREATE TABLE more (x)"))
    engine.dispose()


async def test_a_query_that_takes_too_long_is_interrupted(seller: Seller) -> None:
    endless = "WITH RECURSIVE n(code) AS (SELECT 1 UNION ALL SELECT code + 1 FROM n) SELECT code, 1 AS on_hand FROM n"
    clock = asyncio.get_running_loop().time
    began = clock()
    with pytest.raises(Declined, match=r"longer than 0\.2 seconds"):
        await seller.read("stock", stock=endless, seconds="0.2")
    assert clock() - began < 5


async def test_a_query_that_gives_too_much_is_left(seller: Seller) -> None:
    seller.run("CREATE TABLE t (code TEXT); INSERT INTO t VALUES ('A'), ('B'), ('C')")
    with pytest.raises(Declined, match="more than 2 rows"):
        await seller.read("stock", stock="SELECT code, 1 AS on_hand FROM t", rows="2")


async def test_columns_are_told_where_they_are_missing_unknown_or_twice(seller: Seller) -> None:
    seller.run('CREATE TABLE t ("Code" TEXT, on_hand INTEGER, comitted INTEGER)')
    options = {
        "stock": "SELECT * FROM t",
        "sales": 'SELECT "Code", on_hand AS quantity FROM t',
        "products": 'SELECT "Code", "Code" AS code FROM t',
        "purchase_orders": "SELECT * FROM elsewhere",
        "plcae": "UK",
    }
    told = {check.name: (check.verdict, check.detail) for check in await seller.feed(**options).check()}
    assert told["store erp: stock"] == ("warn", "nobody looks at the columns comitted")
    assert told["store erp: sales"][0] == "fail"
    assert "no column line_id, amount, sold_at, but code, quantity" in told["store erp: sales"][1]
    assert "elsewhere" in told["store erp: purchase_orders"][1]
    said = "the columns code:1" if seller.kind == "sqlite" else "two of its columns have one name"
    assert said in told["store erp: products"][1]  # SQLite names the second one anew
    assert told["store erp"] == ("warn", "options takes no plcae")
    with pytest.raises(Declined, match="no column line_id"):
        await seller.read("orders", **options)


async def test_queries_that_are_good_are_said_so(seller: Seller) -> None:
    seller.run("CREATE TABLE t (code TEXT, price NUMERIC(9, 2))")
    checks = await seller.feed(products="SELECT * FROM t", places="SELECT 1 AS id", currency="GBP").check()
    assert [(check.verdict, check.detail) for check in checks] == [("ok", "gives code, price"), ("ok", "gives 1")]
    (check,) = await seller.feed(products="SELECT * FROM t").check()
    assert (check.verdict, "currency" in check.detail) == ("fail", True)
    (check,) = await seller.feed(products="SELECT * FROM t WHERE code = :until", currency="GBP").check()
    assert "only :since" in check.detail
    (check,) = await seller.feed().check()
    assert "no query is named" in check.detail


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"zone": "Mars/Olympus"}, r"options\.zone"),
        ({"times": "days"}, r"options\.times"),
        ({"rows": "many"}, r"options\.rows"),
    ],
)
async def test_options_that_cannot_be_read_are_told(sqlite_seller: Seller, options: dict[str, str], said: str) -> None:
    with pytest.raises(Declined, match=said):
        await sqlite_seller.read("stock", stock="SELECT 1 AS code, 1 AS on_hand", **options)


async def _refused(url: str, *, private: bool = False, secret: str = SECRET, user: str = "reader") -> str:
    options = {"stock": "SELECT code, 1 AS on_hand FROM t"}
    part = StorePart(kind="sql", url=url, user=user, secret=secret, private=private, options=options)
    (check,) = await SqlFeed("erp", part).check()
    assert check.verdict == "fail"
    assert SECRET not in str(check)
    return check.detail


async def test_addresses_that_a_store_may_not_have(tmp_path: Path) -> None:
    assert "private network" in await _refused("postgresql+psycopg://127.0.0.1/shop")
    assert "private network" in await _refused("postgresql+psycopg://localhost:5432/shop")
    assert "private = true" in await _refused("postgresql+psycopg:///shop?host=/run/postgresql")
    assert "private = true" in await _refused("postgresql+psycopg://8.8.8.8/shop?host=127.0.0.1", private=True)
    assert "one host" in await _refused("postgresql+psycopg://8.8.8.8,127.0.0.1/shop", private=True)
    assert "takes no hostaddr" in await _refused("postgresql+psycopg://8.8.8.8/shop?hostaddr=127.0.0.1")
    assert "as secret" in await _refused(f"postgresql+psycopg://reader:{SECRET}@8.8.8.8/shop")
    assert "no driver for mssql+pyodbc" in await _refused("mssql+pyodbc://8.8.8.8/shop")
    assert "no driver for cobol" in await _refused("cobol://8.8.8.8/shop")
    assert "asynchronous" in await _refused("sqlite+aiosqlite:///shop.db")
    assert "no file" in await _refused(f"sqlite:///{tmp_path}/absent.db")
    assert "names no file" in await _refused("sqlite://")
    assert "takes no mode" in await _refused(f"sqlite:///{tmp_path}/a.db?mode=rwc")
    assert "none that SQLAlchemy knows" in await _refused("")
    assert not (tmp_path / "absent.db").exists()


async def test_a_database_that_is_not_there_was_not_reached_and_its_password_is_told_nowhere() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"postgresql+psycopg://127.0.0.1:{port}/shop"
    assert "refused" in await _refused(url, private=True)
    part = StorePart(kind="sql", url=url, user="u", secret=SECRET, private=True, options={"stock": "SELECT 1"})
    with pytest.raises(Unreached) as raised:
        await anext(aiter(SqlFeed("erp", part).read("stock")))
    assert SECRET not in repr(raised.value.__cause__) + str(raised.value)
    engine = await engine_of(part)
    assert SECRET not in repr(engine.url)
    assert (engine.url.username, engine.url.password) == ("u", SECRET)


async def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("Dear diary, " * 1000)
    assert "not a database" in await _refused(f"sqlite:///{path}")


async def test_a_user_whom_the_database_does_not_know_is_no_matter_of_the_network(postgres_seller: Seller) -> None:
    url = postgres_seller.url.replace("postgres@", "")
    feed = SqlFeed("erp", StorePart(kind="sql", url=url, user="nobody", private=True, options={"stock": "SELECT 1"}))
    with pytest.raises(Declined, match="nobody"):
        await anext(aiter(feed.read("stock")))


async def test_a_reading_that_nobody_waits_for_lets_go_of_the_database(seller: Seller) -> None:
    endless = "WITH RECURSIVE n(code) AS (SELECT 1 UNION ALL SELECT code + 1 FROM n) SELECT code, 1 AS on_hand FROM n"
    work = asyncio.create_task(seller.read("stock", stock=endless))
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(work, 0.2)
    seller.run("CREATE TABLE still_free (x INTEGER)")


@given(
    st.builds(Cursor, since=st.none() | MOMENTS, begun=st.none() | MOMENTS, after=st.none() | st.integers() | st.text())
)
def test_a_cursor_is_read_as_it_was_written(cursor: Cursor) -> None:
    assert Cursor.of(str(cursor)) == cursor


@given(st.text(max_size=60) | st.sampled_from(['{"since": 1}', '{"since":null,"begun":null,"after":true}']))
def test_what_is_no_cursor_is_the_beginning(told: str) -> None:
    assert Cursor.of(told) == Cursor()


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1)),  # noqa: DTZ001  # local ones, of the zone beside it
    st.sampled_from(["Europe/London", "America/Sao_Paulo", "Asia/Tokyo", "Australia/Lord_Howe"]),
)
def test_a_row_that_changed_after_a_reading_began_is_never_before_what_is_asked_for(local: datetime, zone: str) -> None:
    terms = Terms.of(StorePart(kind="sql", options={"zone": zone}))
    local = local.replace(microsecond=0, fold=0)  # as drivers give them
    at = terms.instant({"at": local}, "at")
    assert terms.instant({"at": str(local)}, "at") == at
    asked = terms.since(at + timedelta(hours=1) - OVERLAP, "postgresql")  # an hour may be told twice
    assert isinstance(asked, datetime)
    assert asked <= local
