"""From a typed line to a command's arguments, read once from the annotations for every platform."""

from __future__ import annotations

import inspect
import re
import types
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from bot.chat.arguments import (
    CaseCode,
    CaseRef,
    ClockTime,
    EffectRef,
    Lapse,
    Location,
    Percent,
    Price,
    RequestCode,
    RequestRef,
    Resolver,
    Rest,
    Sku,
    Units,
    Until,
)
from bot.chat.moments import read_until
from bot.chat.nodes import Code, Inline, Span, Text
from bot.chat.values import (
    read_case,
    read_case_code,
    read_clock,
    read_effect,
    read_lapse,
    read_percent,
    read_price,
    read_request,
    read_request_code,
    read_units,
)
from bot.errors import BadArgument, Refusal, UnknownLocation, UnknownSku
from bot.words import Words, _

MAX_LINE = 600  # characters; a longer line is no command
MAX_REST = 500  # characters of a comment

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂「」『』", '"'))
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_EDGES = "。，、！？；,;!?…"  # left at the end of a word by a sentence


@dataclass(frozen=True, slots=True)
class Token:
    """One word: `text` normalised (full width to half, no punctuation at its edges), as it stood in the line from
    `start` to `end`.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Line:
    """A line and its words; `whole` where the words came one by one, from a button or a form."""

    text: str
    tokens: tuple[Token, ...]
    whole: bool = False

    @classmethod
    def typed(cls, text: str) -> Line:
        """Cut what a person typed; quotes keep words together, a lone quote is a character like any other."""
        return cls(_storable(text), tuple(_tokens(text)))

    @classmethod
    def pressed(cls, words: Sequence[str]) -> Line:
        """A button's words, each whole as it is."""
        tokens, start = [], 0
        for word in map(_storable, words):
            tokens.append(Token(word, start, start + len(word)))
            start += len(word) + 1
        return cls(_storable(" ".join(words)), tuple(tokens), whole=True)

    def after(self, count: int) -> Line:
        """The line without its first `count` words."""
        return Line(self.text, self.tokens[count:], self.whole)

    def words(self) -> tuple[str, ...]:
        """The words, normalised."""
        return tuple(token.text for token in self.tokens)

    def rest(self, start: int) -> str:
        """What stands from word `start` on, as it was typed; quotes around all of it are left out."""
        tokens = self.tokens[start:]
        typed = self.text[tokens[0].start :].strip()
        return tokens[0].text if len(tokens) == 1 and typed[:1].translate(_QUOTES) == '"' else typed


def _storable(text: str) -> str:
    """The text with a sign in place of each that no database takes: a halt must not fail for half an emoji."""
    return _UNSTORABLE.sub("\ufffd", text)


def plain(text: str) -> str:
    """Full-width letters, digits and signs to half width, every quote to a straight one, no control characters."""
    folded = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    return "".join(" " if unicodedata.category(letter) in {"Cc", "Cf", "Cs"} else letter for letter in folded)


