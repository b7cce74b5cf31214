"""People whom Telegram sends to our pages: let in once by its signature, led nowhere but to our own pages."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qsl, quote, urlencode

import httpx
import pytest

from bot.platforms.telegram.login import sign
from bot.storage import members as people
from bot.storage import websessions
from bot.web.signin import target_of
from tests.web_signin.conftest import Porch, cookie_of

ROOM = "/rooms/" + "k" * 22


def refused(answer: httpx.Response) -> bool:
    """Whether the answer is the page that tells nobody why, in both languages, and opens nothing."""
    said = "Ask for a new link in the chat." in answer.text and "请在聊天中获取新链接。" in answer.text
    return answer.status_code == 403 and said and "set-cookie" not in answer.headers


def changed(address: str, **changes: str) -> str:
    path, _, query = address.partition("?")
    return f"{path}?{urlencode(dict(parse_qsl(query)) | changes)}"


async def test_whoever_presses_the_button_is_let_in_and_led_to_the_room(porch: Porch) -> None:
    answer = await porch.open(await porch.sent_to(ROOM))
    assert (answer.status_code, answer.headers["location"]) == (303, ROOM)
    given = answer.headers["set-cookie"]
    assert all(word in given for word in ("__Host-stocktide=", "HttpOnly", "Secure", "SameSite=lax", "Path=/"))
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert await porch.seen_by(cookie_of(answer)) == "Lin"
    porch.clock.push(timedelta(hours=12))
    assert await porch.seen_by(cookie_of(answer)) == ""


async def test_a_signature_counts_once(porch: Porch) -> None:
    address = await porch.sent_to(ROOM)
    first = await porch.open(address)
    assert first.status_code == 303
    assert refused(await porch.open(address))
    assert refused(await porch.open(changed(address, to="/board")))
    assert refused(await porch.open(address, cookie_of(first)))
    assert await porch.seen_by(cookie_of(first)) == "Lin"


async def test_of_many_browsers_with_one_signature_one_gets_in(porch: Porch) -> None:
    for _round in range(5):
        address = await porch.sent_to(ROOM)
        answers = await asyncio.gather(*(porch.open(address) for _browser in range(8)))
        assert sorted(answer.status_code for answer in answers) == [303] + [403] * 7
        assert len([answer for answer in answers if cookie_of(answer)]) == 1
        porch.clock.push(timedelta(seconds=1))


async def test_a_used_signature_stays_used_until_it_is_stale_whatever_is_cleaned_up(porch: Porch) -> None:
    address = await porch.sent_to(ROOM)
    assert (await porch.open(address)).status_code == 303
    for _minute in range(6):
        async with porch.app.services.database.transaction() as connection:
            await websessions.forget(connection, porch.clock.now())
        assert refused(await porch.open(address))
        porch.clock.push(timedelta(minutes=1))


@pytest.mark.parametrize(
    ("late", "status"),
    [(timedelta(minutes=5), 303), (timedelta(minutes=5, seconds=1), 403), (timedelta(days=1), 403)],
)
async def test_a_stale_signature_lets_nobody_in(porch: Porch, late: timedelta, status: int) -> None:
    address = await porch.sent_to(ROOM)
    porch.clock.push(late)
    assert (await porch.open(address)).status_code == status


async def test_a_signature_from_the_future_lets_nobody_in(porch: Porch) -> None:
    stamp = str(int(porch.clock.now().timestamp()) + 61)
    fields = {"id": str(porch.lin.id), "auth_date": stamp}
    query = urlencode({**fields, "hash": sign(fields, porch.sandbox.telegram.world.token), "to": ROOM})
    assert refused(await porch.open(f"/telegram/login?{query}"))
    porch.clock.push(timedelta(seconds=1))
    assert (await porch.open(f"/telegram/login?{query}")).status_code == 303


async def test_another_bots_signature_lets_nobody_in(porch: Porch) -> None:
    fields = {"id": str(porch.lin.id), "auth_date": str(int(porch.clock.now().timestamp()))}
    for token in ("1:another", "", porch.sandbox.telegram.world.token + " "):
        assert refused(await porch.open(f"/telegram/login?{urlencode({**fields, 'hash': sign(fields, token)})}"))


async def test_changed_doubled_added_or_missing_parameters_let_nobody_in(porch: Porch) -> None:
    address = await porch.sent_to(ROOM)
    for wrong in (
        changed(address, id="1"),
        changed(address, first_name="Petra"),
        changed(address, hash="0" * 64),
        changed(address, role="admin"),
        f"{address}&id=1",
        f"{address}&to=/board",
        f"{address}&hash=",
        address.replace("/telegram/", "/slack/"),
        "/telegram/login",
        "/telegram/login?to=/board",
    ):
        assert refused(await porch.open(wrong)), wrong
    assert (await porch.open(address)).status_code == 303


async def test_a_stranger_and_a_deactivated_member_are_not_let_in(porch: Porch) -> None:
    stranger = porch.sandbox.telegram.add_user("Eve")
    assert refused(await porch.open(await porch.sent_to(ROOM, stranger)))
    before = cookie_of(await porch.open(await porch.sent_to(ROOM)))
    porch.clock.push(timedelta(seconds=1))
    address = await porch.sent_to(ROOM)
    async with porch.app.services.database.transaction() as connection:
        await people.change(connection, porch.member_id, active=False)
    assert refused(await porch.open(address))
    assert await porch.seen_by(before) == ""


async def test_who_keeps_their_data_to_themselves_needs_a_session_already(porch: Porch) -> None:
    unsigned = f"/telegram/login?{urlencode({'to': ROOM})}"
    assert refused(await porch.open(unsigned))
    assert refused(await porch.open(unsigned, "made-up"))
    cookie = cookie_of(await porch.open(await porch.sent_to(ROOM)))
    answer = await porch.open(unsigned, cookie)
    assert (answer.status_code, answer.headers["location"]) == (303, ROOM)
    assert "set-cookie" not in answer.headers


async def test_looking_ahead_does_not_use_the_signature_up(porch: Porch) -> None:
    address = await porch.sent_to(ROOM)
    assert (await porch.client.head(address)).status_code == 405
    assert (await porch.client.post(address)).status_code == 405
    assert (await porch.open(address)).status_code == 303


@pytest.mark.parametrize(
    "ours",
    [
        "/board",
        "/board/stock",
        "/board/request/12",
        "/board/sku?code=85123A&place=UK",
        "/board/stock?q=white+tea%20%E8%8C%B6&sort=-cover",
        ROOM,
        f"{ROOM}/minutes",
        "/rooms/-_aZ09",
    ],
)
def test_our_own_pages_are_led_to(ours: str) -> None:
    assert target_of(ours) == ours


@pytest.mark.parametrize(
    "wanted",
    [
        "", "/", "/metrics", "/boards", "/board//evil.example", "/board/", "/rooms", "/rooms/", "/roomsx/k",
        "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "\\\\evil.example",
        "https://evil.example", "https:/evil.example", "http:evil.example", "javascript:alert(1)", "data:text/html,x",
        "evil.example", "@evil.example", "/board@evil.example", "//evil.example/board", "/%2fevil.example",
        "/%5cevil.example", "/board/../../evil", "/board/..", "/rooms/../metrics", "/rooms/%2e%2e/metrics",
        "/board\n//evil.example", "/board\r\nLocation: //evil.example", "/board\t", " /board", "/board ",
        "\t//evil.example",
        "/board#//evil", "/board?next=//evil.example", "/board?x=\\evil", "/board/stock;x", "/rooms/k\x00", "/ｂoard",
        "/board/茶", "/rooms/k@evil", "/rooms/k:80", "/Board", "/board\n",
    ],
)  # fmt: skip
async def test_nothing_else_is_led_to(wanted: str) -> None:
    assert target_of(wanted) == "/board"


@pytest.mark.parametrize("wanted", ["//evil.example", "/%5cevil.example", "%2f%2fevil.example", "https://evil.example"])
async def test_a_tampered_target_leads_to_the_board(porch: Porch, wanted: str) -> None:
    address = (await porch.sent_to(ROOM)).replace(quote(ROOM, safe=""), wanted)
    assert wanted in address
    answer = await porch.open(address)
    assert (answer.status_code, answer.headers["location"]) == (303, "/board")


async def test_a_login_address_is_made_on_https_alone(porch: Porch) -> None:
    address = porch.app.services.sessions.address
    assert address.login("/board/sku?code=A&place=B") == (
        "https://stock.example/telegram/login?to=%2Fboard%2Fsku%3Fcode%3DA%26place%3DB"
    )
    address.public = ""
    assert address.login("/board") == ""
