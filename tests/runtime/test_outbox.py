"""Letters are written once, leave in order at the platforms' rates, and show the latest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from sqlalchemy import insert

from bot.chat.incoming import Incoming
from bot.chat.nodes import Action, Actions, Mention, Message, Paragraph
from bot.errors import (
    MessageGone,
)
from bot.ports import Limits
from bot.storage.database import Database
from bot.storage.tables import Identity, Member
from bot.words import _
from tests.runtime.conftest import Post, says
from tests.runtime.recorder import Recorder, until

PRESS = Incoming("slack", "e1", "press", "U1", "C1", "group", token="t", message_id="1")
ASKED = Incoming("slack", "e2", "command", "U1", "C1", "group", text="stock")


async def test_messages_of_a_conversation_leave_in_the_order_they_were_written(post: Post) -> None:
    place = await post.place()
    for number in range(5):
        await post.put(place, str(number), subject=f"case:{number}")
    await post.delivery.drain()
    assert post.platform.texts() == ["0", "1", "2", "3", "4"]
    assert await post.states() == ["sent"] * 5


async def test_a_message_is_woken_by_its_commit_and_leaves_at_once(post: Post) -> None:
    place = await post.place()
    post.delivery.start()
    await until(lambda: True)
    began = time.monotonic()
    await post.put(place, "now", subject="case:1")
    await until(lambda: post.platform.texts() == ["now"], 0.7)  # well before the poll of a second
    assert time.monotonic() - began < 0.7
    await post.delivery.stop(1)


async def test_a_rolled_back_message_never_leaves(post: Post) -> None:
    place = await post.place()
    async with post.database.engine.connect() as connection:
        transaction = await connection.begin()
        await post.outbox.put(connection, place, says("no"))
        await transaction.rollback()
    await post.delivery.drain()
    assert post.platform.told == []


async def test_the_same_key_is_written_once(post: Post) -> None:
    place = await post.place()
    first = await post.put(place, "one", subject="case:1", dedupe_key="k")
    assert await post.put(place, "two", subject="case:1", dedupe_key="k") == first
    await post.delivery.drain()
    assert post.platform.texts() == ["one"]


async def test_a_burst_of_plain_lines_leaves_as_one_message(post: Post) -> None:
    place = await post.place()
    for text in ("a", "b", "c"):
        await post.put(place, text)
    await post.delivery.drain()
    assert post.platform.texts() == ["a · b · c"]
    assert await post.states() == ["merged", "merged", "sent"]


async def test_what_shows_a_subject_is_never_joined_with_anything(post: Post) -> None:
    place = await post.place()
    await post.put(place, "a", subject="case:1")
    await post.put(place, "b")
    await post.put(place, "c", subject="case:2")
    await post.delivery.drain()
    assert post.platform.texts() == ["a", "b", "c"]


async def test_a_decision_edits_every_post_that_shows_it(post: Post) -> None:
    places = [await post.place(name) for name in ("C1", "C2")]
    for place in places:
        await post.put(place, "pending", subject="request:7")
    await post.delivery.drain()
    async with post.database.transaction() as connection:
        assert await post.outbox.refresh(connection, "request:7", says("approved")) == 2
    await post.delivery.drain()
    edits = [told for told in post.platform.told if told.kind == "edit"]
    assert {(told.conversation, told.text) for told in edits} == {("C1", "approved"), ("C2", "approved")}


async def test_a_newer_edit_takes_the_place_of_a_waiting_one(post: Post) -> None:
    place = await post.place()
    await post.put(place, "v1", subject="request:7")
    await post.delivery.drain()
    for text in ("v2", "v3"):
        async with post.database.transaction() as connection:
            await post.outbox.refresh(connection, "request:7", says(text))
    await post.delivery.drain()
    assert post.platform.texts("edit") == ["v3"]
    assert await post.states() == ["sent", "merged", "sent"]


async def test_what_has_not_left_yet_is_reworded_instead_of_edited(post: Post) -> None:
    place = await post.place()
    await post.put(place, "pending", subject="request:7")
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("approved"))
    await post.delivery.drain()
    assert post.platform.texts() == ["approved"]


async def test_what_is_decided_while_its_post_is_on_the_way_is_edited_on_arrival(post: Post) -> None:
    place = await post.place()
    post.platform.gates["post"] = asyncio.Event()
    await post.put(place, "pending", subject="request:7")
    drained = asyncio.create_task(post.delivery.drain())
    await post.platform.entered.wait()
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("approved"))
    post.platform.gates["post"].set()
    await drained
    assert post.platform.texts() == ["pending", "approved"]


async def test_an_edit_passes_a_queue_of_alerts(open_post: Callable[..., Post], database: Database) -> None:
    post = open_post(database, Recorder(limits=Limits(1000, 1)))
    place = await post.place()
    await post.put(place, "card", subject="request:7")
    await post.delivery.drain()
    for number in range(5):
        await post.put(place, f"alert {number}", subject=f"case:{number}")
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("approved"))
    post.delivery.start()
    await until(lambda: "approved" in post.platform.texts(), 1.0)
    assert len(post.platform.texts("post")) <= 2
    await post.delivery.stop(0.5)


async def test_a_notice_waits_for_no_rate(open_post: Callable[..., Post], database: Database) -> None:
    post = open_post(database, Recorder(limits=Limits(1000, 1)))
    place = await post.place()
    for number in range(7):
        await post.put(place, f"answer {number}", kind="reply", incoming=ASKED)
    await post.delivery.drain()
    assert len(post.platform.texts("reply")) == 5  # the chat is full for a while
    await post.put(place, "done", kind="notice", incoming=PRESS)
    await post.delivery.drain()
    assert post.platform.texts("notice") == ["done"]


async def test_what_the_rates_hold_back_leaves_as_soon_as_they_allow(
    open_post: Callable[..., Post], database: Database
) -> None:
    post = open_post(database, Recorder(limits=Limits(1000, 10)))
    place = await post.place()
    for number in range(7):
        await post.put(place, f"answer {number}", kind="reply", incoming=ASKED)
    post.delivery.start()
    await until(lambda: len(post.platform.told) == 5)
    began = time.monotonic()
    await until(lambda: len(post.platform.told) == 7, 0.95)  # half a second, not the poll of a second
    assert time.monotonic() - began < 0.95
    await post.delivery.stop(1)


async def test_an_answer_is_not_queued_behind_alerts(open_post: Callable[..., Post], database: Database) -> None:
    post = open_post(database, Recorder(limits=Limits(1000, 1)))
    place = await post.place()
    for number in range(5):
        await post.put(place, f"alert {number}", subject=f"case:{number}")
    await post.put(place, "the answer", kind="reply", incoming=ASKED)
    await post.delivery.drain()
    assert post.platform.texts("reply") == ["the answer"]


async def test_one_conversation_gets_one_message_a_second(open_post: Callable[..., Post], database: Database) -> None:
    post = open_post(database, Recorder(limits=Limits(1000, 1)))
    places = [await post.place(name) for name in ("C1", "C2")]
    for number in range(2):
        for place in places:
            await post.put(place, str(number), subject=f"case:{number}")
    post.delivery.start()
    await until(lambda: len(post.platform.told) == 4, 4.0)
    await post.delivery.stop(1)
    for name in ("C1", "C2"):
        at = [told.at for told in post.platform.told if told.conversation == name]
        assert 0.99 <= at[1] - at[0] < 1.9


async def test_an_edit_of_a_deleted_message_is_dropped_and_the_post_forgotten(post: Post) -> None:
    place = await post.place()
    await post.put(place, "v1", subject="request:7")
    await post.delivery.drain()
    post.platform.faults["edit"].append(MessageGone("message_not_found"))
    for text in ("v2", "v3"):
        async with post.database.transaction() as connection:
            await post.outbox.refresh(connection, "request:7", says(text))
        await post.delivery.drain()
    assert post.platform.texts() == ["v1"]
    assert await post.states() == ["sent", "dropped"]


async def test_one_platform_that_hangs_delays_no_other(open_post: Callable[..., Post], database: Database) -> None:
    slow, quick = Recorder("slack"), Recorder("telegram")
    post = open_post(database, slow, quick)
    slow.gates["post"] = asyncio.Event()
    async with database.transaction() as connection:
        one, _new = await post.conversations.of(connection, "slack", "C1", "group")
        two, _new = await post.conversations.of(connection, "telegram", "1", "group")
    await post.put(one.id, "stuck", subject="case:1")
    await post.put(two.id, "through", subject="case:1")
    post.delivery.start()
    await until(lambda: quick.texts() == ["through"])
    assert slow.texts() == []
    slow.gates["post"].set()
    await post.delivery.stop(2)
    assert slow.texts() == ["stuck"]


async def test_a_home_page_shows_only_the_last_of_several(post: Post) -> None:
    place = await post.place("U1", "home")
    for text in ("old", "new"):
        await post.put(place, text)
    await post.delivery.drain()
    assert [(told.kind, told.text) for told in post.platform.told] == [("home", "new")]


async def test_a_mention_reaches_the_persons_identity_on_that_platform(post: Post) -> None:
    async with post.database.transaction() as connection:
        now = post.clock.now()
        await connection.execute(insert(Member).values(id=7, name="Lin", zone="Asia/Shanghai", created_at=now))
        for platform, person in (("slack", "U7"), ("telegram", "1007")):
            await connection.execute(
                insert(Identity).values(member_id=7, platform=platform, external_id=person, linked_at=now)
            )
    place = await post.place()
    message = Message(_("x"), (Paragraph(_("ask {who}", who=Mention(7, "Lin"))),))
    async with post.database.transaction() as connection:
        await post.outbox.put(connection, place, message)
    await post.delivery.drain()
    assert post.platform.told[0].reader.people == {7: "U7"}


async def test_a_private_conversation_is_spoken_to_in_its_members_language_and_zone(post: Post) -> None:
    async with post.database.transaction() as connection:
        values = {"id": 7, "name": "Lin", "zone": "Asia/Shanghai", "language": "zh_CN", "created_at": post.clock.now()}
        await connection.execute(insert(Member).values(**values))
    place = await post.place("D1", "direct", 7)
    await post.put(place, "hello")
    await post.delivery.drain()
    reader = post.platform.told[0].reader
    assert (reader.language, reader.zone.key) == ("zh_CN", "Asia/Shanghai")


async def test_the_same_button_gets_the_same_short_token_and_opens_again(post: Post) -> None:
    place = await post.place()
    button = Action(_("Approve"), "approve", ("R-7@3",))
    for _round in range(2):
        async with post.database.transaction() as connection:
            message = Message(_("x"), (Paragraph(_("x")), Actions((button,))))
            await post.outbox.put(connection, place, message, subject="request:7")
        await post.delivery.drain()
    tokens = set()
    for told in post.platform.told:
        assert told.message is not None
        (actions,) = [block for block in told.message.blocks if isinstance(block, Actions)]
        tokens.add(actions.buttons[0].token)
    (token,) = tokens
    assert 16 <= len(token) <= 32
    async with post.database.reading() as connection:
        opened = await post.outbox._buttons.open(connection, token)
    assert (opened.command, opened.arguments) == ("approve", ("R-7@3",))
