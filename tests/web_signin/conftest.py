"""The web server of an application that a local Telegram sends people to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.chat.nodes import Action, Actions, Message, Paragraph
from bot.platforms.telegram.app import TelegramOptions, TelegramPlatform
from bot.ports import MovableClock, Reader, Target
from bot.sandbox import Sandbox
from bot.sandbox.telegram.world import TelegramUser
from bot.storage.database import Database
from bot.words import _
from tests.platforms.telegram.botapi import Offsets
from tests.runtime.recorder import Recorder

HOST = "stock.example"
COOKIE = "__Host-stocktide"


@dataclass
class Porch:
    """The application behind https://stock.example, its Telegram, and Lin, who is a member."""

    app: App
    sandbox: Sandbox
    clock: MovableClock
    client: httpx.AsyncClient
    lin: TelegramUser
    member_id: int

    async def sent_to(self, target: str, person: TelegramUser | None = None) -> str:
        """The path and query that a browser opens when a person presses the login button that we sent them."""
        person = person or self.lin
        telegram = self.sandbox.telegram
        login = self.app.services.sessions.address.login(target)
        button = Action(_("Join"), "huddle", token="b:1", login=login)
        message = Message(_("Tea"), (Paragraph(_("Tea")), Actions((button,))))
        platform = self.app.platforms["telegram"]
        ref = await platform.post(Target(str(person.id), "direct"), message, Reader("en", ZoneInfo("UTC")))
        telegram.per_chat.per_second = 1000.0
        opened = urlsplit(telegram.log_in(person.id, person.id, int(ref.message_id), login))
        assert (opened.scheme, opened.netloc) == ("https", HOST)
        return f"{opened.path}?{opened.query}"

    async def open(self, address: str, cookie: str = "") -> httpx.Response:
        """Open an address as a browser does, without following where it leads."""
        headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}
        return await self.client.get(address, headers=headers)

    async def seen_by(self, cookie: str) -> str:
        """Whose browser has the cookie; empty for nobody's."""
        asker = await self.app.services.sessions.asker(cookie)
        return asker.name if asker else ""


def cookie_of(answer: httpx.Response) -> str:
    """The session that an answer gives; empty where it gives none."""
    given = answer.headers.get("set-cookie", "")
    return given.removeprefix(f"{COOKIE}=").split(";")[0] if given else ""


@pytest.fixture
async def porch(database: Database, clock: MovableClock) -> AsyncIterator[Porch]:
    async with Sandbox(clock) as sandbox:
        telegram = sandbox.telegram
        telegram.world.domain = HOST
        lin = telegram.add_user("Lin", username="lin_sz")
        platform = TelegramPlatform(
            TelegramOptions(telegram.world.token, Offsets(), base_url=sandbox.telegram_base_url)
        )
        # As text the address hides its password, which PostgreSQL's throw-away server has none of.
        given = settings.given(
            database={"url": database.engine.url.render_as_string(hide_password=False)},
            web={"port": 0, "public_url": f"https://{HOST}"},
        )
        app = build(given, clock, [Recorder("slack"), platform])
        await app.runtime.web.start()
        member = await app.services.members.add("Lin", role="approver", identities={"telegram": str(lin.id)})
        async with httpx.AsyncClient(base_url=app.runtime.web.url, trust_env=False) as client:
            yield Porch(app, sandbox, clock, client, lin, member.id)
        await app.runtime.web.stop()
        await platform.stop()
        await app.close()
