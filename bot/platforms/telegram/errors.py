"""What Telegram, its SDK and the wire say went wrong, told in our own errors.

    RetryAfter                                  RateLimited
    ChatMigrated                                ConversationMoved
    InvalidToken                                TokenRefused
    Forbidden; no such chat, no right to write  ConversationGone
    no such message; query too old              MessageGone
    any other BadRequest; an unknown method     PayloadRefused
    Conflict                                    PlatformError (another process reads this bot's updates)
    NetworkError, TimedOut                      Unreachable where no connection was made, Uncertain otherwise
    anything else after the request was sent    Uncertain

A 5xx answer is Uncertain as well: Telegram has been seen to deliver a message and then to answer 502.
"""

from __future__ import annotations

from datetime import timedelta

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    PassportDecryptionError,
    RetryAfter,
    TelegramError,
)

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

# Raised before the first byte of a request leaves us.
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_UNCHANGED = "message is not modified"
_MESSAGE_GONE = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message identifier is not specified",
    "query is too old",
    "query id is invalid",
)
_CONVERSATION_GONE = (
    "chat not found",
    "user not found",
    "peer_id_invalid",
    "chat_id is empty",
    "group chat was deactivated",
    "chat_write_forbidden",
    "chat_restricted",
    "have no rights to send",
    "not enough rights to send",
    "need administrator rights in the channel",
    "user_is_blocked",
    "bot is not a member",
)
_TOPIC_GONE = ("message thread not found", "topic_closed", "topic_deleted")
_UNLINKED = ("bot_domain_invalid",)
_NO_TEXT = ("there is no text in the message to edit",)


def unchanged(error: TelegramError) -> bool:
    """Whether an edit was refused because the message already reads so, which is success."""
    return _says(error, (_UNCHANGED,))


def topic_gone(error: TelegramError) -> bool:
    """Whether the forum topic was deleted or closed while its group lives on."""
    return _says(error, _TOPIC_GONE)


def unlinked(error: TelegramError) -> bool:
    """Whether the domain of a login button is not the one that the bot's owner linked to it (/setdomain)."""
    return _says(error, _UNLINKED)


def no_text(error: TelegramError) -> bool:
    """Whether the message to edit is a picture, whose text is a caption."""
    return _says(error, _NO_TEXT)


def _says(error: TelegramError, phrases: tuple[str, ...]) -> bool:
    said = error.message.lower()
    return isinstance(error, BadRequest) and any(phrase in said for phrase in phrases)


def translated(error: BaseException, token: str = "") -> PlatformError:
    """Our error for `error`, with the token blotted out of its words."""
    detail = f"{type(error).__name__}: {error}"
    return _of(error, detail.replace(token, "***") if token else detail)


def _of(error: BaseException, detail: str) -> PlatformError:
    match error:
        case PlatformError():
            return error
        case RetryAfter():
            wait = error.retry_after
            return RateLimited(wait.total_seconds() if isinstance(wait, timedelta) else float(wait), detail)
        case ChatMigrated():
            return ConversationMoved(str(error.new_chat_id), detail)
        case InvalidToken():
            # Once logged in, 404 means that a Bot API server of an older version does not know the method.
            return PayloadRefused(detail) if error.message == "Not Found" else TokenRefused(detail)
        case Forbidden():
            return ConversationGone(detail)
        case BadRequest():
            return _of_refusal(error, detail)
        case EndPointNotFound():
            return PayloadRefused(detail)
        case NetworkError():
            return Unreachable(detail) if isinstance(error.__cause__, _NEVER_SENT) else Uncertain(detail)
        case Conflict() | PassportDecryptionError():
            return PlatformError(detail)
        case _:
            # An answer came that nobody could read: what was asked for may have been done.
            return Uncertain(detail)


def _of_refusal(error: BadRequest, detail: str) -> PlatformError:
    if _says(error, _MESSAGE_GONE):
        return MessageGone(detail)
    if _says(error, (*_CONVERSATION_GONE, *_TOPIC_GONE)):
        return ConversationGone(detail)
    return PayloadRefused(detail)
