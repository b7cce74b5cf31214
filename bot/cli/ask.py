"""`stocktide ask` and `stocktide scan`: the chat commands and the watch from a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from bot.chat.codec import encode
from bot.chat.command import Asker, Invocation, Origin
from bot.cli.common import (
    AtOption,
    clock_at,
    counted,
    err,
    load_settings,
    opened,
    out,
    parse_instant,
    progress_bar,
    run_async,
    say,
)
from bot.cli.show import print_message
from bot.ports import Profile

if TYPE_CHECKING:
    from bot.bootstrap import App
    from bot.chat.router import Answer
    from bot.services import Services
    from bot.services.joining import Held
    from bot.services.scanning import ScanReport

TERMINAL = "terminal"
OWNER = "owner"


def register(app: typer.Typer) -> None:
    """Add these commands to the root."""
    app.command()(ask)
    app.command()(scan)


async def owner(application: App) -> Asker:
    """The local owner: whoever can open the database; an approver, made a member on first use."""
    members = application.services.members
    found = await members.of(TERMINAL, OWNER, Profile(name="Owner"))
    if found.role != "approver":
        await members.set_role(found.name, "approver")
        found = await members.asker(found.member_id)
    return found


async def answer(application: App, asker: Asker, line: str, page: int = 1) -> Answer:
    """What the router answers `asker` on the terminal."""
    origin = Origin(TERMINAL, OWNER, TERMINAL, "terminal")
    call: Invocation[Services] = Invocation(
        application.services, asker, origin, application.services.clock.now(), (), page
    )
    return await application.router.run(call, line)


def ask(
    context: typer.Context,
    line: Annotated[str, typer.Argument(help='A chat command in quotes, such as "/stock 85123A".')],
    as_json: Annotated[bool, typer.Option("--json", help="Print the neutral message, or the form, as JSON.")] = False,
    page: Annotated[int, typer.Option(min=1, help="Which page of a long answer.")] = 1,
    at: AtOption = None,
) -> None:
    """Run a chat command as the local owner, and print the answer."""
    loaded = load_settings(context)
    clock = clock_at(parse_instant(at))

    async def work() -> tuple[Answer, Asker]:
        async with opened(loaded, clock) as application:
            asker = await owner(application)
            return await answer(application, asker, line, page), asker

    found, asker = run_async(work)
    if as_json:
        typer.echo(json.dumps(encode(found.form or found.message), ensure_ascii=False, indent=2))
    else:
        print_message(out, found.message, asker.language, asker.zone)
    if found.refused:
        raise typer.Exit(1)


def _held(order: Held) -> str:
    """Why an order waits."""
    what = f"an order of {order.total} ({counted(order.lines, 'line')})"
    if order.least is not None:
        return f"Held until the next scan: {what}; {order.supplier} takes none under {order.least}"
    return f"Held until more is due: {what}; a container from {order.supplier} would go nearly empty"


def scan(context: typer.Context, at: AtOption = None) -> None:
    """Run the watch over the whole catalogue now, or as of an instant."""
    loaded = load_settings(context)
    clock = clock_at(parse_instant(at))

    async def work() -> ScanReport:
        async with opened(loaded, clock) as application:
            with progress_bar() as bar:
                bar.add_task("Watching the catalogue", total=None)
                return await application.services.watch.scan(clock.now())

    report = run_async(work)
    say(
        out,
        f"{report.series:,} series: {counted(report.opened, 'case')} opened, {report.worsened:,} worsened, "
        f"{report.resolved:,} resolved; {counted(report.requests_drafted, 'request')} drafted.",
    )
    for order in report.held:
        say(out, f"{_held(order)}, and its stock lasts.")
    for phase, seconds in report.phases.items():
        say(err, f"  {phase:<12} {seconds:6.2f} s")
    say(out, 'Next: stocktide ask "/restock"')
