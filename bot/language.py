"""A reader's language: sentences from the gettext catalogs, and numbers, dates and money as Babel writes them."""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_time, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_compact_decimal, format_currency, format_decimal, format_percent

from bot.words import Words

LANGUAGES = ("en", "zh_CN")
CATALOGS = Path(__file__).parent / "locale"

_PLACE = re.compile(r"\{(\w+)\}")


def nearest_language(tag: str) -> str:
    """The language of ours for a BCP 47 or POSIX tag: every Chinese gets zh_CN, everything else en."""
    return "zh_CN" if tag.lower().replace("_", "-").split("-")[0] in {"zh", "yue", "cmn"} else "en"


class Language:
    """Puts lazy words and plain values into one language; it holds no state but its catalog."""

    def __init__(self, code: str, catalog: gettext.NullTranslations) -> None:
        self.code = code
        self.locale = Locale.parse(code)
        self._catalog = catalog

    def template(self, words: Words) -> str:
        """The translated sentence, its `{name}` places still open."""
        if words.plural:
            return self._catalog.ngettext(words.msgid, words.plural, words.count)
        return self._catalog.gettext(words.msgid) if words.msgid else ""

    def parts(self, words: Words) -> list[object]:
        """The sentence cut at its places: literal strings, and the bound values (nodes, numbers, text) in between.

        Literal parts come wrapped in `Literal` so that a value that is a string is never taken for our own text.
        """
        found: list[object] = []
        for index, piece in enumerate(_pieces(self.template(words))):
            if index % 2:
                found.append(words.values[piece] if piece in words.values else Literal("{" + piece + "}"))
            elif piece:
                found.append(Literal(piece))
        return found

    def say(self, words: Words, shown: Callable[[object], str] | None = None) -> str:
        """The whole sentence as plain text; `shown` writes values that are not Words, numbers or text."""
        written = []
        for part in self.parts(words):
            match part:
                case Literal():
                    written.append(part.text)
                case Words():
                    written.append(self.say(part, shown))
                case bool() | None:
                    written.append(str(part))
                case int() | Decimal():
                    written.append(self.number(part, 2))
                case str():
                    written.append(part)
                case _:
                    written.append(shown(part) if shown else str(part))
        return "".join(written)

    def number(self, value: int | Decimal, decimals: int = 0) -> str:
        """A figure with the language's grouping and at most `decimals` decimals."""
        return _number(self.locale, value, decimals)

    def share(self, value: int | Decimal, decimals: int = 0) -> str:
        """A percentage: 0.125 with one decimal is 12.5%."""
        pattern = "#,##0" + ("." + "#" * decimals if decimals else "") + "%"
        return format_percent(value, format=pattern, locale=self.locale)

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount with its currency's sign and decimals."""
        return format_currency(amount, currency, locale=self.locale)

    def day(self, on: date) -> str:
        """A calendar date."""
        return _day(self.locale, on)

    def short_day(self, on: date) -> str:
        """A calendar date without its year, for an axis."""
        return format_skeleton("MMMd", on, locale=self.locale)

    def weekdays(self) -> list[str]:
        """Short names from Monday to Sunday."""
        names = get_day_names("abbreviated", locale=self.locale)
        return [str(names[day]) for day in range(7)]

    def compact(self, value: int) -> str:
        """A figure in little room: 12,300 is 12.3K, and 1.2万 in Chinese."""
        return format_compact_decimal(value, locale=self.locale, fraction_digits=1 if value >= 1000 else 0)

    def time(self, at: datetime, zone: tzinfo) -> str:
        """The time of day in `zone`."""
        return format_time(at.astimezone(zone), format="short", locale=self.locale)

    def moment(self, at: datetime, zone: tzinfo) -> str:
        """Date and time in `zone`."""
        return format_datetime(at.astimezone(zone), format="medium", locale=self.locale)


class Literal:
    """Text of ours from a catalog, as told apart from a value."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


@cache
def language(code: str) -> Language:
    """The language `code` (one of LANGUAGES; anything else is taken to its nearest)."""
    if code not in LANGUAGES:
        code = nearest_language(code)
    source = CATALOGS / code / "LC_MESSAGES" / "stocktide.po"
    if not source.exists():
        return Language(code, gettext.NullTranslations())
    compiled = io.BytesIO()
    with source.open("rb") as lines:
        write_mo(compiled, read_po(lines, locale=code))
    compiled.seek(0)
    return Language(code, gettext.GNUTranslations(compiled))


@lru_cache(maxsize=5_000)
def _pieces(template: str) -> tuple[str, ...]:
    """Literal text and the names of places in turn, literal text first."""
    return tuple(_PLACE.split(template))


# Babel takes 10 to 50 microseconds for each; a page holds thousands of them, most of them again and again.
@lru_cache(maxsize=20_000)
def _number(locale: Locale, value: int | Decimal, decimals: int) -> str:
    pattern = "#,##0" + ("." + "#" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=locale)


@lru_cache(maxsize=5_000)
def _day(locale: Locale, on: date) -> str:
    return format_date(on, format="medium", locale=locale)
