"""A command that answers with a form, and the whole application around it, its platforms recording."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import structlog
from sqlalchemy import select

from bot import logs, settings
from bot.bootstrap import App, build
from bot.chat.arguments import Rest
from bot.chat.command import Command, Invocation
from bot.chat.filling import pairs
from bot.chat.forms import Choice, Field, Form
from bot.chat.incoming import Incoming
from bot.chat.nodes import Action, Actions, Message, Paragraph, Text
from bot.chat.router import Router
from bot.errors import BadArgument
from bot.language import language
from bot.ports import MovableClock
from bot.services import Services
from bot.services.answers import shortly
from bot.storage.database import Database
from bot.words import _
from tests.runtime.conftest import says
from tests.runtime.recorder import Recorder, Told

_events = count(1)


def edit_form() -> Form:
    """What `edit` asks for."""
    fields = (
        Field("quantity", _("Quantity"), "whole", "240"),
        Field("note", _("Note"), "text", required=False),
        Field("mode", _("Mode"), "choice", "sea", (Choice("sea", _("by sea")), Choice("air", _("by air")))),
    )
    return Form(_("Edit"), Text("R-12"), fields, "edit", ("R-12@3",), _("Save"))


def confirm_form() -> Form:
    """What `confirm` asks for; nothing of it stands there already."""
    fields = (Field("total", _("Total"), "money"), Field("code", _("Code"), "code"))
    return Form(_("Confirm"), Text("R-12"), fields, "confirm", ("R-12@3",), _("Approve"))


def new_form() -> Form:
    """A form that begins with a choice and a day that are missing."""
    choices = (Choice("sea", _("by sea")), Choice("air", _("by air")))
    fields = (Field("mode", _("Mode"), "choice", "", choices), Field("day", _("Arrives"), "day"))
    return Form(_("New"), Text("R-13"), fields, "fresh", (), _("Save"))


@dataclass
class Desk:
    """The commands, and what they were called with."""

    calls: list[tuple[Any, str, dict[str, str]]] = field(default_factory=list)

    async def edit(self, call: Invocation[Services], code: str, value: Rest | None = None) -> Message | Form:
        """Ask for the values, or take them; over 1,000 are refused."""
        return self._taken(call, code, value, edit_form())

    async def confirm(self, call: Invocation[Services], code: str, value: Rest | None = None) -> Message | Form:
        """Ask for the total and a code, or take them; a wrong code is refused."""
        return self._taken(call, code, value, confirm_form())

    async def fresh(self, call: Invocation[Services], value: Rest | None = None) -> Message | Form:
        """Ask for everything, or take it."""
        return self._taken(call, "new", value, new_form())

    async def chain(self, _call: Invocation[Services], value: Rest | None = None) -> Message | Form:
        """Ask for the values first, and then for the total and a code."""
        return confirm_form() if pairs(value) else replace(edit_form(), command="chain", arguments=())

    async def menu(self, _call: Invocation[Services]) -> Message:
        """A card with a button that leads to a form."""
        return Message(_("Card"), (Paragraph(_("Card")), Actions((Action(_("Edit"), "edit", ("R-12@3",)),))))

    async def show(self, _call: Invocation[Services]) -> Message:
        """A request in full."""
        return replace(says("R-7 waits"), subject="request:7")

    def _taken(self, call: Invocation[Services], request: str, values: Rest | None, form: Form) -> Message | Form:
        given = pairs(values)
        if not given:
            return form
        self.calls.append((call, request, given))
        if given.get("code", "777000") != "777000":
            raise BadArgument(_("That code is wrong."))
        if len(given.get("quantity", "")) > 4:
            raise BadArgument(_("That is more than the supplier makes in a year, in a decade, and in a century."))
        return says("Saved")

    def commands(self) -> tuple[Command, ...]:
        """All of them."""
        return (
            Command("edit", self.edit, _("Edit")),
            Command("confirm", self.confirm, _("Confirm"), audience="asker"),
            Command("fresh", self.fresh, _("New")),
            Command("chain", self.chain, _("Chain")),
            Command("show", self.show, _("Show")),
            Command("menu", self.menu, _("Card")),
        )


def routed(app: App, desk: Desk) -> None:
    """Let the application know the commands of the desk alone."""
    router: Router[Services] = Router(desk.commands(), lambda services: services.lookup)
    app.dispatcher._answers._router = router


@dataclass
class House:
    """The application on a database, both platforms recording; Telegram has no windows."""

    app: App
    desk: Desk
    slack: Recorder
    telegram: Recorder
    clock: MovableClock

    async def settle(self) -> None:
        """Handle and deliver until nothing is left to do."""
        for _round in range(3):
            await self.app.dispatcher.drain()
            await self.app.delivery.drain()

    async def take(self, incoming: Incoming) -> list[Told]:
        """Take an event in and settle; what was said since."""
        before = len(self.slack.told) + len(self.telegram.told)
        await self.app.services.inbox.take(incoming)
        await self.settle()
        told = sorted([*self.slack.told, *self.telegram.told], key=lambda one: one.at)
        return told[before:]

    async def fetch(self, *columns: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        async with self.app.services.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(select(*columns))]


async def housed(database: Database, clock: MovableClock) -> House:
    """A house in which Lin is known on both platforms."""
    slack, telegram = Recorder("slack"), Recorder("telegram", has_forms=False)
    url = database.url.render_as_string(hide_password=False)
    app = build(settings.given(database={"url": url}), clock, [slack, telegram])
    desk = Desk()
    routed(app, desk)
    if not await app.services.members.known("slack", "U1"):
        await app.services.members.add("Lin", role="approver", identities={"slack": "U1", "telegram": "71"})
    return House(app, desk, slack, telegram, clock)


def on_slack(text: str, **more: Any) -> Incoming:
    """A slash command in a channel, with the trigger that opens windows."""
    handle = {"trigger_id": "1.2.3", "response_url": "http://127.0.0.1/"}
    usual = Incoming("slack", f"e{next(_events)}", "command", "U1", "C1", "group", text=text, handle=handle)
    return replace(usual, **more)


def on_telegram(text: str, **more: Any) -> Incoming:
    """A plain line in a private chat."""
    return replace(Incoming("telegram", f"e{next(_events)}", "line", "71", "71", "direct", text=text), **more)


def presses(told: Told, label: str, **more: Any) -> Incoming:
    """A press on a button of a message; the label is the beginning of what stands on it."""
    token = next(button.token for button in buttons(told) if label_of(button).startswith(label))
    slack = told.conversation.startswith("C")
    usual = Incoming(
        "slack" if slack else "telegram",
        f"e{next(_events)}",
        "press",
        "U1" if slack else "71",
        told.conversation,
        "group" if slack or told.conversation.startswith("-") else "direct",
        token=token,
        message_id=told.message_id,
        handle={"trigger_id": "1.2.3"} if slack else {"callback_query_id": "5"},
    )
    return replace(usual, **more)


def submits(told: Told, values: dict[str, str], **more: Any) -> Incoming:
    """A window that was sent in, as Slack tells it: with no place, and the person alone."""
    usual = Incoming(
        "slack", f"e{next(_events)}", "submit", "U1", "U1", "home", token=told.token, values=values,
        handle={"trigger_id": "4.5.6"},
    )  # fmt: skip
    return replace(usual, **more)


def buttons(told: Told) -> list[Action]:
    """Every button of a message."""
    assert told.message is not None
    return [button for block in told.message.blocks if isinstance(block, Actions) for button in block.buttons]


def label_of(button: Action) -> str:
    """What stands on a button, in English."""
    return language("en").say(button.label, shortly)


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, as talkative as it can be set."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    logs.set_up("DEBUG", "json", (), stream)
    try:
        yield stream
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        structlog.reset_defaults()
