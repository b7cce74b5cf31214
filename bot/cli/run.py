"""`stocktide run`: the bot itself."""

from __future__ import annotations

import gc
import os
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import typer

from bot import logs
from bot.cli.common import ensure_schema, err, load_settings, run_async, say, settings_file
from bot.errors import Fault, OutsideError, SettingsError
from bot.ports import SystemClock
from bot.settings import Settings, load
from bot.settings.resealing import SettingsFile

if TYPE_CHECKING:
    from bot.bootstrap import App

_log = structlog.get_logger(__name__)


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

        file = settings_file(context)
        book = SettingsFile(file, os.environ) if file.exists() else None
        await _work(build(loaded, SystemClock(), file=book), book)

    run_async(work)


async def _work(application: App, book: SettingsFile | None) -> None:
    """Run, and as often as the stores of the settings file were changed run anew with them."""
    while True:
        running = application.settings
        gc.freeze()  # what is there now stays long: looking through it for garbage takes a tenth of a second
        say(err, f"Stocktide runs; http://{running.web.host}:{running.web.port}/health answers. Ctrl-C stops it.")
        try:
            changed = await application.runtime.run()
        except OSError as error:
            problem = f"{running.web.host}:{running.web.port} cannot be listened on: {error.strerror}"
            raise SettingsError(
                [Fault("web.host, web.port", problem, "choose another, or stop what uses it")]
            ) from error
        if not changed or book is None:
            return
        del application
        gc.unfreeze()
        gc.collect()  # or what has ended would be frozen with what comes, and stay as long
        application = _anew(running, book)


def _anew(running: Settings, book: SettingsFile) -> App:
    """The application with the stores of the file; with those that it had where none can be built of these."""
    from bot.bootstrap import build

    chosen = _with_stores(running, book.path)
    try:
        return build(chosen, SystemClock(), file=book)
    except (SettingsError, OutsideError) as error:  # somebody changed another store by hand meanwhile
        _log.error("the stores of the settings cannot be; it goes on with the former ones", faults=str(error))
        return build(running, SystemClock(), file=book)


def _with_stores(running: Settings, file: Path) -> Settings:
    """The settings with the stores of the file as it is now; as they were where it cannot be read any more.

    Nothing else of it is taken: what somebody is about to change there by hand holds from the next start.
    """
    try:
        fresh = load(file)
    except SettingsError as error:
        _log.error("the settings cannot be read again; it goes on with the former ones", faults=str(error))
        return running
    logs.learn(fresh.secrets())
    return running.model_copy(update={"stores": fresh.stores})
