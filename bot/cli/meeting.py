"""The steps of the tour that lead to pages: the board, and a video room."""

from __future__ import annotations

import re

import httpx

from bot.cli.trading import Trade
from bot.sandbox.cast import Person
from bot.sandbox.slack.world import SlackMessage
from bot.storage import rooms

_LINK = re.compile(r"https?://[^\s|>)'\"]+#[\w-]+")


class Meet(Trade):
    """Opens pages as a browser would, by the links that people get."""

    async def board(self) -> str:
        """`/board` gives its asker a link that opens once."""
        asker = self._awake()
        link = self._link(await self._ask_slack(asker, "/board", "", "Open the board"))
        async with self._browser(link) as browser:
            first, second = (
                await self._enter(browser, "/board/enter", link),
                await self._enter(browser, "/board/enter", link),
            )
            self._need((first.status_code, second.status_code) == (200, 403), "a link that opens once")
            page = await browser.get(str(first.json()["target"]))
        self._need(page.status_code == 200 and "£" in page.text, "the overview with its money at risk")
        self._show(link.partition("#")[0] + "#…")
        return f"{asker.member.name} sees the overview; the same link is refused the second time"

    async def room(self) -> str:
        """`/huddle` opens a room whose link lets its asker in, and whose card ends with it."""
        asker = self._awake()
        card = await self._ask_slack(asker, "/huddle", "85123A carrier delays", "carrier delays")
        self._show(self.slack.text_for("Europe/Berlin", card))
        button = next(one for one in self.slack.buttons(card) if one["text"]["text"] == "Join")
        before = {message.ts for message in self._slack_messages(asker)}
        await self.slack.press(asker.slack.id, self.channel, card.ts, button["action_id"]).settled()
        door = await self._until(lambda: self._door(asker, before))
        link = self._link(door)
        key = link.partition("#")[0].rpartition("/")[2]
        async with self._browser(link) as browser:
            entered = await self._enter(browser, f"/rooms/{key}/enter", link)
            self._need(entered.status_code == 200, "the way into the room")
        room = await self._room(key)
        await self._ask_slack(asker, "/huddle", f"end V-{room}", "closed")
        await self._until(lambda: "Closed" in self._slack_text(self._slack_message(card.ts)) or None)
        return "joined by a link for one person, and closed for everybody"

    def _door(self, asker: Person, before: set[str]) -> SlackMessage | None:
        for message in self._slack_messages(asker):
            if message.ts not in before and _LINK.search(str(message.blocks)):
                return message
        return None

    def _link(self, message: SlackMessage) -> str:
        found = _LINK.search(str(message.blocks))
        self._need(found, "a link")
        assert found is not None  # noqa: S101  # `_need` raised otherwise
        return found[0]

    @staticmethod
    def _browser(link: str) -> httpx.AsyncClient:
        base = "/".join(link.split("/")[:3])
        return httpx.AsyncClient(base_url=base, headers={"Origin": base}, trust_env=False)

    @staticmethod
    async def _enter(browser: httpx.AsyncClient, path: str, link: str) -> httpx.Response:
        return await browser.post(path, json={"token": link.partition("#")[2]})

    async def _room(self, key: str) -> int:
        async with self.played.application.services.database.reading() as connection:
            found = await rooms.by_key(connection, key)
        self._need(found, "the room's row")
        assert found is not None  # noqa: S101  # `_need` raised otherwise
        return found.id
