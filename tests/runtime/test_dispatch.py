"""Events are taken once, answered once, in order; presses, pages, homes and departures lead to what they should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, insert, select, update

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Command, Invocation
from bot.chat.incoming import ConversationKind, Incoming
from bot.chat.nodes import Action, Actions, Message, Paragraph
from bot.chat.router import Router
from bot.errors import NotAllowed, Unreachable
from bot.ports import MovableClock
from bot.services import Services
from bot.storage import inbox as inbox_rows
from bot.storage.database import Database
from bot.storage.tables import Conversation, Inbox, Member, Subscription
from bot.words import _
from tests.runtime.conftest import says
from tests.runtime.recorder import Recorder, until

_events = count(1)


@dataclass
class House:
    """The whole application on a database, its platforms recording, its commands chosen by the test."""

    app: App
    slack: Recorder
    telegram: Recorder
    clock: MovableClock

    async def settle(self) -> None:
        """Handle and deliver until nothing is left to do."""
        for _round in range(3):
            await self.app.dispatcher.drain()
            await self.app.delivery.drain()

    async def take(self, incoming: Incoming) -> None:
        """Take an event in and settle."""
        await self.app.services.inbox.take(incoming)
        await self.settle()

    async def fetch(self, *columns: Any) -> list[tuple[Any, ...]]:
        """Rows of the database."""
        async with self.app.services.database.reading() as connection:
            return [tuple(row) for row in await connection.execute(select(*columns))]


def typed(text: str, person: str = "U1", chat: str = "D1", kind: ConversationKind = "direct", **more: Any) -> Incoming:
    """A typed line on Slack."""
    return Incoming("slack", f"e{next(_events)}", "command", person, chat, kind, text=text, **more)


def pressed(token: str, message_id: str, chat: str = "C1", kind: ConversationKind = "group", **more: Any) -> Incoming:
    """A press on Slack."""
    return Incoming(
        "slack",
        f"e{next(_events)}",
        "press",
        "U1",
        chat,
        kind,
        token=token,
        message_id=message_id,
        **more,
    )


def token_of(message: Message | None, label: str = "") -> str:
    """The token of the (first) button with that label."""
    assert message is not None
    return next(
        button.token
        for block in message.blocks
        if isinstance(block, Actions)
        for button in block.buttons
        if not label or button.label.msgid == label
    )


calls: list[Any] = []


async def ping(call: Invocation[Services]) -> Message:
    """Say who asked."""
    calls.append(call)
    return says(f"pong {call.page}")


async def slow(call: Invocation[Services]) -> Message:
    """Give way a few times."""
    for _turn in range(20):
        await asyncio.sleep(0)
    return await ping(call)


async def decide(call: Invocation[Services]) -> Message:
    """Change what every message about request:7 shows."""
    async with call.services.database.transaction() as connection:
        await call.services.outbox.refresh(connection, "request:7", says("approved by Lin"))
    return says("R-7 is approved")


async def refuse(_call: Invocation[Services]) -> Message:
    """Refuse."""
    raise NotAllowed(_("You may not."))


TOOLS = (
    Command("ping", ping, _("Answer")),
    Command("slow", slow, _("Answer later")),
    Command("decide", decide, _("Decide")),
    Command("refuse", refuse, _("Refuse")),
    Command("whisper", ping, _("Answer the asker"), audience="asker"),
)


@pytest.fixture
async def house(database: Database, clock: MovableClock) -> AsyncIterator[House]:
    """The application with the commands of this file."""
    calls.clear()
    slack, telegram = Recorder("slack"), Recorder("telegram")
    url = database.url.render_as_string(hide_password=False)
    app = build(settings.given(database={"url": url}), clock, [slack, telegram])
    router: Router[Services] = Router(TOOLS, lambda services: services.lookup)
    app.dispatcher._answers._router = router
    yield House(app, slack, telegram, clock)
    await app.close()


async def test_a_redelivered_event_is_answered_once(house: House) -> None:
    event = typed("ping")
    await house.take(event)
    await house.take(event)
    assert [text for text in house.slack.texts("reply") if text.startswith("pong")] == ["pong 1"]


async def test_a_first_private_contact_is_greeted_and_made_a_member(house: House) -> None:
    await house.take(typed("ping"))
    assert "Person U1" in house.slack.texts("reply")[0]
    await house.take(typed("ping"))
    assert len([text for text in house.slack.texts("reply") if text.startswith("Hello")]) == 1
    assert await house.fetch(Member.name, Member.role) == [("Person U1", "viewer")]


async def test_start_is_answered_by_the_greeting_alone(house: House) -> None:
    await house.take(typed("start"))
    assert [text[:5] for text in house.slack.texts("reply")] == ["Hello"]


async def test_a_stranger_on_telegram_is_told_to_link_and_becomes_nobody(house: House) -> None:
    await house.take(replace(typed("ping", "99", "99"), platform="telegram"))
    assert not any(text.startswith("pong") for text in house.telegram.texts())
    assert await house.fetch(Member.id) == []
    assert calls == []


async def test_an_answer_in_a_group_is_for_the_room_unless_the_command_is_for_the_asker(house: House) -> None:
    await house.take(typed("ping", chat="C1", kind="group"))
    await house.take(typed("whisper", chat="C1", kind="group"))
    assert [told.private for told in house.slack.told] == [False, True]


async def test_lines_of_one_conversation_are_answered_in_their_order(house: House) -> None:
    lines = ["slow", "ping", "slow", "ping"]
    for line in lines:
        await house.app.services.inbox.take(typed(line, chat="C1", kind="group"))
    await house.settle()
    assert [call.line[0] for call in calls] == lines


async def test_a_crash_between_handling_and_writing_runs_the_event_again(house: House) -> None:
    await house.app.services.inbox.take(typed("ping", chat="C1", kind="group"))
    now = house.clock.now()
    async with house.app.services.database.transaction() as connection:
        ids = await inbox_rows.ready(connection, now)
        assert len(await inbox_rows.claim(connection, ids, now, now + timedelta(seconds=90))) == 1
    await house.settle()
    assert house.slack.told == []  # somebody holds it
    house.clock.push(timedelta(seconds=91))
    await house.settle()
    assert house.slack.texts() == ["pong 1"]


async def test_an_event_that_somebody_else_finished_says_nothing_more(house: House) -> None:
    await house.app.services.inbox.take(typed("ping", chat="C1", kind="group"))
    now = house.clock.now()
    database = house.app.services.database
    async with database.transaction() as connection:
        ids = await inbox_rows.ready(connection, now)
        (event,) = await inbox_rows.claim(connection, ids, now, now + timedelta(seconds=90))
        await inbox_rows.settle(connection, event, state="done", handled_at=now)
    await house.app.dispatcher._handle(event)
    await house.settle()
    assert house.slack.told == []


async def test_an_event_that_cannot_be_handled_is_put_aside_with_an_apology(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_incoming: Incoming) -> list[Any]:
        raise LookupError("the roof fell in")

    monkeypatch.setattr(house.app.dispatcher._answers, "to", broken)
    await house.app.services.inbox.take(typed("ping", chat="C1", kind="group"))
    for _round in range(6):
        await house.settle()
        house.clock.push(timedelta(minutes=1))
    assert await house.fetch(Inbox.state, Inbox.attempts) == [("failed", 5)]
    assert [told.private for told in house.slack.told] == [True]
    assert "Sorry" in house.slack.texts()[0]


async def test_a_page_is_turned_in_place(house: House) -> None:
    button = Action(_("Next"), "ping", (), page=2, in_place=True)
    place = await _post(house, Message(_("page 1"), (Paragraph(_("1")), Actions((button,)))))
    await house.take(pressed(token_of(place.message), place.message_id))
    edit, notice = house.slack.told[-2:]
    if edit.kind == "notice":
        edit, notice = notice, edit
    assert (edit.kind, edit.message_id, edit.text) == ("edit", place.message_id, "pong 2")
    assert (notice.kind, notice.text) == ("notice", "")


async def test_a_decision_shown_by_the_pressed_message_gets_one_line_to_the_presser(house: House) -> None:
    card = Message(_("R-7"), (Paragraph(_("R-7")), Actions((Action(_("Approve"), "decide"),))))
    post = await _post(house, card, subject="request:7")
    await house.take(pressed(token_of(post.message), post.message_id))
    assert house.slack.texts("edit") == ["approved by Lin"]
    assert house.slack.texts("notice") == ["R-7 is approved"]
    assert house.slack.texts("reply") == []


async def test_a_refused_press_is_told_to_the_presser_alone(house: House) -> None:
    post = await _post(house, Message(_("x"), (Paragraph(_("x")), Actions((Action(_("Go"), "refuse"),)))))
    await house.take(pressed(token_of(post.message), post.message_id))
    assert house.slack.texts("notice") == ["You may not."]
    assert house.slack.texts("reply") == []


async def test_an_unknown_button_is_called_stale(house: House) -> None:
    await house.take(pressed("no-such-token", "1"))
    assert house.slack.texts("notice") == ["This button is no longer valid. Ask again to get a fresh one."]


async def test_any_other_press_is_answered_and_its_spinner_released(house: House) -> None:
    post = await _post(house, Message(_("x"), (Paragraph(_("x")), Actions((Action(_("Ping"), "ping"),)))))
    await house.take(pressed(token_of(post.message), post.message_id))
    assert house.slack.texts("reply") == ["pong 1"]
    assert house.slack.texts("notice") == [""]


async def test_removal_closes_a_conversation_and_its_return_opens_it(house: House) -> None:
    await house.take(replace(typed("", chat="C1", kind="group"), kind="joined", person=""))
    place = (await house.fetch(Conversation.id))[0][0]
    async with house.app.services.database.transaction() as connection:
        await connection.execute(
            insert(Subscription).values(conversation_id=place, topic="restock", created_at=house.clock.now())
        )
    await house.take(replace(typed("", chat="C1", kind="group"), kind="removed", person=""))
    assert [row[0] is None for row in await house.fetch(Conversation.closed_at)] == [False]
    assert await _announced(house) == 0
    await house.take(replace(typed("", chat="C1", kind="group"), kind="joined", person=""))
    assert await _announced(house) == 1


async def test_a_moved_group_is_followed(house: House) -> None:
    await house.take(typed("ping", chat="-100", kind="group"))
    await house.take(replace(typed("", chat="-100", kind="group"), kind="moved", moved_to="-200"))
    rows = await house.fetch(Conversation.external_id, Conversation.closed_reason)
    assert sorted(rows) == [("-100", "moved to -200"), ("-200", "")]


async def test_a_home_page_is_published_for_its_person(house: House) -> None:
    await house.take(replace(typed("", chat="U1", kind="home"), kind="home_opened"))
    assert [(told.kind, told.conversation) for told in house.slack.told] == [("home", "U1")]


async def test_an_unreachable_platform_does_not_keep_a_newcomer_from_an_answer(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_person: str) -> Any:
        raise Unreachable("down")

    monkeypatch.setattr(house.slack, "profile", away)
    await house.take(typed("ping", person_name="Wei"))
    assert [row[0] for row in await house.fetch(Member.name)] == ["Wei"]
    assert "pong 1" in house.slack.texts("reply")


async def test_answers_are_given_as_of_the_clock(house: House) -> None:
    await house.take(typed("ping", chat="C1", kind="group"))
    at: datetime = calls[0].now
    assert at == house.clock.now()


async def test_two_dispatchers_answer_each_event_once(database: Database, clock: MovableClock) -> None:
    calls.clear()
    slack = Recorder("slack")
    url = database.url.render_as_string(hide_password=False)
    apps = [build(settings.given(database={"url": url}), clock, [slack]) for _process in range(2)]
    for app in apps:
        app.dispatcher._answers._router = Router(TOOLS, lambda services: services.lookup)
    for number in range(12):
        await apps[0].services.inbox.take(typed("slow", chat=f"C{number % 3}", kind="group"))
    await asyncio.gather(*(app.dispatcher.drain() for app in apps))
    await apps[0].dispatcher.drain()
    await apps[0].delivery.drain()
    assert len(slack.texts("reply")) == 12
    for app in apps:
        await app.close()


async def _post(house: House, message: Message, subject: str = "card:1") -> Any:
    services = house.app.services
    async with services.database.transaction() as connection:
        place, _new = await services.conversations.of(connection, "slack", "C1", "group")
        await services.outbox.put(connection, place.id, message, "post", subject)
    await house.settle()
    return house.slack.told[-1]


async def _announced(house: House) -> int:
    async with house.app.services.database.transaction() as connection:
        return len(await house.app.services.outbox.announce(connection, "restock", says("x")))


async def test_an_event_cut_off_by_the_end_is_taken_up_at_once_by_the_next_process(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()

    async def endless(_incoming: Incoming) -> list[Any]:
        gate.set()
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(house.app.dispatcher._answers, "to", endless)
    await house.app.services.inbox.take(typed("ping", chat="C1", kind="group"))
    house.app.dispatcher.start()
    await gate.wait()
    await house.app.dispatcher.stop(0.01)
    monkeypatch.undo()
    await house.settle()
    assert house.slack.texts() == ["pong 1"]


async def test_an_event_that_is_being_claimed_when_the_end_comes_is_not_held_for_a_lease(house: House) -> None:
    dispatcher, engine = house.app.dispatcher, house.app.services.database.engine.sync_engine
    stops: list[asyncio.Task[None]] = []
    claimed: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def executed(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("UPDATE inbox"):
            claimed.append(statement)

    @event.listens_for(engine, "commit")
    def committing(_connection: Any) -> None:
        if claimed and not stops:
            stops.append(asyncio.create_task(dispatcher.stop(5)))

    await house.app.services.inbox.take(typed("ping", chat="C1", kind="group"))
    dispatcher.start()
    await until(lambda: stops)
    await stops[0]
    async with house.app.services.database.reading() as connection:
        row = (await connection.execute(select(Inbox.state, Inbox.lease_until))).one()
    assert (row.state, row.lease_until) == ("done", None)
    await house.settle()
    assert house.slack.texts() == ["pong 1"]


async def test_an_event_that_cannot_be_read_is_put_aside_and_holds_up_no_other(house: House) -> None:
    await house.app.services.inbox.take(typed("ping", chat="C1", kind="group"))
    async with house.app.services.database.transaction() as connection:
        written_by_another_version = {"platform": "slack", "conversation": "C1", "mood": "new"}
        await connection.execute(update(Inbox).values(payload=written_by_another_version))
    await house.take(typed("ping", chat="C1", kind="group"))
    assert len(house.slack.texts()) == 1
    async with house.app.services.database.reading() as connection:
        states = (await connection.execute(select(Inbox.state).order_by(Inbox.id))).scalars().all()
    assert list(states) == ["failed", "done"]
