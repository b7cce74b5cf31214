"""An order's life by chat, in the whole application: approved, sent, followed and received."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.bootstrap import App, build
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.forms import Form
from bot.chat.nodes import Action, Actions, Message
from bot.platforms.slack import blocks as slack
from bot.platforms.telegram import entities as telegram
from bot.ports import MovableClock, Reader
from bot.settings import Settings
from bot.storage.database import Database
from bot.storage.requests import Draft, DraftLine
from bot.storage.tables import Supplier
from tests.chat.views import sealed
from tests.services.work.shop import Shop, open_shop

pytestmark = pytest.mark.databases("sqlite")  # their statements run on PostgreSQL where that is named, and elsewhere

UTC_ZONE = ZoneInfo("UTC")


@dataclass
class Chat:
    """The application, and a person's words to it."""

    app: App
    shop: Shop
    clock: MovableClock

    def call(self, name: str, platform: str = "slack") -> Invocation[Any]:
        """A call of a member."""
        asker = Asker(self.shop.members[name], name, "viewer", "en", UTC_ZONE)
        origin = Origin(platform, f"U-{name}", "C1", "group")
        return Invocation(self.app.services, asker, origin, self.clock.now(), (), 1)

    async def ask(self, line: str, name: str = "Jonas", platform: str = "slack") -> Any:
        """What a typed line is answered with."""
        answer = await self.app.router.run(self.call(name, platform), line)
        return getattr(answer, "form", None) or answer.message

    async def press(self, button: Action, name: str = "Jonas", platform: str = "telegram") -> Any:
        """What a button is answered with."""
        answer = await self.app.router.press(self.call(name, platform), button.command, button.arguments)
        return getattr(answer, "form", None) or answer.message

    async def drafted(self, *units: tuple[str, int]) -> int:
        """A purchase that waits for approval."""
        shop = self.shop
        lines = tuple(DraftLine(shop.skus[sku], count, 100, None, {"need_90": 1000}) for sku, count in units)
        today = self.clock.now().date()
        suppliers = await shop.all(Supplier)
        draft = Draft(
            "purchase_order", shop.places["UK"], "GBP", 100 * sum(count for _sku, count in units), lines,
            supplier_id=suppliers[0].id, mode="sea", expected_on=today + timedelta(days=35),
        )  # fmt: skip
        async with shop.database.transaction() as connection:
            [number] = await self.app.services.requests.draft(connection, [draft])
            await self.app.services.requests.submit(connection, [number])
        return number


def buttons(message: Message) -> dict[str, Action]:
    """The buttons of a message by what is written on them."""
    found = (button for block in message.blocks if isinstance(block, Actions) for button in block.buttons)
    return {button.label.msgid: button for button in found}


def text(message: Message, language: str = "en") -> str:
    """The message as Telegram shows it; Slack must be able to show it too."""
    reader = Reader(language, UTC_ZONE, {})
    assert slack.render(sealed(message), reader).blocks
    return telegram.render(sealed(message), reader).text.replace("\u2060", "")


@pytest.fixture
async def chat(database: Database, clock: MovableClock, tmp_path: Path) -> AsyncIterator[Chat]:
    """The application over a small shop."""
    shop = await open_shop(database, clock)
    await shop.add_place("UK")
    for sku in ("LAMP", "MUG"):
        await shop.add_product(sku)
        await shop.holds(sku, "UK", 100)
    await shop.buys("UK", 35, 100)
    clock.push(timedelta(hours=1))
    settings = Settings(
        organisation={"name": "Acme", "currency": "GBP"},
        database={"url": database.url.render_as_string(hide_password=False)},
        orders={"folder": str(tmp_path / "orders")},
        approval={"limits": {"approver": {"GBP": 5000}}},
    )
    app = build(settings, clock, [])
    yield Chat(app, shop, clock)
    await app.close()


