"""Calls of Tryton: sessions that end, passwords that are wrong, errors inside a 200, exact values."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.errors import Declined, Unanswered, Unreached
from bot.sandbox.serving import Serving
from bot.stores.tryton import TrytonFeed
from bot.stores.tryton.api import REST, Api
from bot.stores.tryton.cursor import Cursor
from bot.stores.tryton.values import Unreadable, day, dumps, loads, money, whole
from tests.stores.tryton.conftest import Erp
from tests.stores.tryton.running import part

pytestmark = pytest.mark.xdist_group("tryton")
AWARE = st.datetimes(timezones=st.sampled_from([UTC]))
WAITING = st.dictionaries(st.text(), st.tuples(st.text(), st.text()))
SPANS = st.timedeltas(timedelta(days=-9999), timedelta(days=9999))


async def _no_pause(_seconds: float) -> None:
    pass


async def test_a_wrong_password_is_told_once_and_not_tried_again_for_a_while(erp: Erp) -> None:
    now = 1000.0
    api = Api(erp.part(secret="wrong-password"), watch=lambda: now)
    errors = await asyncio.gather(*(api.now() for _ in range(5)), return_exceptions=True)
    refused = "Tryton knows no such user and password (401)"
    assert {(type(error), str(error)) for error in errors} == {(Declined, refused)}
    attempts = "SELECT COUNT(*) FROM res_user_login_attempt"
    assert erp.sql(attempts) == [(1,)]  # each one more makes Tryton slower, and a few shut the user out
    now += REST - 1
    with pytest.raises(Declined):
        await api.now()
    assert erp.sql(attempts) == [(1,)]
    erp.sql("DELETE FROM res_user_login_attempt")
    now += 2
    with pytest.raises(Declined):
        await api.now()
    assert erp.sql(attempts) == [(1,)]
    await api.close()


async def test_the_check_says_what_is_wrong_without_telling_the_password(erp: Erp) -> None:
    assert [check.verdict for check in await erp.feed.check()] == ["ok"]
    wrong = TrytonFeed("erp", erp.part(secret="wrong-password"))
    (check,) = await wrong.check()
    assert (check.verdict, "401" in check.detail, "wrong-password" in str(check)) == ("fail", True, False)
    nobody = TrytonFeed("erp", part(erp.url.replace("/erp", "/other")))
    assert (await nobody.check())[0].verdict == "fail"
    for feed in (wrong, nobody):
        await feed.close()


async def test_a_session_that_ended_is_renewed_once_for_all_who_wait(erp: Erp) -> None:
    sessions = "SELECT COUNT(*) FROM ir_session"
    before = erp.sql(sessions)[0][0]
    erp.sql("DELETE FROM ir_session WHERE create_uid = 2")
    assert len(set(await asyncio.gather(*(erp.feed.places() for _ in range(5))))) == 1
    assert erp.sql(sessions) == [(before,)]


async def test_a_write_by_a_session_that_ended_is_made_once(erp: Erp) -> None:
    erp.sql("DELETE FROM ir_session")
    await erp.create("party.party", name="New", code="NEW")
    assert erp.sql("SELECT COUNT(*) FROM party_party WHERE code = 'NEW'") == [(1,)]


async def test_errors_inside_a_200_are_errors(erp: Erp) -> None:
    with pytest.raises(Declined, match="must be unique"):
        await erp.create("party.party", name="Again", code="SZ")
    with pytest.raises(Declined, match="Tryton failed"):
        await erp.rows("product.product", [], "no_such_field")
    with pytest.raises(Declined, match="not allowed"):
        await erp.feed._api.write("model.res.user.write", [1], {"name": "x"}, await erp.feed._api.context())


async def test_a_question_of_tryton_s_is_no_consent(erp: Erp) -> None:
    with pytest.raises(Declined, match="Tryton asks a person"):
        await erp.write("product.product", 1, active=False)  # it lies on the shelf
    assert erp.sql("SELECT active FROM product_product WHERE id = 1") == [(1,)]


async def test_what_somebody_changes_at_the_same_time_may_be_tried_again(erp: Erp) -> None:
    context = {**await erp.clerk.context(), "_timestamp": {"party.party,2": "1.0"}}
    with pytest.raises(Unreached, match="same time"):
        await erp.clerk.write("model.party.party.write", [2], {"name": "Other"}, context)


async def test_prices_go_there_and_back_exactly(erp: Erp) -> None:
    for told in ("0.1", "1.2345", "1234567.8901"):
        await erp.write("product.template", 1, list_price=Decimal(told))
        (row,) = await erp.rows("product.template", [["id", "=", 1]], "list_price")
        assert row["list_price"] == Decimal(told)


@settings(max_examples=50)
@given(st.decimals(allow_nan=False, allow_infinity=False) | st.dates() | AWARE | SPANS | st.integers() | st.text())
def test_values_come_back_as_they_went(told: object) -> None:
    assert loads(dumps({"of": [told]})) == {"of": [told]}


def test_what_is_no_value_is_named() -> None:
    with pytest.raises(TypeError):
        dumps(datetime(2024, 1, 1))  # noqa: DTZ001  # it is naive on purpose
    for broken in (b'{"__class__": "date", "year": 2024}', b'{"__class__": "Decimal", "decimal": "x"}'):
        with pytest.raises(ValueError, match="Tryton does not write"):
            loads(broken)
    for read in (
        lambda: whole({"quantity": None}, "quantity"),
        lambda: whole({"quantity": True}, "quantity"),
        lambda: money({"price": 1.5}, "price", "USD"),
        lambda: day({"on": "soon"}, "on"),
    ):
        with pytest.raises(Unreadable):
            read()
    assert money({"price": Decimal("1.005")}, "price", "USD") is not None
    assert day({"on": date(2024, 2, 29)}, "on") == date(2024, 2, 29)


@settings(max_examples=50)
@given(st.none() | AWARE, st.none() | AWARE, st.integers(0), WAITING)
def test_a_cursor_is_read_as_it_was_written(
    since: datetime | None, begun: datetime | None, last: int, waiting: dict[str, tuple[str, str]]
) -> None:
    cursor = Cursor(since, begun, last, waiting)
    assert Cursor.of(str(cursor)) == cursor


@asynccontextmanager
async def _odd(answer: Callable[[str], Response]) -> AsyncIterator[tuple[Api, list[str]]]:
    """Something that is no Tryton, or one in trouble: what it answers to each method, and what it was asked."""
    asked: list[str] = []

    async def rpc(request: Request) -> Response:
        method = str((await request.json())["method"])
        asked.append(method)
        return answer(method)

    serving = Serving(Starlette(routes=[Route("/erp/rpc/", rpc, methods=["POST"])]))
    url = serving.bind()
    await serving.start()
    api = Api(part(f"{url}/erp"), pause=_no_pause, turns=2)
    yield api, asked
    await api.close()
    await serving.stop()


def _session(then: Response) -> Callable[[str], Response]:
    return lambda method: JSONResponse({"id": 1, "result": [2, "t", None]}) if method == "common.db.login" else then


async def test_too_many_logins_are_waited_out(erp: Erp) -> None:
    del erp
    async with _odd(lambda _method: Response(status_code=429)) as (api, asked):
        for _ in range(3):
            with pytest.raises(Unreached, match="429"):
                await api.now()
        assert asked == ["common.db.login"]


async def test_an_answer_that_is_not_tryton_s_leaves_a_write_open_and_a_reading_to_come_again() -> None:
    for said in (Response("<html>"), JSONResponse({"id": 1}), JSONResponse([]), Response(status_code=502)):
        async with _odd(_session(said)) as (api, asked):
            with pytest.raises(Unreached):
                await api.read("model.res.user.get_preferences")
            with pytest.raises(Unanswered):
                await api.write("model.party.party.create")
            assert asked.count("model.party.party.create") == 1


async def test_a_session_that_is_never_taken_is_declined_and_no_storm() -> None:
    async with _odd(_session(Response(status_code=401))) as (api, asked):
        with pytest.raises(Declined, match="401"):
            await api.read("model.res.user.get_preferences")
        assert asked.count("common.db.login") == 2


async def test_a_tryton_that_is_not_there_was_not_reached() -> None:
    api = Api(part("http://127.0.0.1:9/erp"), pause=_no_pause)
    with pytest.raises(Unreached):
        await api.write("model.party.party.create")
    await api.close()


async def test_a_login_that_asks_for_more_is_declined() -> None:
    more = JSONResponse({"id": 1, "error": ["LoginException", ["code", "The code we sent", "char"]]})
    async with _odd(lambda _method: more) as (api, _):
        with pytest.raises(Declined, match="asks a person"):
            await api.now()
