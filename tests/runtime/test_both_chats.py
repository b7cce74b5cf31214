"""End to end through the real Slack and Telegram SDKs against the sandbox: a decision in one chat locks the other."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot import settings
from bot.bootstrap import App, build
from bot.chat.cards import request_card
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.slack.world import SlackChannel
from bot.sandbox.telegram.world import TelegramChat
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.requests import Draft, DraftLine
from tests.runtime.recorder import until


@dataclass
class House:
    """The bot between the two sandboxes, a channel and a group, and one pending request shown in both."""

    app: App
    sandbox: Sandbox
    clock: MovableClock
    channel: SlackChannel
    group: TelegramChat
    slack_user: str
    telegram_user: int
    stranger: int
    request_id: int

    def card(self) -> str:
        """What the Slack channel's first message says."""
        shown = self.sandbox.slack.visible(self.slack_user, self.channel.id)
        return self.sandbox.slack.text_for("UTC", shown[0]) if shown else ""

    def press_in_telegram(self, user: int, label: str) -> object:
        """Press a button of the group's first message."""
        message = self.sandbox.telegram.visible(user, self.group.id)[0]
        (data,) = [
            button["callback_data"]
            for button in self.sandbox.telegram.buttons(message)
            if str(button["text"]).startswith(label)
        ]
        return self.sandbox.telegram.press(user, self.group.id, message.message_id, data)


@pytest.fixture
async def house(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """Lin approves; she is on both platforms. Nobody knows the stranger."""
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        lin = slack.add_user("lin", zone="Asia/Shanghai", real_name="Lin Wei")
        lin_too = telegram.add_user("Lin")
        stranger = telegram.add_user("Mallory")
        channel = slack.add_channel("stock", members=[lin.id, slack.bot.id])
        group = telegram.add_group("Stock", members=[lin_too.id, stranger.id, telegram.bot.id])
        app = build(
            settings.given(
                organisation={"currency": "GBP"},
                database={"url": str(sqlite_database.url)},
                slack={
                    "bot_token": slack.world.bot_token,
                    "app_token": slack.world.app_token,
                    "signing_secret": slack.world.signing_secret,
                    "base_url": sandbox.slack_base_url,
                },
                telegram={"token": telegram.world.token, "base_url": sandbox.telegram_base_url},
                web={"port": 0},
                approval={"limits": {"approver": {"GBP": 5000}}},
            ),
            clock,
        )
        services = app.services
        await app.runtime.start()
        await until(lambda: app.runtime.connected == {"slack", "telegram"}, 10)
        await services.members.add("Lin", role="approver", identities={"slack": lin.id, "telegram": str(lin_too.id)})
        request_id = await _request(app, channel.id, str(group.id))
        house = House(app, sandbox, clock, channel, group, lin.id, lin_too.id, stranger.id, request_id)
        await sandbox.pulse.until(lambda: "Approve" in house.card() and telegram.visible(lin_too.id, group.id), 10)
        yield house
        await app.runtime.stop()
        await app.close()


async def _request(app: App, channel: str, group: str) -> int:
    """A pending purchase, its card in both rooms."""
    services = app.services
    now = services.clock.now()
    async with services.database.transaction() as connection:
        product = await _add(connection, tables.Product, sku="85123A", name="Lantern", currency="GBP", created_at=now)
        place = await _add(
            connection, tables.Location, code="UK", name="UK", zone="UTC", country="GB", currency="GBP", markets=[]
        )
        supplier = await _add(connection, tables.Supplier, code="Y", name="Yiwu", country="CN", currency="CNY")
        (request_id,) = await services.requests.draft(
            connection,
            [
                Draft(
                    kind="purchase_order",
                    location_id=place,
                    currency="GBP",
                    total_minor=40_000,
                    lines=(DraftLine(product, 100, 400),),
                    supplier_id=supplier,
                )
            ],
        )
        await services.requests.submit(connection, [request_id])
    view = await services.requests.get(request_id)
    async with services.database.transaction() as connection:
        for platform, room in (("slack", channel), ("telegram", group)):
            row, _new = await services.conversations.of(connection, platform, room, "group")
            await services.outbox.put(connection, row.id, request_card(view), "post", f"request:{request_id}")
    return request_id


async def _add(connection: AsyncConnection, table: type[tables.Base], **values: Any) -> int:
    added = await connection.execute(insert(table).values(**values).returning(table.__table__.c.id))
    return int(added.scalar_one())


async def test_approving_in_telegram_locks_the_slack_card_within_a_second(house: House) -> None:
    began = time.monotonic()
    house.press_in_telegram(house.telegram_user, "Approve")
    await house.sandbox.pulse.until(lambda: "Approve" not in house.card(), 5)
    assert time.monotonic() - began < 1
    assert "by @lin" in house.card()


async def test_a_stranger_pressing_approve_is_told_so_and_nothing_is_done(house: House) -> None:
    press = house.press_in_telegram(house.stranger, "Approve")
    await until(lambda: getattr(press, "answer", None))
    assert (await house.app.services.requests.get(house.request_id)).state == "pending"
    assert "Approve" in house.card()


async def test_a_bot_that_was_removed_from_the_channel_closes_it_and_loses_only_that(house: House) -> None:
    house.sandbox.slack.remove_bot(house.channel.id)
    press = house.press_in_telegram(house.telegram_user, "Approve")
    await until(lambda: getattr(press, "answer", None))
    assert (await house.app.services.requests.get(house.request_id)).decided_by == "Lin"
