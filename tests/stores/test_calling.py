"""Calls to stores: only to addresses that may be, read again where that helps, written once."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.errors import Declined, Unanswered, Unreached
from bot.sandbox.serving import Serving
from bot.stores import calling
from bot.stores.calling import Caller, Forbidden, is_public, resolve


class Counter:
    """A store that answers what it is told to, and remembers who called."""

    def __init__(self) -> None:
        self.answers: list[Response] = []
        self.asked: list[Request] = []

    async def answer(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answers.pop(0) if self.answers else PlainTextResponse("fine")


@pytest.fixture
async def counter() -> AsyncIterator[tuple[Counter, str]]:
    """A store and its address."""
    store = Counter()
    serving = Serving(Starlette(routes=[Route("/{path:path}", store.answer, methods=["GET", "PUT"])]))
    url = serving.bind()
    await serving.start()
    yield store, url
    await serving.stop()


Called = Callable[..., Awaitable[tuple[Caller, list[float]]]]


@pytest.fixture
async def caller(counter: tuple[Counter, str]) -> AsyncIterator[tuple[Caller, Counter, list[float]]]:
    """A caller of the store, and how long it paused."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    found = Caller(counter[1], headers={"Authorization": "Bearer hush"}, private=True, pause=pause)
    yield found, counter[0], pauses
    await found.close()


async def test_the_servers_own_word_on_how_long_to_wait_is_obeyed(caller: tuple[Caller, Counter, list[float]]) -> None:
    client, store, pauses = caller
    store.answers = [Response("slow down", 429, {"Retry-After": "7"}), Response("", 503)]
    assert (await client.read("GET", "/a")).text == "fine"
    assert pauses[0] == 7.0
    assert 1.0 <= pauses[1] <= 2.0
    store.answers = [Response("much later", 429, {"Retry-After": "3600"})]
    with pytest.raises(Unreached) as refused:
        await client.read("GET", "/a")
    assert (refused.value.retry_after, len(pauses)) == (3600.0, 2)


async def test_a_date_in_retry_after_is_read_by_the_servers_clock(caller: tuple[Caller, Counter, list[float]]) -> None:
    client, store, pauses = caller
    headers = {"Retry-After": "Fri, 20 Nov 2026 09:00:09 GMT", "Date": "Fri, 20 Nov 2026 09:00:00 GMT"}
    store.answers = [Response("", 429, headers)]
    await client.read("GET", "/a")
    assert pauses == [9.0]


async def test_a_write_is_made_once_and_says_when_nobody_knows(caller: tuple[Caller, Counter, list[float]]) -> None:
    client, store, pauses = caller
    # A gateway that gave up says nothing of the shop behind it.
    for status, error in ((429, Unreached), (503, Unreached), (502, Unanswered), (500, Unanswered), (422, Declined)):
        store.answers = [Response("no", status)]
        with pytest.raises(error):
            await client.write("PUT", "/a", json={})
    assert (len(store.asked), pauses) == (5, [])


async def test_a_reading_call_gives_up_after_a_while(caller: tuple[Caller, Counter, list[float]]) -> None:
    client, store, pauses = caller
    store.answers = [Response("broken", 500) for _turn in range(9)]
    with pytest.raises(Unreached, match="500 broken"):
        await client.read("GET", "/a")
    assert (len(store.asked), len(pauses)) == (5, 4)


async def test_no_redirect_is_followed_and_no_other_host_called(caller: tuple[Caller, Counter, list[float]]) -> None:
    client, store, _pauses = caller
    store.answers = [RedirectResponse("https://elsewhere.example/a")]
    with pytest.raises(Declined, match=r"elsewhere\.example"):
        await client.read("GET", "/a")
    with pytest.raises(Forbidden):
        await client.read("GET", "http://127.0.0.1:1/next-page")
    assert len(store.asked) == 1


