"""`stocktide policy`: the policy in force, its versions, changing it, and who may decide a request and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from bot.chat.cards.policy import explanation_card
from bot.chat.values import read_request
from bot.cli.ask import TERMINAL, owner
from bot.cli.common import err, grid, load_settings, opened, out, run_async, say
from bot.cli.show import print_message
from bot.errors import Fault, SettingsError

if TYPE_CHECKING:
    from bot.bootstrap import App
    from bot.chat.command import Asker
    from bot.domain.explaining import Explanation
    from bot.domain.policy import VersionView

policy = typer.Typer(no_args_is_help=True, help="The policy: who may approve what, and why.")

AsOption = Annotated[
    str | None, typer.Option("--as", help="The administrator who acts, by name; otherwise the local owner.")
]


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    app.add_typer(policy, name="policy")


@policy.command("show")
def show(
    context: typer.Context, version: Annotated[int | None, typer.Argument(help="A version's number.")] = None
) -> None:
    """Print the policy in force, or a version of it, as TOML: what `apply` reads."""
    loaded = load_settings(context)

    async def work() -> str:
        async with opened(loaded) as application:
            return await application.services.policies.text(version)

    typer.echo(run_async(work), nl=False)


@policy.command("history")
def history(context: typer.Context) -> None:
    """List the versions, newest first."""
    loaded = load_settings(context)

    async def work() -> tuple[VersionView, ...]:
        async with opened(loaded) as application:
            return await application.services.policies.history()

    rows = (
        (
            str(each.number),
            each.state,
            each.proposed_by or "Stocktide",
            each.decided_by or "-",
            f"{each.proposed_at:%Y-%m-%d %H:%M} UTC",
            each.note or "-",
            "; ".join(each.loosens) or "-",
        )
        for each in run_async(work)
    )
    out.print(grid(("version", "state", "by", "decided by", "when", "note", "loosens"), rows))


@policy.command("apply")
def apply(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A TOML file; `policy show` prints one to start from.")],
    acting: AsOption = None,
    note: Annotated[str, typer.Option(help="Why, for the history.")] = "",
) -> None:
    """Change the policy. It is in force at once, unless it loosens anything: then a second administrator confirms."""
    loaded = load_settings(context)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        say(err, f"{file} cannot be read: {error}")
        raise typer.Exit(2) from None

    async def work() -> VersionView | tuple[Fault, ...]:
        async with opened(loaded) as application:
            asker = await actor(application, acting)
            try:
                return await application.services.policies.apply(text, asker.member_id, TERMINAL, note)
            except SettingsError as error:
                return error.faults

    found = run_async(work)
    if isinstance(found, tuple):
        say(err, "The policy needs mending; nothing was changed:", "bold red")
        for fault in found:
            say(err, f"  • {fault}")
        raise typer.Exit(2)
    said_version(found)


@policy.command("confirm")
def confirm(context: typer.Context, version: int, acting: AsOption = None) -> None:
    """Put a proposed version in force, as another administrator than who proposed it."""
    loaded = load_settings(context)

    async def work() -> VersionView:
        async with opened(loaded) as application:
            asker = await actor(application, acting)
            return await application.services.policies.confirm(version, asker.member_id, TERMINAL)

    said_version(run_async(work))


@policy.command("refuse")
def refuse(context: typer.Context, version: int, acting: AsOption = None) -> None:
    """Turn a proposed version down; who proposed it may take it back so."""
    loaded = load_settings(context)

    async def work() -> VersionView:
        async with opened(loaded) as application:
            asker = await actor(application, acting)
            return await application.services.policies.refuse(version, asker.member_id, TERMINAL)

    said_version(run_async(work))


@policy.command("explain")
def explain(
    context: typer.Context,
    request: Annotated[str, typer.Argument(help="Its number, such as R-12.")],
    member: Annotated[str, typer.Argument(help="A member's name.")],
) -> None:
    """Say whether a member may approve a request, rule by rule."""
    loaded = load_settings(context)

    async def work() -> Explanation:
        async with opened(loaded) as application:
            found = await application.services.members.named(member)
            return await application.services.decisions.explain(read_request(request).id, found.id)

    print_message(out, explanation_card(run_async(work)), loaded.organisation.language, ZoneInfo("UTC"))


async def actor(application: App, name: str | None) -> Asker:
    """Who acts at the terminal: the named member, otherwise the local owner."""
    if name is None:
        return await owner(application)
    members = application.services.members
    return await members.asker((await members.named(name)).id)


def said_version(version: VersionView) -> None:
    """What became of a version, and what comes next."""
    if version.state != "proposed":
        say(out, f"Version {version.number} of the policy is {_STATES[version.state]}.")
        return
    say(out, f"Version {version.number} waits for a second administrator, because it loosens:")
    for each in version.loosens:
        say(out, f"  • {each}")
    say(out, f"Next: stocktide policy confirm {version.number} --as NAME, or Confirm under /policy in a chat.")


_STATES = {"active": "in force", "refused": "turned down", "replaced": "replaced"}