def _tokens(text: str) -> Iterator[Token]:
    marked = text.translate(_QUOTES)
    for match in re.finditer(r'"([^"]*)"(?=\s|$)|\S+', marked):
        word = plain(match[0]).strip().strip(_EDGES) if match[1] is None else plain(match[1]).strip()
        if word:
            yield Token(word, match.start(), match.end())


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command: its kinds in the order they are tried, or its `choices`."""

    name: str
    kinds: tuple[type, ...]
    choices: tuple[str, ...] = ()
    optional: bool = False

    @property
    def span(self) -> int | None:
        """The most words it may take; None where it may take all."""
        return None if {Sku, Rest} & set(self.kinds) else max((_SPANS.get(kind, 1) for kind in self.kinds), default=1)


# The order in which the alternatives of one argument are tried, and how many words each may take.
_ORDER: tuple[type, ...] = (
    CaseRef, RequestRef, CaseCode, RequestCode, EffectRef, Percent, Price, Lapse, ClockTime, Until, Units, Location,
    Sku, str, Rest,
)  # fmt: skip
_SPANS: Mapping[type, int] = {Location: 4, Lapse: 2, ClockTime: 2, Percent: 3, Price: 2, Until: 5, Units: 2}


@cache
def grammar(run: Callable[..., Any]) -> tuple[Parameter, ...]:
    """The arguments of a command's function, its first parameter (the invocation) left out; TypeError on a kind that
    nobody can read.
    """
    hints = get_type_hints(run)
    parameters = list(inspect.signature(run).parameters.values())[1:]
    return tuple(_parameter(each, hints[each.name]) for each in parameters)


def _parameter(parameter: inspect.Parameter, hint: object) -> Parameter:
    kinds: list[type] = []
    choices: list[str] = []
    optional = parameter.default is not inspect.Parameter.empty
    for part in _alternatives(hint):
        if part is types.NoneType:
            optional = True
        elif get_origin(part) is Literal:
            choices += get_args(part)
        elif isinstance(part, type) and part in _ORDER:
            kinds.append(part)
        else:
            raise TypeError(f"the argument {parameter.name} has a kind no line can be read into: {part}")
    return Parameter(parameter.name, tuple(sorted(kinds, key=_ORDER.index)), tuple(choices), optional)


def _alternatives(hint: object) -> tuple[object, ...]:
    if get_origin(hint) in {Union, types.UnionType}:
        return tuple(inner for part in get_args(hint) for inner in _alternatives(part))
    return (hint,)


def usage(name: str, parameters: Sequence[Parameter]) -> Inline:
    """How the command is written: `name` as the platform wants it, then its arguments, optional ones in brackets."""
    parts: list[Inline] = [Code(name)]
    for parameter in parameters:
        options = [*map(Text, parameter.choices), *(_label(parameter, kind) for kind in parameter.kinds)]
        parts.append(Text(" [" if parameter.optional else " "))
        for index, option in enumerate(options):
            parts += [Text("|"), option] if index else [option]
        if parameter.optional:
            parts.append(Text("]"))
    return Span(tuple(parts))


def _label(parameter: Parameter, kind: type) -> Inline:
    named = {
        "code": _("CODE"),
        "name": _("COMMAND"),
        "comment": _("comment"),
        "value": _("VALUE"),
        "person": _("MEMBER until DATE"),
        "member": _("MEMBER"),
        "where": _("SUPPLIER"),
        "how": _("code NAME, basket, store=NAME"),
        "about": _("SKU or CASE, topic, with MEMBERS, at 21:00"),
        "changes": _("SKU=UNITS supplier=CODE date=DAY"),
        "parts": _("2xSKU SKU, or off"),
        "asked": _("STORE read, test, waiting, product CODE SKU, or place PLACE LOCATION"),
    }
    shown: dict[type, Inline] = {
        Sku: _("SKU"),
        Location: _("LOCATION"),
        CaseRef: _("CASE"),
        RequestRef: _("REQUEST"),
        EffectRef: _("CALL"),
        Lapse: Text("3d"),
        ClockTime: Text("08:30"),
        CaseCode: _("CASE"),
        RequestCode: _("REQUEST"),
        Percent: Text("20%"),
        Price: Text("1.99"),
        Until: _("until Friday"),
        Units: _("UNITS"),
    }
    return shown.get(kind) or named[parameter.name]


class Misread(Exception):  # carries a Refusal to the router; people never meet it
    """The words from `start` to `stop` were not understood; a button may offer others in their place."""

    def __init__(self, refusal: Refusal, start: int, stop: int, weight: float = 0) -> None:
        super().__init__(refusal.words.msgid)
        self.refusal = refusal
        self.start = start
        self.stop = stop
        self.weight = weight  # how much of the line was understood around it


@dataclass(frozen=True, slots=True)
class ArgumentReader:
    """Reads words into arguments. `choices` maps other words for a choice to it, such as 关闭 to off."""

    resolver: Resolver
    choices: Mapping[str, str] = field(default_factory=dict)

    async def read(self, parameters: Sequence[Parameter], line: Line) -> dict[str, Any]:
        """The arguments by name; Misread where the words do not fit.

        A product's name may take several words: the longest run of words that leaves the later arguments readable wins.
        """
        return await self._read(tuple(parameters), line, 0)

    async def _read(self, parameters: tuple[Parameter, ...], line: Line, start: int) -> dict[str, Any]:
        left = len(line.tokens) - start
        if not parameters:
            if left:
                extra = _("I cannot read {text} here.", text=Code(line.rest(start)[:80]))
                raise Misread(BadArgument(extra), start, start + left)
            return {}
        first, later = parameters[0], parameters[1:]
        if not left:
            if first.optional:
                return {}
            raise Misread(BadArgument(_missing(first)), start, start)
        failures: list[Misread] = []
        for count in _counts(first, later, left):
            try:
                value = await self._convert(first, line, start, count)
                return {first.name: value, **await self._tail(later, line, start + count, value)}
            except Misread as failure:
                failures.append(failure)
            except Refusal as refusal:
                weight = await self._understood(later, line, start + count)
                failures.append(Misread(refusal, start, start + count, weight))
        raise max(failures, key=lambda failure: failure.weight)

    async def _tail(self, later: tuple[Parameter, ...], line: Line, start: int, value: object) -> dict[str, Any]:
        try:
            return await self._read(later, line, start)
        except Misread as failure:
            # A code typed in full is surely meant, so the fault lies after it; a chance hit on a name is not.
            typed = " ".join(line.words()[:start]).casefold()
            sure = not isinstance(value, Sku) or typed.endswith(value.code.casefold())
            failure.weight = 3 + failure.weight if sure else 0.5
            raise

    async def _understood(self, later: tuple[Parameter, ...], line: Line, start: int) -> float:
        try:
            await self._read(later, line, start)
        except Misread:
            return 0
        return 2 if start < len(line.tokens) else 1

    async def _convert(self, parameter: Parameter, line: Line, start: int, count: int) -> object:
        words = line.words()[start : start + count]
        text = " ".join(words)
        said = text.casefold()  # a choice's own word wins over what else it may stand for
        choice = said if said in parameter.choices else self.choices.get(said, said)
        if choice in parameter.choices:
            return choice
        refusals: list[Refusal] = []
        for kind in parameter.kinds:
            try:
                if kind is Rest:
                    return _rest(line, start)
                return await self._one(kind, text, count)
            except Refusal as refusal:
                refusals.append(refusal)
        refusals.sort(key=lambda refusal: not isinstance(refusal, (UnknownSku, UnknownLocation)))
        known = next((each for each in refusals if isinstance(each, UnknownSku)), None)
        raise known or (refusals[0] if refusals else BadArgument(_choose(parameter, text)))

    async def _one(self, kind: type, text: str, count: int) -> object:
        if kind is Sku:
            return await self.resolver.sku(text)
        if kind is Location:
            return await self.resolver.location(text)
        if kind is str and count == 1:
            return text
        read = _READERS.get(kind)
        if read is None:
            raise BadArgument(_("I cannot read {text} here.", text=Code(text[:80])))
        return read(text)


_READERS: Mapping[type, Callable[[str], object]] = {
    CaseRef: read_case,
    RequestRef: read_request,
    EffectRef: read_effect,
    Lapse: read_lapse,
    ClockTime: read_clock,
    CaseCode: read_case_code,
    RequestCode: read_request_code,
    Percent: read_percent,
    Price: read_price,
    Until: read_until,
    Units: read_units,
}


def _counts(first: Parameter, later: Sequence[Parameter], left: int) -> range:
    """How many words `first` may take, the most first: what later arguments cannot take is surely its own."""
    if Rest in first.kinds:
        return range(left, left - 1, -1)
    most = left if first.span is None else min(first.span, left)
    spans = [parameter.span for parameter in later]
    least = 1 if None in spans else max(1, left - sum(span or 0 for span in spans))
    return range(most, min(least, most) - 1, -1)


def _rest(line: Line, start: int) -> Rest:
    """The rest of a line; what came word by word was measured when it was filled in."""
    if line.whole:
        return Rest(line.rest(start), line.words()[start:])
    text = line.rest(start)
    if len(text) > MAX_REST:
        raise BadArgument(_("That is {length} characters long; {most} is the most.", length=len(text), most=MAX_REST))
    return Rest(text)


def _missing(parameter: Parameter) -> Words:
    match parameter.kinds:
        case (kind,) if kind is Sku:
            return _("Which product? Give its code, or part of its name.")
        case (kind,) if kind is CaseRef:
            return _("Which case? Give its number, such as {example}.", example=Code("C-12"))
        case (kind,) if kind is RequestRef:
            return _("Which request? Give its number, such as {example}.", example=Code("R-12"))
        case (kind,) if kind is Lapse:
            return _(
                "For how long? Write {days} for three days or {hours} for twelve hours.",
                days=Code("3d"),
                hours=Code("12h"),
            )
    return _choose(parameter, "")


def _choose(parameter: Parameter, text: str) -> Words:
    listed = Text(", ".join(parameter.choices))
    if text:
        return _("{text} is none of these: {choices}.", text=Code(text[:80]), choices=listed)
    return _("Choose one of these: {choices}.", choices=listed)
