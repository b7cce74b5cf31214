"""`stocktide jobs`: what runs by itself, and the messages that could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from bot.cli.common import AtOption, clock_at, load_settings, opened, out, parse_instant, run_async
from bot.errors import StocktideError
from bot.storage.outbox import Letter

group = typer.Typer(no_args_is_help=True, help="Scheduled jobs, and messages that could not be delivered.")


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    app.add_typer(group, name="jobs")


@group.command("list")
def list_jobs(context: typer.Context) -> None:
    """Every job, when it was last due, and how its last run ended."""
    loaded = load_settings(context)

    async def work() -> list[tuple[str, ...]]:
        async with opened(loaded) as application:
            return [
                (row.job, f"{row.due_at:%Y-%m-%d %H:%M} UTC", row.state, row.error)
                for row in await application.job_runner.overview()
            ]

    table = Table(box=None, pad_edge=False)
    for title in ("job", "due", "last run", "error"):
        table.add_column(title)
    for row in run_async(work):
        table.add_row(*row)
    out.print(table)


@group.command("run")
def run_job(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A job's name; see `stocktide jobs list`.")],
    at: AtOption = None,
) -> None:
    """Run one job now, whether or not it is due."""
    loaded = load_settings(context)
    clock = clock_at(parse_instant(at))

    async def work() -> dict[str, Any]:
        async with opened(loaded, clock) as application:
            return await application.job_runner.run_now(name)

    result = run_async(work)
    out.print(f"{name}: done. " + ", ".join(f"{key} {value}" for key, value in result.items()), markup=False)


@group.command("dead")
def dead(context: typer.Context) -> None:
    """Messages that were given up or may not have arrived."""
    loaded = load_settings(context)

    async def work() -> list[Letter]:
        async with opened(loaded) as application:
            return await application.services.outbox.dead()

    letters = run_async(work)
    table = Table(box=None, pad_edge=False)
    for title in ("id", "state", "platform", "conversation", "error"):
        table.add_column(title)
    for letter in letters:
        table.add_row(str(letter.id), letter.state, letter.platform, letter.conversation, letter.error)
    out.print(table if letters else "Nothing is stuck.")
    if letters:
        out.print("Next: stocktide jobs retry ID")


@group.command("retry")
def retry(context: typer.Context, message_id: Annotated[int, typer.Argument(help="The id of a dead message.")]) -> None:
    """Send a dead message again."""
    loaded = load_settings(context)

    async def work() -> None:
        async with opened(loaded) as application:
            await application.services.outbox.revive(message_id)

    try:
        run_async(work)
    except LookupError as error:
        raise StocktideError(f"there is no dead message {message_id}; see `stocktide jobs dead`") from error
    out.print(f"Message {message_id} waits for delivery again; `stocktide run` sends it.")
