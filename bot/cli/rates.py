"""`stocktide rates` and `stocktide import rates`: exchange rates, shown and read from files."""

from __future__ import annotations

from datetime import timedelta
from decimal import Context
from pathlib import Path

import typer
from rich.text import Text

from bot.cli.common import (
    AtOption,
    clock_at,
    counted,
    err,
    grid,
    load_settings,
    opened,
    out,
    parse_instant,
    run_async,
    say,
)
from bot.services.ratefiles import RateFile, RateOptions
from bot.services.rates import RateLine
from bot.storage.rates import Kept

_SHOWN_RATES = 5
_SHOWN_FAULTS = 20
_SHOWN = Context(prec=10)  # digits of a rate


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("rates")(show)


def show(context: typer.Context, at: AtOption = None) -> None:
    """The exchange rates in use: of which day, from whom, how old."""
    loaded = load_settings(context)
    clock = clock_at(parse_instant(at))

    async def work() -> tuple[RateLine, ...]:
        async with opened(loaded, clock) as application:
            return await application.services.rates.overview(clock.now())

    lines = run_async(work)
    own = loaded.organisation.currency
    if not lines:
        say(out, f"No rate to {own} is known. Next: stocktide import rates FILE, or set rates.source.")
        return
    rows = (
        (
            f"1 {line.currency} = {_SHOWN.plus(line.quote.rate):f} {own}",
            f"{line.quote.day}" if line.quote.day else "–",
            line.quote.source + (f" via {line.quote.through}" if line.quote.through else ""),
            _age(line.age),
            Text("stale", "yellow") if line.stale else Text("fresh", "green"),
        )
        for line in lines
    )
    out.print(grid(("rate", "day", "source", "age", "state"), rows))
    if any(line.stale for line in lines):
        say(out, "Stale: what is paid in that currency needs two approvers.")


def import_rates(context: typer.Context, file: Path, options: RateOptions, *, preview: bool, yes: bool) -> None:
    """Read a file of rates, show its first ones, and keep them where the person agrees."""
    loaded = load_settings(context)

    async def work() -> tuple[RateFile, Kept | None]:
        async with opened(loaded) as application:
            found = await application.services.rates.read_file(file, options)
            _show_first(found)
            if preview or not (yes or not err.is_terminal or typer.confirm("Import them so?", default=True, err=True)):
                return found, None
            return found, await application.services.rates.keep_file(found, file.name)

    found, kept = run_async(work)
    if kept is None:
        return
    say(
        out,
        f"{counted(len(found.rates), 'rate')} of {found.source}: {kept.added:,} added, {kept.changed:,} corrected, "
        f"{kept.unchanged:,} unchanged; {counted(len(found.faults), 'cell')} rejected.",
    )
    say(out, "Next: stocktide rates")


def _show_first(found: RateFile) -> None:
    newest = sorted(found.rates, key=lambda rate: (rate.day, rate.currency), reverse=True)
    for rate in newest[:_SHOWN_RATES]:
        say(err, f"1 {rate.base} = {rate.rate:f} {rate.currency} on {rate.day}")
    if len(newest) > _SHOWN_RATES:
        say(err, f"... and {counted(len(newest) - _SHOWN_RATES, 'more', 'more')}")
    for fault in found.faults[:_SHOWN_FAULTS]:
        say(err, f"Rejected: {fault}", "yellow")
    if len(found.faults) > _SHOWN_FAULTS:
        say(err, f"... and {counted(len(found.faults) - _SHOWN_FAULTS, 'more', 'more')}")


def _age(age: timedelta | None) -> str:
    if age is None:
        return "unknown"
    hours = age.total_seconds() / 3600
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
