"""One reader of a page: their language and zone, and how figures are written for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from markupsafe import Markup, escape

from bot.chat.command import Asker
from bot.chat.nodes import (
    Amount,
    Badge,
    Bold,
    Code,
    Day,
    Inline,
    Instant,
    Link,
    Mention,
    Number,
    Span,
    Text,
)
from bot.domain.money import Money
from bot.language import Language, Literal, language
from bot.words import Words

NOTHING = Markup('<span class="none">–</span>')


@dataclass(frozen=True)
class Voice:
    """Writes for one member. Every value is escaped; what comes back is markup."""

    asker: Asker

    @cached_property
    def speech(self) -> Language:
        """The member's language."""
        return language(self.asker.language)

    @property
    def tag(self) -> str:
        """Their language as HTML names it."""
        return self.asker.language.replace("_", "-")

    def say(self, words: Words) -> Markup:
        """A sentence, its values written as the nodes they are."""
        written = [
            escape(part.text) if isinstance(part, Literal) else self._value(part) for part in self.speech.parts(words)
        ]
        return Markup("").join(written)

    def plain(self, words: Words) -> str:
        """A sentence as text, for attributes and titles."""
        return self.say(words).striptags()

    def inline(self, node: Inline) -> Markup:
        """An inline node of a message."""
        write: Callable[[Inline], Markup] | None = self._writers.get(type(node))
        return self.say(node) if isinstance(node, Words) else write(node) if write else escape(str(node))

    def number(self, value: float | Decimal | None, decimals: int = 0) -> Markup:
        """A figure; a dash for what is not known, and an infinity sign for no end."""
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return NOTHING
        if isinstance(value, float) and math.isinf(value):
            return Markup("∞")
        return escape(self.speech.number(Decimal(repr(value)) if isinstance(value, float) else value, decimals))

    def money(self, value: Money | None) -> Markup:
        """An amount with its currency."""
        return NOTHING if value is None else escape(self.speech.money(value.amount, value.currency))

    def minor(self, minor: int, currency: str) -> Markup:
        """An amount of minor units; a dash for none."""
        return self.money(Money.of_minor(minor, currency)) if minor else NOTHING

    def day(self, on: date | None) -> Markup:
        """A calendar date."""
        if on is None:
            return NOTHING
        return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), self.speech.day(on))

    def short_day(self, on: date) -> Markup:
        """A calendar date without its year."""
        return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), self.speech.short_day(on))

    def moment(self, at: datetime | None) -> Markup:
        """An instant in the member's own zone."""
        if at is None:
            return NOTHING
        return Markup('<time datetime="{}">{}</time>').format(at.isoformat(), self._when(at))

    @cached_property
    def _writers(self) -> dict[type, Callable[..., Markup]]:
        return {
            Text: lambda node: escape(node.content),
            Bold: lambda node: Markup("<strong>{}</strong>").format(self.inline(node.content)),
            Code: lambda node: Markup("<code>{}</code>").format(node.content),
            Link: lambda node: Markup('<a href="{}" rel="noreferrer">{}</a>').format(node.url, self.inline(node.label)),
            Instant: self._instant,
            Day: lambda node: self.day(node.on),
            Mention: lambda node: Markup('<span class="person">{}</span>').format(node.name),
            Amount: lambda node: self.money(node.money),
            Number: self._number,
            Badge: lambda node: Markup('<span class="badge {}">{}</span>').format(node.tone, self.say(node.label)),
            Span: lambda node: Markup("").join(self.inline(part) for part in node.parts),
        }

    def _instant(self, node: Instant) -> Markup:
        zone, speech = self.asker.zone, self.speech
        match node.style:
            case "time":
                shown = speech.time(node.at, zone)
            case "date":
                shown = speech.day(node.at.astimezone(zone).date())
            case _:
                shown = self._when(node.at)
        return Markup('<time datetime="{}">{}</time>').format(node.at.isoformat(), shown)

    def _when(self, at: datetime) -> str:
        """Date and time to the minute."""
        there = at.astimezone(self.asker.zone)
        return f"{self.speech.day(there.date())} {self.speech.time(there, self.asker.zone)}"

    def _number(self, node: Number) -> Markup:
        if node.share:
            return escape(self.speech.share(node.value, node.decimals))
        return self.number(node.value, node.decimals)

    def _value(self, part: object) -> Markup:
        if isinstance(part, Words):
            return self.say(part)
        if isinstance(part, (int, Decimal)) and not isinstance(part, bool):
            return self.number(part, 2)
        if isinstance(part, str):
            return escape(part)
        return self.inline(part)  # type: ignore[arg-type]  # values of Words are inline nodes or plain values
