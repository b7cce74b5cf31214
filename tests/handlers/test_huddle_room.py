"""The video room as the services keep it: who has a seat, what is written down, and the panel at its side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, update
from starlette.applications import Starlette

from bot import settings
from bot.bootstrap.site import Doors, site_of
from bot.errors import Refusal
from bot.services.buttons import Buttons
from bot.storage import rooms as rows
from bot.storage import tables
from bot.web.keeper import Keeper
from bot.web.rooms.hub import Hub
from bot.web.server import WebServer
from tests.handlers.conftest import LANTERN, Office, text
from tests.web_rooms.kit import Caller

ADDRESS = "http://127.0.0.1:8320"


@pytest.fixture
async def office(office: Office) -> Office:
    """The office with pages that listen, and a room about the lantern."""
    office.services.sessions.address.local = ADDRESS
    assert not (await office.ask(f"huddle {LANTERN} carrier delays with Jonas")).refused
    return office


@pytest.fixture
def keeper(office: Office) -> Keeper:
    return Keeper(office.services)


async def session(office: Office, keeper: Keeper, name: str) -> tuple[str, str]:
    """The room's key, and a session in it."""
    admission = await office.services.rooms.admit(1, office.shop.members[name])
    key, _mark, token = admission.url.removeprefix(f"{ADDRESS}/rooms/").partition("#")
    return key, await keeper.enter(key, token)


async def test_a_seat_says_who_it_is_and_what_stands_beside(office: Office, keeper: Keeper) -> None:
    key, secret = await session(office, keeper, "Lin Wei")
    seat = await keeper.seat(key, secret)
    assert (seat.name, seat.role, seat.title, seat.recording) == ("Lin Wei", "host", "carrier delays", False)
    assert seat.side_url == f"/board/room/{key}"
    key, secret = await session(office, keeper, "Maria")
    assert (await keeper.seat(key, secret)).role == "member"


async def test_a_link_to_another_page_opens_no_room(office: Office, keeper: Keeper) -> None:
    room = await office.services.rooms.by_id(1)
    token = await office.services.sessions.token(office.shop.members["Jonas"], "/board")
    with pytest.raises(Refusal, match="elsewhere"):
        await keeper.enter(room.key, token)


async def test_who_has_left_the_team_loses_the_seat_at_once(office: Office, keeper: Keeper) -> None:
    key, secret = await session(office, keeper, "Jonas")
    await keeper.seat(key, secret)
    async with office.shop.database.transaction() as connection:
        gone = tables.Member.id == office.shop.members["Jonas"]
        await connection.execute(update(tables.Member).where(gone).values(active=False))
    with pytest.raises(Refusal, match="not let in"):
        await keeper.seat(key, secret)


async def test_nobody_sits_in_a_room_that_is_over_or_that_nobody_knows(office: Office, keeper: Keeper) -> None:
    key, secret = await session(office, keeper, "Jonas")
    with pytest.raises(Refusal, match="no such room"):
        await keeper.seat("x" * 22, secret)
    await office.ask("huddle end V-1")
    with pytest.raises(Refusal, match="closed"):
        await keeper.seat(key, secret)


async def test_what_happens_inside_is_written_down_and_talk_is_not(office: Office, keeper: Keeper) -> None:
    key, secret = await session(office, keeper, "Lin Wei")
    seat = await keeper.seat(key, secret)
    await keeper.joined(seat, "v1")
    for kind, words in (("chat", "hello"), ("decision", "buy 200"), ("note", "call"), ("file", "plan.pdf, 3 kB, ab12")):
        await keeper.noted(seat, kind, words)  # type: ignore[arg-type]  # the four kinds
    await keeper.left(seat, "v1")
    await keeper.ended(key, None)  # it merely emptied
    room = await office.services.rooms.by_id(1)
    assert room.ended_at is None
    await keeper.ended(key, seat)
    await office.services.rooms.settle()
    minutes = await office.services.rooms.views.minutes(await office.services.rooms.by_id(1))
    assert [(note.kind, note.text) for note in minutes.notes] == [
        ("decision", "buy 200"), ("note", "call"), ("file", "plan.pdf, 3 kB, ab12"),
    ]  # fmt: skip
    async with office.shop.database.reading() as connection:
        platforms = await connection.scalars(
            select(tables.Audit.platform).where(tables.Audit.action == "room.decision")
        )
        assert list(platforms) == ["web"]


