"""A local server that answers one prepared thing, in the ECB's format or not at all."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

RATES = {"USD": Decimal("1.1535"), "GBP": Decimal("0.8742"), "CNY": Decimal("8.2166"), "JPY": Decimal("173.42")}


def document(days: dict[date, dict[str, Decimal]]) -> bytes:
    """What the ECB publishes, to the letter of its form."""
    cubes = "".join(
        f"<Cube time='{day}'>"
        + "".join(f"<Cube currency='{code}' rate='{rate}'/>" for code, rate in rates.items())
        + "</Cube>"
        for day, rates in days.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
        'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">'
        "<gesmes:subject>Reference rates</gesmes:subject>"
        "<gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>"
        f"<Cube>{cubes}</Cube></gesmes:Envelope>"
    ).encode()


@dataclass
class Answer:
    """What the server says: `silent` reads and never answers, `drop` hangs up, `endless` never stops sending."""

    status: str = "200 OK"
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    drop: bool = False
    endless: bool = False
    asked: list[str] = field(default_factory=list)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[str]:
    """The address at which `answer` is given."""
    done = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer.asked.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if answer.silent:
                await done.wait()
            elif not answer.drop:
                await _say(writer, answer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://user:hush-hush@127.0.0.1:{port}/daily.xml?key=hush-hush"
    finally:
        done.set()
        server.close()
        await server.wait_closed()


async def _say(writer: asyncio.StreamWriter, answer: Answer) -> None:
    headers = {"Content-Type": "text/xml", "Connection": "close", **answer.headers}
    if not answer.endless:
        headers["Content-Length"] = str(len(answer.body))
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {answer.status}\r\n{head}\r\n".encode() + answer.body)
    await writer.drain()
    while answer.endless:
        writer.write(b" " * 65536)
        await writer.drain()
