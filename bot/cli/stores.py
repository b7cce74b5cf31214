"""`stocktide stores`: connected stores read, looked at, and told what is what."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer
from rich.text import Text

from bot.cli.common import counted, grid, load_settings, opened, out, run_async, say
from bot.ports import Check
from bot.services.feeds.syncing import Syncing, SyncReport
from bot.storage.stores import StoreState, Unsure

_SHOWN = 20
_NAME = Annotated[str, typer.Argument(help="The store's name in the settings.")]


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(
        no_args_is_help=True, help="Stores and ERPs: read them, and say which product and place is which."
    )
    for command in (sync, status, test, place, product):
        group.command(command.__name__)(command)
    app.add_typer(group, name="stores")


def sync(context: typer.Context, name: Annotated[str, typer.Argument(help="The store; none: all.")] = "") -> None:
    """Read what changed since the last time; everything, the first time."""
    loaded = load_settings(context)

    async def work() -> list[SyncReport]:
        async with opened(loaded) as application:
            stores = application.services.stores
            return [report for one in ([name] if name else stores.names) for report in await stores.sync(one)]

    reports = run_async(work)
    if not reports:
        say(out, "No store is connected that can be read. Next: docs/stores.md")
        return
    out.print(grid(("store", "facts of", "told", "news", "set aside", ""), (_line(report) for report in reports)))
    if any(report.error for report in reports):
        say(out, "Next: stocktide stores test NAME")
        raise typer.Exit(1)
    if any(report.faults for report in reports):
        say(out, "Next: stocktide stores status")


def _line(report: SyncReport) -> Sequence[str | Text]:
    counts = (f"{report.facts:,}", f"{report.changed:,}", f"{report.faults:,}")
    return (report.store, report.kind, *counts, Text(report.error, "red") if report.error else Text("read", "green"))


def status(context: typer.Context) -> None:
    """How far each store is read, and what of it waits for a person."""
    loaded = load_settings(context)

    async def work() -> list[tuple[StoreState, Unsure]]:
        async with opened(loaded) as application:
            stores = application.services.stores
            return [(state, await stores.unsure(state.store)) for state in await stores.states()]

    found = run_async(work)
    if not found:
        say(out, "No store is connected that can be read. Next: docs/stores.md")
    for state, unsure in found:
        say(out, state.store, "bold")
        if not state.kinds:
            say(out, f"  never read. Next: stocktide stores sync {state.store}")
        for kind in state.kinds:
            ended = (
                f"failed: {kind.error}" if kind.error else f"{counted(kind.changed, 'change')} of {kind.facts:,} told"
            )
            say(
                out,
                f"  {kind.kind}: {ended}, {kind.read_at:%Y-%m-%d %H:%M} UTC"
                if kind.read_at
                else f"  {kind.kind}: {ended}",
            )
        _show_unsure(state.store, unsure)


def _show_unsure(store: str, unsure: Unsure) -> None:
    for code, sku, name, ours, score in unsure.codes[:_SHOWN]:
        say(
            out,
            f"  Is {sku or code} ({name}) our {ours}? {score}% alike. stocktide stores product {store} {code} {ours}",
            "yellow",
        )
    for place, called in unsure.places[:_SHOWN]:
        say(out, f"  Which location is {called or place}?", "yellow")
        say(out, f"    stocktide stores place {store} {place} LOCATION")
    for kind, subject, problem in unsure.faults[:_SHOWN]:
        say(out, f"  Set aside, {kind} {subject}: {problem}", "yellow")
    rest = sum(max(0, len(found) - _SHOWN) for found in (unsure.codes, unsure.places, unsure.faults))
    if rest:
        say(out, f"  ... and {counted(rest, 'more', 'more')}")


def test(context: typer.Context, name: _NAME) -> None:
    """Try a store's address, its credentials, and what they may do."""
    loaded = load_settings(context)

    async def work() -> tuple[Check, ...]:
        async with opened(loaded) as application:
            return await application.services.stores.check(name)

    checks = run_async(work)
    colours = {"ok": "green", "warn": "yellow", "fail": "red"}
    out.print(
        grid(
            ("what", "", "found", "to do"),
            [(c.name, Text(c.verdict, colours[c.verdict]), c.detail, c.remedy) for c in checks],
        )
    )
    if any(check.verdict == "fail" for check in checks):
        raise typer.Exit(1)


def place(
    context: typer.Context,
    name: _NAME,
    place: Annotated[str, typer.Argument(help="The store's id of the place.")],
    location: Annotated[str, typer.Argument(help="Our location's code; none: it is none of ours.")] = "",
) -> None:
    """Say which location a store's place is."""
    _told(context, lambda stores: stores.place(name, place, location))
    say(out, f"{place} is {location or 'none of ours'}. Next: stocktide stores sync {name}")


def product(
    context: typer.Context,
    name: _NAME,
    code: Annotated[str, typer.Argument(help="The store's id of the variant.")],
    sku: Annotated[str, typer.Argument(help="Our SKU; none: it is none of ours.")] = "",
) -> None:
    """Say which product a store's variant is."""
    _told(context, lambda stores: stores.product(name, code, sku))
    say(out, f"{code} is {sku or 'none of ours'}. Next: stocktide stores sync {name}")


def _told(context: typer.Context, what: Callable[[Syncing], Awaitable[None]]) -> None:
    """Tell the stores something."""
    loaded = load_settings(context)

    async def work() -> None:
        async with opened(loaded) as application:
            await what(application.services.stores)

    run_async(work)
