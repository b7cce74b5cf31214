"""Letters leave in order, once, at the platforms' rates; and what each failure leads to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import insert, select, update

from bot.chat.incoming import Incoming
from bot.chat.nodes import Action, Actions, Footnote, Mention, Message, Paragraph
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
from bot.ports import Limits
from bot.storage import outbox as rows
from bot.storage.database import Database
from bot.storage.tables import Conversation, Identity, Member, Outbox, Subscription
from bot.storage.tables import Post as PostTable
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


async def test_a_lease_that_expired_unsettled_is_told_apart_from_one_that_was_let_go(post: Post) -> None:
    place = await post.place()
    letter = await post.put(place, "x", subject="case:1")
    async with post.database.transaction() as connection:
        await connection.execute(update(Outbox).where(Outbox.id == letter).values(attempts=3))
    await post.delivery.drain()
    assert post.platform.told[0].message is not None
    assert not any(isinstance(block, Footnote) for block in post.platform.told[0].message.blocks)
