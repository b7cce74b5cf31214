"""What every platform must do with the largest things there are, whatever it is: each entry of PLATFORMS is tried."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import settings
from bot.chat.cards import request_card
from bot.chat.cards.forms import choice_card, form_card, late_card, menu_card, question_card
from bot.chat.incoming import Incoming
from bot.chat.nodes import Actions, Call, Mention, Message, Paragraph
from bot.domain.money import Money
from bot.domain.views import RequestLineView, RequestView, VoteView
from bot.errors import PlatformError
from bot.platforms import PLATFORMS, Supplies
from bot.ports import CallNotice, CallPerson, ChatPlatform, MovableClock, Reader, Target
from bot.sandbox import Sandbox
from bot.words import _
from handlers import COMMANDS
from tests.platforms.sample_forms import code_form, edit_form, largest_form
from tests.platforms.telegram.botapi import Offsets

NINE = datetime(2011, 11, 21, 9, tzinfo=UTC)
LINES = 40
LONG = "SET OF 6 <!channel> 茶壶 *TEA* @all WITH A NAME THAT NO SUPPLIER SHOULD HAVE GIVEN IT 𝄞 " * 3


@dataclass
class Stage:
    """One platform, connected to its sandbox, and a room in it."""

    platform: ChatPlatform
    sandbox: Sandbox
    clock: MovableClock
    room: str
    lin: str

    async def post(self, message: Message) -> str:
        """Post and edit a message; what a person reads of it afterwards."""
        reader = Reader("zh_CN", ZoneInfo("Asia/Shanghai"), {1: self.lin})
        ref = await self.platform.post(Target(self.room, "group"), sealed(message), reader)
        await self.platform.edit(ref, sealed(message), dataclasses.replace(reader, language="en"))
        self.clock.push(timedelta(days=1))
        if self.platform.name == "slack":
            return self.sandbox.slack.text_for("UTC", self.sandbox.slack.world.message(self.room, ref.message_id))
        shown = self.sandbox.telegram.world.message(int(self.room), int(ref.message_id))
        return self.sandbox.telegram.text_for("UTC", shown)


@pytest.fixture(params=range(len(PLATFORMS)), ids=lambda index: PLATFORMS[index].__name__)
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """Each platform there is, connected to its sandbox."""
    clock = MovableClock(NINE, frozen=True)
    async with Sandbox(clock) as sandbox:
        slack, telegram = sandbox.slack, sandbox.telegram
        slack.pace.per_second = telegram.per_chat.per_second = telegram.per_group.per_second = 1000.0
        lin, lin_too = slack.add_user("lin"), telegram.add_user("Lin")
        channel = slack.add_channel("stock", [lin.id, slack.bot.id])
        group = telegram.add_group("Stock", [lin_too.id, telegram.bot.id])
        given = settings.given(
            slack={
                "bot_token": slack.world.bot_token,
                "app_token": slack.world.app_token,
                "base_url": sandbox.slack_base_url,
            },
            telegram={"token": telegram.world.token, "base_url": sandbox.telegram_base_url},
        )
        platform = PLATFORMS[request.param](given, Supplies(COMMANDS, Offsets()))
        assert platform is not None

        async def intake(_incoming: object) -> None:
            return

        await platform.start(intake)
        rooms = {"slack": (channel.id, lin.id), "telegram": (str(group.id), str(lin_too.id))}
        yield Stage(platform, sandbox, clock, *rooms[platform.name])
        await platform.stop()


def sealed(message: Message) -> Message:
    """The message with tokens as long as ours on its buttons."""
    blocks = tuple(
        Actions(tuple(dataclasses.replace(button, token=f"{index:022d}") for index, button in enumerate(block.buttons)))
        if isinstance(block, Actions)
        else block
        for block in message.blocks
    )
    return dataclasses.replace(message, blocks=blocks)


def order(lines: int = LINES, votes: int = 5) -> RequestView:
    """A combined order as large as they come, everything on it."""
    return RequestView(
        id=123_456,
        kind="purchase_order",
        state="pending",
        version=999,
        lines=tuple(
            RequestLineView(f"SKU-{number:03d}-{'X' * 20}", LONG, 999_999, Money.of_minor(99_999_999, "GBP"))
            for number in range(lines)
        ),
        supplier=LONG,
        location=LONG,
        from_location=LONG,
        total=Money.of_minor(9_999_999_999, "GBP"),
        expected_on=date(2011, 12, 20),
        requested_by=LONG,
        created_at=NINE,
        expires_at=NINE,
        decided_by="",
        decided_by_id=None,
        decided_at=None,
        decided_platform="",
        comment=LONG,
        needs=2,
        urgent=True,
        votes=tuple(VoteView(number, LONG, "approve", NINE, "slack", LONG) for number in range(votes)),
        edited_by=LONG,
        mode="sea",
        reference=LONG,
    )


async def test_every_page_of_the_largest_order_fits_and_loses_no_line(stage: Stage) -> None:
    seen = ""
    for page in range(1, 5):
        seen += await stage.post(request_card(order(), page))
    missing = [number for number in range(LINES) if f"SKU-{number:03d}" not in seen]
    assert missing == []


async def test_the_largest_form_fits_as_text_and_as_a_menu(stage: Stage) -> None:
    for letter in ("界", "<"):
        form = largest_form(letter)
        menu = await stage.post(menu_card(form, "tok3n", {}))
        assert menu
        for card in (
            form_card(form, "edit"),
            late_card(form, ("edit", "R-12"), pressed=True),
            menu_card(form, "tok3n", {}, form.fields[0].name),
            choice_card(form.fields[0], "tok3n"),
            question_card(form.fields[1], Mention(1, LONG), _("{text}", text=LONG)),
        ):
            await stage.post(card)


async def test_a_form_opens_in_a_window_or_the_platform_says_that_it_has_none(stage: Stage) -> None:
    reader = Reader("en", ZoneInfo("UTC"))
    handle = {"trigger_id": stage.sandbox.slack.world.trigger(stage.lin)} if stage.platform.name == "slack" else {}
    asked = Incoming(stage.platform.name, "e1", "press", stage.lin, stage.room, "group", handle=handle)
    for form in (edit_form(), code_form()):
        if not stage.platform.has_forms:
            with pytest.raises(PlatformError):
                await stage.platform.open_form(asked, form, "tok3n", reader)
            continue
        await stage.platform.open_form(asked, form, "tok3n", reader)
        again = {"trigger_id": stage.sandbox.slack.world.trigger(stage.lin)}
        asked = dataclasses.replace(asked, handle=again)


async def test_a_call_is_listed_followed_and_ended_or_the_platform_lists_none(stage: Stage) -> None:
    lin = CallPerson(stage.lin, "m1", LONG)
    guests = [lin, *(CallPerson("", f"m{number}", LONG) for number in range(2, 100))]
    notice = CallNotice("k" * 22, LONG, f"https://stock.example/rooms/{'k' * 22}", NINE, stage.lin)
    call = await stage.platform.add_call(notice)
    assert call == await stage.platform.add_call(notice)
    await stage.platform.call_people(call, guests, [])
    await stage.platform.call_people(call, guests[-3:], [lin])
    await stage.platform.call_people(call, [], [lin])
    block = Call(((stage.platform.name, call),))
    shown = await stage.post(Message(_("Tea"), (Paragraph(_("Tea")), block)))
    assert ("[call: " in shown) == bool(call)
    for _again in range(2):
        await stage.platform.end_call(call, 3_600)
        await stage.platform.end_call("R0NONE", 3_600)
    listed = stage.sandbox.slack.world.calls
    assert [(len(one.people), one.seconds) for one in listed.values()] == ([(98, 3_600)] if call else [])


async def test_nothing_unsigned_is_vouched_for(stage: Stage) -> None:
    for query in ({}, {"id": stage.lin}, {"id": stage.lin, "auth_date": "1", "hash": "0" * 64}):
        assert stage.platform.vouched(query, NINE) is None
