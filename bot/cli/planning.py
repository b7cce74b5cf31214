"""`stocktide plan`: what service costs in stock, what a target of days allows, and what to order first within cash."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import cell_len

from bot.cli.common import (
    AtOption,
    clock_at,
    counted,
    load_settings,
    opened,
    out,
    parse_instant,
    run_async,
    say,
    visible,
)
from bot.cli.planfigures import budget_json, levels_json
from bot.domain.calendar import HOLIDAY
from bot.domain.money import Money

if TYPE_CHECKING:
    from bot.domain.targets import Group
    from bot.services.budgets import BudgetLine, BudgetView, Revision
    from bot.services.targets import LevelsView, Scenario

_SHOWN = 20  # lines of a table on the screen; --json has them all
_LEAST = 0.501  # of a service level in the settings
_MOST = Decimal(10) ** 15
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
_WORDS = 8  # products changed in one command, requests named in one line
_PLAIN = re.compile(r"[\w./-]+")  # an SKU that can be typed as a word of a command
_ARTICLE = (30.0, 90.0)  # days: the quick sellers and the slow ones


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(plan)


def plan(
    context: typer.Context,
    target_days: Annotated[
        list[float] | None,
        typer.Option(
            "--target-days", min=0.1, max=3650, help="Days of inventory to aim at; several times for several."
        ),
    ] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(metavar="MONEY", help='Cash until next month, such as "50000 USD"; once per currency.'),
    ] = None,
    sku: Annotated[str | None, typer.Option(help="One product alone.")] = None,
    location: Annotated[str | None, typer.Option(help="One location alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    at: AtOption = None,
) -> None:
    """Show what service levels hold in stock, what a target of days allows, and what to buy first within a budget."""
    budgets = tuple(_money(text) for text in budget or ())
    if len({each.currency for each in budgets}) < len(budgets):
        raise typer.BadParameter("one budget per currency", param_hint="--budget")
    aims = tuple(target_days or ()) or (() if budgets else _ARTICLE)
    loaded = load_settings(context)
    clock = clock_at(parse_instant(at))

    async def work() -> tuple[LevelsView, tuple[BudgetView, ...]]:
        async with opened(loaded, clock) as application:
            from bot.services.targets import Ask  # NumPy; --help and completion need none

            services = application.services
            product = None if sku is None else await services.lookup.sku(sku)
            place = None if location is None else await services.lookup.location(location)
            return await services.targets.weigh(Ask(aims, budgets, product, place))

    levels, orders = run_async(work)
    if as_json:
        typer.echo(json.dumps({"levels": levels_json(levels), "budgets": [budget_json(each) for each in orders]}))
        return
    if aims:
        _show_levels(levels)
    for view in orders:
        _show_budget(view)


def _money(text: str) -> Money:
    """`50000 USD` as money; a usage error where it is none."""
    number, _, code = text.strip().partition(" ")
    if "," in number and not _GROUPED.fullmatch(number):
        raise typer.BadParameter(
            f"write 1000.50 or 1,000.50, not {number}: a comma sets thousands apart, a point begins the cents",
            param_hint="--budget",
        )
    try:
        found = Money(Decimal(number.replace(",", "")), code.strip().upper())
    except (InvalidOperation, TypeError, ValueError) as error:
        raise typer.BadParameter(f'write money such as "50000 USD", not {text!r}', param_hint="--budget") from error
    if not 0 < found.amount < _MOST:
        raise typer.BadParameter("write an amount above zero", param_hint="--budget")
    return Money.of_minor(found.minor, found.currency)


def _show_levels(view: LevelsView) -> None:
    days = "" if math.isnan(view.days_now) else f", {view.days_now:,.0f} days of what they sell"
    say(out, f"{counted(view.series, 'series', 'series')} hold stock of {_amount(view.stock_now)} now{days}.")
    for number, why in ((view.without_cost, "no known cost"), (view.silenced, "stale or uncounted stock")):
        if number:
            say(out, f"  {number:,} more with {why} are left out.")
    if not view.series:
        _show_ahead(view)
        say(out, "Next: stocktide import products products.csv, with unit costs, and stock.")
        return
    if math.isnan(view.days_now):
        say(out, "Nothing of it sells, so no service level and no target of days can be weighed.")
        _show_ahead(view)
        say(out, 'Next: stocktide import sales sales.csv; if it was sold before, stocktide ask "/slow" lists it.')
        return
    planned = Money.of_minor(view.scenarios[0].groups[-1].stock_minor, view.currency)
    above = view.stock_now.minor - planned.minor
    say(
        out,
        f"The levels that are set would hold {_amount(planned)}: "
        f"{_amount(Money.of_minor(abs(above), view.currency))} {'more lies there' if above > 0 else 'is missing'}.",
    )
    say(out, "")
    rows = [row for scenario in view.scenarios for row in _rows(view, scenario)]
    money = (f"stock {view.currency}", "days", f"{view.currency} lost a month")
    _table(("plan", "class", "service", "from stock", *money), rows, 2)
    for scenario in view.scenarios:
        if not scenario.groups:
            say(
                out,
                f"No service level reaches {scenario.target_days:g} days: lots and the time between orders alone hold "
                f"{scenario.least_days:,.0f}. Smaller minimums and packs, or ordering more often, bring them down.",
            )
    say(out, "")
    say(out, "What each level holds, what it sells from stock, and the margin that it loses:")
    points = [(_levels(point), *_row(view, point.groups[-1])[2:]) for point in view.curve]
    _table(("service A / B / C", "from stock", *money), points, 1)
    say(out, "")
    _show_ahead(view)
    say(out, _next(view))


def _show_ahead(view: LevelsView) -> None:
    """What the calendar has ahead; nothing where it has nothing."""
    if not view.ahead:
        return
    rows = [
        (
            f"{event.first:%Y-%m-%d} to {event.last:%Y-%m-%d}" + (" (expected)" if event.expected else ""),
            event.name.msgid,
            ", ".join(sorted(event.countries)),
            f"{event.uplift:g} x usual sales assumed" if event.kind == "demand" else "orders placed before wait",
        )
        for event in view.ahead
        if event.key != HOLIDAY
    ]
    if rows:
        say(out, "Ahead:")
        _table(("days", "event", "countries", "means"), rows, 4)
    off = [f"{event.first:%m-%d} {'/'.join(sorted(event.countries))}" for event in view.ahead if event.key == HOLIDAY]
    if off:
        say(out, f"Public holidays, which move no figure: {', '.join(off)}.")
    say(out, "")


def _rows(view: LevelsView, scenario: Scenario) -> list[tuple[str, ...]]:
    name = "as set" if scenario.target_days is None else f"{scenario.target_days:g} days"
    return [(name if not number else "", *_row(view, group)) for number, group in enumerate(scenario.groups)]


def _row(view: LevelsView, group: Group) -> tuple[str, ...]:
    return (
        group.name or "all",
        _share(group.level),
        _share(group.fill),
        f"{Money.of_minor(group.stock_minor, view.currency).amount:,}",
        "-" if math.isnan(group.days) else f"{group.days:,.1f}",
        f"{Money.of_minor(group.lost_minor, view.currency).amount:,}",
    )


def _next(view: LevelsView) -> str:
    """What to do: set the levels of the first target that can be reached, or sell what lies above the plan."""
    aim = next((each for each in view.scenarios if each.target_days is not None and each.groups), None)
    if aim is not None and min(*aim.levels, *(level for _name, level in aim.own)) > _LEAST:
        levels = ", ".join(_written(level) for level in aim.levels)
        own = "".join(f", watch.classes.{name}.service = {_written(level)}" for name, level in aim.own)
        return f"Next: watch.service_levels = [{levels}]{own} in the settings holds {aim.target_days:g} days."
    return 'Next: stocktide ask "/slow" lists what ties up most, and stocktide plan --budget orders what pays best.'


def _written(level: float) -> str:
    """A level as the settings take it, rounded down: it holds no more than was asked for."""
    return f"'{math.floor(level * 1000) / 1000:.3f}'"


def _show_budget(view: BudgetView) -> None:
    say(out, "")
    if not view.lines and not view.left_out:
        say(out, f"Nothing that is due is bought in {view.budget.currency}.")
    else:
        whole = len({(line.sku, line.location) for line in (*view.lines, *view.left_out)})
        say(
            out,
            f"{_amount(view.spent)} of {_amount(view.budget)} order {len(view.lines):,} of {whole:,} lines that are "
            f"due ({_amount(view.due)}) and save {_amount(view.saved)} of margin until goods ordered on "
            f"{view.until:%Y-%m-%d} are here.",
        )
        _show_lines("Order first:", view.lines, chosen=True)
        _show_lines("Left out:", view.left_out, chosen=False)
    if view.left_out:
        say(
            out,
            f"What is left out forgoes {_amount(view.forgone)}; no other choice could save more than "
            f"{_amount(view.at_most)} above this one.",
        )
    for supplier, lacking in view.short:
        say(out, f"{visible(supplier)}: {_amount(lacking)} short of the least that it takes in an order.")
    if view.elsewhere:
        say(out, f"Also due, in other money: {', '.join(_amount(each) for each in view.elsewhere)}.")
    say(out, _next_of(view))


def _next_of(view: BudgetView) -> str:
    """What to do first: a request is approved only where it asks for no more and no less than the budget orders."""
    first = next((line.request_id for line in view.lines if line.request_id is not None), None)
    revision = next((each for each in view.revisions if each.request_id == first), None)
    if revision is not None and revision.none:
        others = [f"R-{each.request_id}" for each in view.revisions if not each.none]
        named = ", ".join(others[:_WORDS]) + (f" and {len(others) - _WORDS} more" if len(others) > _WORDS else "")
        but = f"; edit {named} first: they do not ask for what this plan orders" if others else ""
        return f'Next: stocktide ask "/approve R-{first}", and down the list{but}.'
    if revision is not None:
        return _edit(revision)
    if view.lines:
        return f'Next: stocktide ask "/buy {view.lines[0].sku} {view.lines[0].units}", and down the list.'
    return 'Next: stocktide ask "/restock" shows what runs out.'


def _edit(revision: Revision) -> str:
    """How a request becomes what the budget orders."""
    code = f"R-{revision.request_id}"
    words = " ".join(f"{sku}={units}" for sku, units in revision.units)
    if len(revision.units) > _WORDS or not all(_PLAIN.fullmatch(sku) for sku, _units in revision.units):
        say(out, f"{code} asks for other units than this plan: {words}; 0 takes a product out.")
        words = ""
    then = ", then approve it."
    if revision.unweighed:
        more = counted(revision.unweighed, "product")
        then = f", and decide there on {more} not weighed here, before you approve it."
    return f'Next: stocktide ask "/edit {f"{code} {words}".rstrip()}"{then}'


def _show_lines(title: str, lines: Sequence[BudgetLine], *, chosen: bool) -> None:
    if not lines:
        return
    say(out, "")
    say(out, title)
    worth = "saves" if chosen else "forgoes"
    rows = [
        (
            str(number),
            line.sku,
            line.location,
            f"{line.units if chosen else line.wanted - line.units:,} of {line.wanted:,}",
            f"{(line.cost if chosen else line.left_cost).amount:,}",
            f"{(line.saved if chosen else line.forgone).amount:,}",
            f"{line.arrives_on:%Y-%m-%d}",
            "" if line.request_id is None else f"R-{line.request_id}",
            line.supplier,
        )
        for number, line in enumerate(lines[:_SHOWN], 1)
    ]
    money = f"cost {lines[0].cost.currency}"
    _table(("#", "SKU", "location", "units", money, worth, "arrives", "request", "supplier"), rows, 3)
    if len(lines) > _SHOWN:
        say(out, f"  ... and {len(lines) - _SHOWN:,} more; --json lists them all.")


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> None:
    """Print a table whose figures line up, never cut: the first `words` columns and one titled supplier are words."""
    widths = [max(cell_len(row[place]) for row in (titles, *rows)) for place in range(len(titles))]
    for row in (titles, *rows):
        cells = [
            _padded(cell, widths[place], left=place < words or titles[place] == "supplier")
            for place, cell in enumerate(row)
        ]
        say(out, "  ".join(cells).rstrip())


def _padded(cell: str, width: int, *, left: bool) -> str:
    gap = " " * (width - cell_len(cell))
    return cell + gap if left else gap + cell


def _levels(scenario: Scenario) -> str:
    return " / ".join(f"{level * 100:.1f}" for level in scenario.levels) + "%"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value * 100:.1f}%"


def _amount(money: Money) -> str:
    return f"{money.amount:,} {money.currency}"
