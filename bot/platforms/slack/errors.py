"""What Slack, its SDK and the connection may answer, as our own errors.

answer                                   becomes            because
ratelimited, HTTP 429                    RateLimited        Retry-After says how long
the channel or person is out of reach    ConversationGone   asking again changes nothing until somebody invites us
the message, button or call is over      MessageGone        the rest of the conversation is fine
the token, its scopes or account         TokenRefused       nothing works until an owner mends it
the blocks, text or arguments            PayloadRefused     the same message fails again: ours to mend
no connection, HTTP 503                  Unreachable        Slack did nothing with it: sending again is safe
lost connection, time-out, other 5xx,    Uncertain          Slack may have posted it before it failed
internal_error, fatal_error
anything else                            PlatformError
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import (
    ConversationGone,
    MessageGone,
    PayloadRefused,
    PlatformError,
    RateLimited,
    TokenRefused,
    Uncertain,
    Unreachable,
)

DEFAULT_RETRY_AFTER = 30.0  # seconds; Slack always says, so this is for proxies that answer in its place

_GROUPS: dict[type[PlatformError], str] = {
    ConversationGone: """
        access_denied cannot_dm_bot channel_is_archived channel_not_found ekm_access_denied is_archived is_inactive
        messages_tab_disabled method_not_supported_for_channel_type no_such_user not_authorized not_in_channel
        restricted_action
        restricted_action_non_threadable_channel restricted_action_read_only_channel
        restricted_action_thread_only_channel team_not_found user_disabled user_is_bot user_is_restricted
        user_not_found user_not_in_channel user_not_visible users_not_found
    """,
    MessageGone: """
        cannot_reply_to_message cant_delete_message cant_update_message edit_window_closed exchanged_trigger_id
        expired_trigger_id expired_url inactive_call invalid_call_id invalid_trigger_id message_not_found no_service
        no_service_id
        thread_not_found trigger_exchanged trigger_expired used_url view_not_found
    """,
    TokenRefused: """
        account_inactive app_not_installed enterprise_is_restricted invalid_auth invalid_token missing_scope
        no_permission not_allowed_token_type not_authed org_login_required team_access_not_granted token_expired
        token_revoked two_factor_setup_required
    """,
    PayloadRefused: """
        as_user_not_supported attachment_payload_limit_exceeded bad_users block_mismatch file_not_found invalid_arg_name
        invalid_arguments invalid_array_arg invalid_attachments invalid_blocks invalid_blocks_format
        invalid_charset invalid_created_by invalid_form_data invalid_json invalid_metadata_format invalid_payload
        invalid_post_type invalid_start_time invalid_view json_not_object markdown_text_conflict metadata_too_large
        missing_argument missing_post_type missing_text_or_fallback_or_attachments msg_blocks_too_long msg_too_long
        no_text only_one_table_allowed too_many_attachments view_too_large
    """,
    RateLimited: "message_limit_exceeded rate_limited ratelimited",
    Unreachable: """
        external_channel_migrating request_timeout service_unavailable team_added_to_org temporarily_unavailable
        upgrade_required
    """,
    Uncertain: "fatal_error internal_error",
}
CODES: dict[str, type[PlatformError]] = {code: kind for kind, codes in _GROUPS.items() for code in codes.split()}


def of_answer(status: int, code: str, headers: Mapping[str, str], notes: Iterable[str] = ()) -> PlatformError:
    """The error of an answer: its HTTP status, Slack's error code (empty where it gave none), headers, and notes."""
    kind = CODES.get(code) or _of_status(status)
    detail = "; ".join([code or f"HTTP {status}", *notes])[:500]
    if kind is RateLimited:
        return RateLimited(_retry_after(headers), detail)
    return kind(detail)


def of_exception(error: Exception) -> PlatformError:
    """The error of an exception of the SDK or of the connection; it never quotes an address, which may be secret."""
    if isinstance(error, PlatformError):
        return error
    if isinstance(error, SlackApiError):
        return _of_api_error(error)
    name = type(error).__name__
    match error:
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError() | aiohttp.ServerFingerprintMismatch():
            return Unreachable(name)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return MessageGone(name)
        case aiohttp.ClientError() | asyncio.TimeoutError() | OSError():
            return Uncertain(name)
        case _:
            return PlatformError(name)


@contextmanager
def translated() -> Iterator[None]:
    """Let only our own errors out of the block."""
    try:
        yield
    except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
        # The cause is left off: a traceback would print addresses that carry secrets.
        raise of_exception(error) from None


def _of_status(status: int) -> type[PlatformError]:
    if status == 429:
        return RateLimited
    if status == 503:
        return Unreachable
    return Uncertain if status >= 500 else PlatformError


def _retry_after(headers: Mapping[str, str]) -> float:
    given = next((value for name, value in headers.items() if name.lower() == "retry-after"), "")
    try:
        return max(float(given), 0.0)
    except ValueError:
        return DEFAULT_RETRY_AFTER


def _of_api_error(error: SlackApiError) -> PlatformError:
    # The response is the SDK's own, or aiohttp's where the body was no JSON.
    response = error.response
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    data = getattr(response, "data", response)
    body = data if isinstance(data, dict) else {}
    notes = [str(note) for note in body.get("response_metadata", {}).get("messages", [])]
    if needed := body.get("needed"):
        notes.append(f"needs the scope {needed}")
    return of_answer(status, str(body.get("error", "")), getattr(response, "headers", {}) or {}, notes)
