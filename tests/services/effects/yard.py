"""A supplier's own system, over HTTP on loopback: strict, forgetful if told so, and in bad weather by seed."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.errors import Declined, Unanswered, Unreached, why
from bot.ports import Call
from bot.words import verbatim

Weather = Literal["fine", "lost", "late", "dropped", "busy", "error", "error_after"]
ALL: Sequence[Weather] = ("fine", "lost", "late", "dropped", "busy", "error", "error_after")
PATIENCE = 0.3  # seconds for each answer


@dataclass
class Yard:
    """Carries out every order that reaches it, as often as it is asked: it trusts its customers to ask once.

    `orders` is its own record, one entry per time. Without a `memory` nobody can ask what it did. The first call under
    a key meets the weather of the seed, later ones that of `later`.
    """

    weather: Sequence[Weather] = ("fine",)
    later: Sequence[Weather] = ("fine",)
    seed: int = 0
    memory: bool = True
    orders: list[str] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    port: int = 0

    @property
    def doubled(self) -> int:
        """Orders that were carried out more than once."""
        return sum(times > 1 for times in Counter(self.orders).values())

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Yard]:
        """Serve on a free port."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
            method, path, version = head.split("\r\n", 1)[0].split(" ")
            assert (version, path.count("/")) == ("HTTP/1.1", 2), "not a call of ours"
            key = path.rpartition("/")[2]
            if method == "GET":
                self._answer(writer, *self._told(key))
            else:
                await self._ordered(reader, writer, head, key)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _told(self, key: str) -> tuple[int, Mapping[str, Any]]:
        if not self.memory:
            return 501, {"error": "no record is kept"}
        return (200, {"receipt": key}) if key in self.orders else (404, {"error": "never heard of it"})

    async def _ordered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str, key: str) -> None:
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        body = json.loads(await reader.readexactly(length))
        assert set(body) == {"units"}, "an order names its units and nothing else"
        self.asked[key] += 1
        sort = self.weather if self.asked[key] == 1 else self.later
        weather = random.Random(f"{self.seed}:{key}:{self.asked[key]}").choice(sort)  # noqa: S311  # the same again by seed
        self.met[weather] += 1
        if weather == "busy":
            self._answer(writer, 429, {}, "Retry-After: 2\r\n")
        elif weather == "error":
            self._answer(writer, 500, {})
        elif weather != "dropped":
            self.orders.append(key)
            if weather == "late":
                await reader.read()  # until the customer hangs up
            if weather == "error_after":
                self._answer(writer, 500, {})
            if weather == "fine":
                self._answer(writer, 200, {"receipt": key})
        if weather in {"dropped", "lost", "late"}:
            writer.transport.abort()

    def _answer(self, writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any], more: str = "") -> None:
        content = json.dumps(body)
        head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(content)}\r\n{more}Connection: close\r\n\r\n"
        writer.write((head + content).encode())


@dataclass
class Till:
    """The Performer that orders at a yard: one connection per call, nothing repeated inside."""

    yard: Yard
    patience: float = PATIENCE

    async def perform(self, call: Call) -> Mapping[str, Any]:
        """Order."""
        body = json.dumps(dict(call.payload))
        status, head, told = await self._call(
            f"POST /orders/{call.key} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        )
        if status == 429:
            raise Unreached(verbatim("429"), float(head.lower().split("retry-after: ")[1].split("\r\n")[0]))
        if status >= 500:
            raise Unanswered(verbatim(f"{status}"))
        if status != 200:
            raise Declined(verbatim(f"{status}"))
        return told

    async def look(self, call: Call) -> Mapping[str, Any] | None:
        """Ask for the order."""
        try:
            status, _head, told = await self._call(f"GET /orders/{call.key} HTTP/1.1\r\n\r\n")
        except Unanswered as error:
            raise Unreached(why(error)) from error
        if status == 501:
            raise Unanswered(verbatim("no record is kept"))
        return told if status == 200 else None

    async def _call(self, question: str) -> tuple[int, str, Mapping[str, Any]]:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.yard.port)
        except OSError as error:
            raise Unreached(why(error)) from error
        try:
            async with asyncio.timeout(self.patience):
                writer.write(question.encode())
                answer = (await reader.read()).decode()
        except (OSError, TimeoutError) as error:
            raise Unanswered(verbatim(type(error).__name__)) from error
        finally:
            writer.close()
        if not answer:
            raise Unanswered(verbatim("the connection ended without an answer"))
        head, _, body = answer.partition("\r\n\r\n")
        return int(head.split(" ")[1]), head + "\r\n", json.loads(body)


class BlindTill(Till):
    """What a careless author would write: no answer means that it did not happen."""

    async def look(self, call: Call) -> Mapping[str, Any] | None:  # noqa: ARG002  # it does not look
        """Believe that nothing happened."""
        return None
