"""Hostile names and commands through both parsers and both renderers, judged as the platforms would judge them.

No crash, no mention or link that we did not make, no limit passed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest

from bot.chat.nodes import (
    Action,
    Actions,
    Bold,
    Bullets,
    Code,
    Column,
    Facts,
    Footnote,
    Heading,
    Mention,
    Message,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.platforms.slack import blocks as slack
from bot.platforms.slack.events import of_command
from bot.platforms.telegram import entities as telegram
from bot.platforms.telegram.text import units
from bot.ports import Reader, SystemClock
from bot.sandbox.slack.check import check_blocks
from bot.sandbox.slack.render import pieces_of
from bot.sandbox.telegram import content
from bot.sandbox.telegram.world import TelegramWorld
from bot.words import _
from tests.chat.shop import Recorder, call, router
from tests.faults import figures
from tests.faults.hostile import Hostile
from tests.platforms.telegram.autolinks import autolinks

SHARES = 2
NAMES = figures.times(6_000, 180_000, 2_000_000) // SHARES
COMMANDS = figures.times(2_000, 20_000, 400_000) // SHARES
READERS = (
    Reader("en", ZoneInfo("Asia/Bangkok"), {7: "U2147483697"}),
    Reader("zh_CN", ZoneInfo("Europe/Berlin"), {7: "7012345678"}),
)
NAMES_EACH = 40  # in one message
SLACK_KINDS = {"text", "break"}
STYLES = {"bold", "italic", "code", "pre", "expandable_blockquote", "blockquote"}


def crowded(names: list[str]) -> Message:
    """A message with forty names, in every place where one may stand."""
    cells = iter(names)
    table = Table(
        (Column(_("SKU")), Column(_("Name"))),
        tuple((Code(next(cells)), Text(next(cells))) for _row in range(8)),
    )
    facts = tuple((_("Where {place}", place=next(cells)), Text(next(cells))) for _row in range(3))
    items = tuple(_("{sku} at {place}", sku=Code(next(cells)), place=Bold(Text(next(cells)))) for _row in range(4))
    buttons = tuple(Action(_("Approve {name}", name=next(cells)), "go", token=f"t{n}") for n in range(3))
    return Message(
        _("{a} and {b}", a=next(cells), b=Text(next(cells))),
        (
            Heading(_("{sku} runs out", sku=Text(next(cells)))),
            Paragraph(Span((Text(next(cells)), Mention(8, next(cells)), Code(next(cells))))),
            table,
            Facts(facts),
            Bullets(items),
            Footnote(_("see {a}", a=next(cells))),
            Actions(buttons),
        ),
    )


def sealed(message: Message) -> Message:
    """The message as it leaves, with a token on each button."""
    return dataclasses.replace(
        message,
        blocks=tuple(
            Actions(tuple(dataclasses.replace(button, token=f"t{n}") for n, button in enumerate(block.buttons)))
            if isinstance(block, Actions)
            else block
            for block in message.blocks
        ),
    )


def slack_faults(message: Message, reader: Reader) -> Iterator[str]:
    """What Slack would refuse, or take for something else than text."""
    rendered = slack.render(message, reader)
    check_blocks(rendered.blocks)
    check_blocks(slack.render_home(message, reader)["blocks"], "home")
    for where, pieces, fine in (
        ("blocks", pieces_of("", rendered.blocks), SLACK_KINDS),
        ("summary", pieces_of(rendered.text, ()), SLACK_KINDS | {"emoji"}),  # a notification's, where it does no harm
    ):
        for piece in pieces:
            if piece.kind not in fine:
                yield f"slack {where} {piece.kind} {piece.target or piece.text!r}"
    if len(rendered.text) > 40_000:
        yield "slack text too long"


def telegram_faults(message: Message, reader: Reader) -> Iterator[str]:
    """The same of Telegram; its API takes the text and entities apart once more."""
    rendered = telegram.render(message, reader)
    found = [entity.to_dict() for entity in rendered.entities]
    content.text_of({"text": rendered.text, "entities": found})
    keyboard = [
        [{"text": button.text, "callback_data": button.callback_data} for button in row] for row in rendered.keyboard
    ]
    content.keyboard_of({"reply_markup": {"inline_keyboard": keyboard}}, TelegramWorld(SystemClock()))
    rendered.text.encode()
    if units(rendered.text) > content.TEXT_CHARACTERS:
        yield "telegram text too long"
    for entity in rendered.entities:
        if str(entity.type) not in STYLES:
            yield f"telegram {entity.type}"
    for kind, text in autolinks(rendered.text, rendered.entities):
        yield f"telegram would link {kind} {text!r}"


@pytest.mark.parametrize("share", range(SHARES))
def test_no_name_crashes_a_renderer_passes_a_limit_or_becomes_more_than_text(share: int) -> None:
    hostile = Hostile(7000 + share)
    faults: list[str] = []
    for number in range(NAMES // NAMES_EACH):
        names = list(hostile.names(NAMES_EACH))
        message = crowded(names)
        for judge, reader in ((slack_faults, READERS[number % 2]), (telegram_faults, READERS[number % 2])):
            try:
                faults += [f"message {number}: {fault}" for fault in judge(message, reader)]
            except Exception as error:  # noqa: BLE001  # a crash is what is looked for
                faults.append(f"message {number}: {type(error).__name__}: {error}")
        if figures.is_long() and number % 500 == 0:
            figures.progress(f"fuzz: names {share}", number, NAMES // NAMES_EACH)
    figures.record("Fuzz: hostile names through both renderers", NAMES, len(faults))
    assert faults[:5] == []


@pytest.mark.parametrize("share", range(SHARES))
async def test_no_command_crashes_a_parser_and_every_answer_can_be_sent(share: int) -> None:
    hostile = Hostile(9000 + share)
    recorder = Recorder()
    shop = router(recorder)
    faults: list[str] = []
    for number in range(COMMANDS):
        typed = hostile.command()
        reader = READERS[number % 2]
        platform = ("slack", "telegram")[number % 2]
        try:
            if platform == "slack":
                typed = of_command(_slash(typed)).text
            answer = await shop.run(call(platform=platform), typed)
            judge = slack_faults if platform == "slack" else telegram_faults
            faults += [f"{typed!r}: {fault}" for fault in judge(sealed(answer.message), reader)]
        except Exception as error:  # noqa: BLE001  # a crash is what is looked for
            faults.append(f"{typed!r}: {type(error).__name__}: {error}")
        if figures.is_long() and number % 2000 == 0:
            figures.progress(f"fuzz: commands {share}", number, COMMANDS)
    understood = len(recorder.calls)
    figures.record("Fuzz: hostile commands, parsed and answered", COMMANDS, len(faults), f"{understood:,} understood")
    assert faults[:5] == []
    assert understood > COMMANDS // 50, "the commands were too hostile to be any"


def _slash(text: str) -> dict[str, str]:
    return {"command": "/stocktide", "text": text, "channel_id": "C1", "trigger_id": "1.2", "user_id": "U1"}
