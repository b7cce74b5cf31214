"""What each failure of a delivery leads to: nothing lost, nothing repeated unmarked, nobody else held up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import insert, select, update

from bot.chat.incoming import Incoming
from bot.chat.nodes import Footnote
from bot.errors import (
    ConversationGone,
    ConversationMoved,
    MessageGone,
    PayloadRefused,
    PlatformError,
    RateLimited,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from bot.storage import outbox as rows
from bot.storage.database import Database
from bot.storage.tables import Conversation, Outbox, Subscription
from bot.storage.tables import Post as PostTable
from tests.runtime.conftest import Post, says
from tests.runtime.recorder import Recorder, until

PRESS = Incoming("slack", "e1", "press", "U1", "C1", "group", token="t", message_id="1")
ASKED = Incoming("slack", "e2", "command", "U1", "C1", "group", text="stock")


async def test_a_pause_asked_for_is_kept_and_counts_as_no_attempt(post: Post) -> None:
    place, other = await post.place(), await post.place("C2")
    post.platform.faults["post"].append(RateLimited(30))
    await post.put(place, "first", subject="case:1")
    await post.put(place, "second", subject="case:2")
    await post.delivery.drain()
    await post.put(other, "elsewhere", subject="case:3")
    await post.delivery.drain()
    assert post.platform.texts() == ["elsewhere"]
    await post.again(31)
    assert post.platform.texts() == ["elsewhere", "first", "second"]
    async with post.database.reading() as connection:
        attempts = (await connection.execute(select(Outbox.attempts).order_by(Outbox.id))).scalars().all()
    assert list(attempts) == [1, 1, 1]


async def test_an_unreachable_platform_is_tried_for_a_day_and_repeats_nothing(post: Post) -> None:
    place = await post.place()
    await post.put(place, "late but once", subject="case:1")
    for _attempt in range(12):
        post.platform.faults["post"].append(Unreachable("down"))
        await post.again(60)
    await post.again(60)
    assert post.platform.texts() == ["late but once"]


async def test_a_letter_that_no_day_could_deliver_is_dead_and_can_be_revived(post: Post) -> None:
    place = await post.place()
    letter = await post.put(place, "old news", subject="case:1")
    post.platform.faults["post"].append(Unreachable("down"))
    await post.again(25 * 3600)
    assert [(found.id, found.state) for found in await post.outbox.dead()] == [(letter, "dead")]
    await post.outbox.revive(letter)
    await post.delivery.drain()
    await post.again(1)
    assert post.platform.texts() == ["old news"]
    assert await post.outbox.dead() == []


async def test_a_revived_letter_says_what_has_become_of_its_subject_meanwhile(post: Post) -> None:
    place = await post.place()
    letter = await post.put(place, "R-7 waits", subject="request:7")
    post.platform.faults["post"].append(PayloadRefused("too large"))
    await post.delivery.drain()
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("R-7 was approved"))
    await post.outbox.revive(letter)
    await post.delivery.drain()
    assert post.platform.texts() == ["R-7 was approved"]


async def test_an_alert_of_uncertain_fate_is_sent_once_more_and_says_so(post: Post) -> None:
    place = await post.place()
    await post.put(place, "stock is low", subject="case:1")
    post.platform.lost["post"].append(Uncertain("timed out"))
    await post.delivery.drain()
    await post.again(10)
    first, second = post.platform.told
    assert first.text == second.text == "stock is low"
    assert first.message is not None
    assert second.message is not None
    assert not any(isinstance(block, Footnote) for block in first.message.blocks)
    assert any(isinstance(block, Footnote) for block in second.message.blocks)
    assert await post.states() == ["sent"]


async def test_an_alert_that_stays_uncertain_is_not_sent_a_third_time(post: Post) -> None:
    place = await post.place()
    await post.put(place, "stock is low", subject="case:1")
    post.platform.lost["post"].extend([Uncertain("timed out"), Uncertain("timed out")])
    for _round in range(4):
        await post.again(600)
    assert len(post.platform.told) == 2
    assert await post.states() == ["uncertain"]
    assert [letter.state for letter in await post.outbox.dead()] == ["uncertain"]


async def test_an_uncertain_edit_is_simply_repeated(post: Post) -> None:
    place = await post.place()
    await post.put(place, "v1", subject="request:7")
    await post.delivery.drain()
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("v2"))
    post.platform.lost["edit"].extend([Uncertain(""), Uncertain("")])
    for _round in range(4):
        await post.again(60)
    assert post.platform.texts("edit") == ["v2", "v2", "v2"]
    assert await post.states() == ["sent", "sent"]


async def test_a_worker_that_died_while_sending_leaves_a_labelled_repeat(post: Post) -> None:
    place = await post.place()
    letter = await post.put(place, "stock is low", subject="case:1")
    now = post.clock.now()
    async with post.database.transaction() as connection:
        await rows.claim(connection, [letter], now, now + timedelta(seconds=90))
    await post.again(60)
    assert post.platform.told == []  # its lease still holds
    await post.again(60)
    assert post.platform.told[0].message is not None
    assert any(isinstance(block, Footnote) for block in post.platform.told[0].message.blocks)


async def test_a_worker_that_lost_its_lease_settles_nothing(post: Post) -> None:
    place = await post.place()
    letter = await post.put(place, "once", subject="case:1")
    now = post.clock.now()
    async with post.database.transaction() as connection:
        (stale,) = await rows.claim(connection, [letter], now, now + timedelta(seconds=1))
        (fresh,) = await rows.claim(connection, [letter], now + timedelta(seconds=2), now + timedelta(seconds=90))
        assert not await rows.settle(connection, letter, stale.fence, state="dead")
        assert await rows.settle(connection, letter, fresh.fence, state="sent")


async def test_two_workers_on_one_database_send_nothing_twice_nor_out_of_order(
    open_post: Callable[..., Post], database: Database
) -> None:
    platform = Recorder()
    workers = [open_post(database, platform) for _worker in range(2)]
    first = workers[0]
    places = {name: await first.place(name) for name in ("C1", "C2", "C3")}
    for number in range(8):
        for name, place in places.items():
            await first.put(place, f"{name}/{number}", subject=f"case:{number}")
    for worker in workers:
        worker.delivery.start()
    await until(lambda: len(platform.told) >= 24, 20)
    for worker in workers:
        await worker.delivery.stop(2)
    for name in places:
        texts = [told.text for told in platform.told if told.conversation == name]
        assert texts == [f"{name}/{number}" for number in range(8)]


async def test_a_conversation_that_is_gone_is_closed_and_its_letters_die(post: Post) -> None:
    place = await post.place()
    async with post.database.transaction() as connection:
        await connection.execute(
            insert(Subscription).values(conversation_id=place, topic="restock", created_at=post.clock.now())
        )
        assert len(await post.outbox.announce(connection, "restock", says("one"), "case:1", "k1")) == 1
    await post.put(place, "two", subject="case:2")
    post.platform.faults["post"].append(ConversationGone("not_in_channel"))
    await post.delivery.drain()
    assert await post.states() == ["dead", "dead"]
    async with post.database.transaction() as connection:
        closed = (await connection.execute(select(Conversation.closed_reason))).scalar_one()
        assert "not_in_channel" in closed
        assert await post.outbox.announce(connection, "restock", says("three"), "case:3", "k3") == []


async def test_a_moved_conversation_keeps_its_letters_and_subscriptions(post: Post) -> None:
    place = await post.place("old")
    async with post.database.transaction() as connection:
        await connection.execute(
            insert(Subscription).values(conversation_id=place, topic="restock", created_at=post.clock.now())
        )
    await post.put(place, "one", subject="case:1")
    await post.put(place, "two", subject="case:2")
    post.platform.faults["post"].append(ConversationMoved("new"))
    await post.delivery.drain()
    assert [(told.conversation, told.text) for told in post.platform.told] == [("new", "one"), ("new", "two")]
    async with post.database.transaction() as connection:
        assert len(await post.outbox.announce(connection, "restock", says("three"), "case:3", "k3")) == 1
    await post.delivery.drain()
    assert post.platform.told[-1].conversation == "new"


async def test_a_reply_whose_handle_expired_becomes_a_post(post: Post) -> None:
    place = await post.place()
    post.platform.faults["reply"].append(MessageGone("expired"))
    await post.put(place, "the answer", kind="reply", incoming=ASKED)
    await post.delivery.drain()
    assert [(told.kind, told.conversation) for told in post.platform.told] == [("post", "C1")]


async def test_a_private_reply_whose_handle_expired_never_reaches_the_room(post: Post) -> None:
    place = await post.place()
    post.platform.faults["reply"].append(MessageGone("expired"))
    await post.put(place, "for you alone", kind="reply", incoming=ASKED, private=True)
    await post.delivery.drain()
    assert [(told.kind, told.conversation) for told in post.platform.told] == [("post", "D-U1")]


async def test_a_page_turned_on_a_message_that_is_gone_is_posted_anew(post: Post) -> None:
    place = await post.place()
    await post.put(place, "page 1", subject="case:1")
    await post.delivery.drain()
    async with post.database.reading() as connection:
        post_id = (await connection.execute(select(PostTable.id))).scalar_one()
    post.platform.faults["edit"].append(MessageGone("gone"))
    await post.put(place, "page 2", kind="edit", incoming=PRESS, post_id=post_id)
    await post.delivery.drain()
    assert post.platform.texts() == ["page 1", "page 2"]


async def test_a_refused_token_rests_the_platform_and_loses_nothing(post: Post) -> None:
    place = await post.place()
    post.platform.faults["post"].append(TokenRefused("invalid_auth"))
    await post.put(place, "one", subject="case:1")
    await post.delivery.drain()
    await post.delivery.drain()  # the platform rests: nothing is tried
    assert await post.states() == ["pending"]
    await post.again(61)
    assert post.platform.texts() == ["one"]


async def test_a_message_at_fault_is_dead_and_whoever_asked_is_told(post: Post) -> None:
    place = await post.place()
    post.platform.faults["reply"].append(PayloadRefused("invalid_blocks"))
    await post.put(place, "broken", kind="reply", incoming=ASKED)
    await post.put(place, "next", subject="case:1")
    await post.delivery.drain()
    assert sorted(await post.states()) == ["dead", "sent", "sent"]
    assert any("Sorry" in text for text in post.platform.texts("reply"))


async def test_an_unknown_error_is_tried_again_and_then_given_up(post: Post) -> None:
    place = await post.place()
    await post.put(place, "one", subject="case:1")
    post.platform.faults["post"].extend([PlatformError("odd")] * 8)
    for _round in range(10):
        await post.again(600)
    assert await post.states() == ["dead"]
    assert not post.platform.faults["post"]


async def test_a_defect_of_a_renderer_stops_no_other_letter(post: Post) -> None:
    place = await post.place()
    post.platform.faults["post"].append(KeyError("renderer"))
    await post.put(place, "one", subject="case:1")
    await post.put(place, "two", subject="case:2")
    await post.delivery.drain()
    assert await post.states() == ["dead", "sent"]


async def test_an_edit_that_failed_gives_way_to_a_newer_one(post: Post) -> None:
    place = await post.place()
    await post.put(place, "v1", subject="request:7")
    await post.delivery.drain()
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("v2"))
    post.platform.gates["edit"] = asyncio.Event()
    post.platform.entered.clear()
    post.platform.faults["edit"].append(PlatformError("odd"))
    drained = asyncio.create_task(post.delivery.drain())
    await post.platform.entered.wait()
    async with post.database.transaction() as connection:
        await post.outbox.refresh(connection, "request:7", says("v3"))
    post.platform.gates["edit"].set()
    await drained
    await post.again(5)
    assert post.platform.texts("edit") == ["v3"]
    assert await post.states() == ["sent", "merged", "sent"]


async def test_a_lease_that_expired_unsettled_is_told_apart_from_one_that_was_let_go(post: Post) -> None:
    place = await post.place()
    letter = await post.put(place, "x", subject="case:1")
    async with post.database.transaction() as connection:
        await connection.execute(update(Outbox).where(Outbox.id == letter).values(attempts=3))
    await post.delivery.drain()
    assert post.platform.told[0].message is not None
    assert not any(isinstance(block, Footnote) for block in post.platform.told[0].message.blocks)
