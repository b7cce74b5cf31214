"""Calls of others as Slack lists them: it shows who is in a call and how to join, and makes none itself."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bot.errors import MessageGone, PayloadRefused
from bot.platforms.slack.inline import clean, cut
from bot.platforms.slack.web import SlackWeb
from bot.ports import CallNotice, CallPerson

MAX_TITLE = 200
MAX_NAME = 80
_STRANGERS = "bad_users"  # somebody was there already, or was not there to leave

Json = dict[str, Any]


class SlackCalls:
    """Registers calls; every method may be repeated."""

    def __init__(self, web: SlackWeb) -> None:
        self._web = web

    async def add(self, call: CallNotice, host: str) -> str:
        """The id of a call that `host`, a Slack user, opened."""
        answer = await self._do(
            "calls.add",
            external_unique_id=call.key,
            join_url=call.url,
            created_by=host,
            date_start=str(int(call.starts_at.timestamp())),
            title=cut(clean(call.title).strip() or call.key, MAX_TITLE),
        )
        return str(answer["call"]["id"])

    async def people(self, call_id: str, came: Iterable[CallPerson], went: Iterable[CallPerson]) -> None:
        """Who joined and who left; MessageGone where the call is over or unknown."""
        await self._tell("calls.participants.add", call_id, [_user(person) for person in came])
        await self._tell("calls.participants.remove", call_id, [_user(person) for person in went])

    async def end(self, call_id: str, seconds: int) -> None:
        """The call is over, whoever said so first."""
        try:
            await self._do("calls.end", id=call_id, duration=str(max(seconds, 0)))
        except MessageGone:
            return

    async def _tell(self, method: str, call_id: str, users: Sequence[Json]) -> None:
        """Tell Slack of people; where it knows some of them already, one by one, as it may have taken none.

        That is for the few who came or went lately: Slack allows fifty of these calls a minute.
        """
        if not users or await self._taken(method, call_id, users) or len(users) == 1:
            return
        for user in users:
            await self._taken(method, call_id, [user])

    async def _taken(self, method: str, call_id: str, users: Sequence[Json]) -> bool:
        """Whether Slack took every one; it says otherwise both as a success and as a refusal."""
        try:
            answer = await self._do(method, id=call_id, users=json.dumps(users))
        except PayloadRefused as error:
            if not error.detail.startswith(_STRANGERS):
                raise
            return False
        if answer.get("error") == "inactive_call":
            raise MessageGone("inactive_call")
        return str(answer.get("error") or "") != _STRANGERS

    async def _do(self, method: str, **arguments: str) -> Any:  # noqa: ANN401  # Slack's JSON
        # The SDK's own methods put arguments into the address, which proxies log and cut.
        return await self._web.call(lambda client: client.api_call(method, data=arguments))


def _user(person: CallPerson) -> Json:
    if person.external:
        return {"slack_id": person.external}
    return {"external_id": person.key, "display_name": cut(clean(person.name).strip() or person.key, MAX_NAME)}
