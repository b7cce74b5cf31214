"""A small app on npm's @slack/bolt, which we did not write, against the sandbox's Slack."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.npm import node_with
from tests.sandbox.conftest import Town

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("bolt_js")]
HERE = Path(__file__).with_name("bolt_js")


@pytest.fixture(scope="session")
def node() -> str:
    """The Node.js that runs the app, with its packages installed."""
    return node_with(HERE)


class App:
    """The running app and what it said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[dict[str, Any]] = []

    async def hear(self, what: str) -> dict[str, Any]:
        """The next thing of that name it says."""
        out = self.process.stdout
        assert out
        async with asyncio.timeout(20):
            while line := await out.readline():
                said: dict[str, Any] = json.loads(line)
                self.said.append(said)
                if said["what"] == what:
                    return said
        raise AssertionError(f"the app ended without {what}: {self.said}")


@asynccontextmanager
async def running(node: str, town: Town, mode: str) -> AsyncIterator[App]:
    """The app, connected; in HTTP mode the sandbox delivers to it."""
    world = town.sandbox.slack.world
    settings = {
        "PATH": os.environ["PATH"],
        "MODE": mode,
        "SLACK_API_URL": town.sandbox.slack_base_url,
        "SLACK_BOT_TOKEN": world.bot_token,
        "SLACK_APP_TOKEN": world.app_token,
        "SLACK_SIGNING_SECRET": world.signing_secret,
    }
    process = await asyncio.create_subprocess_exec(
        node, "app.js", cwd=HERE, env=settings, stdout=asyncio.subprocess.PIPE
    )
    app = App(process)
    try:
        port = (await app.hear("ready"))["port"]
        if port:
            town.sandbox.slack.use_http(f"http://127.0.0.1:{port}/slack/events")
        else:
            await town.sandbox.pulse.until(lambda: town.sandbox.slack.courier.links)
        yield app
    finally:
        process.kill()
        await process.wait()


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_an_app_on_bolt_js_works_as_on_slack(node: str, town: Town, mode: str) -> None:
    slack, pulse = town.sandbox.slack, town.sandbox.pulse
    room = town.channel.id
    async with running(node, town, mode) as app:
        command = slack.command(town.mei.id, room, "/stock", "85123A")
        await app.hear("command")
        assert (await command.settled()).state == "acknowledged"
        private, card = slack.visible(town.mei.id, room)
        assert private.ephemeral_to == town.mei.id
        assert slack.text_for("Etc/UTC", private) == "Only you see this: 85123A"
        assert slack.text_for("Etc/UTC", card) == "Stock of 85123A\n[Approve] [Reject]"
        assert [message.ts for message in slack.visible(town.jonas.id, room)] == [card.ts]

        slack.press(town.jonas.id, room, card.ts, "reject")
        await app.hear("opened")
        modal = slack.modal(town.jonas.id)
        assert modal is not None
        await slack.fill_in(town.jonas.id, modal.id, {"reason": "no"}).settled()
        assert modal.errors == {"reason": "Say more."}
        slack.fill_in(town.jonas.id, modal.id, {"reason": "too dear"})
        rejected = await app.hear("rejected")
        assert (rejected["by"], rejected["reason"], rejected["card"]) == (town.jonas.id, "too dear", card.ts)
        await pulse.until(lambda: slack.modal(town.jonas.id) is None)

        slack.press(town.jonas.id, room, card.ts, "approve")
        await app.hear("approved")
        assert slack.text_for("Etc/UTC", card) == "Approved by @jonas"
        assert slack.visible(town.jonas.id, room)[-1].text == "Done"

        slack.open_home(town.mei.id)
        await app.hear("home")
        page = slack.home(town.mei.id)
        assert page is not None
        assert slack.text_for("Etc/UTC", page) == "Your board"

        direct = slack.world.direct(town.mei.id)
        slack.say(town.mei.id, direct.id, "hello")
        await pulse.until(lambda: [m for m in direct.messages if m.text == "Hello from Asia/Shanghai, zh-CN"])

        slack.say(town.mei.id, direct.id, "wrong")
        refused = await app.hear("refused")
        assert refused["error"] == "invalid_blocks"
        assert refused["messages"] == ["[ERROR] unsupported type: nonsense [json-pointer:/blocks/0/type]"]

        slack.say(town.mei.id, direct.id, "picture")
        await app.hear("uploaded")
        (file,) = slack.world.files.values()
        assert file.content.startswith(b"\x89PNG")
        assert direct.messages[-1].files == (file.id,)
        errors = [said["words"] for said in app.said if said["what"] == "error"]
        assert errors == [["unsupported type: nonsense [json-pointer:/blocks/0/type]"]]


async def test_an_app_on_bolt_js_connects_anew_when_asked_to(node: str, town: Town) -> None:
    slack = town.sandbox.slack
    async with running(node, town, "socket") as app:
        first = slack.courier.links[0]
        await slack.refresh_sockets()
        await town.sandbox.pulse.until(lambda: slack.courier.links and first not in slack.courier.links, 10)
        slack.command(town.mei.id, town.channel.id, "/stock", "22423")
        assert (await app.hear("command"))["text"] == "22423"


def test_the_apps_packages_are_pinned_by_hash_and_name_no_registry() -> None:
    packages: dict[str, dict[str, Any]] = json.loads((HERE / "package-lock.json").read_text())["packages"]
    del packages[""]
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())
