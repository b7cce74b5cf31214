"""The served routes: headers, tokens, cookies, the socket's gate, and two people talking over loopback."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from bot.errors import UnknownSku
from bot.ports import MovableClock
from bot.web.rooms import Hub, IceServers
from bot.web.rooms.messages import MAX_MESSAGE
from bot.web.rooms.pages import FOLDER
from bot.web.rooms.routes import MAX_BODY
from bot.web.server import MAX_SOCKET_MESSAGE
from tests.web_rooms.conftest import House
from tests.web_rooms.kit import KEY, a_seat


async def test_the_page_runs_only_what_bears_its_nonce(served: House) -> None:
    client = served.visitor().client
    answers = [await client.get(f"/rooms/{KEY}") for _turn in range(2)]
    nonces = set()
    for answer in answers:
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        nonce = policy.pop("script-src")
        assert policy.pop("style-src") == nonce
        assert policy == {
            "default-src": "'none'", "connect-src": "'self'", "img-src": "'self' data: blob:",
            "media-src": "'self' blob:", "frame-src": "'self'", "frame-ancestors": "'none'",
            "form-action": "'none'", "base-uri": "'none'",
        }  # fmt: skip
        plain = nonce.removeprefix("'nonce-").removesuffix("'")
        assert answer.text.count(f'nonce="{plain}"') == len(
            re.findall("<script|<link rel=.stylesheet|preload", answer.text)
        )
        nonces.add(plain)
    assert len(nonces) == 2


async def test_the_pages_other_headers_shut_what_it_does_not_need(served: House) -> None:
    answer = await served.visitor().client.get(f"/rooms/{KEY}")
    permissions = answer.headers["permissions-policy"]
    for allowed in ("camera=(self)", "microphone=(self)", "display-capture=(self)"):
        assert allowed in permissions
    for off in ("geolocation=()", "usb=()", "payment=()", "clipboard-read=()"):
        assert off in permissions
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in answer.headers


async def test_the_page_names_nothing_outside_and_no_secret(served: House) -> None:
    served.book.invite(a_seat(1))
    text = (await served.visitor().client.get(f"/rooms/{KEY}")).text
    assert KEY not in text
    assert "Stock-out" not in text
    for path in FOLDER.iterdir():
        if path.suffix in {".js", ".css", ".html"}:
            text = path.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, not an address
            assert not re.search(r"""["'(]\s*(https?:)?//\w""", text), path.name


async def test_every_file_of_the_page_is_served_and_kept_for_good(served: House) -> None:
    client = served.visitor().client
    page = (await client.get(f"/rooms/{KEY}")).text
    folder = re.search(r"/rooms/static/\w+", page)
    assert folder
    for path in FOLDER.iterdir():
        answer = await client.get(f"{folder[0]}/{path.name}")
        assert answer.status_code == (200 if path.suffix in {".js", ".css"} else 404), path.name
        if answer.status_code == 200:
            assert "immutable" in answer.headers["cache-control"]
            assert answer.headers["x-content-type-options"] == "nosniff"
    assert (await client.get("/rooms/static/0000/room.css")).status_code == 404
    assert (await client.get(f"{folder[0]}/..%2fhub.py")).status_code == 404


async def test_a_token_lets_in_once_and_leaves_a_cookie_that_scripts_cannot_read(served: House) -> None:
    anna = served.visitor()
    token = served.book.invite(a_seat(1, "host"))
    answer = await anna.enter(token)
    assert answer.status_code == 200
    assert answer.json()["role"] == "host"
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith("room=s1")
    for flag in ("httponly", "samesite=lax", "path=/"):
        assert flag in cookie
    assert "secure" not in cookie
    stranger = served.visitor()
    again = await stranger.enter(token)
    assert (again.status_code, again.json()["words"]) == (403, "That link was used or never given.")
    assert "set-cookie" not in again.headers


async def test_a_reload_needs_no_token_and_a_used_link_does_no_harm_to_its_owner(served: House) -> None:
    anna = served.visitor()
    token = served.book.invite(a_seat(1))
    await anna.enter(token)
    assert (await anna.enter("")).json()["name"] == "Person 1"
    assert (await anna.enter(token)).status_code == 200
    assert (await served.visitor().enter("")).status_code == 401


async def test_over_https_the_cookie_is_secure_and_bound_to_the_host(
    served_at: Callable[[str], Awaitable[House]],
) -> None:
    house = await served_at("https://bot.example.com")
    anna = house.visitor()
    token = house.book.invite(a_seat(1))
    refused = await anna.enter(token)
    assert refused.status_code == 403, "loopback is not the public address"
    answer = await anna.enter(token, Origin="https://bot.example.com")
    assert answer.status_code == 200
    assert answer.headers["set-cookie"].startswith("__Host-room=s1")
    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"]
    with pytest.raises(InvalidStatus) as caught:
        await anna.connect(origin=house.url, cookies="__Host-room=s1")
    assert caught.value.response.status_code == 403
    seat = await anna.connect(origin="https://bot.example.com", cookies="__Host-room=s1")
    assert seat["type"] == "seat"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://127.0.0.1:1", "ftp://{host}"])
