"""The root of the command line; faults become lines, never tracebacks."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bot import __version__
from bot.cli import ask, books, demo, facts, jobs, members, policy, rates, run, setup, stores
from bot.cli.common import Context, err, say
from bot.cli.show import TerminalText
from bot.errors import FileRefused, Refusal, SettingsError, StocktideError

app = typer.Typer(
    name="stocktide",
    help="Watches stock, tells the right person at a decent hour, and turns the answer into an action.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"stocktide {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="The settings file.", envvar="STOCKTIDE_CONFIG")
    ] = None,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Hold what is common to every command."""
    context.obj = Context(config)


for group in (setup, facts, ask, jobs, members, policy, books, rates, stores, run, demo):
    group.register(app)


def main() -> None:
    """Run the command line: 0 done, 1 something failed, 2 the call or the settings are at fault."""
    try:
        app()
    except SettingsError as error:
        say(err, "The settings need mending:", "bold red")
        for fault in error.faults:
            say(err, f"  • {fault}")
        sys.exit(2)
    except FileRefused as error:
        say(err, f"Not imported. {error.fault}")
        sys.exit(2)
    except Refusal as error:
        say(err, TerminalText("en", ZoneInfo("UTC")).inline(error.words).plain)
        sys.exit(1)
    except StocktideError as error:
        say(err, str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        logging.getLogger(__name__).exception("a command failed")
        say(err, "Something failed inside Stocktide; the log above says where. Nothing half-done was kept.")
        sys.exit(1)
