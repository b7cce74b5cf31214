"""The whole product between its people and its database: the real bot on the sandbox, Slack over signed HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import settings
from bot.bootstrap import App, build
from bot.domain.policy import RoleLimit, default_policy
from bot.ports import MovableClock
from bot.sandbox.sample import load_small
from bot.sandbox.server import Sandbox
from bot.storage.database import Database
from bot.storage.migrations import migrate

NOON = datetime(2011, 11, 21, 9, 0, tzinfo=UTC)


@dataclass
class House:
    """The bot at work; `channel` and `group` hold Petra, an approver, and Jonas, a buyer."""

    application: App
    sandbox: Sandbox
    clock: MovableClock
    channel: str
    group: int
    petra: str = "U0PETRA"
    jonas: str = "U0JONAS"
    petra_telegram: int = 1005
    jonas_telegram: int = 1002

    def said(self, viewer: str = "U0PETRA") -> list[str]:
        """What stands in the channel before `viewer`."""
        slack = self.sandbox.slack
        return [slack.text_for("UTC", message) for message in slack.visible(viewer, self.channel)]

    async def asked(self, person: str, command: str, words: str, wanted: str) -> str:
        """A slash command, and the first new message that says `wanted`."""
        before = len(self.said(person))
        delivery = self.sandbox.slack.command(person, self.channel, command, words)
        await delivery.settled()
        assert delivery.state == "acknowledged"
        return await self.sandbox.pulse.until(
            lambda: next((text for text in self.said(person)[before:] if wanted in text), None), 15
        )


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A database file with the small sample in it, made once."""
    file = tmp_path_factory.mktemp("shop") / "shop.db"

    async def fill() -> None:
        database = Database(f"sqlite+aiosqlite:///{file}")
        await migrate(database)
        await load_small(database, MovableClock(NOON, frozen=True))
        await database.close()

    asyncio.run(fill())
    return file.read_bytes()


@pytest.fixture
async def house(shop: bytes, tmp_path: Path) -> AsyncIterator[House]:
    clock = MovableClock(NOON)
    file = tmp_path / "house.db"
    file.write_bytes(shop)
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        for name, slack_id, telegram_id in (("petra", "U0PETRA", 1005), ("jonas", "U0JONAS", 1002)):
            slack.add_user(name, zone="Europe/Berlin", user_id=slack_id)
            telegram.add_user(name.title(), zone="Europe/Berlin", user_id=telegram_id)
        channel = slack.add_channel("stock", [slack.bot.id, "U0PETRA", "U0JONAS"])
        group = telegram.add_group("Stock", [telegram.bot.id, 1005, 1002], kind="supergroup")
        application = build(
            settings.given(
                organisation={"currency": "GBP", "zone": "Europe/London"},
                database={"url": f"sqlite+aiosqlite:///{file}"},
                slack={
                    "bot_token": slack.world.bot_token,
                    "signing_secret": slack.world.signing_secret,
                    "base_url": sandbox.slack_base_url,
                },
                telegram={"token": telegram.world.token, "base_url": sandbox.telegram_base_url},
                web={"port": 0},
                watch={"scan_at": ("23:00",)},
            ),
            clock,
        )
        limits = (RoleLimit("approver", "GBP", 2_000_000),)
        await application.services.policies.seed(default_policy("GBP", limits))
        await application.runtime.start()
        await application.runtime.tick()
        slack.use_http(application.runtime.web.url + "/slack/events")
        yield House(application, sandbox, clock, channel.id, group.id)
        await application.runtime.stop()
        await application.close()
