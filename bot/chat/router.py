"""Finds the command of a line, reads its arguments and runs it: the same for every platform and the command line."""

from __future__ import annotations

import difflib
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from bot.chat.arguments import Resolver
from bot.chat.cards.forms import form_card
from bot.chat.cards.plain import apology_card, refusal_card, unknown_card
from bot.chat.command import Command, Invocation
from bot.chat.forms import Form
from bot.chat.nodes import Action, Code, Message
from bot.chat.parsing import MAX_LINE, ArgumentReader, Line, Misread, Parameter, grammar, usage
from bot.errors import BadArgument, NotAllowed, Refusal, SeveralSkus, StaleButton, UnknownLocation, UnknownSku
from bot.words import _

S = TypeVar("S")

log = logging.getLogger(__name__)

MAX_CHOICES = 6  # buttons under a refusal


def _stranger(person: str) -> NotAllowed:
    """What somebody unknown is told: how to link, and the id by which an owner can add them."""
    return NotAllowed(
        _(
            "I do not know you here yet, so nothing was done. Where I know you, ask me for {link}, then send me the "
            "code here. Your id here is {person}.",
            link=Code("link"),
            person=Code(person),
        )
    )


@dataclass(frozen=True, slots=True)
class Aliases:
    """Other words, in lower case: `commands` for a command's name, `choices` for one of an argument's choices.

    `bare` is the command that a product alone stands for.
    """

    commands: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    bare: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to say. `private`: in a group it is for the asker alone.

    `command` is None where none was recognised. `refused` tells that nothing was done; `reference` names the log entry
    of an unexpected error. `form` is to be filled in: `message` then says how to type it, and `line` asks for it again.
    """

    message: Message
    command: Command | None
    private: bool
    refused: bool = False
    reference: str = ""
    form: Form | None = None
    line: tuple[str, ...] = ()


class Router(Generic[S]):
    """Runs lines and buttons. A refusal becomes a card; an unexpected error an apology, referenced in the log.

    `renamed` says of each platform which commands bear another name there.
    """

    def __init__(
        self,
        commands: Sequence[Command],
        resolver: Callable[[S], Resolver],
        aliases: Aliases | None = None,
        renamed: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        self.commands = {command.name: command for command in commands}
        self._grammar = {command.name: grammar(command.run) for command in commands}
        self._resolver = resolver
        self._aliases = aliases or Aliases()
        self._renamed = renamed

    async def run(self, call: Invocation[S], text: str) -> Answer:
        """Answer a typed line. `call.line` and `call.names` are filled in here."""
        if len(text) > MAX_LINE:
            words = _("That is {length} characters long; {most} is the most.", length=len(text), most=MAX_LINE)
            return Answer(refusal_card(BadArgument(words)), None, private=True, refused=True)
        line = self._opened(Line.typed(text))
        if not line.tokens:
            return await self.press(call, "help", ())
        command = self._named(line.tokens[0].text)
        if command is not None:
            return await self._answer(call, command, line.after(1))
        return await self._guess(call, line)

    async def press(self, call: Invocation[S], command: str, arguments: Sequence[str]) -> Answer:
        """Answer a button; `call.page` is the page that it asks for."""
        known = self.commands.get(command)
        if known is None:
            stale = StaleButton(_("This button belongs to a command that is no more."))
            return Answer(refusal_card(stale), None, private=True, refused=True)
        return await self._answer(call, known, Line.pressed(arguments))

    def _opened(self, line: Line) -> Line:
        """The line without the product's own name, and with a Chinese command cut off its argument (库存85123A)."""
        if line.tokens and _bare(line.tokens[0].text) == "stocktide":
            line = line.after(1)
        if not line.tokens:
            return line
        head = line.tokens[0]
        if self._named(head.text) is not None:
            return line
        for alias in sorted(self._aliases.commands, key=len, reverse=True):
            if len(alias) > 1 and not alias.isascii() and _bare(head.text).startswith(alias):
                at = line.text.find(alias, head.start) + len(alias)
                return Line.typed(f"{alias} {line.text[at:].lstrip(':：,，')}")
        return line

    def _named(self, word: str) -> Command | None:
        bare = _bare(word)
        return self.commands.get(self._aliases.commands.get(bare, bare))

    async def _guess(self, call: Invocation[S], line: Line) -> Answer:
        """A line with no command: a slip of the finger, or a product alone."""
        word = _bare(line.tokens[0].text)
        near = difflib.get_close_matches(word, list(self.commands), n=3, cutoff=0.72)
        if not near and self._aliases.bare in self.commands:
            try:
                await self._resolver(call.services).sku(" ".join(line.words()))
            except SeveralSkus:
                return await self._answer(call, self.commands[self._aliases.bare], line)
            except Refusal:
                log.info("an unknown word from member %s on %s", call.asker.member_id, call.origin.platform)
            except Exception as error:  # noqa: BLE001  # the person gets an apology, the log the traceback
                return self._apology(call, self.commands[self._aliases.bare], error)
            else:
                return await self._answer(call, self.commands[self._aliases.bare], line)
        rest = line.words()[1:]
        choices = tuple(Action(_("{name}", name=" ".join((name, *rest))[:60]), name, rest) for name in near)
        return Answer(unknown_card(line.tokens[0].text[:60], choices), None, private=True, refused=True)

    async def _answer(self, call: Invocation[S], command: Command, line: Line) -> Answer:
        names = self._renamed.get(call.origin.platform, {})
        call = replace(call, line=(command.name, *line.words()), names=names)
        shown = usage(written(command, call), self._grammar[command.name])
        if not call.asker.member_id and not command.strangers:
            stranger = _stranger(call.origin.person)
            return self._refused(call, command, refusal_card(stranger), stranger)
        try:
            arguments = await self._arguments(call, command, line)
            return self._said(call, command, await command.run(call, **arguments))
        except Misread as misread:
            choices = _choices(command.name, line, misread)
            return self._refused(call, command, refusal_card(misread.refusal, shown, choices), misread.refusal)
        except Refusal as refusal:
            hint = shown if isinstance(refusal, BadArgument) else None
            return self._refused(call, command, refusal_card(refusal, hint), refusal)
        except Exception as error:  # noqa: BLE001  # the person gets an apology, the log the traceback
            return self._apology(call, command, error)

    def _said(self, call: Invocation[S], command: Command, said: Message | Form) -> Answer:
        if isinstance(said, Message):
            return Answer(said, command, private=said.private or command.audience == "asker")
        typed = form_card(said, written(self.commands[said.command], call))
        return Answer(typed, command, private=True, form=said, line=call.line)

    async def _arguments(self, call: Invocation[S], command: Command, line: Line) -> dict[str, object]:
        parameters: tuple[Parameter, ...] = self._grammar[command.name]
        reader = ArgumentReader(self._resolver(call.services), self._aliases.choices)
        return await reader.read(parameters, line)

    def _refused(self, call: Invocation[S], command: Command, card: Message, refusal: Refusal) -> Answer:
        log.info(
            "refused %s to member %s on %s: %s",
            command.name,
            call.asker.member_id,
            call.origin.platform,
            type(refusal).__name__,
        )
        return Answer(card, command, private=True, refused=True)

    def _apology(self, call: Invocation[S], command: Command, error: Exception) -> Answer:
        reference = secrets.token_hex(4).upper()
        log.error(
            "%s failed for member %s on %s; reference %s",
            command.name,
            call.asker.member_id,
            call.origin.platform,
            reference,
            exc_info=error,
        )
        return Answer(apology_card(reference), command, private=True, refused=True, reference=reference)


def written(command: Command, call: Invocation[Any]) -> str:
    """The command as one types it where the call came from; Slack has slash commands for the short ones alone."""
    platform = call.origin.platform
    if platform == "slack" and not command.short:
        return f"/stocktide {command.name}"
    name = call.names.get(command.name, command.name)
    return name if platform == "terminal" else f"/{name}"


def _bare(word: str) -> str:
    """A command's name out of `/Stock@the_bot`."""
    return word.lstrip("/!").split("@", 1)[0].casefold()


def _choices(command: str, line: Line, misread: Misread) -> tuple[Action, ...]:
    """Buttons that run the line again with a known name in place of the words that were not understood."""
    refusal = misread.refusal
    if isinstance(refusal, UnknownSku):
        near = refusal.nearest
    elif isinstance(refusal, UnknownLocation):
        near = refusal.known
    else:
        return ()
    words = line.words()
    before, after = words[: misread.start], words[misread.stop :]
    return tuple(
        Action(_("{code} · {name}", code=code, name=name[:48]), command, (*before, code, *after))
        for code, name in near[:MAX_CHOICES]
    )
