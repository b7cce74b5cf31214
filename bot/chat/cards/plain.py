"""Short answers: refusals, apologies, confirmations, the greeting and the question for the time zone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.chat.nodes import Action, Actions, Block, Code, Footnote, Heading, Inline, Message, Paragraph, Text
from bot.errors import Refusal
from bot.words import Words, _

# Where the people of a cross-border team usually live; everyone else types the name.
LIKELY_ZONES: tuple[tuple[str, Words], ...] = (
    ("Asia/Shanghai", _("Shanghai")),
    ("Asia/Bangkok", _("Bangkok")),
    ("Asia/Tokyo", _("Tokyo")),
    ("Europe/Berlin", _("Berlin")),
    ("Europe/London", _("London")),
    ("America/New_York", _("New York")),
    ("America/Chicago", _("Chicago")),
    ("America/Los_Angeles", _("Los Angeles")),
)


def notice_card(words: Words, *more: Block) -> Message:
    """One sentence, and what stands below it."""
    return Message(words, (Paragraph(words), *more))


def refusal_card(refusal: Refusal, usage: Inline | None = None, choices: Sequence[Action] = ()) -> Message:
    """Why something was not done, how it is written, and what was probably meant."""
    blocks: list[Block] = [Paragraph(refusal.words)]
    if choices:
        blocks += [Paragraph(_("Did you mean one of these?")), Actions(tuple(choices))]
    if usage is not None:
        blocks.append(Footnote(_("Write it so: {usage}", usage=usage)))
    return Message(refusal.words, tuple(blocks))


def unknown_card(word: str, choices: Sequence[Action]) -> Message:
    """A line that is neither a command nor a product."""
    words = _("I know no command and no product called {word}.", word=Code(word))
    blocks: list[Block] = [Paragraph(words)]
    if choices:
        blocks += [Paragraph(_("Did you mean one of these?")), Actions(tuple(choices))]
    else:
        blocks.append(Actions((Action(_("What I can do"), "help"),)))
    return Message(words, tuple(blocks))


def apology_card(reference: str) -> Message:
    """Something of ours broke; `reference` leads to the log entry."""
    words = _("Sorry, that went wrong on my side, and nothing was changed.")
    hint = _(
        "Try again in a minute. If it stays, tell whoever runs Stocktide this reference: {code}", code=Code(reference)
    )
    return Message(words, (Paragraph(words), Footnote(hint)))


def welcome_card(name: str) -> Message:
    """The first private answer to somebody new."""
    words = _("Hello {name}, I am Stocktide. I watch stock and sales, and tell you in time.", name=Text(name))
    hint = _(
        "Ask {stock} for one product, or {restock} for what to order.", stock=Code("stock"), restock=Code("restock")
    )
    buttons = (
        Action(_("What to restock"), "restock", style="primary"),
        Action(_("Open cases"), "cases"),
        Action(_("What I can do"), "help"),
    )
    return Message(words, (Paragraph(words), Paragraph(hint), Actions(buttons)))


def zone_question(now: datetime, zones: Sequence[tuple[str, Words]] = LIKELY_ZONES) -> tuple[Block, ...]:
    """The question for one's time zone, asked once: each button says what the clock shows there at `now`."""
    return (
        Heading(_("One question: where do you work?")),
        Paragraph(_("Then morning digests reach you in your morning. Press the zone whose time is yours.")),
        Actions(tuple(_zone_button(zone, city, now) for zone, city in zones)),
        Footnote(_("Another one: {example}", example=Code("me zone Asia/Dubai"))),
    )


def _zone_button(zone: str, city: Words, now: datetime) -> Action:
    label = _("{city} · {time}", city=city, time=f"{now.astimezone(ZoneInfo(zone)):%H:%M}")
    return Action(label, "me", ("zone", zone))


def zone_card(now: datetime) -> Message:
    """The question for one's time zone, by itself."""
    return Message(_("Where do you work?"), zone_question(now))
