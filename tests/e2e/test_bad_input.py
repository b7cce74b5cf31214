"""What must do nothing and lose nothing: forged, late, repeated, mistyped and unauthorised input, and closed rooms."""

from __future__ import annotations

import logging
import time

import httpx
import pytest
from slack_sdk.signature import SignatureVerifier
from sqlalchemy import func, select

from bot.chat.cards import notice_card
from bot.chat.command import Origin
from bot.storage.tables import Conversation, Inbox, Outbox, Request
from bot.words import _
from tests.e2e.conftest import House

FORM = "command=%2Fstock&text=85123A&user_id=U0PETRA&channel_id=C1&trigger_id=forged.1&team_id=T0SANDBOX"


async def events(house: House) -> int:
    async with house.application.services.database.reading() as connection:
        return (await connection.execute(select(func.count()).select_from(Inbox))).scalar_one()


async def post(house: House, body: str, stamp: int, secret: str) -> httpx.Response:
    signed = SignatureVerifier(secret).generate_signature(timestamp=str(stamp), body=body) or ""
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-slack-request-timestamp": str(stamp),
        "x-slack-signature": signed,
    }
    async with httpx.AsyncClient() as client:
        return await client.post(house.application.runtime.web.url + "/slack/events", content=body, headers=headers)


async def test_a_forged_signature_is_refused_logged_and_stored_nowhere(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    before = await events(house)
    with caplog.at_level(logging.INFO):
        answer = await post(house, FORM, int(time.time()), "not-the-secret")
    assert answer.status_code == 401
    assert await events(house) == before
    assert "forged or late" in caplog.text
    assert "not-the-secret" not in caplog.text


async def test_a_late_signature_is_refused_though_it_is_genuine(house: House) -> None:
    before = await events(house)
    answer = await post(house, FORM, int(time.time()) - 301, house.sandbox.slack.world.signing_secret)
    assert answer.status_code == 401
    assert await events(house) == before


async def test_a_telegram_webhook_without_the_secret_is_refused(house: House) -> None:
    before = await events(house)
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            house.application.runtime.web.url + "/telegram/webhook",
            json={"update_id": 1},
            headers={"x-telegram-bot-api-secret-token": "wrong"},
        )
    assert answer.status_code in {401, 403, 404}
    assert await events(house) == before


async def test_a_repeated_event_is_answered_once(house: House) -> None:
    slack = house.sandbox.slack
    delivery = slack.command(house.petra, house.channel, "/stock", "85123A")
    await delivery.settled()
    await house.sandbox.pulse.until(lambda: any("85123A" in text for text in house.said()) or None, 15)
    count = len(house.said())
    await slack.courier.redeliver(delivery)
    await house.asked(house.petra, "/stocktide", "who", "Petra")
    assert sum("85123A" in text for text in house.said()) == sum("85123A" in text for text in house.said()[:count])


async def test_a_malformed_command_is_answered_with_what_to_write(house: House) -> None:
    for words, wanted in (
        ("stock 85123Q", "85123A"),
        ("stock", "/stock"),
        ("snooze C-1 soonish", "3d"),
        ("approve R-99999", "R-99999"),
        ("stok 85123A", "stock"),
        ("digest 25:99", "08:30"),
        ("subscribe everything", "restock"),
        ("me zone Mars/Base", "Mars/Base"),
        ("<!channel> *boom* <https://evil.example|x>", "no product called"),
    ):
        told = await house.asked(house.petra, "/stocktide", words, wanted)
        assert "Traceback" not in told, words


async def test_a_person_without_authority_changes_nothing_and_is_told_who_may(house: House) -> None:
    await house.application.services.watch.scan(house.clock.now())
    async with house.application.services.database.reading() as connection:
        pending = (await connection.execute(select(Request.id).where(Request.state == "pending"))).scalars().first()
    told = await house.asked(house.jonas, "/approve", f"R-{pending}", "R-")
    assert "Petra Vogel" in told
    async with house.application.services.database.reading() as connection:
        state = (await connection.execute(select(Request.state).where(Request.id == pending))).scalar_one()
    assert state == "pending"


async def test_a_channel_that_removed_the_bot_is_closed_and_the_others_are_still_told(house: House) -> None:
    topics = house.application.services.topics
    await topics.subscribe(Origin("slack", house.petra, house.channel, "group"), "restock")
    await topics.subscribe(Origin("telegram", str(house.petra_telegram), str(house.group), "group"), "restock")
    slack = house.sandbox.slack
    slack.world.channel(house.channel).members.discard(slack.bot.id)  # and the event that says so is lost
    services = house.application.services
    async with services.database.transaction() as connection:
        await services.outbox.announce(connection, "restock", notice_card(_("Case {code}", code="C-1")))
    telegram = house.sandbox.telegram
    await house.sandbox.pulse.until(lambda: telegram.visible(house.petra_telegram, house.group) or None, 15)

    async def closed() -> str | None:
        async with house.application.services.database.reading() as connection:
            query = select(Conversation.closed_reason).where(
                Conversation.external_id == house.channel, Conversation.closed_at.is_not(None)
            )
            return (await connection.execute(query)).scalar()

    for _again in range(50):
        if await closed():
            break
        await house.sandbox.pulse.after(house.sandbox.pulse.beats, 0.2)
    assert await closed()
    async with house.application.services.database.reading() as connection:
        query = select(func.count()).where(Outbox.state == "pending", Conversation.external_id == house.channel)
        waiting = (
            await connection.execute(
                query.select_from(Outbox).join(Conversation, Conversation.id == Outbox.conversation_id)
            )
        ).scalar_one()
    assert waiting == 0