async def test_an_order_goes_from_approved_to_received_by_chat(chat: Chat, tmp_path: Path) -> None:
    number = await chat.drafted(("LAMP", 240), ("MUG", 60))
    await chat.ask(f"approve R-{number}", "Lin Wei")
    assert "has not been sent yet" in text(await chat.ask(f"order R-{number} confirmed"))
    await chat.app.effect_worker.drain(30)
    assert len(list((tmp_path / "orders").iterdir())) == 2
    card = await chat.ask(f"order R-{number}")
    assert "ordered › confirmed › in transit › received" in text(card)
    assert {"Confirmed", "Shipped", "All received", "Received in part", "New date"} <= set(buttons(card))
    assert "is noted" in text(await chat.ask(f"order R-{number} confirmed SB-77 arrives 2011-12-20"))
    card = await chat.ask(f"order R-{number}")
    assert "SB-77" in text(card)
    assert "Dec 20, 2011" in text(card)
    assert "Confirmed" not in buttons(card)
    await chat.press(buttons(card)["Shipped"])
    assert "was like that already" in text(await chat.press(buttons(card)["Shipped"]))
    chat.clock.push(timedelta(days=41))
    part = await chat.ask(f"receive R-{number} LAMP=80 on yesterday", "Maria")
    assert "80 units received" in text(part)
    card = await chat.ask(f"order R-{number}")
    assert "received 80 of 300" in text(card)
    assert "Still to come: LAMP 160 · MUG 60" in text(card)
    assert "Close, the rest is not coming" in buttons(card)
    done = await chat.press(buttons(card)["Rest received"], "Maria")
    assert "220 units received; nothing is open" in text(done)
    assert "had been received before" in text(await chat.press(buttons(card)["Rest received"], "Maria"))
    card = await chat.ask(f"order R-{number}")
    assert "took 41 days, 35 were stated" in text(card)
    assert "received 300 of 300" in text(card)
    assert (await chat.app.services.audit.verify()).broken_at is None


@pytest.mark.databases("sqlite", "postgres")
async def test_a_form_asks_for_the_units_of_each_line(chat: Chat) -> None:
    number = await chat.drafted(("LAMP", 240), ("MUG", 60))
    await chat.ask(f"approve R-{number}", "Lin Wei")
    await chat.app.effect_worker.drain(30)
    card = await chat.ask(f"order R-{number}")
    form = await chat.press(buttons(card)["Received in part"], "Maria")
    assert isinstance(form, Form)
    assert [(field.name, field.value) for field in form.fields] == [("line1", "240"), ("line2", "60"), ("on", "")]
    filled = Action(form.submit, form.command, (*form.arguments, "line1=200", "line2=0"))
    assert "200 units received" in text(await chat.press(filled, "Maria"))
    form = await chat.press(buttons(await chat.ask(f"order R-{number}"))["New date"])
    assert isinstance(form, Form)
    filled = Action(form.submit, form.command, (*form.arguments, "arrives=2012-01-05", "reference=SB 77/a"))
    await chat.press(filled)
    view = await chat.app.services.requests.get(number)
    assert (str(view.expected_on), view.reference) == ("2012-01-05", "SB 77/a")


async def test_an_order_is_followed_in_chinese(chat: Chat) -> None:
    number = await chat.drafted(("LAMP", 240))
    await chat.ask(f"批准 R-{number}", "Lin Wei")
    await chat.app.effect_worker.drain(30)
    await chat.ask(f"订单 R-{number} 已确认 SB-77 预计到货 2011年12月20日")
    view = await chat.app.services.requests.get(number)
    assert (view.stage, view.reference, str(view.expected_on)) == ("confirmed", "SB-77", "2011-12-20")
    await chat.ask(f"订单 R-{number} 已发货")
    await chat.ask(f"收货 R-{number} LAMP＝100 于 今天", "Maria")
    view = await chat.app.services.requests.get(number)
    assert (view.stage, view.lines[0].received) == ("partly_received", 100)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("receive R-{number} LAMP=many", "no number of units"),
        ("receive R-{number} SPOON=3", "not on this order"),
        ("receive R-{number} LAMP", "cannot read"),
        ("receive R-{number} LAMP=3 on 2011-10-01", "cannot have arrived"),
        ("order R-{number} arrives 2011-10-01", "cannot arrive"),
        ("order R-{number} arrives soon", "no day"),
        ("order R-{number} eaten", "none of these"),
        ("order R-99", "no request"),
    ],
)
async def test_what_cannot_be_read_is_answered_in_words(chat: Chat, line: str, said: str) -> None:
    number = await chat.drafted(("LAMP", 240))
    await chat.ask(f"approve R-{number}", "Lin Wei")
    await chat.app.effect_worker.drain(30)
    assert said in text(await chat.ask(line.format(number=number)))


@pytest.mark.databases("sqlite", "postgres")
async def test_a_stale_button_of_an_order_says_so(chat: Chat) -> None:
    number = await chat.drafted(("LAMP", 240))
    await chat.ask(f"approve R-{number}", "Lin Wei")
    await chat.app.effect_worker.drain(30)
    card = await chat.ask(f"order R-{number}")
    await chat.ask(f"receive R-{number} LAMP=3", "Maria")
    assert "changed since this was shown" in text(await chat.press(buttons(card)["All received"], "Maria"))
