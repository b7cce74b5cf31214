"""`stocktide jobs`: what runs by itself, and the messages that could not be delivered."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from bot.cli.common import AtOption, clock_at, grid, load_settings, opened, out, parse_instant, run_async, say
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

    out.print(grid(("job", "due", "last run", "error"), run_async(work)))


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
    say(out, f"{name}: done. " + ", ".join(f"{key} {value}" for key, value in result.items()))


@group.command("dead")
def dead(context: typer.Context) -> None:
    """Messages that were given up or may not have arrived."""
    loaded = load_settings(context)

    async def work() -> list[Letter]:
        async with opened(loaded) as application:
            return await application.services.outbox.dead()

    letters = run_async(work)
    if not letters:
        say(out, "Nothing is stuck.")
        return
    rows = ((str(letter.id), letter.state, letter.platform, letter.conversation, letter.error) for letter in letters)
    out.print(grid(("id", "state", "platform", "conversation", "error"), rows))
    say(out, "Next: stocktide jobs retry ID")


@group.command("retry")
def retry(context: typer.Context, message_id: Annotated[int, typer.Argument(help="The id of a dead message.")]) -> None:
    """Send a dead message again."""
    loaded = load_settings(context)

    async def work() -> None:
        async with opened(loaded) as application:
            await application.services.outbox.revive(message_id)

    run_async(work)
    say(out, f"Message {message_id} waits for delivery again; `stocktide run` sends it.")
