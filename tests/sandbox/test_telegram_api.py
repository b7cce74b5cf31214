"""The Bot API by plain HTTP: every refusal in Telegram's words, entities, keyboards, rates and the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.telegram import dates, entities
from bot.sandbox.telegram.refusal import BotApiRefusal
from bot.sandbox.telegram.routes import METHODS
from bot.sandbox.telegram.schema import Schema
from bot.sandbox.telegram.world import NoSuch
from tests.sandbox.conftest import NOON, Town
from tests.sandbox.receiver import receiving

Call = Callable[..., Any]


@pytest.fixture
def call(town: Town, http: httpx.AsyncClient) -> Call:
    async def made(method: str, **arguments: Any) -> dict[str, Any]:
        url = f"{town.sandbox.telegram_base_url}{town.sandbox.telegram.world.token}/{method}"
        answer = (await http.post(url, json=arguments, timeout=20)).json()
        assert isinstance(answer, dict)
        return answer

    return made


def keyboard(**button: Any) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": "Go", **button}]]}


def entity(kind: str, offset: int = 0, length: int = 1, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


GO = keyboard(callback_data="go")
MANY = {"inline_keyboard": [[{"text": str(n), "callback_data": str(n)}] for n in range(101)]}
REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("sendMessage", {"chat_id": 42, "text": "x"}, "Bad Request: chat not found"),
    ("sendMessage", {"text": "x"}, "Bad Request: chat_id is empty"),
    ("sendMessage", {"chat_id": 0}, "Bad Request: message text is empty"),
    ("sendMessage", {"text": "  \n"}, "Bad Request: message text is empty"),
    ("sendMessage", {"text": "x" * 4097}, "Bad Request: message is too long"),
    ("sendMessage", {"text": "x", "txt": "y"}, 'Bad Request: unknown parameter "txt"'),
    ("sendMessage", {"text": "x", "disable_notification": "perhaps"}, "Bad Request: can't parse disable_notification"),
    ("sendMessage", {"text": "x", "message_thread_id": 9}, "Bad Request: message thread not found"),
    ("sendMessage", {"text": "x", "reply_parameters": {"message_id": 9}}, "message to be replied not found"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(callback_data="é" * 33)}, "BUTTON_DATA_INVALID"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(callback_data="")}, "Bad Request: BUTTON_DATA_INVALID"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(url="nowhere")}, "Bad Request: BUTTON_URL_INVALID"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard()}, "Text buttons are unallowed in the inline keyboard"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(callback_data="a", url="https://x.y")}, "exactly one"),
    ("sendMessage", {"text": "x", "reply_markup": keyboard(callback_data="a", colour="red")}, 'unknown field "colour"'),
    ("sendMessage", {"text": "x", "reply_markup": {"inline_keyboard": [[{"callback_data": "a"}]]}}, "text"),
    ("sendMessage", {"text": "x", "reply_markup": MANY}, "Bad Request: REPLY_MARKUP_TOO_LONG"),
    ("sendMessage", {"text": "ab", "entities": [entity("bold", 1, 2)]}, "Bad Request: ENTITY_BOUNDS_INVALID"),
    ("sendMessage", {"text": "🎄b", "entities": [entity("bold", 1, 1)]}, "Bad Request: ENTITY_BOUNDS_INVALID"),
    ("sendMessage", {"text": "ab", "entities": [entity("bold", -1, 1)]}, "Bad Request: ENTITY_BOUNDS_INVALID"),
    ("sendMessage", {"text": "ab", "entities": [entity("loud")]}, "unsupported entity type"),
    ("sendMessage", {"text": "ab", "entities": [entity("text_link")]}, 'field "url" is required'),
    ("sendMessage", {"text": "ab", "entities": [entity("date_time")]}, 'field "unix_time" is required'),
    (
        "sendMessage",
        {"text": "ab", "entities": [entity("date_time", unix_time=1, date_time_format="Dd")]},
        "DATE_TIME_FORMAT_INVALID",
    ),
    ("sendMessage", {"text": "ab", "entities": [entity("bold", url="https://x.y")]}, "does not belong to bold"),
    ("sendMessage", {"text": "abc", "entities": [entity("bold", 0, 2), entity("italic", 1, 2)]}, "entities overlap"),
    ("sendMessage", {"text": "abc", "entities": [entity("code", 0, 2), entity("bold", 0, 1)]}, "can't stand inside"),
    ("sendMessage", {"text": "a" * 101, "entities": [entity("bold", n) for n in range(101)]}, "ENTITIES_TOO_LONG"),
    ("sendMessage", {"text": "<b>x", "parse_mode": "HTML"}, "can't parse entities: Can't find end tag"),
    ("sendMessage", {"text": "<blink>x</blink>", "parse_mode": "HTML"}, 'Unsupported start tag "blink"'),
    ("sendPhoto", {"photo": "unknown-id"}, "wrong file identifier"),
    ("sendPhoto", {"photo": "https://x.y/z.png"}, "failed to get HTTP URL content"),
    ("sendPhoto", {}, "Bad Request: there is no photo in the request"),
    ("sendPhoto", {"photo": "x", "caption": "c" * 1025}, "message caption is too long"),
    ("editMessageText", {"message_id": 99, "text": "x"}, "Bad Request: message to edit not found"),
    ("editMessageText", {"message_id": 1, "text": "x"}, "Bad Request: message can't be edited"),
    ("editMessageText", {"message_id": 2, "text": "mine", "reply_markup": GO}, "Bad Request: message is not modified"),
    ("editMessageCaption", {"message_id": 2, "caption": "x"}, "there is no caption in the message to edit"),
    ("editMessageReplyMarkup", {"message_id": 2, "reply_markup": GO}, "Bad Request: message is not modified"),
    ("deleteMessage", {"message_id": 99}, "Bad Request: message to delete not found"),
    ("deleteMessage", {"message_id": 1}, "message can't be deleted for everyone"),
    ("sendChatAction", {"action": "dancing"}, "wrong parameter action in request"),
    ("getChatMember", {"user_id": 3}, "PARTICIPANT_ID_INVALID"),
]  # fmt: skip
ALONE: list[tuple[str, dict[str, Any], str]] = [
    ("setMyCommands", {"commands": [{"command": "Stock", "description": "x"}]}, "BOT_COMMAND_INVALID"),
    ("setMyCommands", {"commands": [{"command": "stock", "description": ""}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
    ("setMyDescription", {"description": "x" * 513}, "description is too long"),
    ("setWebhook", {"url": "https://example.org/hook"}, "bad webhook"),
    ("setWebhook", {"url": "http://127.0.0.1/", "secret_token": "a b"}, "secret token contains unallowed characters"),
    ("answerCallbackQuery", {"callback_query_id": "1"}, "query is too old and response timeout expired"),
    ("getFile", {"file_id": "x"}, "invalid file_id"),
    ("getUpdates", {"limit": 101}, "limit must be between 1 and 100"),
    ("forwardTheWorld", {}, "Not Found"),
]


@pytest.mark.parametrize(("method", "arguments", "words"), REFUSALS)
async def test_a_refusal_is_in_telegrams_words(
    town: Town, call: Call, method: str, arguments: dict[str, Any], words: str
) -> None:
    town.sandbox.telegram.say(town.lin.id, town.group.id, "hello")
    await call("sendMessage", chat_id=town.group.id, text="mine", reply_markup=GO)
    given = dict(arguments)
    if "chat_id is empty" not in words:
        given.setdefault("chat_id", town.group.id)
        given["chat_id"] = given["chat_id"] or town.group.id
    answer = await call(method, **given)
    assert (answer["ok"], answer["error_code"]) == (False, 400)
    assert words in answer["description"]
    assert words in town.sandbox.record.calls("telegram")[-1].verdict
    assert [message.text for message in town.group.messages] == ["hello", "mine"]


@pytest.mark.parametrize(("method", "arguments", "words"), ALONE)
async def test_a_refusal_without_a_chat_is_in_telegrams_words(
    call: Call, method: str, arguments: dict[str, Any], words: str
) -> None:
    answer = await call(method, **arguments)
    assert answer["ok"] is False
    assert words in answer["description"]


def test_every_method_of_the_schema_is_served_and_no_other() -> None:
    described = {method["name"] for method in Schema().methods.values()}
    assert described == {*METHODS, "getUpdates"}


async def test_a_wrong_token_and_a_body_that_is_no_json_are_refused(town: Town, http: httpx.AsyncClient) -> None:
    wrong = await http.post(f"{town.sandbox.telegram_base_url}1:x/getMe")
    assert wrong.json() == {"ok": False, "error_code": 401, "description": "Unauthorized"}
    url = f"{town.sandbox.telegram_base_url}{town.sandbox.telegram.world.token}/sendMessage"
    odd = await http.post(url, content=b"{", headers={"content-type": "application/json"})
    assert odd.status_code == 400


async def test_a_form_and_a_query_serve_as_well_as_json(town: Town, http: httpx.AsyncClient) -> None:
    url = f"{town.sandbox.telegram_base_url}{town.sandbox.telegram.world.token}/sendmessage"
    marks = '[{"type":"bold","offset":0,"length":2}]'
    await http.post(url, data={"chat_id": str(town.group.id), "text": "hi", "entities": marks})
    await http.get(url, params={"chat_id": town.group.id, "text": "ho"})
    assert [(m.text, len(m.entities)) for m in town.group.messages] == [("hi", 1), ("ho", 0)]


async def test_a_press_is_answered_once_and_in_time(town: Town, call: Call) -> None:
    telegram = town.sandbox.telegram
    sent = (await call("sendMessage", chat_id=town.group.id, text="x", reply_markup=GO))["result"]
    press = telegram.press(town.lin.id, town.group.id, sent["message_id"], "go")
    late = telegram.press(town.anna.id, town.group.id, sent["message_id"], "go")
    assert (await call("answerCallbackQuery", callback_query_id=press.id, text="ok"))["ok"]
    assert not (await call("answerCallbackQuery", callback_query_id=press.id))["ok"]
    assert [(s.viewer, s.text) for s in town.sandbox.record.sights("telegram", "notice")] == [(str(town.lin.id), "ok")]
    assert (
        "MESSAGE_TOO_LONG"
        in (await call("answerCallbackQuery", callback_query_id=late.id, text="x" * 201))["description"]
    )
    town.clock.push(timedelta(seconds=151))
    assert not (await call("answerCallbackQuery", callback_query_id=late.id))["ok"]
    with pytest.raises(NoSuch):
        telegram.press(town.lin.id, town.group.id, sent["message_id"], "other")


async def test_a_group_that_was_upgraded_names_its_new_id(town: Town, call: Call) -> None:
    new = town.sandbox.telegram.migrate(town.group.id)
    answer = await call("sendMessage", chat_id=town.group.id, text="x")
    assert answer["parameters"] == {"migrate_to_chat_id": new.id}
    assert (await call("sendMessage", chat_id=new.id, text="x"))["ok"]
    bodies = [update["message"] for update in (await call("getUpdates"))["result"]]
    assert [b.get("migrate_to_chat_id", b.get("migrate_from_chat_id")) for b in bodies] == [new.id, town.group.id]


async def test_topics_keep_their_messages_apart(town: Town, call: Call) -> None:
    telegram = town.sandbox.telegram
    forum = telegram.add_group("Forum", [town.lin.id, telegram.bot.id], forum=True)
    thread = telegram.add_topic(forum.id, "Alerts")
    telegram.say(town.lin.id, forum.id, "/stock", thread)
    (update,) = (await call("getUpdates"))["result"]
    assert (update["message"]["message_thread_id"], update["message"]["is_topic_message"]) == (thread, True)
    sent = await call("sendMessage", chat_id=forum.id, text="x", message_thread_id=thread)
    assert sent["result"]["message_thread_id"] == thread


async def test_a_bot_thrown_out_or_blocked_is_told_so(town: Town, call: Call) -> None:
    telegram = town.sandbox.telegram
    telegram.remove_bot(town.group.id, town.lin.id)
    telegram.block_bot(town.lin.id)
    kicked = await call("sendMessage", chat_id=town.group.id, text="x")
    blocked = await call("sendMessage", chat_id=town.lin.id, text="x")
    assert (kicked["error_code"], kicked["description"]) == (403, "Forbidden: bot was kicked from the group chat")
    assert (blocked["error_code"], blocked["description"]) == (403, "Forbidden: bot was blocked by the user")
    telegram.say(town.lin.id, town.lin.id, "/start")
    telegram.add_bot(town.group.id, town.lin.id)
    assert (await call("sendMessage", chat_id=town.lin.id, text="x"))["ok"]
    kinds = [next(k for k in update if k != "update_id") for update in (await call("getUpdates"))["result"]]
    assert kinds == ["my_chat_member", "my_chat_member", "message", "my_chat_member"]


async def test_a_chat_takes_a_burst_and_a_group_twenty_a_minute(town: Town, call: Call) -> None:
    telegram, seconds = town.sandbox.telegram, [0.0]
    for pace in (telegram.overall, telegram.per_chat, telegram.per_group):
        pace.seconds = lambda: seconds[0]
    sent, waits = 0, []
    for _ in range(60):
        answer = await call("sendMessage", chat_id=town.group.id, text="x")
        sent += answer["ok"]
        if not answer["ok"]:
            assert (answer["error_code"], answer["description"][:30]) == (429, "Too Many Requests: retry after")
            waits.append(answer["parameters"]["retry_after"])
        seconds[0] += 1
    assert 35 <= sent <= 40  # a burst of twenty, then one in three seconds
    assert set(waits) <= {1, 2, 3}


async def test_an_offset_confirms_and_a_negative_one_forgets(town: Town, call: Call) -> None:
    for word in "abcd":
        town.sandbox.telegram.say(town.lin.id, town.lin.id, word)
    first = (await call("getUpdates", limit=2))["result"]
    assert [u["message"]["text"] for u in first] == ["a", "b"]
    assert len((await call("getUpdates"))["result"]) == 4
    rest = (await call("getUpdates", offset=first[-1]["update_id"] + 1))["result"]
    assert [u["message"]["text"] for u in rest] == ["c", "d"]
    last = (await call("getUpdates", offset=-1))["result"]
    assert [u["message"]["text"] for u in last] == ["d"]
    assert len((await call("getUpdates"))["result"]) == 1
    town.clock.push(timedelta(hours=25))
    assert (await call("getUpdates"))["result"] == []


async def test_a_long_poll_ends_when_something_happens(town: Town, call: Call) -> None:
    waiting = asyncio.create_task(call("getUpdates", timeout=15))
    await asyncio.sleep(0)
    town.sandbox.telegram.say(town.lin.id, town.lin.id, "now")
    answer = await asyncio.wait_for(waiting, 5)
    assert [u["message"]["text"] for u in answer["result"]] == ["now"]


async def test_only_the_kinds_asked_for_are_queued(town: Town, call: Call) -> None:
    await call("getUpdates", allowed_updates=["callback_query"])
    town.sandbox.telegram.say(town.lin.id, town.lin.id, "unheard")
    assert (await call("getUpdates"))["result"] == []
    await call("getUpdates", allowed_updates=[])
    town.sandbox.telegram.say(town.lin.id, town.lin.id, "heard")
    assert len((await call("getUpdates"))["result"]) == 1


async def test_in_a_group_a_bot_hears_commands_mentions_and_replies_only(town: Town, call: Call) -> None:
    telegram, group = town.sandbox.telegram, town.group.id
    mine = (await call("sendMessage", chat_id=group, text="x"))["result"]["message_id"]
    for text in ("talk", "/stock@other_bot", "a/b", "/stock", "hey @stocktide_bot"):
        telegram.say(town.lin.id, group, text)
    telegram.say(town.lin.id, group, "a reply", reply_to=mine)
    heard = [update["message"]["text"] for update in (await call("getUpdates"))["result"]]
    assert heard == ["/stock", "hey @stocktide_bot", "a reply"]


async def test_a_webhook_gets_its_secret_and_its_retries(town: Town, call: Call) -> None:
    telegram = town.sandbox.telegram
    telegram.updates.retry_seconds = 0.01
    async with receiving() as receiver:
        receiver.answers = [500, 200, {"method": "sendMessage", "chat_id": town.lin.id, "text": "by reply"}]
        await call("setWebhook", url=receiver.url, secret_token="s3cret_-")
        telegram.say(town.lin.id, town.lin.id, "one")
        telegram.say(town.lin.id, town.lin.id, "two")
        chat = telegram.world.chat(town.lin.id)
        await town.sandbox.pulse.until(lambda: chat.messages[-1].text == "by reply")
        assert [headers["x-telegram-bot-api-secret-token"] for headers, _ in receiver.got] == ["s3cret_-"] * 3
        assert [status for _, status in telegram.updates.posted] == [500, 200, 200]
        info = (await call("getWebhookInfo"))["result"]
        assert (info["pending_update_count"], info["last_error_message"]) == (
            0, "Wrong response from the webhook: 500 Internal Server Error",
        )  # fmt: skip
        await call("deleteWebhook")
        assert (await call("getWebhookInfo"))["result"]["url"] == ""


@pytest.mark.parametrize(
    ("template", "zone", "language", "shown"),
    [
        ("t", "Asia/Shanghai", "en", "8:00 PM"),
        ("t", "Asia/Shanghai", "zh-hans", "20:00"),
        ("wDT", "America/Chicago", "en", "Mon November 21, 2011 6:00:00 AM"),
        ("d", "Europe/Berlin", "de", "21.11.11"),
        ("r", "Etc/UTC", "en", "in 1 hour"),
    ],
)
def test_a_date_is_shown_in_the_readers_zone(template: str, zone: str, language: str, shown: str) -> None:
    now = NOON - timedelta(hours=1) if template == "r" else NOON
    assert dates.show(int(NOON.timestamp()), template, zone, language, now) == shown


@given(st.lists(st.tuples(st.text(max_size=5), st.booleans()), max_size=8))
def test_runs_put_together_are_the_text(parts: list[tuple[str, bool]]) -> None:
    text, marks = "", []
    for words, bold in parts:
        if words and bold:
            marks.append(entity("bold", entities.units(text), entities.units(words)))
        text += words
    found = entities.runs(text, entities.check(text, marks))
    assert "".join(run.text for run in found) == text
    assert "".join(run.text for run in found if run.entities) == "".join(w for w, bold in parts if bold)


def test_styles_nest_and_code_does_not() -> None:
    fine = [entity("bold", 0, 4), entity("italic", 0, 4), entity("date_time", 1, 2, unix_time=1, date_time_format="t")]
    assert len(entities.check("abcd", fine)) == 3
    with pytest.raises(BotApiRefusal):
        entities.check("abcd", [entity("text_link", 0, 4, url="https://x.y"), entity("mention", 1, 2)])
