"""`stocktide keys`: the keys by which sellers' own systems send to the ingest API."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from bot.cli.common import grid, load_settings, opened, out, run_async, say
from bot.services.apikeys import SCOPES, KeyView

_NAME = Annotated[str, typer.Argument(help="The key's name: a-z, 0-9, - and _.")]


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(no_args_is_help=True, help="Keys of the ingest API, for sellers' own systems.")
    group.command("add")(add)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    app.add_typer(group, name="keys")


def add(
    context: typer.Context,
    name: _NAME,
    scopes: Annotated[str, typer.Option(help=f"What it may tell: some of {','.join(SCOPES)}.")] = ",".join(SCOPES),
    source: Annotated[str, typer.Option(help="Whose facts it tells; none: the key's name.")] = "",
) -> None:
    """Make a key; it is shown once."""
    loaded = load_settings(context)
    chosen = [scope.strip() for scope in scopes.split(",") if scope.strip()]

    async def work() -> str:
        async with opened(loaded) as application:
            return await application.services.api_keys.add(name, chosen, source)

    say(out, run_async(work))
    say(out, "Keep it now: it is shown this once. Send it as Authorization: Bearer KEY. Next: docs/api.md")


def list_keys(context: typer.Context) -> None:
    """Every key, what it may tell, and when it was used last."""
    loaded = load_settings(context)

    async def work() -> list[KeyView]:
        async with opened(loaded) as application:
            return await application.services.api_keys.everything()

    found = run_async(work)
    if not found:
        say(out, "There is no key yet. Next: stocktide keys add NAME")
        return
    out.print(grid(("name", "source", "begins", "may tell", "made", "last used", ""), map(_line, found)))


def _line(key: KeyView) -> tuple[str | Text, ...]:
    used = "never" if key.used_at is None else f"{key.used_at:%Y-%m-%d %H:%M} UTC"
    state = Text("in use", "green") if key.revoked_at is None else Text(f"revoked {key.revoked_at:%Y-%m-%d}", "red")
    return (key.name, key.source, f"stk_{key.prefix}", ", ".join(key.scopes), f"{key.created_at:%Y-%m-%d}", used, state)


def revoke(context: typer.Context, name: _NAME) -> None:
    """End a key, at once."""
    loaded = load_settings(context)

    async def work() -> None:
        async with opened(loaded) as application:
            await application.services.api_keys.revoke(name)

    run_async(work)
    say(out, f"{name} lets nobody in any more.")