@pytest.mark.parametrize("deed", ["V-2", "join V-2", "note V-2 x", "end V-2", "settle V-2 2011-11-21T12:00+00:00"])
async def test_a_room_opened_in_private_is_for_its_opener_the_invited_and_administrators(
    office: Office, keeper: Keeper, deed: str
) -> None:
    await office.ask("huddle salaries with Jonas", kind="direct")
    answer = await office.ask(f"huddle {deed}", name="Maria")
    assert answer.refused
    assert "opened in a private chat" in text(answer)
    assert "salaries" not in text(answer)
    token = await office.services.sessions.token(office.shop.members["Maria"], "/rooms/x")
    key = (await office.services.rooms.by_id(2)).key
    with pytest.raises(Refusal, match="private chat"):
        await keeper.seat(key, (await office.services.sessions.enter(token)).secret)
    await office.services.members.set_role("Vic", "admin")
    for name in ("Lin Wei", "Jonas", "Vic"):
        assert not (await office.ask("huddle join V-2", name=name)).refused


@pytest.mark.parametrize("role", ["cohost", "viewer", "member"])
async def test_the_host_says_who_comes_in_as_what(office: Office, keeper: Keeper, role: str) -> None:
    await office.ask("huddle V-1 viewer Maria")
    assert not (await office.ask(f"huddle V-1 {role} @U-Maria")).refused
    key, secret = await session(office, keeper, "Maria")
    assert (await keeper.seat(key, secret)).role == role
    assert (await office.ask("huddle note V-1 hello", name="Maria")).refused == (role == "viewer")
    async with office.shop.database.reading() as connection:
        found = await connection.execute(
            select(tables.Audit.subject, tables.Audit.member_id, tables.Audit.data).where(
                tables.Audit.action == "room.role"
            )
        )
        last = found.all()[-1]
    maria = office.shop.members["Maria"]
    assert tuple(last) == ("room:1", office.shop.members["Lin Wei"], {"member": maria, "role": role})


@pytest.mark.parametrize(
    ("line", "name", "why"),
    [
        ("V-1 cohost Maria", "Jonas", "says who is what"),
        ("V-1 viewer Lin Wei", "Lin Wei", "stays its host"),
        ("V-1 viewer Nobody", "Lin Wei", "Which member"),
        ("V-1 cohost", "Lin Wei", "Whom?"),
        ("V-9 cohost Jonas", "Lin Wei", "There is no room"),
    ],
)
async def test_nobody_else_says_so_and_rubbish_is_told(office: Office, line: str, name: str, why: str) -> None:
    answer = await office.ask(f"huddle {line}", name=name)
    assert answer.refused
    assert why in text(answer)


async def test_a_co_host_ends_the_room_and_gives_no_roles(office: Office) -> None:
    await office.ask("huddle V-1 cohost Maria")
    assert (await office.ask("huddle V-1 cohost Jonas", name="Maria")).refused
    assert not (await office.ask("huddle end V-1", name="Maria")).refused
    assert (await office.ask("huddle V-1 cohost Jonas")).refused


async def test_somebody_can_be_let_into_a_room_opened_in_private(office: Office) -> None:
    await office.ask("huddle salaries", kind="direct")
    assert (await office.ask("huddle join V-2", name="Maria")).refused
    await office.ask("huddle V-2 member Maria")
    assert not (await office.ask("huddle join V-2", name="Maria")).refused


@pytest.mark.parametrize("deed", ["decide", "note"])
async def test_who_only_reads_and_who_only_watches_write_nothing(office: Office, deed: str) -> None:
    room = await office.services.rooms.by_id(1)
    async with office.shop.database.transaction() as connection:
        await rows.seat(connection, room.id, office.shop.members["Maria"], "viewer", invited=False)
    for name, why in (("Vic", "As viewer you may read"), ("Maria", "You are a viewer of this room")):
        answer = await office.ask(f"huddle {deed} V-1 buy 10000 units", name=name)
        assert answer.refused
        assert why in text(answer)
    assert await office.services.rooms.views.notes(room) == ()


