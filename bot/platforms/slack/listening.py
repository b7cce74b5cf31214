"""What Bolt listens for: commands, presses, forms and events, each taken in before Slack is told so."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.chat.incoming import Incoming
from bot.platforms.slack import events
from bot.platforms.slack.forms import CALLBACK, faults_of
from bot.platforms.slack.logs import sdk_logger
from bot.platforms.slack.web import SlackOptions

logger = logging.getLogger(__name__)

Json = dict[str, Any]
Take = Callable[[Incoming | None, AsyncAck, str | None], Awaitable[None]]  # stores an event, then acknowledges it


def listening(options: SlackOptions, whoami: Callable[[], Awaitable[AuthorizeResult]], take: Take) -> AsyncApp:
    """Bolt with our listeners; `take` stores each event before it acknowledges, with what becomes of a form."""
    sdk = sdk_logger()

    async def authorize() -> AuthorizeResult:
        return await whoami()

    app = AsyncApp(
        name="stocktide",
        logger=sdk,
        signing_secret=options.signing_secret,
        # Bolt's own check of the token acknowledges an event when Slack is down, and loses it: ours fails instead.
        client=AsyncWebClient(base_url=options.base_url, logger=sdk, retry_handlers=[]),
        authorize=authorize,
        process_before_response=True,
    )

    async def command(body: Json, ack: AsyncAck) -> None:
        await take(events.of_command(body, options.renamed), ack, None)

    async def action(body: Json, ack: AsyncAck) -> None:
        await take(events.of_action(body), ack, None)

    async def submission(body: Json, ack: AsyncAck) -> None:
        if faults := faults_of(body["view"]):
            await ack(response_action="errors", errors=faults)
            return
        await take(events.of_submission(body), ack, "clear")

    async def event(body: Json, ack: AsyncAck, context: AsyncBoltContext) -> None:
        await take(events.of_event(body, context.bot_user_id or ""), ack, None)

    async def failed(error: Exception, body: Json) -> None:
        # Type names only: an error's text may quote what was being stored.
        what = body.get("event_id") or body.get("command") or body.get("type")
        logger.error("slack event %s was not taken: %s", what, type(error).__name__)

    for short in (events.UMBRELLA, *(options.renamed.get(name, name) for name in options.commands)):
        app.command(f"/{short}")(command)
    app.action(re.compile(""))(action)
    app.view_submission(CALLBACK)(submission)
    app.event(re.compile(""))(event)
    app.error(failed)
    return app
