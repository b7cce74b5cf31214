"""What the root knows of each command without loading it: its name, its line of help, and the module it stands in.

The modules of commands load the database, the chat platforms and the arithmetic, seconds in all. A command's module
is imported when the command is called or asked for its own help; `stocktide --help`, completion and a mistyped word
need none. A new command is its module with a `register(app)`, and a line of PARTS.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Command, Context


@dataclass(frozen=True, slots=True)
class Part:
    """A command or a group of them below the root; `module` registers it under `name`."""

    name: str
    module: str
    help: str


PARTS = (
    Part("init", "bot.cli.setup", "Ask what is needed and write the settings file, its tokens sealed."),
    Part("check", "bot.cli.setup", "Try the database, tokens, scopes, clock and zone data, and say what to do."),
    Part("migrate", "bot.cli.setup", "Bring the database's tables to this version."),
    Part(
        "import",
        "bot.cli.facts",
        "Import a file; good rows are kept, bad ones listed, and doing it twice changes nothing.",
    ),
    Part("ask", "bot.cli.ask", "Run a chat command as the local owner, and print the answer."),
    Part("scan", "bot.cli.ask", "Run the watch over the whole catalogue now, or as of an instant."),
    Part(
        "plan",
        "bot.cli.planning",
        "Show what service levels hold in stock, what a target of days allows, and what to buy first within a budget.",
    ),
    Part("rates", "bot.cli.rates", "The exchange rates in use: of which day, from whom, how old."),
    Part("run", "bot.cli.run", "Connect to Slack and Telegram and work until told to stop (SIGTERM or Ctrl-C)."),
    Part(
        "demo",
        "bot.cli.demo",
        "Import a real year of sales, start the bot on a local Slack and Telegram, and serve one page.",
    ),
    Part("secrets", "bot.cli.sealing", "Seal the settings' secrets, by a key that stands elsewhere."),
    Part("jobs", "bot.cli.jobs", "Scheduled jobs, and messages that could not be delivered."),
    Part("members", "bot.cli.members", "Members, their roles, and how much a role may approve."),
    Part("policy", "bot.cli.policy", "The policy: who may approve what, and why."),
    Part("audit", "bot.cli.books", "The audit log: check it, and hand it out."),
    Part("stores", "bot.cli.stores", "Stores and ERPs: read them, and say which product and place is which."),
    Part(
        "forecast-score",
        "bot.cli.scoring",
        "Score forecasts on the past of a file: RMSSE, scaled pinball loss, coverage and bias, free of every future.",
    ),
    Part(
        "backtest",
        "bot.cli.backtesting",
        "Simulate order policies on the past of a file: days of inventory at equal fill rate, and what they cost.",
    ),
    Part("keys", "bot.cli.keys", "Keys of the ingest API, for sellers' own systems."),
)


def load(part: Part) -> Command:
    """The command itself, from its module."""
    app = typer.Typer(rich_markup_mode=None)
    import_module(part.module).register(app)
    return typer.main.get_group(app).commands[part.name]


class Outline(TyperCommand):
    """Stands for a command until it is called."""

    def __init__(self, part: Part) -> None:
        super().__init__(part.name, help=part.help, rich_markup_mode=None)
        self.part = part

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: Context | None = None,
        **extra: Any,  # noqa: ANN401  # as the class above has it
    ) -> Context:
        """The context of the command itself: from here on the outline is out of the way."""
        return load(self.part).make_context(info_name, args, parent, **extra)


class Root(TyperGroup):
    """The root's group, with an outline of every part."""

    def __init__(self, **attributes: Any) -> None:  # noqa: ANN401  # what Typer hands to any group
        super().__init__(**attributes)
        for part in PARTS:
            self.add_command(Outline(part))
