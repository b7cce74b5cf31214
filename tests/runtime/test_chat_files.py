"""End to end through the real Slack and Telegram SDKs: a file is sent, shown, imported by its sender, and reported."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import insert, select

from bot import settings
from bot.bootstrap import App, build
from bot.ports import MovableClock
from bot.sandbox import Sandbox
from bot.sandbox.slack.world import SlackChannel
from bot.storage import tables
from bot.storage.database import Database
from tests.runtime.recorder import until

STOCK = "商品编码,仓库,库存数量,备注\nA1,UK,5,猫\nA2,UK,7,茶具\nB9,UK,不详,=SUM(A1)\n".encode("gb18030")


@dataclass
class House:
    """The bot between the two sandboxes. Lin operates and reads Chinese on Telegram, Kofi only looks."""

    app: App
    sandbox: Sandbox
    room: SlackChannel
    lin: str
    kofi: str
    lin_too: int

    @property
    def direct(self) -> str:
        return self.sandbox.slack.world.direct(self.lin).id

    def in_slack(self, person: str, channel: str) -> list[str]:
        slack = self.sandbox.slack
        return [slack.text_for("UTC", message) for message in slack.visible(person, channel)]

    def in_telegram(self) -> list[str]:
        telegram = self.sandbox.telegram
        return [telegram.text_for("UTC", m, "zh") for m in telegram.visible(self.lin_too, self.lin_too)]

    async def seen(self, words: str, person: str = "", channel: str = "") -> str:
        """The newest message in Slack that holds the words, once it is there."""

        def find() -> list[str]:
            shown = self.in_slack(person or self.lin, channel or self.direct)
            return [text for text in shown if words in text]

        await self.sandbox.pulse.until(lambda: bool(find()), 20)  # a file is read by a process of its own
        return find()[-1]

    def press(self, label: str, person: str = "", channel: str = "") -> None:
        """Press the newest button of that label in Slack."""
        slack, where = self.sandbox.slack, channel or self.direct
        for message in reversed(slack.visible(person or self.lin, where)):
            for button in slack.buttons(message):
                if button["text"]["text"].startswith(label):
                    slack.press(person or self.lin, where, message.ts, button["action_id"])
                    return
        raise AssertionError(f"no button {label}")

    def press_in_telegram(self, label: str) -> None:
        """The same in Telegram."""
        telegram = self.sandbox.telegram
        for message in reversed(telegram.visible(self.lin_too, self.lin_too)):
            for button in telegram.buttons(message):
                if str(button["text"]).startswith(label):
                    telegram.press(self.lin_too, self.lin_too, message.message_id, button["callback_data"])
                    return
        raise AssertionError(f"no button {label}")

    async def rows(self, *columns: Any) -> list[tuple[Any, ...]]:
        async with self.app.services.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(select(*columns))]


@pytest.fixture
async def house(sqlite_database: Database, clock: MovableClock) -> AsyncIterator[House]:
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        lin = slack.add_user("lin", real_name="Lin Wei")
        kofi = slack.add_user("kofi", real_name="Kofi Ansah")
        lin_too = telegram.add_user("Lin", language="zh-hans")
        room = slack.add_channel("stock", members=[lin.id, kofi.id, slack.bot.id])
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
            ),
            clock,
        )
        members = app.services.members
        await app.runtime.start()
        await until(lambda: app.runtime.connected == {"slack", "telegram"}, 10)
        await members.add("Lin Wei", role="operator", identities={"slack": lin.id})
        await members.add("林薇", role="operator", language="zh_CN", identities={"telegram": str(lin_too.id)})
        await members.add("Kofi Ansah", role="viewer", identities={"slack": kofi.id})
        async with app.services.database.transaction() as connection:
            await connection.execute(
                insert(tables.Location).values(
                    code="UK", name="United Kingdom", zone="Europe/London", country="GB", currency="GBP", markets=["*"]
                )
            )
            for sku in ("A1", "A2"):
                given = {"sku": sku, "name": sku, "currency": "GBP", "active": True, "created_at": clock.now()}
                await connection.execute(insert(tables.Product).values(**given))
        yield House(app, sandbox, room, lin.id, kofi.id, lin_too.id)
        await app.runtime.stop()
        await app.close()


async def test_a_file_in_slack_is_shown_imported_and_its_rejects_come_back(house: House) -> None:
    slack = house.sandbox.slack
    slack.share(house.lin, house.direct, "stock.csv", STOCK)
    card = await house.seen("looks like stock levels")
    assert "gb18030" in card
    assert "on_hand" in card
    assert await house.rows(tables.StockLevel.on_hand) == []
    house.press("Import")
    report = await house.seen("stock.csv is imported")
    assert "Set aside" in report
    assert sorted(await house.rows(tables.StockLevel.on_hand)) == [(5,), (7,)]
    await house.seen("1 row of stock.csv was set aside")
    (file,) = [file for file in slack.world.files.values() if file.name == "stock.rejects.csv"]
    rejects = file.content.decode("utf-8-sig").splitlines()
    assert rejects[1].startswith("4,on_hand,")
    assert rejects[1].endswith("'=SUM(A1)")
    # The card became the report: nothing is left to press.
    with pytest.raises(AssertionError):
        house.press("Import")
    deeds = [data for action, data in await house.rows(tables.Audit.action, tables.Audit.data) if action[:4] == "file"]
    assert [(deed["kind"], deed["added"], deed["rejected"]) for deed in deeds] == [("stock", 2, 1)]


async def test_a_document_in_telegram_is_imported_and_told_in_chinese(house: House) -> None:
    telegram = house.sandbox.telegram
    content = "SKU\t仓库\t现有库存\nA1\tUK\t11\n".encode("utf-16")
    telegram.share(house.lin_too, house.lin_too, "库存.csv", content, "导入 库存")
    await house.sandbox.pulse.until(lambda: any("库存水平" in text for text in house.in_telegram()), 5)
    card = house.in_telegram()[-1]
    assert "utf-16" in card
    house.press_in_telegram("导入")
    await house.sandbox.pulse.until(lambda: any("已导入" in text for text in house.in_telegram()), 5)
    assert await house.rows(tables.StockLevel.on_hand) == [(11,)]


async def test_nobody_but_the_sender_imports_a_file_and_a_viewer_none(house: House) -> None:
    slack = house.sandbox.slack
    mention = f"<@{slack.bot.id}> import stock"
    slack.share(house.lin, house.room.id, "stock.csv", STOCK, mention)
    await house.seen("looks like stock levels", house.kofi, house.room.id)
    house.press("Import", house.kofi, house.room.id)
    await house.seen("nobody else can import it", house.kofi, house.room.id)
    slack.share(house.kofi, house.room.id, "mine.csv", STOCK, mention)
    await house.seen("may not import files", house.kofi, house.room.id)
    assert await house.rows(tables.StockLevel.on_hand) == []
    house.press("Cancel", house.lin, house.room.id)
    await house.seen("is not imported", house.kofi, house.room.id)
    assert [state for (state,) in await house.rows(tables.Upload.state)] == ["cancelled", "waiting"]


async def test_a_stranger_learns_what_strangers_learn_and_nothing_is_noted(house: House) -> None:
    telegram = house.sandbox.telegram
    mallory = telegram.add_user("Mallory")
    telegram.share(mallory.id, mallory.id, "stock.csv", STOCK, "import stock")
    await house.sandbox.pulse.until(lambda: len(telegram.visible(mallory.id, mallory.id)) > 1, 5)
    said = telegram.text_for("UTC", telegram.visible(mallory.id, mallory.id)[-1])
    assert "I do not know you" in said
    assert await house.rows(tables.Upload.id) == []


async def test_a_workbook_that_unpacks_to_too_much_is_refused_in_a_sentence(house: House) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 30_000_000)
    house.sandbox.slack.share(house.lin, house.direct, "bomb.xlsx", bomb.getvalue(), "stock")
    await house.seen("would unpack to far more than its size")
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["sku", "location", "on_hand"])
    sheet.append(["A1", "UK", 3])
    good = io.BytesIO()
    book.save(good)
    house.sandbox.slack.share(house.lin, house.direct, "good.xlsx", good.getvalue())
    assert "XLSX" in await house.seen("good.xlsx looks like stock levels")


async def test_dates_that_may_be_read_both_ways_are_asked_about(house: House) -> None:
    content = b"sku,quantity,date,market\nA1,2,3/4/2011,UK\n"
    house.sandbox.slack.share(house.lin, house.direct, "sold.csv", content)
    await house.seen("sold.csv looks like sales")
    house.press("Import")
    await house.seen("could be read both ways")
    house.press("The day first")
    await house.sandbox.pulse.until(lambda: len(house.in_slack(house.lin, house.direct)) >= 4, 5)
    house.press("Import")
    await house.seen("sold.csv is imported")
    assert [day for (day,) in await house.rows(tables.Sale.day)] == [date(2011, 4, 3)]
