"""`stocktide stores add` and `secrets`: a store asked for, tried, and written into the settings, its secrets sealed."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.text import Text

from bot import logs
from bot.cli.common import at_terminal, err, grid, load_settings, out, run_async, say, settings_file
from bot.cli.sealing import tell_of_key
from bot.cli.show import spoken
from bot.ports import Check, FileSource, StoreFeed
from bot.settings import Settings, parsed
from bot.settings.resealing import add_store, replace_secrets

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
    _check_name(loaded, name, kind)
    piped = [
        field
        for field, wanted in (("token", token_stdin), ("secret", secret_stdin), ("hook_secret", hook_secret_stdin))
        if wanted
    ]
    given = {"kind": kind, "url": url, "user": user, "private": private}
    given |= {"locations": list(location or ()), "options": _options(option or ())}
    fields = {field: value for field, value in (given | _secrets(kind, piped)).items() if value}
    lone = parsed({"stores": {"connected": {name: fields}}})
    logs.set_up(loaded.log.level, loaded.log.format, (*loaded.secrets(), *lone.secrets()))
    if not untried and not told(run_async(lambda: _tried(lone)), loaded):
        say(err, "Nothing was written. Mend it and try again, or add --untried to write it all the same.")
        raise typer.Exit(1)
    file = settings_file(context)
    tell_of_key(add_store(file, os.environ, name, fields))
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
    typed = _secrets(part.kind, [field for field, wanted in asked if wanted])
    given = {field: value for field, value in typed.items() if value}
    if not given:
        say(err, "No secret was given, so none is changed.")
        raise typer.Exit(1)
    lone = parsed({"stores": {"connected": {name: part.model_dump() | given}}})
    logs.set_up(loaded.log.level, loaded.log.format, (*loaded.secrets(), *lone.secrets()))
    if not untried and not told(run_async(lambda: _tried(lone)), loaded):
        say(err, "Nothing was written. Mend it and try again, or add --untried to write it all the same.")
        raise typer.Exit(1)
    file = settings_file(context)
    tell_of_key(replace_secrets(file, os.environ, name, given))
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


def _check_name(loaded: Settings, name: str, kind: str) -> None:
    from bot.stores import SECRETS

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", name):
        raise typer.BadParameter("a name has letters, digits, '-' and '_', forty at most")
    if name in loaded.stores.connected:
        raise typer.BadParameter(f"there is a store called {name} already; see the settings")
    if kind not in SECRETS:
        raise typer.BadParameter(f"{kind!r} is not a kind of store: write {', '.join(sorted(SECRETS))}")


def _options(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if wrong := next((text for text, (key, mark, _) in zip(texts, pairs, strict=True) if not key or not mark), None):
        raise typer.BadParameter(f"--option {wrong}: write KEY=VALUE")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _secrets(kind: str, piped: Sequence[str]) -> dict[str, str]:
    """The secrets of the kind: a line of standard input each, or asked for, where Enter leaves one out."""
    if piped:
        return {field: sys.stdin.readline().strip() for field in piped}
    from bot.stores import SECRETS

    asked: Mapping[str, str] = SECRETS[kind]
    if not at_terminal():
        say(err, f"Nobody can be asked here, so no secret is taken: {', '.join(_flag(field) for field in asked)}.")
        return {}
    say(err, "Nothing of what you type is shown; Enter leaves out what the store does not ask for.")
    return {
        field: typer.prompt(called, default="", show_default=False, hide_input=True, err=True).strip()
        for field, called in asked.items()
    }


def _flag(field: str) -> str:
    return f"--{field.replace('_', '-')}-stdin"


async def _tried(lone: Settings) -> tuple[Check, ...]:
    """What is found when all it is for is tried: reading, files, prices, discounts, purchases, transfers."""
    from bot.bootstrap.files import file_sources_of
    from bot.bootstrap.outward import feeds_of, outlets_of, written_of

    found: list[Check] = []
    read: list[StoreFeed | FileSource] = [*feeds_of(lone).values(), *file_sources_of(lone)]
    for feed in read:
        try:
            found += await feed.check()
        finally:
            await feed.close()
    for books in written_of(lone):
        for channel in books:
            found += await channel.check()
    outlets = outlets_of(lone)
    for connector in outlets.connectors.values():
        found += await connector.check()
    for discounts in outlets.discounts.values():
        found += await discounts.check()
    return tuple(check for number, check in enumerate(found) if check not in found[:number])
