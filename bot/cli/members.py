"""`stocktide members`: who is who, and what they may."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, get_args
from zoneinfo import ZoneInfo

import typer
from babel.numbers import list_currencies

from bot import settings
from bot.chat.command import Role
from bot.cli.ask import TERMINAL
from bot.cli.common import grid, load_settings, opened, out, run_async, say
from bot.cli.policy import AsOption, actor, said_version
from bot.domain.approval import ScopeKind
from bot.domain.money import Money
from bot.domain.policy import Policy, VersionView
from bot.domain.views import MemberView
from bot.language import LANGUAGES

members = typer.Typer(no_args_is_help=True, help="Members, their roles, and how much a role may approve.")

_MOST = 10**12  # of any currency
ROLES: tuple[str, ...] = get_args(Role)
_KINDS: tuple[ScopeKind, ...] = get_args(ScopeKind)


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

    async def work() -> tuple[tuple[MemberView, ...], Policy]:
        async with opened(loaded) as application:
            services = application.services
            return await services.members.everyone(), (await services.policies.in_force()).policy

    everyone, policy = run_async(work)
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
    for each in policy.limits:
        most = Money.of_minor(each.per_request, each.currency)
        say(out, f"{each.role} may approve up to {most} per request")


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
    context: typer.Context,
    of_role: Annotated[str, typer.Argument(metavar="ROLE")],
    amount: str,
    currency: str,
    acting: AsOption = None,
) -> None:
    """Set the most that a role may approve per request in a currency: a change of the policy."""
    loaded = load_settings(context)
    chosen = _role(of_role)
    if chosen not in settings.DECIDING_ROLES:
        raise typer.BadParameter(f"only these may be given a limit: {', '.join(settings.DECIDING_ROLES)}")
    try:
        money = Money(Decimal(amount), currency.upper())
    except (InvalidOperation, ValueError, TypeError) as error:
        raise typer.BadParameter("write an amount and a currency, such as 5000 USD") from error
    if money.currency not in list_currencies():
        raise typer.BadParameter(f"{currency!r} is no ISO 4217 currency, such as USD")
    if not 0 <= money.amount <= _MOST:
        raise typer.BadParameter(f"an amount lies between 0 and {_MOST:,}")

    async def work() -> VersionView:
        async with opened(loaded) as application:
            asker = await actor(application, acting)
            return await application.services.policies.set_limit(chosen, money, asker.member_id, TERMINAL)

    version = run_async(work)
    if version.state == "active":
        say(out, f"{chosen} may approve up to {money} per request.")
    else:
        said_version(version)


@members.command("scope")
def scope(
    context: typer.Context,
    name: str,
    kind: Annotated[str, typer.Argument(help="location, supplier or store.")] = "",
    code: Annotated[str, typer.Argument(help="Its code; with --remove it is taken out again.")] = "",
    remove: Annotated[bool, typer.Option("--remove", help="Take the code out.")] = False,
) -> None:
    """Limit where a person's role reaches; without a kind, show it. With no code of a kind it reaches everywhere."""
    loaded = load_settings(context)
    if kind and (kind not in _KINDS or not code):
        raise typer.BadParameter(f"write one of {', '.join(_KINDS)} and a code, such as: location UK")

    async def work() -> tuple[tuple[str, str], ...]:
        async with opened(loaded) as application:
            people = application.services.members
            for each in _KINDS:
                if each == kind:
                    await (people.drop_scope if remove else people.add_scope)(name, each, code)
            return await people.scopes(name)

    found = run_async(work)
    say(out, f"{name} reaches " + (", ".join(f"{each} {its}" for each, its in found) or "everywhere") + ".")


@members.command("authenticator")
def authenticator(
    context: typer.Context,
    name: str,
    reset: Annotated[bool, typer.Option("--reset", help="Forget it, so that they can set it up anew.")] = False,
    acting: AsOption = None,
) -> None:
    """Reset a person's generator of one-time codes, when a phone was lost."""
    loaded = load_settings(context)
    if not reset:
        raise typer.BadParameter("write --reset: that is all that can be done with it from here")

    async def work() -> bool:
        async with opened(loaded) as application:
            services = application.services
            asker = await actor(application, acting)
            found = await services.members.named(name)
            return await services.authenticators.reset(found.id, asker.member_id, TERMINAL)

    say(out, f"{name} can set up an authenticator anew." if run_async(work) else f"{name} has none.")
