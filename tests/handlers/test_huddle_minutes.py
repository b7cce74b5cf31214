"""What comes of a video room, and where it is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import insert, select

from bot.chat.incoming import ConversationKind
from bot.errors import StaleButton
from bot.storage import cases, tables
from tests.handlers.conftest import LANTERN, Office
from tests.handlers.rooms import later, letters, reach, room


@pytest.fixture
async def office(office: Office) -> Office:
    """The office with people on both platforms."""
    return await reach(office)


async def test_whoever_sleeps_is_not_woken_and_gets_the_minutes_in_the_morning(office: Office) -> None:
    later(office, timedelta(hours=12))  # 21:00 in London
    await office.ask("huddle late talk with Jonas")
    assert await letters(office) == []
    one = await room(office)
    await office.services.room_life.joined(one, office.shop.members["Lin Wei"], "v1")
    await office.services.room_life.note(one, office.shop.members["Lin Wei"], "note", "call the port", "web")
    later(office, timedelta(minutes=10))
    await office.ask("huddle end V-1")
    assert (await office.services.room_life.tick(office.shop.clock.now()))["told"] == 0
    jonas = await office.services.members.get(office.shop.members["Jonas"])
    assert jonas.awake_from is not None
    later(office, jonas.awake_from - office.shop.clock.now())
    assert (await office.services.room_life.tick(office.shop.clock.now()))["told"] == 1
    told = [said for platform, _subject, said in await letters(office) if platform == "telegram"]
    assert len(told) == 1
    assert "call the port" in told[0]
    assert "Jonas" in told[0]  # asked, and not there


async def test_decisions_are_audited_and_the_minutes_hold_who_how_long_and_what(office: Office) -> None:
    await office.ask("huddle C-1 with Jonas, Maria")
    one = await room(office)
    life, members = office.services.room_life, office.shop.members
    await life.joined(one, members["Lin Wei"], "v1")
    await life.joined(one, members["Jonas"], "v2")
    later(office, timedelta(minutes=20))
    await life.left(one, "v2")
    await office.ask("huddle decide V-1 send 200 by air", name="Jonas")
    await office.ask("huddle note V-1 ask the carrier")
    later(office, timedelta(minutes=10))
    await life.seen(["v1"])
    assert (await office.ask("huddle end V-1", name="Maria")).refused  # who did not open it
    assert not (await office.ask("huddle end V-1")).refused
    minutes = await office.services.rooms.views.minutes(await room(office))
    assert [(one.name, one.stayed) for one in minutes.attended] == [
        ("Lin Wei", timedelta(minutes=30)),
        ("Jonas", timedelta(minutes=20)),
    ]
    assert minutes.absent == ("Maria",)
    assert [(note.kind, note.text, note.by) for note in minutes.notes] == [
        ("decision", "send 200 by air", "Jonas"),
        ("note", "ask the carrier", "Lin Wei"),
    ]
    async with office.shop.database.reading() as connection:
        audited = await connection.execute(
            select(tables.Audit.subject, tables.Audit.member_id).where(tables.Audit.action == "room.decision")
        )
        assert audited.all() == [("case:1", members["Jonas"])]
    with pytest.raises(StaleButton):
        await office.services.rooms.admit(1, members["Jonas"])
    assert await life.end(one, None, "") is None


async def shown(office: Office, subject: str) -> None:
    """Cards about something in Jonas' chat on Telegram and in another channel on Slack."""
    async with office.shop.database.transaction() as connection:
        telegram = select(tables.Conversation.id).where(tables.Conversation.platform == "telegram")
        slack = (
            insert(tables.Conversation)
            .values(
                platform="slack", external_id="C9", kind="group", thread="", title="", language="en", zone="UTC",
                closed_reason="",
            )
            .returning(tables.Conversation.id)
        )  # fmt: skip
        for statement, message in ((telegram, "42"), (slack, "170.5")):
            place = (await connection.execute(statement)).scalars().first()
            values = {"conversation_id": place, "subject": subject, "message_id": message}
            await connection.execute(insert(tables.Post).values(posted_at=office.shop.clock.now(), **values))


async def told(office: Office) -> list[tuple[str, str, str]]:
    """(platform, chat, thread) of every place where minutes wait to be posted."""
    async with office.shop.database.reading() as connection:
        place = tables.Conversation
        found = await connection.execute(
            select(place.platform, place.external_id, place.thread)
            .join(tables.Outbox, tables.Outbox.conversation_id == place.id)
            .where(tables.Outbox.dedupe_key.like("minutes:%"))
            .order_by(place.platform, place.external_id)
        )
        return [(row[0], row[1], row[2]) for row in found]


async def hold(office: Office, line: str, kind: ConversationKind = "group", platform: str = "slack") -> None:
    """A room that somebody came into, and its end."""
    assert not (await office.ask(line, kind=kind, platform=platform)).refused
    await office.services.room_life.joined(await room(office), office.shop.members["Lin Wei"], "v1")
    await office.ask("huddle end V-1")


CARDS = [("slack", "C9", "170.5"), ("telegram", "700", "")]


@pytest.mark.parametrize("line", ["huddle C-1", f"huddle {LANTERN}"])
async def test_the_minutes_stand_below_every_card_of_the_case_and_where_the_room_was_held(
    office: Office, line: str
) -> None:
    """In the thread of each Slack card, in the conversation of each Telegram card."""
    async with office.shop.database.reading() as connection:
        lantern = office.shop.skus[LANTERN]
        assert (await cases.of_products(connection, [lantern]))[0] == 1
    await shown(office, "case:1")
    await hold(office, line)
    assert await told(office) == [("slack", "C1", ""), *CARDS]


async def test_where_the_case_has_its_card_in_the_very_chat_the_minutes_come_once(office: Office) -> None:
    async with office.shop.database.transaction() as connection:
        place, _new = await office.services.conversations.of(connection, "slack", "C1", "group")
        values = {"conversation_id": place.id, "subject": "case:1", "message_id": "170.1"}
        await connection.execute(insert(tables.Post).values(posted_at=office.shop.clock.now(), **values))
    await hold(office, "huddle C-1")
    assert await told(office) == [("slack", "C1", "170.1")]


async def test_of_a_product_that_people_talked_of_in_private_no_case_is_told(office: Office) -> None:
    await shown(office, "case:1")
    await hold(office, f"huddle {LANTERN}", kind="direct")
    assert await told(office) == [("slack", "C1", "")]


async def test_a_terminal_is_told_no_minutes(office: Office) -> None:
    await shown(office, "case:1")
    await hold(office, "huddle C-1", kind="terminal", platform="cli")
    assert await told(office) == CARDS