async def test_a_huge_answer_is_not_read_to_its_end(
    caller: tuple[Caller, Counter, list[float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, store, _pauses = caller
    monkeypatch.setattr(calling, "MAX_BODY", 1_000)
    store.answers = [PlainTextResponse("x" * 2_000)]
    with pytest.raises(Declined, match="more than"):
        await client.read("GET", "/a")


async def test_details_tell_no_secrets(caller: tuple[Caller, Counter, list[float]]) -> None:
    client, store, _pauses = caller
    store.answers = [Response("nope", 401)]
    with pytest.raises(Declined) as refused:
        await client.read("GET", "/a")
    assert "hush" not in f"{refused.value!r} {refused.value.detail}"


@pytest.mark.parametrize(
    "url", ["ftp://shop.example", "https://", "http://shop.example", "https://me:secret@shop.example", "shop.example"]
)
def test_an_address_that_no_store_may_have_is_refused_unread(url: str) -> None:
    with pytest.raises(Forbidden):
        Caller(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.169.254", "::1", "fd00::1", "100.64.0.1", "::ffff:10.0.0.1",
        "224.0.0.1", "ff02::1", "ff0e::1", "64:ff9b:1::808:808", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "192.0.0.192", "192.88.99.1", "fec0::1", "::ffff:0:127.0.0.1", "::ffff:0:8.8.8.8", "3fff::1", "5f00::1",
    ],
)  # fmt: skip
async def test_a_name_that_leads_into_a_private_network_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [
        (socket.AF_INET, 0, 0, "", ("93.184.215.14", 443)),
        (socket.AF_INET, 0, 0, "", (address, 443)),
    ]

    async def told(*_asked: object, **_named: object) -> list[Any]:
        return answers

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", told)
    with pytest.raises(Forbidden):
        await resolve("shop.example", 443, private=False)
    assert await resolve("shop.example", 443, private=True) == "93.184.215.14"
    answers.pop()
    assert await resolve("shop.example", 443, private=False) == "93.184.215.14"


LEADS_TO: dict[str, Callable[[int], IPv6Address]] = {
    "mapped": lambda inner: IPv6Address(0xFFFF_0000_0000 | inner),
    "compatible": IPv6Address,
    "NAT64": lambda inner: IPv6Address(int(IPv6Address("64:ff9b::")) | inner),
    "6to4": lambda inner: IPv6Address(int(IPv6Address("2002::1")) | inner << 80),
    "ISATAP": lambda inner: IPv6Address(int(IPv6Address("2606:2800:21f:cb07:0:5efe::")) | inner),
    "ISATAP of a global one": lambda inner: IPv6Address(int(IPv6Address("2606:2800:21f:cb07:200:5efe::")) | inner),
    "ISATAP over 6to4": lambda inner: IPv6Address(int(IPv6Address("2002:5db8:d70e::5efe:0:0")) | inner),
}


@pytest.mark.parametrize("way", LEADS_TO)
@given(st.one_of(st.ip_addresses(v=4), *(st.ip_addresses(network=each) for each in ("10.0.0.0/8", "169.254.0.0/16"))))
def test_an_address_within_another_is_public_only_as_it_is_itself(way: str, inner: IPv4Address) -> None:
    outer = LEADS_TO[way](int(inner))
    assert is_public(str(outer)) <= is_public(str(inner))
    assert is_public(str(inner)) <= (inner.is_global and not inner.is_multicast)


@pytest.mark.parametrize(
    "public",
    [
        "93.184.215.14",
        "2606:2800:21f:cb07::1",
        "64:ff9b::5db8:d70e",
        "2002:5db8:d70e::1",
        "2606:2800:21f:cb07:0:5efe:5db8:d70e",
        "2606:2800:21f:cb07:200:5efe:5db8:d70e",
        "2606:2800:21f:cb07:0:5eff:a00:1",
        "2606:2800:21f:cb07:1000:5efe:a00:1",
    ],
)
def test_an_address_of_the_internet_is_public_also_where_it_leads_to_another(public: str) -> None:
    assert is_public(public)


async def test_the_address_that_was_checked_is_the_one_that_is_called(
    counter: tuple[Counter, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, url = counter
    port = int(url.rsplit(":", 1)[1])
    asked: list[str] = []

    async def told(_loop: object, host: str, *_asked: object, **_named: object) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1" if len(asked) == 1 else "203.0.113.9", port))]

    monkeypatch.setattr("asyncio.base_events.BaseEventLoop.getaddrinfo", told)
    client = Caller(f"http://shop.example:{port}", private=True)
    assert (await client.read("GET", "/a")).status_code == 200
    await client.close()
    assert asked[0] == "shop.example"
    assert store.asked[0].headers["host"] == f"shop.example:{port}"


@dataclass
class Dribble:
    """A store that never keeps silent for long, and never ends: its head at once, then a byte now and then."""

    url: str = ""
    asked: int = 0
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n")
        try:
            while not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(reader.read(1), 0.02)
        except OSError:
            pass
        finally:
            self.gone.set()
            writer.close()


@pytest.fixture
async def dribble() -> AsyncIterator[Dribble]:
    """It serves on this machine."""
    store = Dribble()
    async with await asyncio.start_server(store.serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()[:2]
        store.url = f"http://{host}:{port}"
        yield store


async def test_a_call_whose_answer_never_ends_is_given_up_and_hung_up_on(dribble: Dribble) -> None:
    caller = Caller(dribble.url, private=True, patience=0.3)
    async with asyncio.timeout(10):
        with pytest.raises(Unreached, match=r"not all there after 0\.3 s"):
            await caller.read("GET", "/slow")
        await dribble.gone.wait()
        assert dribble.asked == 1, "its time was up: it is not asked again"
        with pytest.raises(Unanswered, match="not all there"):  # it may well have been carried out
            await caller.write("PUT", "/slow", json={})
        with pytest.raises(Unreached, match="0 kB came"):
            await caller.download(f"{dribble.url}/file", io.BytesIO(), 1_000_000)
    await caller.close()


async def test_pauses_that_the_store_asks_for_do_not_wear_our_patience_out(counter: tuple[Counter, str]) -> None:
    async def pause(_seconds: float) -> None:
        await asyncio.sleep(0.1)

    client = Caller(counter[1], private=True, pause=pause, patience=0.3)
    counter[0].answers = [Response("slow down", 429, {"Retry-After": "7"})] * 4
    assert (await client.read("GET", "/a")).text == "fine"
    await client.close()
