"""The tour over the small sample: it passes, and it fails where what it checks is broken."""

from __future__ import annotations

import io
import re
from collections.abc import Awaitable, Callable

import pytest
from rich.console import Console
from typer.testing import CliRunner

from bot.cli import walking
from bot.cli.app import app
from bot.cli.stage import Set, staged
from bot.cli.tour import Tour
from bot.cli.walking import StepFailed
from bot.language import language
from bot.sandbox.sample import load_small
from bot.sandbox.slack.desk import Content
from bot.words import _

pytestmark = [pytest.mark.xdist_group("tour"), pytest.mark.usefixtures("small_once")]


async def walked(played: Set) -> str:
    """What the tour prints."""
    told = io.StringIO()
    await Tour(played, Console(file=told, width=100)).run()
    return told.getvalue()


async def test_the_tour_sees_every_step() -> None:
    async with staged(0, load_small) as played:
        told = await walked(played)
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", told, re.MULTILINE)]
    assert steps == list(range(1, 17))
    assert told.count("✓") == 16
    assert "6 digests, one each" in told
    assert "approved by Lin Wei in Telegram and Petra Vogel in Slack" in told
    assert "again after one tap" in told


async def test_a_card_that_cannot_be_edited_fails_the_tour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "_SOON", 3.0)
    async with staged(0, load_small) as played:
        played.sandbox.slack.fail_next("chat.update", "error:cant_update_message", times=50)
        tour = Tour(played, Console(file=(told := io.StringIO())))
        with pytest.raises(StepFailed, match="Two approvers press Approve"):
            await tour.run()
    assert "slack chat.update: cant_update_message" in told.getvalue(), "what the bot did last is told"


async def test_a_digest_that_comes_twice_fails_the_tour() -> None:
    async with staged(0, load_small) as played:
        found = Tour(played, Console(file=io.StringIO()))
        person = played.cast.people[0]
        played.stage.pushed = _once_more(played, person.slack.id)
        with pytest.raises(StepFailed, match=f"not more for {person.key}"):
            await found.digests()


def test_a_failed_tour_ends_with_a_code_that_is_not_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_tour: Tour) -> None:
        raise StepFailed("not seen: anything")

    monkeypatch.setattr(Tour, "run", broken)
    result = CliRunner().invoke(app, ["demo", "--tour", "--small"])
    assert result.exit_code == 1
    assert "not seen: anything" in result.stdout


def _once_more(played: Set, user: str) -> Callable[[], Awaitable[None]]:
    """What a push does, and one more private message of the bot."""

    async def pushed() -> None:
        await played.application.runtime.tick()
        room = played.sandbox.slack.world.direct(user)
        member = played.cast.people[0].member
        greeting = language(member.language).say(_("Good morning, {name}", name=member.name))
        played.sandbox.slack.desk.post(room.id, played.sandbox.slack.bot.id, Content(greeting))

    return pushed
