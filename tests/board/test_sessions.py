"""A link lets one browser in, once and not for long; a session ends when it should."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.errors import Refusal
from bot.services.sessions import LINK_MINUTES, SESSION_HOURS, Entered
from bot.storage import tables
from tests.board.conftest import House

COOKIE = "stocktide"


async def test_of_two_browsers_with_the_same_link_one_gets_in(bare: House) -> None:
    for _round in range(5):
        token = await bare.token()
        sessions = bare.app.services.sessions
        found = await asyncio.gather(*(sessions.enter(token) for _browser in range(4)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in found) == ["Entered", "Refusal", "Refusal", "Refusal"]
    assert len(await bare.all(tables.WebSession)) == 5


async def test_a_link_is_good_for_its_minutes_and_no_longer(bare: House) -> None:
    early, late = await bare.token(), await bare.token()
    bare.clock.push(timedelta(minutes=LINK_MINUTES, seconds=-1))
    assert isinstance(await bare.app.services.sessions.enter(early), Entered)
    bare.clock.push(timedelta(seconds=1))
    with pytest.raises(Refusal):
        await bare.app.services.sessions.enter(late)


async def test_a_session_ends_after_its_hours(bare: House) -> None:
    client = await bare.enter()
    bare.clock.push(timedelta(hours=SESSION_HOURS, seconds=-1))
    assert (await client.get("/board/requests")).status_code == 200
    bare.clock.push(timedelta(seconds=1))
    assert (await client.get("/board/requests")).status_code == 401


async def test_whoever_left_the_team_is_out_at_once(bare: House) -> None:
    client = await bare.enter()
    assert (await client.get("/board/suppliers")).status_code == 200
    await bare.change(tables.Member, bare.members["Lin Wei"], active=False)
    answer = await client.get("/board/suppliers")
    assert answer.status_code == 401
    assert "/board" in answer.text
    assert "Lin Wei" not in answer.text


async def test_leaving_ends_the_session_for_good(bare: House) -> None:
    client = await bare.enter()
    secret = client.cookies[COOKIE]
    answer = await client.post("/board/leave", data={})
    assert answer.status_code == 200
    assert 'stocktide="";' in answer.headers["set-cookie"]
    client.cookies.set(COOKIE, secret)
    assert (await client.get("/board")).status_code == 401
    assert await bare.all(tables.WebSession) == []


async def test_the_database_keeps_hashes_alone(bare: House) -> None:
    token = await bare.token()
    entered = await bare.app.services.sessions.enter(token)
    async with bare.database.reading() as connection:
        for table in (tables.WebPass, tables.WebSession):
            for row in await connection.execute(select(*table.__table__.columns)):
                assert token not in str(tuple(row))
                assert entered.secret not in str(tuple(row))
    assert len(token) == len(entered.secret) == 43  # 256 bits


async def test_the_token_stands_in_the_fragment_which_no_server_sees(bare: House) -> None:
    link = await bare.app.services.sessions.link(bare.members["Lin Wei"], "/board")
    address, _mark, token = link.partition("#")
    assert token not in address
    page = await bare.stranger().get(address)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers


async def test_a_token_that_was_never_given_lets_nobody_in(bare: House) -> None:
    for token in ("", "nonsense", "x" * 129, "\u0000", "茶壶", None, 7):
        answer = await bare.stranger().post("/board/enter", json={"token": token})
        assert answer.status_code == 403
        english, chinese = answer.json()["refused"]
        assert english.startswith("This link has been used or is too old.")
        assert "链接" in chinese
    assert await bare.all(tables.WebSession) == []


async def test_a_malformed_entry_is_refused_and_breaks_nothing(house: House) -> None:
    client = house.stranger()
    for body in (b"[]", b"null", b"{", b"\xff\xfe", b'"x"', b"[" * 60_000, b'{"token": "\\ud800"}'):
        assert (await client.post("/board/enter", content=body)).status_code == 400, body[:20]


async def test_a_link_that_was_too_much_to_read_lets_nobody_in(house: House) -> None:
    body = b'{"token": "' + b"x" * 100_000 + b'"}'
    assert (await house.stranger().post("/board/enter", content=body)).status_code == 403


async def test_cleaning_up_forgets_links_and_sessions_that_are_over(bare: House) -> None:
    await bare.enter()
    await bare.token()
    bare.clock.push(timedelta(days=60))
    await bare.app.job_runner.run_now("cleanup")
    assert await bare.all(tables.WebPass) == await bare.all(tables.WebSession) == []


TARGETS = {
    "board": "/board",
    "board products": "/board/stock",
    "board slow": "/board/slow",
    "board 85123A": "/board/sku?code=85123A",
    "board R-1": "/board/request/1",
    "board C-1": "/board/case/1",
    "看板": "/board",
}


async def test_the_command_leads_to_the_page_that_was_asked_for(house: House) -> None:
    for said in TARGETS:
        assert not (await house.chat(said)).refused, said
    made = await house.all(tables.WebPass)
    assert [one.target for one in made] == list(TARGETS.values())
    assert {one.member_id for one in made} == {house.members["Lin Wei"]}


async def test_a_link_is_never_shown_to_a_whole_group(house: House) -> None:
    answer = await house.chat("board", platform="telegram")
    assert answer.refused
    assert "enter#" not in str(answer.message)
