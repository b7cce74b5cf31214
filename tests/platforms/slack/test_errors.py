"""Every answer of Slack and every fault of the connection, as one of our errors."""

from __future__ import annotations

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from slack_sdk.errors import SlackApiError, SlackRequestError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import errors
from bot.platforms.slack.errors import CODES, DEFAULT_RETRY_AFTER, of_answer, of_exception, translated

KEY = ConnectionKey("slack.com", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None)


def api_error(status: int, code: str, **headers: str) -> SlackApiError:
    data = {"ok": False, "error": code} if code else {}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers=named, status_code=status
    )
    return SlackApiError("failed", response)  # type: ignore[no-untyped-call]  # the SDK's


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ratelimited", errors.RateLimited),
        ("channel_not_found", errors.ConversationGone),
        ("not_in_channel", errors.ConversationGone),
        ("is_archived", errors.ConversationGone),
        ("message_not_found", errors.MessageGone),
        ("cant_update_message", errors.MessageGone),
        ("edit_window_closed", errors.MessageGone),
        ("expired_url", errors.MessageGone),
        ("used_url", errors.MessageGone),
        ("invalid_auth", errors.TokenRefused),
        ("token_revoked", errors.TokenRefused),
        ("account_inactive", errors.TokenRefused),
        ("missing_scope", errors.TokenRefused),
        ("invalid_blocks", errors.PayloadRefused),
        ("msg_too_long", errors.PayloadRefused),
        ("service_unavailable", errors.Unreachable),
        ("internal_error", errors.Uncertain),
        ("fatal_error", errors.Uncertain),
        ("a_code_of_tomorrow", errors.PlatformError),
    ],
)
def test_a_code_becomes_the_error_that_says_what_to_do(code: str, kind: type[errors.PlatformError]) -> None:
    error = of_exception(api_error(200, code))
    assert type(error) is kind
    assert code in str(error)


def test_every_code_of_the_table_comes_through_the_sdks_own_exception() -> None:
    assert len(CODES) > 80
    for code, kind in CODES.items():
        assert type(of_exception(api_error(200, code))) is kind, code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, errors.RateLimited),
        (500, errors.Uncertain),
        (502, errors.Uncertain),
        (503, errors.Unreachable),
        (504, errors.Uncertain),
        (418, errors.PlatformError),
    ],
)
def test_a_status_without_a_code_is_read_too(status: int, kind: type[errors.PlatformError]) -> None:
    assert type(of_exception(api_error(status, ""))) is kind


def test_the_wait_of_a_rate_limit_is_slacks_own() -> None:
    error = of_exception(api_error(429, "ratelimited", Retry_After="7"))
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == 7.0


@pytest.mark.parametrize("said", ["", "soon"])
def test_a_rate_limit_without_a_readable_wait_gets_a_long_one(said: str) -> None:
    error = of_answer(429, "", {"Retry-After": said} if said else {})
    assert isinstance(error, errors.RateLimited)
    assert error.retry_after == DEFAULT_RETRY_AFTER


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), errors.Unreachable),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "no such name")), errors.Unreachable),
        (aiohttp.ConnectionTimeoutError(), errors.Unreachable),
        (aiohttp.ServerDisconnectedError(), errors.Uncertain),
        (aiohttp.SocketTimeoutError(), errors.Uncertain),
        (aiohttp.ClientOSError(104, "reset"), errors.Uncertain),
        (aiohttp.ClientPayloadError(), errors.Uncertain),
        (TimeoutError(), errors.Uncertain),
        (ConnectionResetError(), errors.Uncertain),
        (aiohttp.InvalidURL("https://hooks.example/secret"), errors.MessageGone),
        (SlackRequestError("odd"), errors.PlatformError),
    ],
)
def test_a_fault_of_the_connection_tells_whether_slack_may_have_it(
    raised: Exception, kind: type[errors.PlatformError]
) -> None:
    with pytest.raises(errors.PlatformError) as caught, translated():
        raise raised
    assert type(caught.value) is kind
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_notes_of_a_refused_payload_are_kept() -> None:
    note = "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    data = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": [note]}}
    response = AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers={}, status_code=200
    )
    error = SlackApiError("failed", response)  # type: ignore[no-untyped-call]  # the SDK's
    assert str(of_exception(error)) == f"invalid_blocks; {note}"


def test_our_own_errors_pass_unchanged() -> None:
    ours = errors.MessageGone("x")
    assert of_exception(ours) is ours
    with pytest.raises(errors.MessageGone), translated():
        raise ours
