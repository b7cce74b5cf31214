"""`stocktide demo`: the main job on a real year of sales, with no account and no server."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer

from bot import logs
from bot.cli.common import err, out, run_async
from bot.cli.stage import Set, staged
from bot.cli.tour import StepFailed, Tour
from bot.language import language
from bot.sandbox.reconstruct import DISCLOSURE


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(demo)


def demo(
    port: Annotated[int, typer.Option(min=0, max=65535, help="The page's port; 0 takes a free one.")] = 8321,
    tour: Annotated[
        bool, typer.Option("--tour", help="Walk through it without a browser, and check every step.")
    ] = False,
) -> None:
    """Import a real year of sales, start the bot on a local Slack and Telegram, and serve one page."""
    logs.set_up("WARNING", "console", ())
    err.print(language("en").say(DISCLOSURE), style="dim", markup=False)
    passed = run_async(lambda: _tour() if tour else _serve(port))
    if not passed:
        raise typer.Exit(1)


async def _first_alert(played: Set) -> None:
    """Wait until an alert stands on a screen, and print the phases' times."""
    sandbox, channel = played.sandbox, played.cast.channel
    chief = played.cast.people[0].slack.id
    await sandbox.pulse.until(
        lambda: any(sandbox.slack.buttons(message) for message in sandbox.slack.visible(chief, channel.id)), 30
    )
    played.timings.lap("first alert")
    shown = " · ".join(f"{name} {seconds:.1f} s" for name, seconds in played.timings.phases.items())
    err.print(f"First alert after {played.timings.total:.1f} s: {shown}", markup=False)


async def _tour() -> bool:
    async with staged(0) as played:
        await _first_alert(played)
        try:
            await Tour(played, out).run()
        except StepFailed as error:
            out.print(f"[bold red]✗[/] {error}")
            return False
        out.print(f"[bold green]All seen[/], {played.timings.total:.1f} s in all.")
        return True


async def _serve(port: int) -> bool:
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with staged(port) as played:
        await _first_alert(played)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        out.print(f"\n  Open [bold]{played.sandbox.url}/[/]   (Ctrl-C stops it)\n")
        await asked.wait()
    return True
