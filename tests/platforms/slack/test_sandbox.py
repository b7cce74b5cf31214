"""The platform in a workspace that refuses what Slack refuses: the whole way there and back, over sockets and HTTP."""

from __future__ import annotations

import asyncio
import struct
import zlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.chat.nodes import Action, Actions, Code, Heading, Image, Instant, Mention, Message, Paragraph
from bot.errors import ConversationGone, MessageGone, RateLimited
from bot.ports import Profile, Target
from bot.words import _
from tests.platforms.slack.office import Office

NINE = datetime(2011, 11, 21, 9, tzinfo=UTC)


def card(text: str = "85123A") -> Message:
    return Message(
        _("Low on {sku}", sku=Code(text)),
        (
            Heading(_("Low on {sku}", sku=Code(text))),
            Paragraph(_("{who}, it runs out {when}.", who=Mention(1, "Mei"), when=Instant(NINE, "time"))),
            Actions((Action(_("Approve"), "approve", token="b7Qx", style="primary"),)),
        ),
    )


async def test_one_message_shows_each_reader_their_own_time_and_pings_whom_it_means(office: Office) -> None:
    ref = await office.platform.post(Target(office.room.id, "group"), card("<!channel>"), office.reader)
    (message,) = office.slack.visible(office.mei.id, office.room.id)
    assert message.ts == ref.message_id
    assert "5:00 PM" in office.slack.text_for("Asia/Shanghai", message)
    assert "10:00 AM" in office.slack.text_for("Europe/Berlin", message)
    assert {piece.kind for piece in office.slack.pieces(message) if piece.kind not in {"text", "code"}} == {
        "user",
        "date",
    }


async def test_a_command_and_a_press_go_there_and_back(office: Office) -> None:
    delivery = office.slack.command(office.mei.id, office.room.id, "/stock", "85123A")
    asked = await office.taken_next()
    assert (await delivery.settled()).state == "acknowledged"
    assert asked.text == "stock 85123A"
    await office.platform.reply(asked, card(), office.reader, private=True)
    assert office.slack.visible(office.jonas.id, office.room.id) == []
    (message,) = office.slack.visible(office.mei.id, office.room.id)
    office.slack.press(office.mei.id, office.room.id, message.ts, "b7Qx")
    pressed = await office.taken_next()
    assert (pressed.token, pressed.ephemeral, pressed.person) == ("b7Qx", True, office.mei.id)
    await office.platform.reply(pressed, card("22720"), office.reader, private=True)
    (message,) = office.slack.visible(office.mei.id, office.room.id)
    assert "22720" in office.slack.text_for("UTC", message)
    await office.platform.notice(pressed, _("Done"), office.reader)
    assert len(office.slack.visible(office.mei.id, office.room.id)) == 2


async def test_what_shows_a_request_is_posted_so_that_it_can_be_locked_later(office: Office) -> None:
    office.slack.command(office.mei.id, office.room.id, "/stock", "85123A")
    asked = await office.taken_next()
    lasting = replace(card(), subject="request:7")
    ref = await office.platform.reply(asked, lasting, office.reader, private=False)
    assert ref is not None
    await office.platform.edit(ref, Message(_("Approved"), (Paragraph(_("Approved")),)), office.reader)
    (message,) = office.slack.visible(office.jonas.id, office.room.id)
    assert office.slack.buttons(message) == []
    # Where it is for one alone, or we may not post, the response URL still answers.
    assert await office.platform.reply(asked, lasting, office.reader, private=True) is None
    office.slack.remove_bot(office.room.id)
    assert await office.platform.reply(asked, lasting, office.reader, private=False) is None
    assert len(office.slack.visible(office.mei.id, office.room.id)) == 3


async def test_a_used_up_response_url_is_followed_by_a_message_of_our_own(office: Office) -> None:
    office.slack.command(office.mei.id, office.room.id, "/stock", "85123A")
    asked = await office.taken_next()
    for _use in range(6):
        await office.platform.reply(asked, card(), office.reader, private=True)
    assert len(office.slack.visible(office.mei.id, office.room.id)) == 6
    assert len(office.sandbox.record.calls("slack", "chat.postEphemeral")) == 1


async def test_an_edit_locks_the_card_and_a_home_page_is_published(office: Office) -> None:
    ref = await office.platform.post(Target(office.room.id, "group"), card(), office.reader)
    done = Message(_("Approved"), (Paragraph(_("Approved by Mei")),))
    await office.platform.edit(ref, done, office.reader)
    await office.platform.edit(ref, done, office.reader)
    (message,) = office.slack.visible(office.jonas.id, office.room.id)
    assert office.slack.buttons(message) == []
    office.slack.open_home(office.mei.id)
    opened = await office.taken_next()
    assert opened.kind == "home_opened"
    await office.platform.post(Target(opened.conversation, opened.conversation_kind), card(), office.reader)
    view = office.slack.home(office.mei.id)
    assert view is not None
    assert "85123A" in office.slack.text_for("UTC", view)


async def test_a_picture_is_shown_in_its_message(office: Office) -> None:
    message = Message(_("Chart"), (Image(png(), _("Sales by day")),))
    await office.platform.post(Target(office.room.id, "group"), message, office.reader)
    (shown,) = office.slack.visible(office.mei.id, office.room.id)
    assert [block["type"] for block in shown.all_blocks] == ["image"]


async def test_refusals_come_back_as_our_own_errors(office: Office) -> None:
    gone = Target("C0000000000", "group")
    with pytest.raises(ConversationGone):
        await office.platform.post(gone, card(), office.reader)
    ref = await office.platform.post(Target(office.room.id, "group"), card(), office.reader)
    with pytest.raises(MessageGone):
        await office.platform.edit(type(ref)("slack", ref.conversation, "1.000001"), card(), office.reader)
    office.slack.remove_bot(office.room.id)
    assert (await office.taken_next()).kind == "removed"
    with pytest.raises(ConversationGone):
        await office.platform.post(Target(office.room.id, "group"), card(), office.reader)


async def test_posting_too_fast_is_told_with_slacks_own_wait(office: Office) -> None:
    posts = [office.platform.post(Target(office.room.id, "group"), card(), office.reader) for _ in range(20)]
    with pytest.raises(RateLimited) as caught:
        await asyncio.gather(*posts)
    assert caught.value.retry_after >= 1


async def test_people_and_direct_conversations_are_found(office: Office) -> None:
    assert await office.platform.profile(office.mei.id) == Profile("Mei Lin", "Asia/Shanghai", "zh_CN", "mei")
    channel = await office.platform.direct(office.mei.id)
    office.slack.say(office.mei.id, channel, "stock 85123A")
    asked = await office.taken_next()
    assert (asked.conversation, asked.conversation_kind, asked.text) == (channel, "direct", "stock 85123A")
    office.slack.move(office.mei.id, zone="Europe/Berlin")
    assert (await office.taken_next()).kind == "profile_changed"


async def test_the_check_is_content(office: Office) -> None:
    assert [line.verdict for line in await office.platform.check()] == ["ok", "ok", "ok"]


def png() -> bytes:
    """One black pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
