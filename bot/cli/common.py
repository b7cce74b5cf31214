"""What the command groups share: the consoles, the settings, and an application opened for one command."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from bot import logs, settings
from bot.cli.context import Context
from bot.errors import Fault, SettingsError
from bot.ports import Clock, MovableClock, SystemClock
from bot.storage.database import Database
from bot.storage.migrations import revisions

if TYPE_CHECKING:
    from bot.bootstrap import App

T = TypeVar("T")

out = Console(highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)


def say(console: Console, line: str, style: str = "") -> None:
    """Print a line as it stands: brackets are no markup, and a long line is one line for whatever reads it next."""
    console.print(Text(visible(line), style), soft_wrap=True)


def grid(titles: Sequence[str], rows: Iterable[Sequence[str | Text]]) -> Table:
    """A table without lines; text in cells is shown as it stands."""
    table = Table(box=None, pad_edge=False)
    for title in titles:
        table.add_column(title)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row))
    return table


def counted(number: int, one: str, many: str = "") -> str:
    """`1 row`, `2,000 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def visible(text: str) -> str:
    """The text with its control characters made visible, so that no name can command the terminal."""
    return re.sub(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", "�", text)


def load_settings(context: typer.Context) -> settings.Settings:
    """The settings of the chosen file and the environment; logging is set up by them."""
    chosen = context.find_object(Context) or Context()
    loaded = settings.load(chosen.config)
    logs.set_up(loaded.log.level, loaded.log.format, loaded.secrets())
    return loaded


def settings_file(context: typer.Context) -> Path:
    """The settings file that was chosen, whether it is there or not."""
    return (context.find_object(Context) or Context()).config or settings.DEFAULT_FILE


def at_terminal() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty()


def run_async(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work` to its end in a fresh event loop."""
    return asyncio.run(work())


def parse_instant(text: str | None) -> datetime | None:
    """`2011-11-21T09:00Z` as an aware instant; a bad or naive one is a usage error."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter("write an instant such as 2011-11-21T09:00Z") from error
    if at.tzinfo is None:
        raise typer.BadParameter("the instant needs a zone: add Z for UTC, or an offset such as +08:00")
    return at.astimezone(UTC)


AtOption = Annotated[str | None, typer.Option("--at", help="As of this instant, such as 2011-11-21T09:00Z.")]


def clock_at(at: datetime | None) -> Clock:
    """The machine's clock, or one that stands at `at`."""
    return MovableClock(at, frozen=True) if at else SystemClock()


@asynccontextmanager
async def opened(loaded: settings.Settings, clock: Clock | None = None) -> AsyncIterator[App]:
    """The application without its platforms running, on a database whose schema is current."""
    await ensure_schema(loaded)
    from bot.bootstrap import build

    application = build(loaded, clock or SystemClock())
    try:
        yield application
    finally:
        await application.close()


async def ensure_schema(loaded: settings.Settings) -> None:
    """Refuse a database that is not migrated, in words that say what to do."""
    database = Database(loaded.database.url)
    try:
        current, head = await revisions(database)
    except Exception as error:
        raise SettingsError([database_fault(error)]) from error
    finally:
        await database.close()
    if current != head:
        problem = "has no tables yet" if current == "none" else f"is at revision {current}, this version needs {head}"
        raise SettingsError([Fault("database.url", f"the database {problem}", "run `stocktide migrate`")])


def database_fault(error: Exception) -> Fault:
    """A failed connection in one line; the URL stays out, for it may hold a password."""
    cause = getattr(error, "orig", None) or error
    reason = str(cause).strip().split("\n", 1)[0]
    if isinstance(cause, sqlite3.Error):
        remedy = "does the folder exist, may you write there, and is the file a database?"
        return Fault("database.url", f"the database cannot be opened: {reason}", remedy)
    return Fault("database.url", f"the database does not answer: {reason}", "is the server up and the address right?")


def progress_bar() -> Progress:
    """A progress bar on standard error; it draws nothing where nobody watches."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=not sys.stderr.isatty(),
    )
