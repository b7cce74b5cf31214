"""Slack's part of `stocktide check`: tokens, scopes and the way events come in."""

from __future__ import annotations

from bot.errors import PlatformError, TokenRefused
from bot.platforms.slack.scopes import NEEDED_SCOPES
from bot.platforms.slack.web import SlackOptions, SlackWeb
from bot.ports import Check
from bot.words import _

_REINSTALL = _("update the app from deploy/slack-manifest.yaml and install it to the workspace again")
_NETWORK = _("check the network, the proxy and https://slack-status.com, then try again")


async def check(web: SlackWeb, options: SlackOptions) -> tuple[Check, ...]:
    """Every line about Slack; it asks Slack twice at most and changes nothing."""
    return (*await _bot(web), await _delivery(web, options))


async def _bot(web: SlackWeb) -> tuple[Check, ...]:
    try:
        answer = await web.call(lambda client: client.auth_test())
    except PlatformError as error:
        remedy = _("copy the Bot User OAuth Token (xoxb-...) of the app's OAuth & Permissions page into the settings")
        return (
            Check(
                _("slack token"),
                "fail",
                _("Slack refused: {error}", error=str(error)),
                remedy if isinstance(error, TokenRefused) else _NETWORK,
            ),
        )
    token = Check(_("slack token"), "ok", _("{user} in {team}", user=answer.get("user"), team=answer.get("team")))
    granted = {scope.strip() for scope in answer.headers.get("x-oauth-scopes", "").split(",") if scope.strip()}
    if not granted:
        return token, Check(_("slack scopes"), "warn", _("Slack did not say which scopes the token has"), _REINSTALL)
    if missing := [scope for scope in NEEDED_SCOPES if scope not in granted]:
        return token, Check(_("slack scopes"), "fail", _("missing {missing}", missing=", ".join(missing)), _REINSTALL)
    return token, Check(_("slack scopes"), "ok", _("all {count} are granted", count=len(NEEDED_SCOPES)))


async def _delivery(web: SlackWeb, options: SlackOptions) -> Check:
    if not options.app_token:
        if options.signing_secret:
            return Check(_("slack events"), "ok", _("signed HTTP requests to /slack/events"))
        remedy = _("set an app-level token (xapp-..., Socket Mode) or the signing secret (HTTP)")
        return Check(_("slack events"), "fail", _("neither an app token nor a signing secret is set"), remedy)
    try:
        await web.call(lambda client: client.apps_connections_open(app_token=options.app_token))
    except PlatformError as error:
        remedy = _("make an app-level token with the scope connections:write and turn Socket Mode on")
        return Check(
            _("slack events"),
            "fail",
            _("Slack refused: {error}", error=str(error)),
            remedy if isinstance(error, TokenRefused) else _NETWORK,
        )
    return Check(_("slack events"), "ok", _("Socket Mode opens a connection"))
