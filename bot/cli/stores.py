"""`stocktide stores`: connected stores read, looked at, and told what is what."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated

import typer
from rich.text import Text

from bot.chat.arguments import Sku
from bot.cli.common import grid, load_settings, opened, out, run_async, say
from bot.cli.connecting import add, secrets, told
from bot.cli.show import spoken
from bot.domain.setaside import words_of
from bot.domain.storeviews import KindState, KitView, StoreState, Unsure
from bot.ports import Check
from bot.services.apikeys import STORE
from bot.services.feeds.reading import SyncReport
from bot.services.feeds.syncing import Syncing
from bot.services.filefeeds import FileTaken
from bot.settings import Settings
from bot.words import Words, _, joined, n_
from bot.words import told as kept_as

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
        out.print(
            grid(("store", "facts of", "told", "news", "set aside", ""), (_line(report, loaded) for report in reports))
        )
    if taken:
        out.print(grid(("store", "file", "rows", "news", "set aside", ""), (_file_line(one, loaded) for one in taken)))
    if not reports and not taken:
        say(out, "No file is new and has stayed as it is for a minute.")
    if any(report.error for report in reports) or any(one.error for one in taken):
        say(out, "Next: stocktide stores test NAME")
        raise typer.Exit(1)
    if any(report.faults for report in reports):
        say(out, "Next: stocktide stores status")


def _line(report: SyncReport, loaded: Settings) -> Sequence[str | Text]:
    counts = (f"{report.facts:,}", f"{report.changed:,}", f"{report.faults:,}")
    return (report.store, report.kind, *counts, _ended(report.said, _("read"), loaded))


def _file_line(one: FileTaken, loaded: Settings) -> Sequence[str | Text]:
    counts = (f"{one.rows:,}", f"{one.added + one.updated:,}", f"{one.rejected:,}")
    return (one.feed, one.file, *counts, _ended(one.said, _("read as {kind}", kind=one.kind), loaded))


def _ended(error: Words | None, well: Words, loaded: Settings) -> Text:
    return Text(spoken(well, loaded), "green") if error is None else Text(spoken(error, loaded), "red")


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
            never = spoken(_("never read"), loaded)
            say(out, f"  {never}. Next: {_next(state.store)}")
        for kind in state.kinds:
            at = f", {kind.read_at:%Y-%m-%d %H:%M} UTC" if kind.read_at else ""
            say(out, f"  {kind.kind}: {spoken(_ended_so(kind), loaded)}{at}")
        if state.calls is not None:
            say(out, f"  {spoken(_calls(state, calls), loaded)}")
        _show_unsure(state.store, unsure, loaded)


def _ended_so(kind: KindState) -> Words:
    """How the last reading of a kind ended."""
    if kind.error:
        return _("failed: {error}", error=kept_as(kind.error))
    return n_("{count} change of {facts} told", "{count} changes of {facts} told", kind.changed, facts=kind.facts)


def _calls(state: StoreState, counts: Mapping[str, int]) -> Words:
    """What a store's own calls did within a day."""
    assert state.calls is not None  # noqa: S101  # asked by who knows
    if state.calls.since is None:
        return _("calls: none come, {reason}", reason=kept_as(state.calls.error))
    done, waiting, failed = (counts.get(each, 0) for each in ("done", "new", "failed"))
    told = [
        n_("{count} followed", "{count} followed", done),
        *([n_("{count} waiting", "{count} waiting", waiting)] if waiting else []),
        *([n_("{count} given up", "{count} given up", failed)] if failed else []),
        *(
            [n_("{count} change that none had told", "{count} changes that none had told", state.missed)]
            if state.missed
            else []
        ),
    ]
    return _("calls of the last day: {parts}", parts=joined(told))


def _next(store: str) -> str:
    """What makes a store's facts come: reading it, or waiting for those who send them."""
    return "send its rows to the ingest API (again)" if store.startswith(_API) else f"stocktide stores sync {store}"


def _show_unsure(store: str, unsure: Unsure, loaded: Settings) -> None:
    for code, sku, name, ours, score in unsure.codes[:_SHOWN]:
        about: dict[str, object] = {"sku": sku or code, "name": name or "–"}
        if ours:
            question = _("Is {sku} ({name}) our {ours}? {score}% alike.", **about, ours=ours, score=score)
        else:
            question = _("Which product is {sku} ({name})? Without SKU: none of ours.", **about)
        say(out, f"  {spoken(question, loaded)} stocktide stores product {store} {code} {ours or 'SKU'}", "yellow")
    for place, called in unsure.places[:_SHOWN]:
        which = _("Which location is {name}?", name=called or place)
        say(out, f"  {spoken(which, loaded)}", "yellow")
        say(out, f"    stocktide stores place {store} {place} LOCATION")
    for kind, subject, problem in unsure.faults[:_SHOWN]:
        aside = _("Set aside, {kind} {subject}: {problem}", kind=kind, subject=subject, problem=words_of(problem))
        say(out, f"  {spoken(aside, loaded)}", "yellow")
    rest = sum(max(0, len(found) - _SHOWN) for found in (unsure.codes, unsure.places, unsure.faults))
    if rest:
        more = n_("... and {count} more", "... and {count} more", rest)
        say(out, f"  {spoken(more, loaded)}")


def test(context: typer.Context, name: _NAME) -> None:
    """Try a store's address, its credentials, and what they may do."""
    loaded = load_settings(context)

    async def work() -> tuple[Check, ...]:
        async with opened(loaded) as application:
            services = application.services
            return await (services.files if name in services.files.names else services.stores).check(name)

    if not told(run_async(work), loaded):
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
