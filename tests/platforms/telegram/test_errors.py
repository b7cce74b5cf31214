"""Every failure of Telegram, its SDK and the wire is one of our own errors."""

from __future__ import annotations

import inspect

import httpx
import pytest
import telegram.error as sdk

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
from bot.platforms.telegram.errors import no_text, topic_gone, translated, unchanged


@pytest.fixture(autouse=True)
def _lengths_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


CASES: list[tuple[type[Exception], tuple[object, ...], type[PlatformError]]] = [
    (sdk.TelegramError, ("Invalid server response",), Uncertain),
    (sdk.NetworkError, ("Bad Gateway",), Uncertain),
    (sdk.TimedOut, (), Uncertain),
    (sdk.RetryAfter, (7,), RateLimited),
    (sdk.ChatMigrated, (-1009998887776,), ConversationMoved),
    (sdk.InvalidToken, (), TokenRefused),
    (sdk.InvalidToken, ("Not Found",), PayloadRefused),
    (sdk.InvalidToken, ("Unauthorized",), TokenRefused),
    (sdk.EndPointNotFound, ("Endpoint 'x' not found in Bot API",), PayloadRefused),
    (sdk.Conflict, ("Conflict: terminated by other getUpdates request",), PlatformError),
    (sdk.PassportDecryptionError, ("bad",), PlatformError),
    (sdk.Forbidden, ("Forbidden: bot was kicked from the group chat",), ConversationGone),
    (sdk.Forbidden, ("Forbidden: bot was blocked by the user",), ConversationGone),
    (sdk.Forbidden, ("Forbidden: bot can't initiate conversation with a user",), ConversationGone),
    (sdk.BadRequest, ("Chat not found",), ConversationGone),
    (sdk.BadRequest, ("Group chat was deactivated",), ConversationGone),
    (sdk.BadRequest, ("PEER_ID_INVALID",), ConversationGone),
    (sdk.BadRequest, ("Not enough rights to send text messages to the chat",), ConversationGone),
    (sdk.BadRequest, ("Message thread not found",), ConversationGone),
    (sdk.BadRequest, ("Message to edit not found",), MessageGone),
    (sdk.BadRequest, ("Message can't be edited",), MessageGone),
    (sdk.BadRequest, ("Query is too old and response timeout expired or query id is invalid",), MessageGone),
    (sdk.BadRequest, ("Message is too long",), PayloadRefused),
    (sdk.BadRequest, ("BUTTON_DATA_INVALID",), PayloadRefused),
]


@pytest.mark.parametrize(("kind", "given", "ours"), CASES)
def test_each_error_of_the_sdk_goes_where_it_should(
    kind: type[Exception], given: tuple[object, ...], ours: type[PlatformError]
) -> None:
    assert type(translated(kind(*given))) is ours


def test_no_error_class_of_the_sdk_is_forgotten() -> None:
    all_of_them = {cls for _, cls in inspect.getmembers(sdk, inspect.isclass) if issubclass(cls, sdk.TelegramError)}
    assert all_of_them == {kind for kind, _, _ in CASES}


@pytest.mark.parametrize(
    ("cause", "ours"),
    [
        (httpx.ConnectError("refused"), Unreachable),
        (httpx.ConnectTimeout("slow"), Unreachable),
        (httpx.PoolTimeout("busy"), Unreachable),
        (httpx.ProxyError("403"), Unreachable),
        (httpx.ReadTimeout("slow"), Uncertain),
        (httpx.WriteTimeout("slow"), Uncertain),
        (httpx.ReadError("reset"), Uncertain),
        (httpx.WriteError("broken pipe"), Uncertain),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), Uncertain),
    ],
)
def test_only_a_connection_never_made_may_be_tried_again_blindly(cause: Exception, ours: type[PlatformError]) -> None:
    assert type(translated(caused(sdk.NetworkError("x"), cause))) is ours
    assert type(translated(caused(sdk.TimedOut("x"), cause))) is ours


def test_the_errors_carry_what_the_outbox_needs() -> None:
    limited, moved = translated(sdk.RetryAfter(7)), translated(sdk.ChatMigrated(-1009998887776))
    assert isinstance(limited, RateLimited)
    assert limited.retry_after == 7
    assert isinstance(moved, ConversationMoved)
    assert moved.new_id == "-1009998887776"


def test_an_answer_that_cannot_be_read_is_uncertain_and_our_own_errors_pass() -> None:
    assert type(translated(KeyError("message_id"))) is Uncertain
    gone = MessageGone("already ours")
    assert translated(gone) is gone


def test_the_token_is_blotted_out_of_what_is_said() -> None:
    error = translated(sdk.InvalidToken("The token `110201543:AAH` was rejected by the server."), "110201543:AAH")
    assert "AAH" not in str(error)
    assert "***" in str(error)


def test_refusals_that_are_no_failures_are_told_apart() -> None:
    same = "Message is not modified: specified new message content and reply markup are exactly the same"
    assert unchanged(sdk.BadRequest(same))
    assert not unchanged(sdk.Forbidden(same))
    assert topic_gone(sdk.BadRequest("Message thread not found"))
    assert no_text(sdk.BadRequest("There is no text in the message to edit"))
    assert not no_text(sdk.BadRequest("Message to edit not found"))
