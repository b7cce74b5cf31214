"""What the command of video rooms is called where Slack holds /huddle itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.handlers.conftest import Office, Seeded, open_office, text


@pytest.fixture
async def office(seeded: Seeded, tmp_path: Path) -> AsyncIterator[Office]:
    """An office whose Slack app calls the command /meetup."""
    path = tmp_path / "shop.db"
    path.write_bytes(seeded.content)
    app, found = open_office(path, seeded.ids, slack={"huddle_command": "meetup"})
    yield found
    await app.close()


@pytest.mark.parametrize(("code", "written"), [("en", "Write it so: /meetup ["), ("zh_CN", "写法：/meetup [")])
async def test_a_refused_line_shows_the_name_that_the_command_has_in_slack(
    office: Office, code: str, written: str
) -> None:
    refused = await office.ask("huddle " + "x" * 200)
    assert written in text(refused, code)
    assert "huddle" not in text(refused, code)


@pytest.mark.parametrize(("code", "written"), [("en", "Write it so: /meetup ["), ("zh_CN", "写法：/meetup [")])
async def test_the_help_shows_the_name_that_the_command_has_in_slack(office: Office, code: str, written: str) -> None:
    every = text(await office.ask("help"), code)
    assert "/meetup [" in every
    assert "/huddle" not in every
    for name in ("huddle", "meetup", "/meetup"):
        assert written in text(await office.ask(f"help {name}"), code)


async def test_elsewhere_the_command_keeps_its_name(office: Office) -> None:
    assert "/huddle [" in text(await office.ask("help", platform="telegram"))
    refused = await office.ask("huddle " + "x" * 200, platform="terminal")
    assert "Write it so: huddle [" in text(refused)
    assert (await office.ask("help meetup", platform="telegram")).refused
