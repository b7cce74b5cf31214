"""Chats at their worst: posts meet dropped connections, delays, 429 and 500 by seed; none is lost, repeats say so."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from bot import settings
from bot.bootstrap import App, build, platforms_of
from bot.chat.cards import notice_card
from bot.ports import Limits, MovableClock
from bot.sandbox import Sandbox
from bot.storage.database import Database
from bot.words import _
from tests.faults import figures
from tests.faults.town import REPEAT
from tests.unpaced import unpaced

POSTS = figures.times(24, 100, 5_000)  # on each platform
FINE = "delay:0"
MODES = (*[FINE] * 5, "drop_after_reading", "drop_before_applying", "429:1", "500", "delay:0.02")
FREE = Limits(overall_per_second=1e5, conversation_per_second=1e5)


@pytest.mark.parametrize("seed", [11, 12])
async def test_in_any_weather_every_post_arrives_and_repeats_are_labelled(
    database: Database, clock: MovableClock, seed: int
) -> None:
    async with Sandbox(clock) as sandbox:
        unpaced(sandbox)
        app = await _app(database, sandbox, clock)
        expected = await _posts(app, sandbox)
        dice = random.Random(seed)  # noqa: S311  # reproducible on purpose
        for _each in range(6 * POSTS):
            sandbox.slack.fail_next("chat.postMessage", dice.choice(MODES))
            sandbox.telegram.fail_next("sendMessage", dice.choice(MODES))
        await _deliver(app, clock)
        uncertain = {letter.id for letter in await app.services.outbox.dead(10_000) if letter.state == "uncertain"}
        dead = [letter for letter in await app.services.outbox.dead(10_000) if letter.state == "dead"]
        plain, labelled = _seen(sandbox)
        for platform in app.platforms.values():
            await platform.stop()
        await app.close()
    arrived = plain + labelled
    lost = [word for word, row in expected.items() if word not in arrived and row not in uncertain]
    doubled = [word for word, count in plain.items() if count > 1]
    repeats = arrived.total() - len(arrived)
    figures.record("Network: posts to both chats in any weather", len(expected), len(lost) + len(doubled))
    figures.record("Network: labelled repeats of those", repeats, 0, "their first one's answer was lost")
    figures.record("Network: listed for people as uncertain", len(uncertain), 0, "no answer twice over")
    assert lost == []
    assert doubled == []
    assert dead == []
    assert repeats, "the weather was too fine to prove anything"


async def _app(database: Database, sandbox: Sandbox, clock: MovableClock) -> App:
    """The real bot and its platforms, whose rates are set free: here outcomes count, not speed."""
    slack, telegram = sandbox.slack.world, sandbox.telegram.world
    given = settings.given(
        database={"url": database.url.render_as_string(hide_password=False)},
        slack={
            "bot_token": slack.bot_token,
            "signing_secret": slack.signing_secret,
            "base_url": sandbox.slack_base_url,
        },
        telegram={"token": telegram.token, "base_url": sandbox.telegram_base_url},
    )
    platforms = platforms_of(given, database)
    for platform in platforms:
        platform.limits = FREE
    app = build(given, clock, platforms)
    for platform in platforms:
        await platform.start(app.services.inbox.take)
    return app


async def _posts(app: App, sandbox: Sandbox) -> dict[str, int]:
    """One post to each of many conversations; the row of each by its word."""
    expected = {}
    slack, telegram = sandbox.slack, sandbox.telegram
    async with app.services.database.transaction() as connection:
        for number in range(POSTS):
            places = (
                ("slack", slack.add_channel(f"c{number}", [slack.bot.id]).id),
                ("telegram", str(telegram.add_group(f"g{number}", [telegram.bot.id]).id)),
            )
            for platform, place in places:
                row, _new = await app.services.conversations.of(connection, platform, place, "group")
                word = f"zq{platform}{number}x"
                card = notice_card(_("{text}", text=word))
                expected[word] = await app.services.outbox.put(connection, row.id, card, "post", f"case:{number}")
    return expected


async def _deliver(app: App, clock: MovableClock) -> None:
    """Deliver until nothing waits; time passes as it must."""
    for _hour in range(200):
        await app.delivery.drain()
        if not any(depth.state == "pending" for depth in await app.services.outbox.depths()):
            return
        clock.push(timedelta(minutes=6))
        for lane in app.delivery.lanes.values():  # the chats' own seconds are not waited for
            lane.pace._held.clear()
            lane.pace._all_held = 0.0
    raise AssertionError("posts still wait")


def _seen(sandbox: Sandbox) -> tuple[Counter[str], Counter[str]]:
    """How often each word was shown without a label, and with one."""
    plain: Counter[str] = Counter()
    labelled: Counter[str] = Counter()
    for sight in sandbox.record.sights(kind="message"):
        word = next((word for word in sight.text.split() if word.startswith("zq")), "")
        (labelled if REPEAT in sight.text else plain)[word.strip()] += 1
    return plain, labelled
