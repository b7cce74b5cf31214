"""The demo as it is played: on a page, or as the tour."""

from __future__ import annotations

import asyncio
import signal

from bot.cli.common import err, out
from bot.cli.stage import Set, staged
from bot.cli.tour import StepFailed, Tour
from bot.language import language
from bot.sandbox.reconstruct import DISCLOSURE


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


async def walk() -> bool:
    """Set the stage and walk the tour; whether every step was seen."""
    _disclose()
    async with staged(0) as played:
        await _first_alert(played)
        try:
            await Tour(played, out).run()
        except StepFailed as error:
            out.print(f"[bold red]✗[/] {error}")
            return False
        out.print(f"[bold green]All seen[/], {played.timings.total:.1f} s in all.")
        return True


async def serve(port: int) -> bool:
    """Set the stage and serve the page until SIGTERM or Ctrl-C."""
    _disclose()
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with staged(port) as played:
        await _first_alert(played)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        out.print(f"\n  Open [bold]{played.sandbox.url}/[/]   (Ctrl-C stops it)\n")
        await asked.wait()
    return True


def _disclose() -> None:
    err.print(language("en").say(DISCLOSURE), style="dim", markup=False)
