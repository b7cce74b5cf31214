"""What goes out: every method's call, its faults, and the fallbacks of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from bot import errors
from bot.chat.incoming import Incoming, MessageRef
from bot.chat.nodes import Action, Actions, Image, Message, Paragraph, Text
from bot.platforms.slack.app import SlackOptions, SlackPlatform
from bot.platforms.slack.events import of_action, of_command, of_event
from bot.ports import Profile, Reader, Target
from bot.words import Words, _
from tests.platforms.slack.payloads import ANNA, BOT, SECRET, command, direct, envelope, home_press, mention, press
from tests.platforms.slack.server import Answer, Slack, error

CHANNEL = "C2147483705"
GROUP = Target(CHANNEL, "group")
MESSAGE = Message(
    _("Low on {sku}", sku=Text("85123A")),
    (Paragraph(Text("Low")), Actions((Action(_("Approve"), "approve", token="b7Qx"),))),
)
PICTURE = Message(_("Chart"), (Image(b"\x89PNG", _("Sales by day")),))


def pressed(**container: Any) -> Incoming:
    incoming = of_action(press(**container))
    assert incoming is not None
    return incoming


def with_hook(slack: Slack, incoming: Incoming) -> Incoming:
    return Incoming.from_json({**incoming.to_json(), "handle": {"response_url": f"{slack.origin}/hook/1"}})


async def test_a_post_returns_where_the_message_is(slack: Slack, platform: SlackPlatform, reader: Reader) -> None:
    ref = await platform.post(Target(CHANNEL, "group", "1500000000.000100"), MESSAGE, reader)
    assert ref == MessageRef("slack", CHANNEL, "1503435956.000247", "1500000000.000100")
    (sent,) = slack.of("chat.postMessage")
    assert sent["channel"] == CHANNEL
    assert sent["thread_ts"] == "1500000000.000100"
    assert sent["text"] == "Low on 85123A"
    assert (sent["unfurl_links"], sent["unfurl_media"]) == (False, False)
    assert [block["type"] for block in sent["blocks"]] == ["rich_text", "actions"]


async def test_a_home_page_is_published_and_edited(slack: Slack, platform: SlackPlatform, reader: Reader) -> None:
    ref = await platform.post(Target(ANNA, "home"), MESSAGE, reader)
    assert ref == MessageRef("slack", ANNA, "VMHU10V25")
    await platform.edit(ref, MESSAGE, reader)
    first, second = slack.of("views.publish")
    assert first == second
    assert first["user_id"] == ANNA
    assert slack.of("chat.update") == []


async def test_an_edit_replaces_the_message(slack: Slack, platform: SlackPlatform, reader: Reader) -> None:
    await platform.edit(MessageRef("slack", CHANNEL, "1503435956.000247"), MESSAGE, reader)
    (sent,) = slack.of("chat.update")
    assert (sent["channel"], sent["ts"]) == (CHANNEL, "1503435956.000247")
    assert [block["type"] for block in sent["blocks"]] == ["rich_text", "actions"]


async def test_a_dropped_connection_is_uncertain_and_sent_once(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    slack.answers["chat.postMessage"].append(Answer(drop=True))
    with pytest.raises(errors.Uncertain):
        await platform.post(GROUP, MESSAGE, reader)
    assert len(slack.of("chat.postMessage")) == 1


async def test_a_dropped_answer_to_a_response_url_is_uncertain_and_sent_once(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    slack.answers["hook"].append(Answer(drop=True))
    with pytest.raises(errors.Uncertain):
        await platform.reply(with_hook(slack, of_command(command())), MESSAGE, reader, private=False)
    assert [name for name, _sent in slack.calls if name != "auth.test"] == ["hook"]


async def test_a_connection_that_was_never_made_is_unreachable(slack: Slack, reader: Reader) -> None:
    address = slack.base_url
    await slack.server.close()
    platform = SlackPlatform(SlackOptions("xoxb-1", SECRET, base_url=address))
    with pytest.raises(errors.Unreachable):
        await platform.post(GROUP, MESSAGE, reader)
    await platform.stop()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(429, {"ok": False, "error": "ratelimited"}, Retry_After="3"), errors.RateLimited),
        (error("channel_not_found"), errors.ConversationGone),
        (error("invalid_blocks"), errors.PayloadRefused),
        (error("token_revoked"), errors.TokenRefused),
        (Answer(503, "<html>busy</html>"), errors.Unreachable),
        (Answer(502, "<html>bad gateway</html>"), errors.Uncertain),
    ],
    ids=["429", "gone", "blocks", "token", "503", "502"],
)
async def test_what_slack_refuses_is_told_as_our_own_error(
    slack: Slack, platform: SlackPlatform, reader: Reader, answer: Answer, kind: type[errors.PlatformError]
) -> None:
    slack.answers["chat.postMessage"].append(answer)
    with pytest.raises(errors.PlatformError) as caught:
        await platform.post(GROUP, MESSAGE, reader)
    assert type(caught.value) is kind
    assert len(slack.of("chat.postMessage")) == 1
    if isinstance(caught.value, errors.RateLimited):
        assert caught.value.retry_after == 3.0


@pytest.mark.parametrize("kind", ["ephemeral", "in_channel"])
async def test_a_command_is_answered_through_its_response_url(
    slack: Slack, platform: SlackPlatform, reader: Reader, kind: str
) -> None:
    incoming = with_hook(slack, of_command(command()))
    assert await platform.reply(incoming, MESSAGE, reader, private=kind == "ephemeral") is None
    (sent,) = slack.of("hook")
    assert sent["response_type"] == kind
    assert sent["replace_original"] is False
    assert sent["text"] == "Low on 85123A"
    assert len(sent["blocks"]) == 2


async def test_a_press_on_an_ephemeral_message_replaces_it(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    await platform.reply(with_hook(slack, pressed(is_ephemeral=True)), MESSAGE, reader, private=False)
    await platform.reply(with_hook(slack, pressed(thread_ts="15.1")), MESSAGE, reader, private=True)
    first, second = slack.of("hook")
    assert (first["response_type"], first["replace_original"]) == ("ephemeral", True)
    assert (second["response_type"], second["replace_original"], second["thread_ts"]) == ("ephemeral", False, "15.1")


EXPIRED = [
    Answer(404, "expired_url"),
    Answer(200, {"ok": False, "error": "used_url"}),
    Answer(404, {"ok": False, "error": "expired_url"}),
    Answer(403, "invalid_token"),
    Answer(410, ""),
]


@pytest.mark.parametrize("answer", EXPIRED, ids=["word", "used", "json", "unknown", "bare"])
async def test_an_expired_response_url_is_followed_by_a_message_of_our_own(
    slack: Slack, platform: SlackPlatform, reader: Reader, answer: Answer
) -> None:
    slack.answers["hook"].extend([answer, answer])
    incoming = with_hook(slack, pressed(thread_ts="15.1"))
    assert await platform.reply(incoming, MESSAGE, reader, private=True) is None
    (whispered,) = slack.of("chat.postEphemeral")
    assert (whispered["channel"], whispered["user"], whispered["thread_ts"]) == (CHANNEL, ANNA, "15.1")
    ref = await platform.reply(incoming, MESSAGE, reader, private=False)
    assert ref == MessageRef("slack", CHANNEL, "1503435956.000247", "15.1")


async def test_a_response_url_that_refuses_the_blocks_is_not_followed_by_anything(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    slack.answers["hook"].append(Answer(404, {"ok": False, "error": "invalid_blocks"}))
    with pytest.raises(errors.PayloadRefused):
        await platform.reply(with_hook(slack, pressed()), MESSAGE, reader, private=True)
    assert slack.of("chat.postEphemeral") == []


async def test_a_mention_is_answered_in_its_thread(slack: Slack, platform: SlackPlatform, reader: Reader) -> None:
    incoming = of_event(envelope(mention(thread_ts="15.1")), BOT)
    assert incoming is not None
    ref = await platform.reply(incoming, MESSAGE, reader, private=False)
    assert ref is not None
    assert slack.of("chat.postMessage")[0]["thread_ts"] == "15.1"
    assert await platform.reply(incoming, MESSAGE, reader, private=True) is None
    assert slack.of("chat.postEphemeral")[0]["thread_ts"] == "15.1"


async def test_a_direct_message_is_answered_where_it_stays(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    incoming = of_event(envelope(direct()), BOT)
    assert incoming is not None
    assert await platform.reply(incoming, MESSAGE, reader, private=True) is not None
    assert slack.of("chat.postMessage")[0]["channel"] == "D024BE91L"


async def test_a_press_on_a_home_page_is_answered_in_a_direct_message(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    incoming = of_action(home_press())
    assert incoming is not None
    await platform.notice(incoming, _("Already approved"), reader)
    assert slack.of("conversations.open")[0]["users"] == ANNA
    assert slack.of("chat.postMessage")[0]["channel"] == "D024BE91L"


async def test_a_lost_answer_before_the_message_is_sent_leaves_nothing_uncertain(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    incoming = of_action(home_press())
    assert incoming is not None
    slack.answers["conversations.open"].append(Answer(drop=True))
    with pytest.raises(errors.Unreachable):
        await platform.reply(incoming, MESSAGE, reader, private=True)
    slack.answers["upload"].append(Answer(drop=True))
    with pytest.raises(errors.Unreachable):
        await platform.post(GROUP, PICTURE, reader)
    assert slack.of("chat.postMessage") == []


async def test_a_notice_is_for_the_person_alone_and_leaves_the_message(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    await platform.notice(with_hook(slack, pressed(is_ephemeral=True)), _("Approved by {who}", who="<!here>"), reader)
    (sent,) = slack.of("hook")
    assert (sent["response_type"], sent["replace_original"]) == ("ephemeral", False)
    assert sent["text"] == "Approved by &lt;!here&gt;"


async def test_a_notice_of_nothing_sends_nothing(slack: Slack, platform: SlackPlatform, reader: Reader) -> None:
    before = len(slack.calls)
    await platform.notice(with_hook(slack, pressed()), Words(""), reader)
    assert len(slack.calls) == before


async def test_a_picture_is_uploaded_and_named_in_its_block(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    await platform.post(GROUP, PICTURE, reader)
    assert slack.uploads == [b"\x89PNG"]
    assert slack.of("files.getUploadURLExternal")[0]["length"] == "4"
    assert "F0123456789" in slack.of("files.completeUploadExternal")[0]["files"]
    (sent,) = slack.of("chat.postMessage")
    assert sent["blocks"] == [
        {"type": "image", "slack_file": {"id": "F0123456789"}, "alt_text": "Sales by day"},
    ]


async def test_a_picture_that_slack_still_scans_is_asked_for_again_and_then_told_in_words(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    slack.answers["chat.postMessage"].append(error("invalid_blocks"))
    await platform.post(GROUP, PICTURE, reader)
    assert [sent["blocks"][0]["type"] for sent in slack.of("chat.postMessage")] == ["image", "image"]
    slack.answers["chat.postMessage"].extend([error("invalid_blocks"), error("invalid_blocks")])
    await platform.post(GROUP, PICTURE, reader)
    last = slack.of("chat.postMessage")[-1]
    assert last["blocks"][0]["elements"][0]["text"] == "Sales by day"
    assert len(slack.uploads) == 2


async def test_a_message_goes_out_without_a_picture_that_slack_will_not_take(
    slack: Slack, platform: SlackPlatform, reader: Reader
) -> None:
    slack.answers["files.getUploadURLExternal"].append(error("missing_scope", needed="files:write"))
    await platform.post(GROUP, PICTURE, reader)
    assert slack.of("chat.postMessage")[0]["blocks"][0]["type"] == "context"


async def test_a_profile_gives_name_zone_and_language(slack: Slack, platform: SlackPlatform) -> None:
    user = {"id": ANNA, "name": "anna", "real_name": "Anna Bauer", "tz": "Asia/Shanghai", "locale": "zh-CN"}
    slack.answers["users.info"].append(Answer(200, {"ok": True, "user": user}))
    assert await platform.profile(ANNA) == Profile("Anna Bauer", "Asia/Shanghai", "zh_CN", "anna")
    assert slack.of("users.info") == [{"user": ANNA, "include_locale": "1"}]


async def test_a_profile_without_zone_or_locale_leaves_them_empty(slack: Slack, platform: SlackPlatform) -> None:
    slack.answers["users.info"].append(Answer(200, {"ok": True, "user": {"id": ANNA, "name": "anna"}}))
    assert await platform.profile(ANNA) == Profile("anna", "", "", "anna")


async def test_the_check_names_what_is_wrong_and_the_remedy(slack: Slack) -> None:
    platform = SlackPlatform(SlackOptions("xoxb-1", "", base_url=slack.base_url))
    token, scopes, events = await platform.check()
    assert (token.verdict, scopes.verdict, events.verdict) == ("ok", "ok", "fail")
    slack.answers["auth.test"].append(Answer(200, {"ok": True}, x_oauth_scopes="chat:write,commands"))
    _token, scopes, _events = await platform.check()
    assert scopes.verdict == "fail"
    assert "files:write" in scopes.detail
    assert "manifest" in scopes.remedy
    slack.answers["auth.test"].append(error("invalid_auth"))
    token, _events = await platform.check()
    assert token.verdict == "fail"
    assert "xoxb-" in token.remedy
    await platform.stop()


async def test_the_check_tries_the_app_token(slack: Slack) -> None:
    platform = SlackPlatform(SlackOptions("xoxb-1", app_token="xapp-1", base_url=slack.base_url))
    assert (await platform.check())[-1].verdict == "ok"
    slack.answers["apps.connections.open"].append(error("invalid_auth"))
    last = (await platform.check())[-1]
    assert last.verdict == "fail"
    assert "connections:write" in last.remedy
    await platform.stop()


async def test_messages_share_one_connection(slack: Slack, platform: SlackPlatform, reader: Reader) -> None:
    for _round in range(3):
        await platform.post(GROUP, MESSAGE, reader)
    assert len(slack.peers) == 1
