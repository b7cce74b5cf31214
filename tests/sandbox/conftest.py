"""A running sandbox with a few people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.slack.world import SlackChannel, SlackUser
from bot.sandbox.telegram.world import TelegramChat, TelegramUser

NOON = datetime(2011, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class Town:
    """A sandbox with one channel, one group and a few people."""

    sandbox: Sandbox
    clock: MovableClock
    channel: SlackChannel
    mei: SlackUser
    jonas: SlackUser
    group: TelegramChat
    lin: TelegramUser
    anna: TelegramUser

    def web(self) -> AsyncWebClient:
        """A Slack client that does not try again by itself."""
        return AsyncWebClient(
            self.sandbox.slack.world.bot_token, base_url=self.sandbox.slack_base_url, retry_handlers=[]
        )


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    clock = MovableClock(NOON, frozen=True)
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        mei = slack.add_user("mei", zone="Asia/Shanghai", locale="zh-CN")
        jonas = slack.add_user("jonas", zone="Europe/Berlin", locale="de-DE")
        lin = telegram.add_user("Lin", username="lin_sz", language="zh-hans", zone="Asia/Shanghai")
        anna = telegram.add_user("Anna", zone="Europe/Berlin")
        yield Town(
            sandbox,
            clock,
            slack.add_channel("stock", [mei.id, jonas.id, slack.bot.id]),
            mei,
            jonas,
            telegram.add_group("Stock", [lin.id, anna.id, telegram.bot.id]),
            lin,
            anna,
        )


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client
