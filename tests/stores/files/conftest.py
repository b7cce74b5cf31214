"""Files that arrive by themselves: a desk with two locations, and the places they come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from sqlalchemy import insert, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.sandbox.serving import Serving
from bot.services.filefeeds import FileTaken
from bot.storage.database import Database
from bot.storage.tables import Location

USER, PASSWORD = "seller", "hush-hush"


@dataclass
class Desk:
    """The whole application with one place of files, called `drop`."""

    app: App
    clock: MovableClock

    async def look(self, minutes: int = 0) -> list[FileTaken]:
        """Let time pass, and look."""
        self.clock.push(timedelta(minutes=minutes))
        return await self.app.services.files.look("drop")

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.app.services.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]


@dataclass
class OpenDesk:
    """Makes desks over one database, as processes that follow each other."""

    database: Database
    clock: MovableClock
    made: list[Desk] = field(default_factory=list)

    def __call__(self, url: str, options: dict[str, str], **part: Any) -> Desk:
        connected = {"drop": {"kind": "files", "url": url, "options": options, **part}}
        given = {"database": {"url": str(self.database.url)}, "stores": {"connected": connected}}
        desk = Desk(build(settings.given(organisation={"currency": "GBP"}, **given), self.clock, []), self.clock)
        self.made.append(desk)
        return desk


@pytest.fixture
async def open_desk(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[OpenDesk]:
    async with sqlite_database.transaction() as connection:
        uk = {"code": "UK", "name": "United Kingdom", "zone": "Europe/London", "country": "GB", "currency": "GBP"}
        await connection.execute(insert(Location).values(**uk, markets=["*"]))
    desks = OpenDesk(sqlite_database, clock)
    yield desks
    for desk in desks.made:
        await desk.app.close()


class _Login(asyncssh.SSHServer):
    """Lets one account in, by password or by key."""

    key: asyncssh.SSHKey | None = None

    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        mine = _Login.key
        return mine is not None and username == USER and key.public_data == mine.public_data


@dataclass
class SftpServer:
    """A real SFTP server over a folder; `line` is its host key as ssh-keyscan prints it."""

    folder: Path
    port: int
    line: str
    own_key: str

    @property
    def url(self) -> str:
        return f"sftp://127.0.0.1:{self.port}/out"


@pytest.fixture(scope="session")
def ssh_keys() -> tuple[asyncssh.SSHKey, asyncssh.SSHKey]:
    return asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")


@pytest.fixture
async def sftp(tmp_path: Path, ssh_keys: tuple[asyncssh.SSHKey, asyncssh.SSHKey]) -> AsyncIterator[SftpServer]:
    host, own = ssh_keys
    _Login.key = own
    root = tmp_path / "server"
    (root / "out").mkdir(parents=True)
    server = await asyncssh.create_server(
        _Login,
        "127.0.0.1",
        0,
        server_host_keys=[host],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
    )
    line = f"[127.0.0.1]:{server.get_port()} {host.export_public_key().decode().strip()}"
    yield SftpServer(root / "out", server.get_port(), line, own.export_private_key().decode())
    server.close()
    await server.wait_closed()


@dataclass
class Address:
    """A file at an address; `asked` are the conditions of each request, `etags` whether it names versions."""

    url: str
    body: bytes = b""
    version: int = 1
    etags: bool = True
    status: int = 200
    token: str = ""
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        if self.token and request.headers.get("authorization") != f"Bearer {self.token}":
            return Response("who are you?", 401)
        self.asked.append(request.headers.get("if-none-match", ""))
        etag = f'"v{self.version}"'
        if self.status == 302:
            return Response(status_code=302, headers={"location": "https://elsewhere.example.com/"})
        if self.etags and self.asked[-1] == etag:
            return Response(status_code=304)
        at = "Mon, 21 Nov 2011 09:00:00 GMT"
        return Response(self.body, self.status, {"ETag": etag, "Last-Modified": at} if self.etags else {})


@pytest.fixture
async def address() -> AsyncIterator[Address]:
    found = Address("")
    serving = Serving(Starlette(routes=[Route("/export/stock.csv", found.answer)]))
    found.url = f"{serving.bind()}/export/stock.csv"
    await serving.start()
    yield found
    await serving.stop()
