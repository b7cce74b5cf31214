"""What a command ended with, told in lines; never a traceback."""

from __future__ import annotations

import logging
from zoneinfo import ZoneInfo

from bot.cli.common import err, say
from bot.cli.show import TerminalText
from bot.errors import FileRefused, Refusal, SettingsError, StocktideError


def told(error: Exception) -> int:
    """Say what failed; gives the exit code: 1 something failed, 2 the call or the settings are at fault."""
    match error:
        case SettingsError():
            say(err, "The settings need mending:", "bold red")
            for fault in error.faults:
                say(err, f"  • {fault}")
            return 2
        case FileRefused():
            say(err, f"Not imported. {error.fault}")
            return 2
        case Refusal():
            say(err, TerminalText("en", ZoneInfo("UTC")).inline(error.words).plain)
        case StocktideError():
            say(err, str(error))
        case _:
            logging.getLogger("bot.cli").error("a command failed", exc_info=error)
            say(err, "Something failed inside Stocktide; the log above says where. Nothing half-done was kept.")
    return 1
