"""A workspace with a channel and two people, and the platform in it."""

from __future__ import annotations

import asyncio
from zoneinfo import ZoneInfo

from bot.chat.incoming import Incoming
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from bot.ports import Reader
from bot.sandbox import Sandbox
from bot.sandbox.slack.world import SlackChannel, SlackUser


class Office:
    """A workspace with a channel and two people, the platform in it, and what it took in."""

    def __init__(self, sandbox: Sandbox) -> None:
        slack = sandbox.slack
        self.sandbox = sandbox
        self.slack = slack
        self.mei: SlackUser = slack.add_user("mei", zone="Asia/Shanghai", locale="zh-CN", real_name="Mei Lin")
        self.jonas: SlackUser = slack.add_user("jonas", zone="Europe/Berlin")
        self.room: SlackChannel = slack.add_channel("stock", [self.mei.id, self.jonas.id, slack.bot.id])
        self.reader = Reader("en", ZoneInfo("UTC"), {1: self.mei.id})
        self.taken: asyncio.Queue[Incoming] = asyncio.Queue()
        self.platform = SlackPlatform(
            SlackOptions(
                slack.world.bot_token,
                slack.world.signing_secret,
                slack.world.app_token,
                base_url=sandbox.slack_base_url,
                commands=("stock",),
            )
        )

    async def taken_next(self) -> Incoming:
        return await asyncio.wait_for(self.taken.get(), 5)
