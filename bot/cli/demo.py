"""`stocktide demo`: the main job on a real year of sales, with no account and no server."""

from __future__ import annotations

from typing import Annotated

import typer

from bot import logs
from bot.cli.common import run_async


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(demo)


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port; 0 takes a free one.")] = 8321,
    tour: Annotated[
        bool, typer.Option("--tour", help="Walk through it without a browser, and check every step.")
    ] = False,
    small: Annotated[
        bool, typer.Option("--small", help="With forty products of the year in place of all: it starts in seconds.")
    ] = False,
) -> None:
    """Import a real year of sales, start the bot on a local Slack and Telegram, and serve one page."""
    from bot.cli import playing

    logs.set_up("WARNING", "console", ())
    load = playing.load_small if small else playing.load_sample
    if not run_async(lambda: playing.walk(load) if tour else playing.serve(port, load)):
        raise typer.Exit(1)
