"""The demo as it is played: on a page, or as the tour."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

from bot.cli.common import err, out, say
from bot.cli.stage import Loader, Set, staged
from bot.cli.tour import Tour
from bot.cli.walking import StepFailed
from bot.language import language
from bot.sandbox.reconstruct import DISCLOSURE
from bot.sandbox.sample import load_sample, load_small

__all__ = ["load_sample", "load_small", "serve", "walk"]


async def _first_alert(played: Set) -> None:
    """Wait until an alert stands on a screen, and print the phases' times."""
    sandbox, channel = played.sandbox, played.cast.channel
    chief = played.cast.people[0].slack.id
    await sandbox.pulse.until(
        lambda: any(sandbox.slack.buttons(message) for message in sandbox.slack.visible(chief, channel.id)), 30
    )
    played.timings.lap("first alert", "stands in Slack")
    shown = " · ".join(f"{name} {seconds:.1f} s" for name, seconds in played.timings.phases.items())
    say(err, f"First alert after {played.timings.total:.1f} s: {shown}")


async def walk(load: Loader = load_sample) -> bool:
    """Set the stage and walk the tour; whether every step was seen."""
    _disclose()
    async with staged(0, load, _tell) as played:
        await _first_alert(played)
        try:
            await Tour(played, out).run()
        except StepFailed as error:
            out.print(f"[bold red]✗[/] {error}")
            return False
        out.print(f"[bold green]All seen[/], {played.timings.total:.1f} s in all.")
        return True


async def serve(port: int, load: Loader = load_sample) -> bool:
    """Set the stage and serve the page until SIGTERM or Ctrl-C, which may come while the stage is being set."""
    _disclose()
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    playing = asyncio.create_task(_play(port, load))
    waiting = asyncio.create_task(asked.wait())
    await asyncio.wait({playing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not playing.done():
        playing.cancel()
    with suppress(asyncio.CancelledError):
        await playing
    return True


async def _play(port: int, load: Loader) -> None:
    async with staged(port, load, _tell) as played:
        await _first_alert(played)
        out.print(f"\n  Open [bold]{played.sandbox.url}/[/]   (Ctrl-C stops it)\n")
        await asyncio.Event().wait()


def _disclose() -> None:
    say(err, language("en").say(DISCLOSURE), "dim")


def _tell(line: str) -> None:
    say(err, line, "dim")
