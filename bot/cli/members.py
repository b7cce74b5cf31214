"""`stocktide members`: who is who, and what they may."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, get_args
from zoneinfo import ZoneInfo

import typer
from babel.numbers import list_currencies

from bot.chat.command import Role
from bot.cli.common import grid, load_settings, opened, out, run_async, say
from bot.domain.money import Money
from bot.domain.views import MemberView
from bot.language import LANGUAGES

members = typer.Typer(no_args_is_help=True, help="Members, their roles, and how much a role may approve.")

_MOST = 10**12  # of any currency
ROLES: tuple[str, ...] = get_args(Role)


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    app.add_typer(members, name="members")


def _role(text: str) -> Role:
    for role in get_args(Role):
        if text == role:
            found: Role = role
            return found
    raise typer.BadParameter(f"choose one of {', '.join(ROLES)}")


@members.command("list")
def list_members(context: typer.Context) -> None:
    """Everybody, with role, zone, language and platforms, and each role's limits."""
    loaded = load_settings(context)

    async def work() -> tuple[tuple[MemberView, ...], list[tuple[str, Money]]]:
        async with opened(loaded) as application:
            people = application.services.members
            return await people.everyone(), list(await people.limits())

    everyone, limits = run_async(work)
    rows = (
        (
            member.name,
            member.role,
            member.zone,
            member.language,
            ", ".join(member.platforms),
            f"{member.digest_at:%H:%M}" if member.digest_at else "off",
        )
        for member in everyone
    )
    out.print(grid(("name", "role", "zone", "language", "platforms", "digest"), rows))
    for of_role, most in limits:
        say(out, f"{of_role} may approve up to {most} per request")


@members.command("add")
def add(
    context: typer.Context,
    name: str,
    role: Annotated[str, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "viewer",
    zone: Annotated[str, typer.Option(help="An IANA time zone.")] = "UTC",
    language: Annotated[str, typer.Option(help="en or zh_CN.")] = "en",
    country: Annotated[str, typer.Option(help="ISO country whose holidays are days off.")] = "",
    slack: Annotated[str, typer.Option(help="Slack member id, such as U012AB3CD.")] = "",
    telegram: Annotated[str, typer.Option(help="Telegram user id, a number.")] = "",
) -> None:
    """Add a person."""
    loaded = load_settings(context)
    chosen = _role(role)
    if not (name := name.strip()):
        raise typer.BadParameter("a person needs a name")
    if language not in LANGUAGES:
        raise typer.BadParameter(f"choose a language: {' or '.join(LANGUAGES)}")
    identities = {key: value for key, value in (("slack", slack), ("telegram", telegram)) if value}
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise typer.BadParameter(f"{zone!r} is not an IANA time zone") from error

    async def work() -> MemberView:
        async with opened(loaded) as application:
            return await application.services.members.add(
                name, role=chosen, zone=zone, language=language, country=country, identities=identities
            )

    say(out, f"Added {run_async(work).name} as {role}.")


@members.command("role")
def role(context: typer.Context, name: str, new_role: Annotated[str, typer.Argument(metavar="ROLE")]) -> None:
    """Give a person a role."""
    loaded = load_settings(context)
    chosen = _role(new_role)

    async def work() -> None:
        async with opened(loaded) as application:
            await application.services.members.set_role(name, chosen)

    run_async(work)
    say(out, f"{name} is {chosen} now.")


@members.command("limit")
def limit(
    context: typer.Context, of_role: Annotated[str, typer.Argument(metavar="ROLE")], amount: str, currency: str
) -> None:
    """Set the most that a role may approve per request in a currency."""
    loaded = load_settings(context)
    chosen = _role(of_role)
    try:
        money = Money(Decimal(amount), currency.upper())
    except (InvalidOperation, ValueError, TypeError) as error:
        raise typer.BadParameter("write an amount and a currency, such as 5000 USD") from error
    if money.currency not in list_currencies():
        raise typer.BadParameter(f"{currency!r} is no ISO 4217 currency, such as USD")
    if not 0 <= money.amount <= _MOST:
        raise typer.BadParameter(f"an amount lies between 0 and {_MOST:,}")

    async def work() -> None:
        async with opened(loaded) as application:
            await application.services.members.set_limit(chosen, money)

    run_async(work)
    say(out, f"{chosen} may approve up to {money} per request.")
