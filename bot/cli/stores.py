"""`stocktide stores`: connected stores read, looked at, and told what is what."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated

import typer
from rich.text import Text

from bot.chat.arguments import Sku
from bot.cli.common import counted, grid, load_settings, opened, out, run_async, say
from bot.cli.connecting import add, secrets, told
from bot.domain.storeviews import KitView, StoreState, Unsure
from bot.ports import Check
from bot.services.apikeys import STORE
from bot.services.feeds.syncing import Syncing, SyncReport
from bot.services.filefeeds import FileTaken

_SHOWN = 20
_API = STORE.format("")  # how the names of sources begin
_NAME = Annotated[str, typer.Argument(help="The store's name in the settings.")]


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(
        no_args_is_help=True, help="Stores and ERPs: read them, and say which product and place is which."
    )
    for command in (add, secrets, sync, status, test, place, product, kit):
        group.command(command.__name__)(command)
    app.add_typer(group, name="stores")


def sync(context: typer.Context, name: Annotated[str, typer.Argument(help="The store; none: all.")] = "") -> None:
    """Read what changed since the last time; everything, the first time."""
    loaded = load_settings(context)

    async def work() -> tuple[list[SyncReport], list[FileTaken], int]:
        async with opened(loaded) as application:
            gc.freeze()  # as `stocktide run`: a first reading makes garbage by the million
            stores, files = application.services.stores, application.services.files
            places = [one for one in files.names if name in {"", one}]
            named = [name] if name and not places else [] if name else stores.names
            reports = [report for one in named for report in await stores.sync(one)]
            return reports, [taken for one in places for taken in await files.look(one)], len(named) + len(places)

    reports, taken, asked = run_async(work)
    if not asked:
        say(out, "No store is connected that can be read. Next: docs/stores.md")
        return
    if reports:
        out.print(grid(("store", "facts of", "told", "news", "set aside", ""), (_line(report) for report in reports)))
    if taken:
        out.print(grid(("store", "file", "rows", "news", "set aside", ""), (_file_line(one) for one in taken)))
    if not reports and not taken:
        say(out, "No file is new and has stayed as it is for a minute.")
    if any(report.error for report in reports) or any(one.error for one in taken):
        say(out, "Next: stocktide stores test NAME")
        raise typer.Exit(1)
    if any(report.faults for report in reports):
        say(out, "Next: stocktide stores status")


def _line(report: SyncReport) -> Sequence[str | Text]:
    counts = (f"{report.facts:,}", f"{report.changed:,}", f"{report.faults:,}")
    return (report.store, report.kind, *counts, Text(report.error, "red") if report.error else Text("read", "green"))


def _file_line(one: FileTaken) -> Sequence[str | Text]:
    counts = (f"{one.rows:,}", f"{one.added + one.updated:,}", f"{one.rejected:,}")
    return (one.feed, one.file, *counts, Text(one.error, "red") if one.error else Text(f"read as {one.kind}", "green"))


def status(context: typer.Context) -> None:
    """How far each store is read, and what of it waits for a person."""
    loaded = load_settings(context)

    async def work() -> list[tuple[StoreState, Unsure, Mapping[str, int]]]:
        async with opened(loaded) as application:
            stores = application.services.stores
            return [
                (state, await stores.unsure(state.store), await stores.calls(state.store))
                for state in await stores.states()
            ]

    found = run_async(work)
    if not found:
        say(out, "No store is connected that can be read. Next: docs/stores.md")
    for state, unsure, calls in found:
        say(out, state.store, "bold")
        if not state.kinds:
            say(out, f"  never read. Next: {_next(state.store)}")
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
        if state.calls is not None:
            say(out, f"  {_calls(state, calls)}")
        _show_unsure(state.store, unsure)


def _calls(state: StoreState, counts: Mapping[str, int]) -> str:
    """What a store's own calls did within a day."""
    assert state.calls is not None  # noqa: S101  # asked by who knows
    if state.calls.since is None:
        return f"calls: none come, {state.calls.error}"
    told = [
        f"{counts.get('done', 0):,} followed",
        *([f"{counts['new']:,} waiting"] if counts.get("new") else []),
        *([f"{counts['failed']:,} given up"] if counts.get("failed") else []),
        *([f"{counted(state.missed, 'change')} that none had told"] if state.missed else []),
    ]
    return f"calls of the last day: {', '.join(told)}"


def _next(store: str) -> str:
    """What makes a store's facts come: reading it, or waiting for those who send them."""
    return "send its rows to the ingest API (again)" if store.startswith(_API) else f"stocktide stores sync {store}"


def _show_unsure(store: str, unsure: Unsure) -> None:
    for code, sku, name, ours, score in unsure.codes[:_SHOWN]:
        if ours:
            question = f"Is {sku or code} ({name}) our {ours}? {score}% alike."
        else:
            question = f"Which product is {sku or code} ({name or 'no name'})? Without SKU: none of ours."
        say(out, f"  {question} stocktide stores product {store} {code} {ours or 'SKU'}", "yellow")
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
            services = application.services
            return await (services.files if name in services.files.names else services.stores).check(name)

    if not told(run_async(work)):
        raise typer.Exit(1)


def place(
    context: typer.Context,
    name: _NAME,
    place: Annotated[str, typer.Argument(help="The store's id of the place.")],
    location: Annotated[str, typer.Argument(help="Our location's code; none: it is none of ours.")] = "",
) -> None:
    """Say which location a store's place is."""
    _told(context, lambda stores: stores.place(name, place, location))
    say(out, f"{place} is {location or 'none of ours'}. Next: {_next(name)}")


def product(
    context: typer.Context,
    name: _NAME,
    code: Annotated[str, typer.Argument(help="The store's id of the variant.")],
    sku: Annotated[str, typer.Argument(help="Our SKU; none: it is none of ours.")] = "",
) -> None:
    """Say which product a store's variant is."""
    _told(context, lambda stores: stores.product(name, code, sku))
    say(out, f"{code} is {sku or 'none of ours'}. Next: {_next(name)}")


def kit(
    context: typer.Context,
    sku: Annotated[str, typer.Argument(help="Our SKU of what is sold as one.")],
    parts: Annotated[
        list[str] | None, typer.Argument(help="What it consists of, such as 2x85123A; 'off': nothing.")
    ] = None,
) -> None:
    """Say what a product that is sold as one takes from the shelf."""
    loaded = load_settings(context)

    async def work() -> KitView:
        async with opened(loaded) as application:
            services = application.services
            product = await services.lookup.sku(sku)
            if not parts:
                return await services.kits.of(product)
            wanted: dict[Sku, int] = {}
            for part in [] if parts == ["off"] else parts:
                units, times, code = part.partition("x")
                counted_part = bool(times) and units.isdecimal()
                found = await services.lookup.sku(code if counted_part else part)
                wanted[found] = wanted.get(found, 0) + (int(units) if counted_part else 1)
            return await services.kits.put(product, wanted)

    found = run_async(work)
    if not found.parts:
        say(out, f"{found.sku} is sold as itself.")
        return
    out.print(grid(("units", "SKU", "name"), [(str(units), code, name) for code, name, units in found.parts]))


def _told(context: typer.Context, what: Callable[[Syncing], Awaitable[None]]) -> None:
    """Tell the stores something."""
    loaded = load_settings(context)

    async def work() -> None:
        async with opened(loaded) as application:
            await what(application.services.stores)

    run_async(work)
