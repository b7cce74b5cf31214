"""A Slack channel's own huddle: a link alone. No API of Slack's starts a huddle, ends one or tells who is in it."""

from __future__ import annotations

from datetime import datetime

from bot.ports import Admission, Check, Guest, OpenRoom, RoomPlan
from bot.words import _


class SlackHuddleRooms:
    """Gives the link of one channel's huddle to everybody; who may be in the channel may be in the huddle."""

    name = "slack_huddle"

    def __init__(self, team: str, channel: str, cap: int) -> None:
        self.cap = cap
        self._url = f"https://app.slack.com/huddle/{team}/{channel}"

    async def open(self, plan: RoomPlan) -> OpenRoom:
        """The channel's huddle: whoever follows the link first starts it."""
        return OpenRoom(plan.key, plan.title, min(plan.cap, self.cap), url=self._url)

    async def admit(self, room: OpenRoom, guest: Guest, now: datetime) -> Admission:
        """The same link for everybody; Slack knows no roles in a huddle."""
        del guest, now
        return Admission(room.url or self._url, None, personal=False)

    async def close(self, room: OpenRoom) -> None:
        """Nothing can be done: a huddle ends when the last person leaves it."""

    async def check(self) -> tuple[Check, ...]:
        """Show the link; Slack gives no way to try it."""
        return (Check(_("rooms slack_huddle"), "ok", _("{url}, which only a person can try", url=self._url)),)
