"""The picture really arrives: in Slack and in Telegram, in its reader's language, with the digest too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from bot import settings
from bot.bootstrap import App, build
from bot.charts.drawing import png
from bot.chat.cards.charts import score_block
from bot.domain.chart import StockChart
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.storage import tables
from bot.storage.database import Database
from tests.handlers.conftest import CANDLE, LANTERN, START, Seeded
from tests.handlers.conftest import seeded as seeded  # noqa: PLC0414  # a fixture
from tests.runtime.recorder import until


@dataclass
class Town:
    """The bot between the two sandboxes; Mei reads Chinese on both."""

    app: App
    clock: MovableClock
    sandbox: Sandbox
    slack_user: str
    telegram_user: int

    def slack_pictures(self) -> list[bytes]:
        """The uploaded files that her messages in Slack name."""
        slack = self.sandbox.slack
        shown = slack.visible(self.slack_user, slack.world.direct(self.slack_user).id)
        named = str([message.blocks for message in shown])
        return [file.content for file in slack.world.files.values() if file.shared and file.id in named]

    def slack_words(self) -> str:
        slack = self.sandbox.slack
        shown = slack.visible(self.slack_user, slack.world.direct(self.slack_user).id)
        return str([message.blocks for message in shown])

    def telegram_pictures(self) -> list[bytes]:
        telegram = self.sandbox.telegram
        shown = telegram.visible(self.telegram_user, self.telegram_user)
        return [telegram.world.files[message.file_id].content for message in shown if message.media == "photo"]

    async def chart(self) -> StockChart:
        report = await self.app.services.catalogue.stock_report(await self.app.services.lookup.sku(LANTERN))
        assert report.chart is not None
        return report.chart


@pytest.fixture
async def town(seeded: Seeded, tmp_path: Path) -> AsyncIterator[Town]:
    path = tmp_path / "shop.db"
    path.write_bytes(seeded.content)
    clock = MovableClock(START, frozen=True)
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        mei = slack.add_user("mei", zone="Asia/Shanghai", real_name="Mei", locale="zh-CN")
        mei_too = telegram.add_user("Mei", language="zh-hans")
        app = build(
            settings.given(
                database={"url": f"sqlite+aiosqlite:///{path}"},
                organisation={"currency": "GBP", "zone": "Europe/London"},
                slack={
                    "bot_token": slack.world.bot_token,
                    "app_token": slack.world.app_token,
                    "signing_secret": slack.world.signing_secret,
                    "base_url": sandbox.slack_base_url,
                },
                telegram={"token": telegram.world.token, "base_url": sandbox.telegram_base_url},
                web={"port": 0},
            ),
            clock,
        )
        await app.runtime.start()
        await until(lambda: app.runtime.connected == {"slack", "telegram"}, 10)
        identities = {"slack": mei.id, "telegram": str(mei_too.id)}
        await app.services.members.add(
            "Mei", role="buyer", zone="Asia/Shanghai", language="zh_CN", identities=identities
        )
        yield Town(app, clock, sandbox, mei.id, mei_too.id)
        await app.runtime.stop()
        await app.close()


async def test_the_stock_of_a_product_comes_with_its_picture_in_both_chats(town: Town) -> None:
    shown = png(await town.chart(), "zh_CN")
    slack, telegram = town.sandbox.slack, town.sandbox.telegram
    slack.say(town.slack_user, slack.world.direct(town.slack_user).id, f"stock {LANTERN}")
    telegram.say(town.telegram_user, town.telegram_user, f"/stock {LANTERN}")
    await town.sandbox.pulse.until(lambda: bool(town.slack_pictures() and town.telegram_pictures()), 20)
    assert town.slack_pictures() == [shown]
    assert town.telegram_pictures() == [shown]
    assert "近 90 天" in town.slack_words()  # its words, for who cannot see it
    assert "断货" in town.slack_words()
    assert shown != png(await town.chart(), "en")


async def test_the_morning_comes_with_the_picture_of_its_largest_risk(town: Town) -> None:
    digests = town.app.services.digests
    await digests.tick(town.clock.now())  # the morning is planned
    town.clock.push(timedelta(hours=16))  # 09:00 in Shanghai
    await digests.tick(town.clock.now())
    await town.sandbox.pulse.until(lambda: bool(town.slack_pictures() or town.telegram_pictures()), 20)
    (picture,) = [*town.slack_pictures(), *town.telegram_pictures()]
    assert picture == png(await town.chart(), "zh_CN")


async def test_the_scorecard_comes_with_its_picture_in_both_chats(town: Town, tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
    async with database.transaction() as connection:
        product = await connection.scalar(select(tables.Product.id).where(tables.Product.sku == CANDLE))
        place = await connection.scalar(select(tables.Location.id).where(tables.Location.code == "UK"))
        lay = {"product_id": product, "location_id": place, "on_hand": 900, "committed": 0, "source": "earlier"}
        await connection.execute(insert(tables.StockLevel).values(as_of=START - timedelta(days=60), **lay))
    await database.close()
    slack, telegram = town.sandbox.slack, town.sandbox.telegram
    slack.say(town.slack_user, slack.world.direct(town.slack_user).id, "scorecard")
    telegram.say(town.telegram_user, town.telegram_user, "/scorecard")
    await town.sandbox.pulse.until(lambda: bool(town.slack_pictures() and town.telegram_pictures()), 20)
    chart = score_block(await town.app.services.scorecards.view(town.clock.now()))
    assert chart is not None
    assert town.slack_pictures() == town.telegram_pictures() == [png(chart.of, "zh_CN")]
    assert "分位数覆盖了" in town.slack_words()
