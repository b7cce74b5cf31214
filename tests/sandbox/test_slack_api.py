"""The Web API through slack_sdk: what works, and every refusal by its code."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from aiohttp import ServerDisconnectedError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.sandbox.conftest import Town
from tests.sandbox.pictures import PNG

HOME = {"type": "home", "blocks": [{"type": "divider"}]}
BROKEN = {"type": "home", "blocks": [{"type": "nonsense"}]}


async def test_a_message_is_posted_edited_threaded_and_deleted(town: Town) -> None:
    web, room = town.web(), town.channel.id
    posted = await web.chat_postMessage(channel=room, text="one", blocks=[{"type": "divider"}])
    ts = posted["ts"]
    await web.chat_postMessage(channel=room, text="reply", thread_ts=ts)
    await web.chat_update(channel=room, ts=ts, text="two")
    message = town.sandbox.slack.world.message(room, ts)
    assert (message.text, message.blocks) == ("two", ())
    assert [(r.text, len(r.blocks)) for r in message.revisions] == [("one", 1)]
    replies = (await web.conversations_replies(channel=room, ts=ts))["messages"]
    assert [reply["text"] for reply in replies] == ["two", "reply"]
    history = (await web.conversations_history(channel=room))["messages"]
    assert [shown["text"] for shown in history] == ["two"]
    await web.chat_delete(channel=room, ts=ts)
    assert ts not in [shown.ts for shown in town.sandbox.slack.visible(town.mei.id, room)]
    kinds = [sight.kind for sight in town.sandbox.record.sights("slack")]
    assert kinds == ["message", "message", "edit", "delete"]


async def test_an_ephemeral_message_has_one_reader_and_no_history(town: Town) -> None:
    web, room, slack = town.web(), town.channel.id, town.sandbox.slack
    await web.chat_postEphemeral(channel=room, user=town.mei.id, text="psst")
    assert [message.text for message in slack.visible(town.mei.id, room)] == ["psst"]
    assert slack.visible(town.jonas.id, room) == []
    assert (await web.conversations_history(channel=room))["messages"] == []


async def test_people_tell_their_zone_and_language(town: Town) -> None:
    user = (await town.web().users_info(user=town.mei.id, include_locale=True))["user"]
    assert (user["tz"], user["tz_offset"], user["locale"]) == ("Asia/Shanghai", 8 * 3600, "zh-CN")
    assert "locale" not in (await town.web().users_info(user=town.mei.id))["user"]


async def test_a_direct_conversation_is_opened_once(town: Town) -> None:
    web = town.web()
    opened = [(await web.conversations_open(users=town.mei.id))["channel"]["id"] for _ in range(2)]
    assert opened[0] == opened[1]
    await web.chat_postMessage(channel=town.mei.id, text="morning")
    assert [m.text for m in town.sandbox.slack.visible(town.mei.id, opened[0])] == ["morning"]
    assert town.sandbox.slack.visible(town.jonas.id, opened[0]) == []


async def test_long_lists_come_in_pages(town: Town) -> None:
    for number in range(5):
        town.sandbox.slack.add_channel(f"room-{number}", [town.sandbox.slack.bot.id])
    names: list[str] = []
    async for answer in await town.web().conversations_list(limit=2):
        names += [channel["name"] for channel in answer["channels"]]
    assert names == ["stock", *(f"room-{number}" for number in range(5))]


async def test_a_picture_is_uploaded_and_stands_in_a_message(town: Town, http: httpx.AsyncClient) -> None:
    web, room = town.web(), town.channel.id
    answer = await web.files_upload_v2(content=PNG, filename="chart.png", title="Chart", channel=room)
    file_id = answer["files"][0]["id"]
    block = {"type": "image", "alt_text": "chart", "slack_file": {"id": file_id}}
    await web.chat_postMessage(channel=room, text="chart", blocks=[block])
    assert [message.files for message in town.channel.messages] == [(file_id,), ()]
    shown = await http.get(f"{town.sandbox.url}/slack/files/{file_id}/chart.png")
    assert (shown.content, shown.headers["content-type"]) == (PNG, "image/png")
    with pytest.raises(SlackApiError, match="invalid slack file"):
        await web.chat_postMessage(channel=room, text="x", blocks=[{**block, "slack_file": {"id": "F404"}}])


async def test_a_home_page_is_published_per_person(town: Town) -> None:
    web, slack = town.web(), town.sandbox.slack
    published = (await web.views_publish(user_id=town.mei.id, view=HOME))["view"]
    assert slack.home(town.jonas.id) is None
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await web.views_publish(user_id=town.mei.id, view=HOME, hash="stale")
    again = await web.views_publish(user_id=town.mei.id, view=HOME, hash=published["hash"])
    assert again["view"]["id"] == published["id"]


MODAL = {"type": "modal", "title": {"type": "plain_text", "text": "Sure?"}, "blocks": [{"type": "divider"}]}


async def test_a_modal_opens_once_and_within_three_seconds_of_its_trigger(town: Town) -> None:
    slack, web = town.sandbox.slack, town.web()
    first, second = (slack.command(town.mei.id, town.channel.id, "/stock").payload["trigger_id"] for _ in range(2))
    opened = (await web.views_open(trigger_id=first, view=MODAL))["view"]
    assert slack.world.views[opened["id"]].user == town.mei.id
    for seconds, trigger, error in (
        (0, first, "exchanged_trigger_id"),
        (0, "nonsense", "invalid_trigger_id"),
        (3.1, second, "expired_trigger_id"),
    ):
        town.clock.push(timedelta(seconds=seconds))
        with pytest.raises(SlackApiError, match=error):
            await web.views_open(trigger_id=trigger, view=MODAL)


Use = Callable[[AsyncWebClient, Town], Any]
REFUSALS: list[tuple[str, Use]] = [
    ("channel_not_found", lambda web, _: web.chat_postMessage(channel="C404", text="x")),
    ("channel_not_found", lambda web, town: web.chat_postMessage(channel=_room(town, "private"), text="x")),
    ("not_in_channel", lambda web, town: web.chat_postMessage(channel=_room(town, "public"), text="x")),
    ("not_in_channel", lambda web, town: web.conversations_history(channel=_room(town, "public"))),
    ("no_text", lambda web, town: web.api_call("chat.postMessage", json={"channel": town.channel.id})),
    ("msg_too_long", lambda web, town: web.chat_postMessage(channel=town.channel.id, text="x" * 40_001)),
    ("invalid_blocks_format", lambda web, town: web.chat_postMessage(channel=town.channel.id, blocks="{", text="x")),
    ("thread_not_found", lambda web, town: web.chat_postMessage(channel=town.channel.id, text="x", thread_ts="1.2")),
    ("user_not_in_channel", lambda web, town: web.chat_postEphemeral(channel=town.channel.id, user="U4", text="x")),
    ("message_not_found", lambda web, town: web.chat_update(channel=town.channel.id, ts="1.2", text="x")),
    ("message_not_found", lambda web, town: web.chat_delete(channel=town.channel.id, ts="1.2")),
    ("cant_update_message", lambda web, town: web.chat_update(channel=town.channel.id, ts=_said(town), text="x")),
    ("cant_delete_message", lambda web, town: web.chat_delete(channel=town.channel.id, ts=_said(town))),
    ("user_not_found", lambda web, _: web.users_info(user="U404")),
    ("user_not_found", lambda web, _: web.conversations_open(users="U404")),
    ("user_not_found", lambda web, _: web.views_publish(user_id="U404", view=HOME)),
    ("invalid_arguments", lambda web, town: web.views_publish(user_id=town.mei.id, view={"type": "home"})),
    ("invalid_arguments", lambda web, town: web.views_publish(user_id=town.mei.id, view={**HOME, "colour": "red"})),
    ("invalid_blocks", lambda web, town: web.views_publish(user_id=town.mei.id, view=BROKEN)),
    ("invalid_types", lambda web, _: web.conversations_list(types="secret")),
    ("invalid_cursor", lambda web, _: web.users_list(cursor="???")),
    ("invalid_arguments", lambda web, town: web.chat_postMessage(channel=town.channel.id, text="x", blokcs="[]")),
    ("file_not_found", lambda web, _: web.files_completeUploadExternal(files=[{"id": "F404"}])),
    ("unknown_method", lambda web, _: web.api_call("chat.shout")),
    ("not_allowed_token_type", lambda web, town: web.apps_connections_open(app_token=_token(town))),
]  # fmt: skip


def _room(town: Town, kind: Any) -> str:
    return town.sandbox.slack.add_channel("elsewhere", [town.mei.id], kind=kind).id


def _token(town: Town) -> str:
    return town.sandbox.slack.world.bot_token


def _said(town: Town) -> str:
    return town.sandbox.slack.say(town.mei.id, town.channel.id, "mine").ts


@pytest.mark.parametrize(("error", "use"), REFUSALS)
async def test_a_refusal_bears_slacks_code(town: Town, error: str, use: Use) -> None:
    with pytest.raises(SlackApiError) as refused:
        await use(town.web(), town)
    assert refused.value.response["error"] == error
    assert town.sandbox.record.calls("slack")[-1].verdict == error


async def test_tokens_and_scopes_are_asked_for(town: Town, http: httpx.AsyncClient) -> None:
    url = f"{town.sandbox.slack_base_url}auth.test"
    assert (await http.post(url)).json() == {"ok": False, "error": "not_authed"}
    wrong = await http.post(url, headers={"authorization": "Bearer xoxb-wrong"})
    assert wrong.json()["error"] == "invalid_auth"
    town.sandbox.slack.world.scopes.discard("chat:write")
    with pytest.raises(SlackApiError) as refused:
        await town.web().chat_postMessage(channel=town.channel.id, text="x")
    assert (refused.value.response["error"], refused.value.response["needed"]) == ("missing_scope", "chat:write")
    assert "chat:write" not in refused.value.response["provided"]
    fine = await town.web().auth_test()
    assert "users:read" in fine.headers["x-oauth-scopes"]


async def test_messages_beyond_the_burst_must_wait(town: Town) -> None:
    seconds = [100.0]
    pace = town.sandbox.slack.pace
    pace.seconds, pace.burst = lambda: seconds[0], 3
    web, other = town.web(), town.sandbox.slack.add_channel("other", [town.sandbox.slack.bot.id])
    for number in range(3):
        await web.chat_postMessage(channel=town.channel.id, text=str(number))
    with pytest.raises(SlackApiError) as refused:
        await web.chat_postMessage(channel=town.channel.id, text="3")
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["Retry-After"] == "1"
    await web.chat_postMessage(channel=other.id, text="0")
    seconds[0] += 1
    await web.chat_postMessage(channel=town.channel.id, text="3")
    assert [message.text for message in town.channel.messages] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("mode", "posted"), [("drop_after_reading", ["x"]), ("drop_before_applying", []), ("500", []), ("429:30", [])]
)
async def test_a_fault_is_met_once_and_its_effect_is_chosen(town: Town, mode: str, posted: list[str]) -> None:
    town.sandbox.slack.fail_next("chat.postMessage", mode)
    with pytest.raises((ServerDisconnectedError, SlackApiError)) as met:
        await town.web().chat_postMessage(channel=town.channel.id, text="x")
    assert [message.text for message in town.channel.messages] == posted
    assert isinstance(met.value, ServerDisconnectedError) == mode.startswith("drop")
    await town.web().chat_postMessage(channel=town.channel.id, text="y")


async def test_a_scripted_error_and_a_delay_are_what_they_say(town: Town) -> None:
    slack = town.sandbox.slack
    slack.fail_next("chat.postMessage", "error:channel_not_found")
    with pytest.raises(SlackApiError, match="channel_not_found"):
        await town.web().chat_postMessage(channel=town.channel.id, text="x")
    slack.fail_next("chat.postMessage", "delay:5")
    slow = AsyncWebClient(slack.world.bot_token, base_url=town.sandbox.slack_base_url, timeout=1, retry_handlers=[])
    with pytest.raises(TimeoutError):
        await slow.chat_postMessage(channel=town.channel.id, text="late")
    assert [message.text for message in town.channel.messages] == ["late"]


async def test_a_removed_bot_can_neither_post_nor_edit(town: Town) -> None:
    web, slack, room = town.web(), town.sandbox.slack, town.channel.id
    ts = (await web.chat_postMessage(channel=room, text="x"))["ts"]
    slack.remove_bot(room)
    for use in (web.chat_postMessage(channel=room, text="y"), web.chat_update(channel=room, ts=ts, text="y")):
        with pytest.raises(SlackApiError, match="not_in_channel"):
            await use
    slack.add_bot(room)
    await web.chat_postMessage(channel=room, text="back")
