"""`stocktide stores add` and `secrets`: a store asked for, tried, and written into the settings, its secrets sealed."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from bot import logs
from bot.cli.common import at_terminal, ensure_schema, err, grid, load_settings, out, run_async, say, settings_file
from bot.cli.sealing import tell_of_key
from bot.cli.show import spoken
from bot.errors import Refusal, SettingsError
from bot.ports import Check, SystemClock
from bot.services.connecting import (
    ADDED,
    REPLACED,
    Wanted,
    fit_kind,
    fit_name,
    paired,
    with_secrets,
)
from bot.settings import Settings
from bot.settings.resealing import add_store, replace_secrets
from bot.storage.database import Database

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}
_PLAIN = "token, secret and hook secret are one line each, in this order"


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name of your choice: letters, digits, '-' and '_'.")],
    kind: Annotated[str, typer.Option(help="What it is; see docs/stores.md.")],
    *,
    url: Annotated[str, typer.Option(help="Its address.")] = "",
    user: Annotated[str, typer.Option(help="The user, client or key id, where it asks for one.")] = "",
    private: Annotated[bool, typer.Option("--private", help="It stands in a local network.")] = False,
    location: Annotated[list[str] | None, typer.Option(help="A location it sells from; again for more.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="KEY=VALUE, of what its kind takes besides.")] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Take the token from standard input.")] = False,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Take the secret from there.")] = False,
    hook_secret_stdin: Annotated[bool, typer.Option("--hook-secret-stdin", help=f"As those: {_PLAIN}.")] = False,
    untried: Annotated[bool, typer.Option("--untried", help="Write it down without trying it.")] = False,
) -> None:
    """Connect a store: asks for its secrets, tries it, and writes it into the settings file, sealed."""
    loaded = load_settings(context)
    options = _fit(loaded, name, kind, option or ())
    piped = (("token", token_stdin), ("secret", secret_stdin), ("hook_secret", hook_secret_stdin))
    secrets = _secrets(kind, [field for field, wanted in piped if wanted], loaded)
    wanted = Wanted(name, kind, url, user, private, tuple(location or ()), options, secrets)
    lone = wanted.alone()
    logs.learn(lone.secrets())
    if not run_async(lambda: _passes(lone, loaded, untried)):
        say(err, "Nothing was written. Mend it and try again, or add --untried to write it all the same.")
        raise typer.Exit(1)
    file = settings_file(context)
    tell_of_key(add_store(file, os.environ, name, wanted.fields()))
    run_async(lambda: _recorded(loaded, ADDED, name, wanted.told() | {"untried": untried}))
    following = "stocktide check" if kind == "local" else f"stocktide stores sync {name}"
    say(out, f"Added {name} to {file}. Next: {following}")


def secrets(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The store's name in the settings.")],
    *,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Take the token from standard input.")] = False,
    secret_stdin: Annotated[bool, typer.Option("--secret-stdin", help="Take the secret from there.")] = False,
    hook_secret_stdin: Annotated[bool, typer.Option("--hook-secret-stdin", help=f"As those: {_PLAIN}.")] = False,
    untried: Annotated[bool, typer.Option("--untried", help="Write them down without trying them.")] = False,
) -> None:
    """Replace a store's secrets: asks for them, tries the store with them, and writes them down, sealed."""
    loaded = load_settings(context)
    part = loaded.stores.connected.get(name)
    if part is None:
        raise typer.BadParameter(
            f"no store is called {name}: {', '.join(sorted(loaded.stores.connected)) or 'none is'}"
        )
    asked = (("token", token_stdin), ("secret", secret_stdin), ("hook_secret", hook_secret_stdin))
    given = _secrets(part.kind, [field for field, wanted in asked if wanted], loaded)
    if not given:
        say(err, "No secret was given, so none is changed.")
        raise typer.Exit(1)
    lone = with_secrets(name, part, given)
    logs.learn(lone.secrets())
    if not run_async(lambda: _passes(lone, loaded, untried)):
        say(err, "Nothing was written. Mend it and try again, or add --untried to write it all the same.")
        raise typer.Exit(1)
    file = settings_file(context)
    tell_of_key(replace_secrets(file, os.environ, name, given))
    run_async(lambda: _recorded(loaded, REPLACED, name, {"secrets": sorted(given), "untried": untried}))
    say(out, f"Replaced {', '.join(given)} of {name} in {file}. Start Stocktide again: it runs with the former ones.")


def told(checks: Sequence[Check], loaded: Settings) -> bool:
    """Print what was tried, line by line in the organisation's language; whether nothing failed."""
    rows = [
        (
            spoken(each.what, loaded),
            Text(each.verdict, _COLOURS[each.verdict]),
            spoken(each.found, loaded),
            spoken(each.do, loaded),
        )
        for each in checks
    ]
    out.print(grid(("what", "", "found", "to do"), rows))
    return not any(check.verdict == "fail" for check in checks)


def _fit(loaded: Settings, name: str, kind: str, texts: Sequence[str]) -> dict[str, str]:
    """The options, once name and kind can be; what cannot is an error of the call."""
    from bot.stores import SECRETS

    try:
        fit_name(name, list(loaded.stores.connected))
        fit_kind(kind, list(SECRETS))
        return paired(texts)
    except Refusal as refusal:
        raise typer.BadParameter(spoken(refusal.words, loaded)) from None


def _secrets(kind: str, piped: Sequence[str], loaded: Settings) -> dict[str, str]:
    """The secrets of the kind: a line of standard input each, or asked for; what is left empty is left out."""
    given = {field: sys.stdin.readline().strip() for field in piped} if piped else _asked(kind, loaded)
    return {field: secret for field, secret in given.items() if secret}


def _asked(kind: str, loaded: Settings) -> dict[str, str]:
    from bot.stores import SECRETS

    asked = SECRETS[kind]
    if not at_terminal():
        say(err, f"Nobody can be asked here, so no secret is taken: {', '.join(_flag(field) for field in asked)}.")
        return {}
    say(err, "Nothing of what you type is shown; Enter leaves out what the store does not ask for.")
    return {
        field: typer.prompt(spoken(called, loaded), default="", show_default=False, hide_input=True, err=True).strip()
        for field, called in asked.items()
    }


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}-stdin"


async def _passes(lone: Settings, loaded: Settings, untried: bool) -> bool:
    """Put the store together, try it and print what was found, unless that is not wanted; whether nothing failed."""
    from bot.bootstrap.trying import trial_of

    trial = trial_of(lone)
    try:
        return untried or told(await trial.check(), loaded)
    finally:
        await trial.close()


async def _recorded(loaded: Settings, action: str, name: str, kept: Mapping[str, Any]) -> None:
    """Write the deed into the audit log; a store may be connected before there is a database, which is said."""
    from bot.services.audit import Audit

    try:
        await ensure_schema(loaded)
    except SettingsError as error:
        say(err, f"The audit log has no entry of it: {error}", "yellow")
        return
    database = Database(loaded.database.url)
    try:
        async with database.transaction() as connection:
            log = Audit(database=database, clock=SystemClock())
            await log.append(connection, action, f"store:{name}", kept, None, "terminal")
    finally:
        await database.close()
