"""Updates by polling and by webhook: stored first, acknowledged after."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

import pytest

from bot.chat.incoming import Incoming
from bot.errors import PlatformError, TokenRefused
from bot.platforms.telegram import app
from bot.platforms.telegram.app import TelegramOptions
from bot.ports import HttpAnswer, HttpRequest
from bot.words import _
from tests.platforms.telegram.botapi import TOKEN, BotApi, Drop, Fail, Offsets
from tests.platforms.telegram.conftest import Make
from tests.platforms.telegram.recorded import GROUP, message, press

SECRET = "planted-secret_1"
HOOK = {"webhook_url": "https://bot.example.com/telegram", "webhook_secret": SECRET}


class Intake:
    """Stores what comes; fails or waits as told."""

    def __init__(self) -> None:
        self.taken: list[Incoming] = []
        self.failures = 0
        self.reached = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def __call__(self, incoming: Incoming) -> None:
        self.reached.set()
        if self.gate:
            await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise OSError("disk full")
        self.taken.append(incoming)

    @property
    def ids(self) -> list[int]:
        return [int(incoming.event_id) for incoming in self.taken]


def call(body: object, secret: str | None = SECRET, method: str = "POST") -> HttpRequest:
    headers = {"content-type": "application/json"}
    if secret is not None:
        headers["x-telegram-bot-api-secret-token"] = secret
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest(method, "/telegram", "", headers, raw)


async def test_a_bot_that_could_not_log_in_is_started_again(api: BotApi, make: Make) -> None:
    platform, intake = make(), Intake()
    api.script("getMe", Drop())
    with pytest.raises(PlatformError):
        await platform.start(intake)
    await platform.stop()
    await platform.start(intake)
    await api.add(message(1, "/help"))
    await asyncio.wait_for(intake.reached.wait(), 5)


def offsets_asked(api: BotApi) -> list[int]:
    return [int(poll.params.get("offset", 0)) for poll in api.of("getUpdates")]


async def test_polling_starts_by_removing_the_webhook_and_publishing_the_menu(api: BotApi, make: Make) -> None:
    await make().start(Intake())
    await api.until(lambda: len(api.of("getUpdates")) == 1)
    assert [seen.method for seen in api.calls if seen.method != "setMyCommands"] == [
        "getMe",
        "deleteWebhook",
        "getUpdates",
    ]
    assert api.of("deleteWebhook")[0].params.get("drop_pending_updates") is False
    assert api.of("getUpdates")[0].params["allowed_updates"] == ["message", "callback_query", "my_chat_member"]
    english, chinese = api.of("setMyCommands")
    assert english.params["commands"][0] == {"command": "stock", "description": "Stock, velocity and cover of a SKU"}
    assert "language_code" not in english.params
    assert chinese.params["language_code"] == "zh"


async def test_an_update_is_confirmed_only_after_it_was_stored(api: BotApi, make: Make) -> None:
    intake, offsets = Intake(), Offsets()
    intake.gate = asyncio.Event()
    await make(offset=offsets).start(intake)
    await api.add(message(500, "/stock 85123A", GROUP))
    await intake.reached.wait()
    assert offsets_asked(api) == [0]
    assert offsets.saved == []
    intake.gate.set()
    await api.until(lambda: len(api.of("getUpdates")) == 2)
    assert offsets_asked(api) == [0, 501]
    assert (intake.ids, offsets.saved) == ([500], [501])


async def test_a_failing_intake_stops_the_batch_and_loses_nothing(api: BotApi, make: Make) -> None:
    intake, offsets = Intake(), Offsets()
    api.updates = [message(500, "/stock A"), message(501, "/stock B"), message(502, "/stock C")]
    intake.failures = 2
    await make(offset=offsets, retry_seconds=0.01).start(intake)
    await api.until(lambda: 503 in offsets_asked(api))
    assert intake.ids == [500, 501, 502]
    assert offsets_asked(api) == [0, 0, 0, 503]
    assert offsets.saved == [503]


async def test_what_was_stored_before_the_failing_one_is_confirmed(api: BotApi, make: Make) -> None:
    taken: list[str] = []

    async def intake(incoming: Incoming) -> None:
        if incoming.text == "stock B" and len(taken) < 2:
            taken.append("refused")
            raise OSError("disk full")
        taken.append(incoming.text)

    api.updates = [message(500, "/stock A"), message(501, "/stock B")]
    await make(retry_seconds=0.01).start(intake)
    await api.until(lambda: 502 in offsets_asked(api))
    assert taken == ["stock A", "refused", "stock B"]
    assert offsets_asked(api) == [0, 501, 502]


async def test_polling_goes_on_from_the_kept_offset(api: BotApi, make: Make) -> None:
    await make(offset=Offsets(777)).start(Intake())
    await api.until(lambda: bool(api.of("getUpdates")))
    assert offsets_asked(api) == [777]


async def test_an_update_that_the_sdk_cannot_read_holds_up_no_other(
    api: BotApi, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    broken: dict[str, Any] = {"update_id": 500, "message": {"message_id": "?"}}
    intake = Intake()
    api.updates = [broken, message(501, "/stock B")]
    await make().start(intake)
    await api.until(lambda: 502 in offsets_asked(api))
    assert intake.ids == [501]
    assert "update 500" in caplog.text


async def test_a_second_poller_is_told_clearly_in_the_log_and_polling_pauses(
    api: BotApi, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    api.script("getUpdates", Fail(409, "Conflict: terminated by other getUpdates request; make sure that one runs"))
    platform = make()
    await platform.start(Intake())
    await api.until(lambda: len(api.of("getUpdates")) == 1)
    await platform.stop()
    assert "another process or a webhook" in caplog.text
    assert len(api.of("getUpdates")) == 1


async def test_a_limit_on_polling_is_waited_for(api: BotApi, make: Make) -> None:
    api.script("getUpdates", Fail(429, "Too Many Requests: retry after 1", {"retry_after": 1}))
    intake = Intake()
    api.updates = [message(500, "/stock A")]
    before = time.monotonic()
    await make().start(intake)
    await api.until(lambda: bool(intake.taken))
    assert time.monotonic() - before >= 1


async def test_never_two_polls_at_once(api: BotApi, make: Make) -> None:
    intake = Intake()
    await make().start(intake)
    for number in range(5):
        await api.add(message(500 + number, f"/stock {number}"))
    await api.until(lambda: 505 in offsets_asked(api))
    assert intake.ids == [500, 501, 502, 503, 504]
    assert api.most_polls_open == 1


async def test_stop_does_not_wait_for_an_idle_poll_and_finishes_the_update_in_hand(api: BotApi, make: Make) -> None:
    intake, offsets = Intake(), Offsets()
    platform = make(offset=offsets)
    await platform.start(intake)
    intake.gate = asyncio.Event()
    await api.add(message(500, "/stock A"), message(501, "/stock B"))
    await intake.reached.wait()
    stopping = asyncio.create_task(platform.stop())
    await asyncio.sleep(0)
    intake.gate.set()
    before = time.monotonic()
    await stopping
    assert time.monotonic() - before < 1
    assert (intake.ids, offsets.saved) == ([500], [501])


async def test_stop_gives_up_on_an_intake_that_hangs_within_five_seconds(
    api: BotApi, make: Make, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert app._DRAIN_SECONDS < 4.5  # half a second is the polling's own; here a tenth is waited for
    monkeypatch.setattr(app, "_DRAIN_SECONDS", app._DRAIN_SECONDS / 10)
    intake, offsets = Intake(), Offsets()
    intake.gate = asyncio.Event()
    platform = make(offset=offsets)
    await platform.start(intake)
    await api.add(message(500, "/stock A"))
    await intake.reached.wait()
    before = time.monotonic()
    await platform.stop()
    assert time.monotonic() - before < 3
    assert offsets.saved == []
    assert "delivered again" in caplog.text


async def test_the_webhook_is_set_with_its_secret_and_nothing_is_polled(api: BotApi, make: Make) -> None:
    await make(**HOOK).start(Intake())
    params = api.of("setWebhook")[0].params
    assert (params["url"], params["secret_token"]) == (HOOK["webhook_url"], SECRET)
    assert params["allowed_updates"] == ["message", "callback_query", "my_chat_member"]
    assert api.of("getUpdates") == []


async def test_a_webhook_update_is_stored_before_it_is_acknowledged(make: Make) -> None:
    intake = Intake()
    intake.gate = asyncio.Event()
    platform = make(**HOOK)
    await platform.start(intake)
    answering = asyncio.create_task(platform.receive(call(press(500, "b:1"))))
    await intake.reached.wait()
    assert not answering.done()
    intake.gate.set()
    assert await answering == HttpAnswer(200)
    assert intake.taken[0].token == "b:1"


async def test_a_webhook_update_that_was_not_stored_is_not_acknowledged(make: Make) -> None:
    intake = Intake()
    intake.failures = 1
    platform = make(**HOOK)
    await platform.start(intake)
    assert (await platform.receive(call(message(500, "/stock A")))).status == 500
    assert (await platform.receive(call(message(500, "/stock A")))).status == 200
    assert intake.ids == [500]


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET + "x", SECRET.upper(), "héllo"])
async def test_a_wrong_secret_is_refused_without_a_look_at_the_body(
    make: Make, caplog: pytest.LogCaptureFixture, secret: str | None
) -> None:
    intake = Intake()
    platform = make(**HOOK)
    await platform.start(intake)
    caplog.set_level(logging.DEBUG)
    answer = await platform.receive(call(b"\xff not json, canary-7f3a", secret))
    assert answer.status == 401
    assert intake.taken == []
    assert "without the right secret" in caplog.text
    assert SECRET not in caplog.text
    assert "canary-7f3a" not in caplog.text


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b'{"update_id": "x"}', b"null"])
async def test_a_webhook_body_that_is_no_update_is_refused(make: Make, body: bytes) -> None:
    platform = make(**HOOK)
    await platform.start(Intake())
    assert (await platform.receive(call(body))).status == 400


async def test_the_webhook_answers_other_methods_stops_and_strangers(make: Make) -> None:
    polling = make()
    assert (await polling.receive(call({}))).status == 404
    platform = make(**HOOK)
    await platform.start(Intake())
    assert (await platform.receive(call({}, method="GET"))).status == 405
    ignored = call({"update_id": 9, "message": {"message_id": "?"}})
    assert (await platform.receive(ignored)).status == 200
    await platform.stop()
    assert (await platform.receive(call(message(1, "/stock A")))).status == 503


async def test_a_wrong_token_is_told_without_the_token(api: BotApi, make: Make) -> None:
    api.script("getMe", Fail(401, "Unauthorized"))
    with pytest.raises(TokenRefused) as refused:
        await make().start(Intake())
    assert TOKEN not in str(refused.value)
    assert refused.value.__cause__ is None


async def test_nothing_secret_reaches_the_log_at_its_most_talkative(
    api: BotApi, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    intake = Intake()
    platform = make()
    api.script("getUpdates", Fail(500, "Internal Server Error"))
    await platform.start(intake)
    await api.add(message(500, "/stock A"))
    await api.until(lambda: 501 in offsets_asked(api))
    await platform.stop()
    assert TOKEN not in caplog.text
    assert TOKEN.split(":")[1] not in caplog.text
    assert "could not be polled" in caplog.text


@pytest.mark.parametrize(
    "given",
    [
        {"token": ""},
        {"webhook_url": "https://x.example/t"},
        {"webhook_url": "https://x.example/t", "webhook_secret": "has space"},
        {"poll_seconds": 51},
        {"commands": (("Stock-Now", _("x")),)},
    ],
)
def test_options_that_telegram_would_refuse_are_refused_at_once(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"Telegram|webhook"):
        TelegramOptions(**{"token": TOKEN, "offset": Offsets(), **given})


def test_options_do_not_print_their_secrets() -> None:
    shown = repr(TelegramOptions(TOKEN, Offsets(), SECRET, "https://x.example/t"))
    assert TOKEN not in shown
    assert SECRET not in shown
