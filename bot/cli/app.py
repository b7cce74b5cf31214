"""The root of the command line; its commands are listed in `parts`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import __version__
from bot.cli.context import Context
from bot.cli.parts import Root

app = typer.Typer(
    name="stocktide",
    cls=Root,
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


def main() -> None:
    """Run the command line: 0 done, 1 something failed, 2 the call or the settings are at fault."""
    try:
        app(prog_name="stocktide")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001  # whatever it is, it becomes a line
        from bot.cli.faults import told

        sys.exit(told(error))