async def test_a_line_that_is_refused_is_told_to_its_sender_alone(office: Office, keeper: Keeper) -> None:
    hub = Hub(keeper, office.shop.clock)
    watched = {}
    for name in ("Jonas", "Vic"):
        key, secret = await session(office, keeper, name)
        watched[name] = Caller(hub, await hub.attach(key, secret))
        await watched[name].say("join")
    await watched["Vic"].say("note", kind="decision", text="buy 10000 units")
    await watched["Vic"].say("say", text="what do you think?")
    assert [told["code"] for told in watched["Vic"].heard("error")] == ["refused"]
    assert [told["line"]["text"] for told in watched["Jonas"].heard("line")] == ["what do you think?"]
    await hub.close()


async def test_a_connection_that_comes_back_goes_on_with_its_stay(office: Office, keeper: Keeper) -> None:
    key, secret = await session(office, keeper, "Lin Wei")
    seat = await keeper.seat(key, secret)
    await keeper.joined(seat, "v1")
    await keeper.left(seat, "v1")
    await keeper.joined(seat, "v1")
    async with office.shop.database.reading() as connection:
        stays = (await connection.execute(select(tables.RoomVisit.visit, tables.RoomVisit.left_at))).all()
    assert [tuple(stay) for stay in stays] == [("v1", None)]


@pytest.fixture
async def browser(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """Jonas' browser, in the room's panel by the session of the room."""
    chosen = settings.given(organisation={"currency": "GBP"})
    buttons = Buttons(clock=office.shop.clock)
    address = office.services.sessions.address
    site = site_of(chosen, office.shop.clock, office.services, office.router, buttons, address, Doors(), ())
    server = WebServer(Starlette(routes=list(site.routes)), "127.0.0.1", 0, address, site.held)
    await server.start()
    key, secret = await session_of(office, "Jonas")
    async with httpx.AsyncClient(
        base_url=server.url, cookies={"stocktide": secret}, headers={"Origin": server.url}
    ) as client:
        client.headers["X-Key"] = key
        yield client
    await server.stop()


async def session_of(office: Office, name: str) -> tuple[str, str]:
    room = await office.services.rooms.by_id(1)
    token = await office.services.sessions.token(office.shop.members[name], f"/rooms/{room.key}")
    return room.key, (await office.services.sessions.enter(token)).secret


async def test_the_panel_shows_the_chart_and_takes_decisions(browser: httpx.AsyncClient) -> None:
    path = f"/board/room/{browser.headers['X-Key']}"
    page = await browser.get(path)
    assert page.status_code == 200
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    for part in ("<svg", LANTERN, "carrier delays", "/board/request/", "Clearance promotion"):
        assert part in page.text
    noted = await browser.post(
        f"{path}/note", data={"kind": "decision", "text": "<b>buy</b> 200"}, follow_redirects=True
    )
    assert "&lt;b&gt;buy&lt;/b&gt; 200" in noted.text
    empty = await browser.post(f"{path}/note", data={"kind": "note", "text": "  "})
    assert empty.status_code == 404
    assert "nothing to note" in empty.text
    foreign = await browser.post(f"{path}/note", data={"text": "x"}, headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 403


async def test_a_promotion_asked_for_in_the_panel_goes_the_way_of_the_command(
    office: Office, browser: httpx.AsyncClient
) -> None:
    """Without a store it is refused in the very words of the chat."""
    path = f"/board/room/{browser.headers['X-Key']}"
    until = (office.shop.clock.now() + timedelta(days=5)).date().isoformat()
    asked = await browser.post(f"{path}/promo", data={"percent": "20", "until": until})
    assert asked.status_code == 200
    said = await office.ask(f"promo {LANTERN} 20% until {until}", name="Jonas")
    assert said.refused
    assert "store" in asked.text


async def test_the_panel_of_a_room_that_is_over_is_closed(office: Office, browser: httpx.AsyncClient) -> None:
    await office.ask("huddle end V-1")
    page = await browser.get(f"/board/room/{browser.headers['X-Key']}")
    assert page.status_code == 404
    assert "closed" in page.text
    browser.cookies.clear()
    assert (await browser.get(f"/board/room/{browser.headers['X-Key']}")).status_code == 401
