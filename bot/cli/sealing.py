"""`stocktide secrets`: secrets sealed, so that the settings file alone gives nothing away."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from bot.cli.common import at_terminal, counted, err, out, say, settings_file
from bot.settings.resealing import keys_to_seal, seal_file
from bot.settings.resealing import rotate as rotate_file
from bot.settings.sealing import MARK, VARIABLE, key_file, new_key


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(no_args_is_help=True, help="Seal the settings' secrets, by a key that stands elsewhere.")
    group.command("seal")(seal)
    group.command("seal-file")(seal_in_place)
    group.command("rotate")(rotate)
    group.command("key")(key)
    app.add_typer(group, name="secrets")


def seal(context: typer.Context) -> None:
    """Seal one secret, asked for or from standard input, and print what to write in its place."""
    secret = typer.prompt("Secret", hide_input=True, err=True) if at_terminal() else _piped()
    if not secret or secret.startswith(MARK):
        raise typer.BadParameter("it is sealed already" if secret else "there is nothing to seal")
    keys, made = keys_to_seal(settings_file(context), os.environ)
    tell_of_key(made)
    say(out, keys.seal(secret))


def seal_in_place(context: typer.Context) -> None:
    """Seal every secret that stands in clear in the settings file; all else stays as it is."""
    file = settings_file(context)
    sealed, made = seal_file(file, os.environ)
    tell_of_key(made)
    if not sealed:
        say(out, f"No secret stands in clear in {file}.")
        return
    say(out, f"Sealed {counted(len(sealed), 'secret')} in {file}: {', '.join(sealed)}")
    say(out, "Copies of the file, and the backups that hold one, have them in clear still.")


def rotate(context: typer.Context) -> None:
    """Seal everything in the settings file anew by a new key, and drop the old ones."""
    file = settings_file(context)
    rotated = rotate_file(file, os.environ)
    say(out, f"Sealed {counted(rotated.count, 'secret')} in {file} anew.")
    if rotated.kept:
        say(err, "The old keys stay: what follows still needs them. Seal it anew, then rotate once more.", "yellow")
        for fault in rotated.kept:
            say(err, f"  • {fault.where}: {fault.problem}")
        raise typer.Exit(1)
    if os.environ.get(VARIABLE):
        say(out, f"Next: leave the first key alone in {VARIABLE}, and take the others out.")
    else:
        say(out, f"The new key stands alone in {key_file(file)}. Next: copy it to where its backup is.")


def key() -> None:
    """Print a new key, for STOCKTIDE_KEY; nothing is changed."""
    say(out, new_key())


def tell_of_key(made: Path | None) -> None:
    """Say of a key that was made what it is good for."""
    if made:
        say(
            err,
            f"Made the key {made}. Nothing opens without it: keep a copy, apart from backups of the settings.",
        )


def _piped() -> str:
    """Standard input, but for the end of its last line."""
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")
