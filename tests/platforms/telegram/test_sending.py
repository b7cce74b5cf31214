"""Messages out over real HTTP: what Telegram is sent, and what becomes of its refusals."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from bot.chat.incoming import Incoming, MessageRef
from bot.chat.nodes import Action, Actions, Heading, Image, Instant, Mention, Message, Paragraph, Text
from bot.errors import (
    ConversationGone,
    ConversationMoved,
    MessageGone,
    PayloadRefused,
    PlatformError,
    RateLimited,
    TokenRefused,
    Uncertain,
    Unreachable,
)
from bot.platforms.telegram.app import TelegramPlatform
from bot.ports import Reader, Target
from bot.words import Words, _
from tests.platforms.telegram.botapi import TOKEN, BotApi, Drop, Fail
from tests.platforms.telegram.conftest import Make

READER = Reader("en", ZoneInfo("Europe/Berlin"), {7: "7012345678"})
GROUP = Target("-1001234567890", "group", "17")
REF = MessageRef("telegram", "-1001234567890", "77")
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 16
NOON = datetime(2011, 11, 21, 12, tzinfo=UTC)

CARD = Message(
    _("85123A runs out"),
    (
        Heading(_("{sku} runs out", sku=Text("<b>85123A</b>"))),
        Paragraph(_("At {at}. {who}, please decide.", at=Instant(NOON), who=Mention(7, "Lin"))),
        Actions((Action(_("Approve"), "approve", style="primary", token="b:1"), Action(_("Why?"), "why", token="b:2"))),
    ),
)
CHART = Message(_("Cover"), (Paragraph(_("Cover falls.")), Image(PNG, _("Days of cover"))))
LONG_CHART = Message(_("Cover"), (Paragraph(Text("long " * 300)), Image(PNG, _("Days of cover"))))


def press() -> Incoming:
    return Incoming(
        "telegram",
        "5",
        "press",
        "7012345678",
        "-1001234567890",
        "group",
        thread="17",
        message_id="77",
        handle={"callback_query_id": "43"},
    )


async def test_a_message_goes_out_as_text_with_entities_and_no_parse_mode(
    api: BotApi, platform: TelegramPlatform
) -> None:
    ref = await platform.post(GROUP, CARD, READER)
    sent = api.of("sendMessage")[0].params
    assert ref == MessageRef("telegram", "-1001234567890", "101", "17")
    assert sent["text"].startswith("<b>85123A<")
    assert "parse_mode" not in sent
    assert (sent["chat_id"], sent["message_thread_id"]) == (-1001234567890, 17)
    assert sent["link_preview_options"] == {"is_disabled": True}
    time = next(entity for entity in sent["entities"] if entity["type"] == "date_time")
    assert (time["unix_time"], time["date_time_format"]) == (int(NOON.timestamp()), "dt")
    mention = next(entity for entity in sent["entities"] if entity["type"] == "text_mention")
    assert mention["user"]["id"] == 7012345678
    assert sent["reply_markup"]["inline_keyboard"] == [
        [{"text": "Approve", "callback_data": "b:1", "style": "primary"}, {"text": "Why?", "callback_data": "b:2"}]
    ]


async def test_a_picture_carries_a_short_text_as_its_caption(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.post(GROUP, CHART, READER)
    assert [call.method for call in api.calls] == ["sendPhoto"]
    assert api.calls[0].params["caption"] == "Cover falls."
    assert PNG in api.calls[0].files.values()


async def test_a_picture_goes_before_a_text_too_long_for_a_caption(api: BotApi, platform: TelegramPlatform) -> None:
    ref = await platform.post(GROUP, LONG_CHART, READER)
    assert [call.method for call in api.calls] == ["sendPhoto", "sendMessage"]
    assert api.calls[0].params["caption"] == "Days of cover"
    assert ref.message_id == "102"


async def test_a_deleted_topic_leaves_the_message_to_the_group(api: BotApi, platform: TelegramPlatform) -> None:
    api.script("sendMessage", Fail(400, "Bad Request: message thread not found"))
    ref = await platform.post(GROUP, CARD, READER)
    assert [call.params.get("message_thread_id") for call in api.calls] == [17, None]
    assert ref.thread == ""


async def test_there_is_no_home_page(platform: TelegramPlatform) -> None:
    with pytest.raises(PayloadRefused):
        await platform.post(Target("7012345678", "home"), CARD, READER)


@pytest.mark.parametrize(
    ("refusal", "ours"),
    [
        (Fail(429, "Too Many Requests: retry after 7", {"retry_after": 7}), RateLimited),
        (Fail(403, "Forbidden: bot was kicked from the supergroup chat"), ConversationGone),
        (Fail(400, "Bad Request: chat not found"), ConversationGone),
        (Fail(400, "Bad Request: message is too long"), PayloadRefused),
        (Fail(401, "Unauthorized"), TokenRefused),
        (Fail(502, "Bad Gateway"), Uncertain),
        ("an answer of no known shape", Uncertain),
    ],
)
async def test_each_refusal_is_told_as_ours_and_asked_for_once(
    api: BotApi, platform: TelegramPlatform, refusal: object, ours: type[PlatformError]
) -> None:
    api.script("sendMessage", refusal)
    with pytest.raises(PlatformError) as failed:
        await platform.post(GROUP, CARD, READER)
    assert type(failed.value) is ours
    assert len(api.of("sendMessage")) == 1
    assert TOKEN not in str(failed.value)


async def test_a_limit_and_a_migration_carry_their_figures(api: BotApi, platform: TelegramPlatform) -> None:
    api.script(
        "sendMessage",
        Fail(429, "Too Many Requests: retry after 7", {"retry_after": 7}),
        Fail(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": -1009998887776}),
    )
    with pytest.raises(RateLimited) as limited:
        await platform.post(GROUP, CARD, READER)
    with pytest.raises(ConversationMoved) as moved:
        await platform.post(GROUP, CARD, READER)
    assert (limited.value.retry_after, moved.value.new_id) == (7, "-1009998887776")


Doing = Callable[[TelegramPlatform], Awaitable[object]]


@pytest.mark.parametrize(
    ("method", "doing"),
    [
        ("sendMessage", lambda platform: platform.post(GROUP, CARD, READER)),
        ("sendPhoto", lambda platform: platform.post(GROUP, CHART, READER)),
        ("editMessageText", lambda platform: platform.edit(REF, CARD, READER)),
        ("answerCallbackQuery", lambda platform: platform.notice(press(), _("Done."), READER)),
    ],
)
async def test_a_connection_dropped_after_reading_is_uncertain_and_nothing_is_sent_again(
    api: BotApi, platform: TelegramPlatform, method: str, doing: Doing
) -> None:
    api.script(method, Drop())
    with pytest.raises(Uncertain):
        await doing(platform)
    assert [call.method for call in api.calls] == [method]


async def test_a_connection_never_made_is_unreachable(make: Make) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        platform = make(base_url=f"http://127.0.0.1:{taken.getsockname()[1]}/bot")
        with pytest.raises(Unreachable):
            await platform.post(GROUP, CARD, READER)


async def test_an_edit_replaces_text_and_buttons(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.edit(REF, CARD, READER)
    sent = api.of("editMessageText")[0].params
    assert (sent["chat_id"], sent["message_id"]) == (-1001234567890, 77)
    assert sent["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "b:1"


async def test_an_unchanged_message_is_no_error(api: BotApi, platform: TelegramPlatform) -> None:
    same = "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
    api.script("editMessageText", Fail(400, same))
    await platform.edit(REF, CARD, READER)
    assert len(api.calls) == 1


async def test_a_message_that_is_gone_cannot_be_edited(api: BotApi, platform: TelegramPlatform) -> None:
    api.script("editMessageText", Fail(400, "Bad Request: message to edit not found"))
    with pytest.raises(MessageGone):
        await platform.edit(REF, CARD, READER)
    with pytest.raises(MessageGone):
        await platform.edit(MessageRef("telegram", "-1001234567890", "1321866000.0001"), CARD, READER)


async def test_the_caption_of_a_picture_is_edited_where_there_is_no_text(
    api: BotApi, platform: TelegramPlatform
) -> None:
    api.script("editMessageText", Fail(400, "Bad Request: there is no text in the message to edit"))
    await platform.edit(REF, Message(_("x"), (Paragraph(Text("word " * 400)),)), READER)
    caption = api.of("editMessageCaption")[0].params["caption"]
    assert len(caption) <= 1024
    assert caption.endswith("…")


async def test_a_picture_is_replaced_with_its_caption(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.edit(REF, CHART, READER)
    sent = api.of("editMessageMedia")[0]
    assert sent.params["media"]["caption"] == "Cover falls."
    assert PNG in sent.files.values()


async def test_a_reply_in_a_group_quotes_the_question_in_its_topic(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.reply(press(), CARD, READER, private=False)
    sent = api.of("sendMessage")[0].params
    assert sent["reply_parameters"] == {"message_id": 77, "allow_sending_without_reply": True}
    assert sent["message_thread_id"] == 17


async def test_a_private_reply_goes_to_the_asker_alone(api: BotApi, platform: TelegramPlatform) -> None:
    ref = await platform.reply(press(), CARD, READER, private=True)
    assert [call.params["chat_id"] for call in api.calls] == [7012345678]
    assert ref is not None
    assert ref.conversation == "7012345678"


async def test_a_private_reply_to_someone_who_never_met_the_bot_stays_in_the_group(
    api: BotApi, platform: TelegramPlatform
) -> None:
    api.script("sendMessage", Fail(403, "Forbidden: bot can't initiate conversation with a user"))
    ref = await platform.reply(press(), CARD, READER, private=True)
    assert [call.params["chat_id"] for call in api.calls] == [7012345678, -1001234567890]
    assert ref is not None
    assert ref.conversation == "-1001234567890"


@pytest.mark.parametrize(
    ("words", "text", "alert"),
    [
        (_("Done."), "Done.", "false"),
        (_("{name} approved it.", name=Text("Lin")), "Lin approved it.", "false"),
        (_("Already approved by {who} at {at}; nothing was done.", who=Mention(7, "Lin Wei"), at=Instant(NOON, "time")),
         "Already approved by Lin Wei at 1:00 PM (Berlin); nothing was done.", "true"),
    ],
)  # fmt: skip
async def test_a_notice_is_a_toast_and_a_long_one_an_alert(
    api: BotApi, platform: TelegramPlatform, words: Words, text: str, alert: str
) -> None:
    await platform.notice(press(), words, READER)
    sent = api.of("answerCallbackQuery")[0].params
    assert (sent["callback_query_id"], sent["text"]) == (43, text)
    assert sent["show_alert"] is (alert == "true")


async def test_a_notice_is_never_longer_than_telegram_takes(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.notice(press(), _("{x} {x}", x=Text("\U0001f600" * 500)), READER)
    text = api.of("answerCallbackQuery")[0].params["text"]
    assert len(text.encode("utf-16-le")) // 2 <= 200
    assert text.endswith("…")


async def test_an_empty_notice_only_releases_the_button(api: BotApi, platform: TelegramPlatform) -> None:
    await platform.notice(press(), _(""), READER)
    assert "text" not in api.of("answerCallbackQuery")[0].params


async def test_a_query_too_old_to_answer_is_gone(api: BotApi, platform: TelegramPlatform) -> None:
    refusal = "Bad Request: query is too old and response timeout expired or query ID is invalid"
    api.script("answerCallbackQuery", Fail(400, refusal))
    with pytest.raises(MessageGone):
        await platform.notice(press(), _("Done."), READER)
    with pytest.raises(MessageGone):
        await platform.notice(Incoming("telegram", "1", "command", "7", "7", "direct"), _("Done."), READER)


async def test_a_profile_has_name_and_handle_and_no_zone(platform: TelegramPlatform) -> None:
    profile = await platform.profile("7012345678")
    assert (profile.name, profile.handle, profile.zone, profile.language) == ("Lin Wei", "linwei", "", "")
    assert await platform.direct("7012345678") == "7012345678"


async def test_a_check_in_order_says_so(platform: TelegramPlatform) -> None:
    found = await platform.check()
    assert [check.verdict for check in found] == ["ok", "ok", "ok"]
    assert found[0].detail == "@StocktideBot (110201543)"


async def test_a_check_says_what_is_wrong_with_a_remedy(api: BotApi, make: Make) -> None:
    me = {"id": 1, "is_bot": True, "first_name": "S", "username": "SBot", "can_join_groups": False}
    api.script("getMe", me)
    api.webhook_url = "https://elsewhere.example/hook"
    api.webhook_info = {
        "pending_update_count": 250, "last_error_date": 1321866000, "last_error_message": "Connection refused",
    }  # fmt: skip
    found = {check.name: check for check in await make().check()}
    assert {name: check.verdict for name, check in found.items() if check.verdict != "ok"} == {
        "telegram groups": "warn",
        "telegram updates": "warn",
        "telegram backlog": "warn",
        "telegram webhook": "warn",
    }
    assert all(check.remedy for check in found.values() if check.verdict != "ok")


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        (Fail(401, "Unauthorized"), "telegram token"),
        (Fail(404, "Not Found"), "telegram token"),
        (Fail(500, "Internal Server Error"), "telegram connection"),
    ],
)
async def test_a_check_that_fails_is_told_and_not_raised(api: BotApi, make: Make, refusal: Fail, name: str) -> None:
    api.script("getMe", refusal)
    (check,) = await make().check()
    assert (check.name, check.verdict) == (name, "fail")
    assert TOKEN not in check.detail
