"""`stocktide run`: the bot itself."""

from __future__ import annotations

import gc

import typer

from bot.cli.common import ensure_schema, err, load_settings, run_async, say
from bot.errors import Fault, SettingsError
from bot.ports import SystemClock


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(run)


def run(context: typer.Context) -> None:
    """Connect to Slack and Telegram and work until told to stop (SIGTERM or Ctrl-C)."""
    loaded = load_settings(context)
    if not (loaded.slack.enabled or loaded.telegram.enabled):
        problem = "neither Slack nor Telegram is connected"
        raise SettingsError(
            [Fault("slack.bot_token, telegram.token", problem, "run `stocktide init`, or try `stocktide demo`")]
        )

    async def work() -> None:
        await ensure_schema(loaded)
        from bot.bootstrap import build

        application = build(loaded, SystemClock())
        gc.freeze()  # what is there now stays to the end: looking through it for garbage takes a tenth of a second
        say(err, f"Stocktide runs; http://{loaded.web.host}:{loaded.web.port}/health answers. Ctrl-C stops it.")
        try:
            await application.runtime.run()
        except OSError as error:
            problem = f"{loaded.web.host}:{loaded.web.port} cannot be listened on: {error.strerror}"
            raise SettingsError(
                [Fault("web.host, web.port", problem, "choose another, or stop what uses it")]
            ) from error

    run_async(work)