async def test_other_sites_can_neither_enter_nor_connect(served: House, origin: str) -> None:
    anna = served.visitor()
    token = served.book.invite(a_seat(1))
    foreign = origin.replace("{host}", served.url.removeprefix("http://"))
    assert (await anna.enter(token, Origin=foreign)).status_code == 403
    assert (await anna.enter(token)).status_code == 200, "the refused call did not use the token up"
    with pytest.raises(InvalidStatus) as caught:
        await anna.connect(origin=foreign or "x")
    assert caught.value.response.status_code == 403


async def test_a_socket_without_a_session_is_not_accepted(served: House) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await served.visitor().connect(cookies="")
    assert caught.value.response.status_code == 403
    refused = await served.visitor().connect(cookies="room=made-up")
    assert (refused["type"], refused["reason"]) == ("bye", "refused")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"token": 3}', b'{"token": "' + b"x" * MAX_BODY + b'"}'])
async def test_a_body_that_is_no_token_is_refused(served: House, body: bytes) -> None:
    answer = await served.visitor().client.post(f"/rooms/{KEY}/enter", content=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


async def test_refusals_are_told_in_the_browsers_language(served: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refusing(*_: object) -> str:
        raise UnknownSku("85123Q", [])  # a sentence that the catalogs have

    monkeypatch.setattr(served.book, "enter", refusing)
    answer = await served.visitor().enter("nothing", **{"Accept-Language": "zh-CN"})
    assert answer.status_code == 403
    assert re.search(r"[\u4e00-\u9fff].*85123Q|85123Q.*[\u4e00-\u9fff]", answer.json()["words"])


async def test_two_people_hear_each_other_on_the_socket(served: House) -> None:
    anna, bo = await served.visit(1, "host"), await served.visit(2)
    await bo.send("say", text="hello 你好")
    assert (await anna.until("line"))["line"]["text"] == "hello 你好"
    await anna.send("ping")
    assert datetime.fromisoformat((await anna.until("pong"))["now"]) == served.hub.clock.now()
    assert served.book.told("chat") == [(2, "hello 你好")]


async def test_a_removed_member_is_hung_up_on(served: House) -> None:
    anna = await served.visit(1)
    del served.book.seats["s1"]
    await served.pauses.let_pass(60.0)
    assert await anna.closed() == (4401, "refused")
    assert anna.messages[-1]["words"] == "You are not invited any more."


async def test_a_dropped_socket_comes_back_to_its_visit(served: House) -> None:
    anna, bo = await served.visit(1), await served.visit(2)
    visit = bo.messages[-1]["visit"]
    assert bo.socket
    bo.socket.transport.abort()
    await anna.until("away")
    await bo.connect()
    await bo.send("join", resume=visit)
    assert (await bo.until("room"))["resumed"]
    await anna.until("back")
    assert served.book.told("left") == []


async def test_a_message_too_long_closes_its_connection_alone(served: House) -> None:
    assert MAX_SOCKET_MESSAGE == MAX_MESSAGE
    anna, bo = await served.visit(1), await served.visit(2)
    await bo.send("say", text="x" * MAX_MESSAGE)
    assert (await bo.closed())[0] == 1009
    await anna.until("away")


async def test_bytes_and_nonsense_are_answered_and_then_hung_up_on(served: House) -> None:
    anna = await served.visit(1)
    assert anna.socket
    for _turn in range(10):
        await anna.socket.send(b"\x00\x01")
    assert await anna.closed() == (4400, "malformed")
    assert len([message for message in anna.messages if message["type"] == "error"]) == 9


async def test_hosts_end_the_room_for_everyone_over_the_wire(served: House) -> None:
    host, bo = await served.visit(1, "host"), await served.visit(2)
    await host.send("end")
    assert await bo.closed() == (4404, "ended")
    assert await host.closed() == (4404, "ended")


async def test_turn_credentials_come_with_the_seat_and_the_secret_does_not(house: House, clock: MovableClock) -> None:
    hub = Hub(house.book, clock, IceServers(turn=("turn:t",), secret="north"), pause=house.pauses)
    house.book.invite(a_seat(1))
    connection = await hub.attach(KEY, "s1")
    told = json.dumps(connection.outbox.get_nowait())
    assert "turn:t" in told
    assert "north" not in told
    await hub.close()


async def test_an_unknown_method_is_refused(served: House) -> None:
    answer: httpx.Response = await served.visitor().client.get(f"/rooms/{KEY}/enter")
    assert answer.status_code == 405


@pytest.mark.parametrize("written", ["https://Bot.Example.com", "https://bot.example.com:443"])
async def test_the_address_of_the_settings_may_be_written_in_any_way_that_means_the_same(
    served_at: Callable[[str], Awaitable[House]], written: str
) -> None:
    served = await served_at(written)
    token = served.book.invite(a_seat(1))
    ours, theirs = {"Origin": "https://bot.example.com"}, {"Origin": "https://bot.example.com:8443"}
    assert (await served.visitor().enter(token, **theirs)).json()["code"] == "origin"
    assert (await served.visitor().enter(token, **ours)).status_code == 200
