"""calls.*: calls of others, listed for Slack to show: who is in them, and when they are over.

Like Slack, some refusals come as a success with an error beside it: somebody who was there already, a call that ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from bot.sandbox.slack.check import SlackRefusal, read_json
from bot.sandbox.slack.method import Answer, Arguments, Method
from bot.sandbox.slack.world import SlackCall

if TYPE_CHECKING:
    from bot.sandbox.slack.people import Slack

_SCOPE = ("calls:write",)
_STRANGER = frozenset({"external_id", "display_name", "avatar_url"})
Users = dict[str, Mapping[str, str]]  # by Slack's id, or the id that the call's own service gave


def _needed(arguments: Arguments, name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value:
        raise SlackRefusal("missing_argument")
    return value


def _add(slack: Slack, arguments: Arguments) -> Answer:
    key, url = _needed(arguments, "external_unique_id"), _needed(arguments, "join_url")
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise SlackRefusal("invalid_arguments", "must be a valid URL [json-pointer:/join_url]")
    creator = slack.world.users.get(str(arguments.get("created_by") or ""))
    if creator is None or creator.deleted:
        raise SlackRefusal("invalid_created_by")
    users = _users(slack, arguments["users"]) if arguments.get("users") else {}
    start = _whole(arguments, "date_start", "invalid_start_time")
    call = next((known for known in slack.world.calls.values() if known.key == key), None)
    if call is None:
        at = slack.world.clock.now() if start is None else datetime.fromtimestamp(start, UTC)
        title = str(arguments.get("title") or "")
        call = SlackCall(slack.world.fresh("R"), key, url, creator.id, title, at, people=users)
        slack.world.calls[call.id] = call
        slack.pulse.beat()
    return {"call": _shown(call)}


def _changed(change: Callable[[SlackCall, Users], bool]) -> Callable[[Slack, Arguments], Answer]:
    """A method that changes who is in a call; nobody is moved where `change` finds one out of place."""

    def run(slack: Slack, arguments: Arguments) -> Answer:
        call = _call(slack, arguments)
        users = _users(slack, arguments.get("users"))
        if call.seconds is not None:
            raise SlackRefusal("inactive_call")
        if not change(call, users):
            return {"error": "bad_users"}
        slack.pulse.beat()
        return {}

    return run


def _join(call: SlackCall, users: Users) -> bool:
    if call.people.keys() & users.keys():
        return False
    call.people |= users
    return True


def _leave(call: SlackCall, users: Users) -> bool:
    if users.keys() - call.people.keys():
        return False
    for key in users:
        del call.people[key]
    return True


def _end(slack: Slack, arguments: Arguments) -> Answer:
    call = _call(slack, arguments)
    seconds = _whole(arguments, "duration", "invalid_arguments")
    if call.seconds is not None:
        return {"error": "inactive_call"}
    call.seconds = max(int((slack.world.clock.now() - call.at).total_seconds()), 0) if seconds is None else seconds
    slack.pulse.beat()
    return {}


def _call(slack: Slack, arguments: Arguments) -> SlackCall:
    call = slack.world.calls.get(_needed(arguments, "id"))
    if call is None:
        raise SlackRefusal("invalid_call_id")
    return call


def _users(slack: Slack, raw: Any) -> Users:  # noqa: ANN401  # JSON is of any shape
    """Who is meant: people of the workspace by `slack_id`, others by an id of their own and a name."""
    given = read_json(raw or "", "invalid_arguments") if raw else None
    if not given:
        raise SlackRefusal("missing_argument")
    if not isinstance(given, list) or not all(isinstance(user, dict) for user in given):
        raise SlackRefusal("invalid_arguments", "must be an array of users [json-pointer:/users]")
    found: Users = {}
    for user in given:
        if not all(isinstance(value, str) and value for value in user.values()):
            raise SlackRefusal("invalid_arguments", "must provide strings [json-pointer:/users]")
        if user.keys() == {"slack_id"}:
            if user["slack_id"] not in slack.world.users:
                raise SlackRefusal("user_not_found")
            found[user["slack_id"]] = user
        elif {"external_id", "display_name"} <= user.keys() <= _STRANGER:
            found[user["external_id"]] = user
        else:
            raise SlackRefusal("invalid_arguments", "slack_id, or external_id and display_name [json-pointer:/users]")
    return found


def _whole(arguments: Arguments, name: str, wrong: str) -> int | None:
    value = str(arguments.get(name, ""))
    if value and not (value.isascii() and value.isdigit()):
        raise SlackRefusal(wrong)
    return int(value) if value else None


def _shown(call: SlackCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "date_start": int(call.at.timestamp()),
        "external_unique_id": call.key,
        "join_url": call.url,
        "title": call.title,
        "users": [dict(user) for user in call.people.values()],
    }


METHODS = (
    Method(
        "calls.add",
        _add,
        _SCOPE,
        3,
        "external_unique_id join_url created_by date_start desktop_app_join_url external_display_id title users",
    ),
    Method("calls.participants.add", _changed(_join), _SCOPE, 3, "id users"),
    Method("calls.participants.remove", _changed(_leave), _SCOPE, 3, "id users"),
    Method("calls.end", _end, _SCOPE, 3, "id duration"),
)
