"""`stocktide backtest`: what an order policy takes in stock for the service it gives, on the past of a file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bot.cli.common import counted, err, out, progress_bar, say
from bot.cli.longfile import (
    DelimiterOption,
    EncodingOption,
    FileArgument,
    FreqOption,
    HoursOption,
    JsonOption,
    MapOption,
    OrderOption,
    SeriesOption,
    SheetOption,
    chosen,
    long_options,
    read_file,
    refuse,
    sample,
    shares,
    within,
    written,
)

if TYPE_CHECKING:
    from bot.domain.backtesting.frontier import Standing
    from bot.domain.backtesting.running import Outcome, Run
    from bot.domain.backtesting.setting import Setting
    from bot.services.evaluating.backtests import Packing
    from bot.services.evaluating.longform import LongForm

YEARS = 3652.5  # ten, in days
SHORTEST = 0.5  # days
SD, SD_SHARE = 7.0, 0.25  # the deviation of lead times where none is given: days, or that share of a shorter one
MOST = 1e9  # of any count
PICTURES = (".png", ".svg")
KNOWS = "every future sale, and how long each order takes"


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command()(backtest)


def backtest(  # noqa: PLR0917  # Typer's options are parameters
    file: FileArgument,
    lead_time: Annotated[float, typer.Option(help="Days from an order to its arrival, on average.")] = 28.0,
    lead_time_sd: Annotated[
        float | None,
        typer.Option(help="Their standard deviation; 0: none. By default 7, or a quarter of a short lead time."),
    ] = None,
    review: Annotated[float, typer.Option(help="Days from one review to the next.")] = 7.0,
    service: Annotated[str, typer.Option(help="Fill rates to compare at.")] = ".9,.95,.98",
    policies: Annotated[
        str, typer.Option(help="Of stocktide, flat30, minmax, sba, tsb, imapa; flat30 always runs.")
    ] = "stocktide,flat30,minmax,sba,tsb",
    pack: Annotated[
        float | None, typer.Option(help="Units that orders are multiples of, where no pack_size says; 0: any.")
    ] = None,
    minimum: Annotated[float, typer.Option(help="The least order in units, where no minimum_order says.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the lead times, the bootstrap and --series.")] = 1,
    mapping: MapOption = None,
    freq: FreqOption = "day",
    open_hours: HoursOption = 24.0,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    date_order: OrderOption = "",
    series: SeriesOption = 0,
    as_json: JsonOption = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves into this file, .png or .svg.")] = None,
) -> None:
    """Simulate order policies on the past of a file: days of inventory at equal fill rate, and what they cost."""
    from bot.domain.backtesting.policies import NAMES  # loads SciPy
    from bot.services.evaluating.backtests import Packing, with_reference

    targets = shares(service, "--service")
    names = with_reference(chosen(policies, "--policies", NAMES))
    sd = min(SD, lead_time * SD_SHARE) if lead_time_sd is None else lead_time_sd
    for value, least, most, option in (
        (lead_time, SHORTEST, YEARS, "--lead-time"), (sd, 0.0, 2.0 * lead_time, "--lead-time-sd"),
        (review, SHORTEST, YEARS, "--review"), (pack or 0.0, 0.0, MOST, "--pack"), (minimum, 0.0, MOST, "--minimum"),
        (seed, 0, MOST, "--seed"), (series, 0, MOST, "--series"),
    ):  # fmt: skip
        within(value, least, most, option)
    if plot:
        _check_plot(plot)
    options = long_options(mapping, freq, open_hours, date_order, encoding, delimiter, sheet)
    form = sample(read_file(file, options), series, seed)
    calendar = _calendar(form, lead_time, sd, review)
    outcome = _outcome(form, calendar, names, targets, Packing(pack, minimum), seed)
    if plot:
        _plot(outcome, targets, plot, file.name)
    if as_json:
        typer.echo(json.dumps(_as_json(outcome, calendar, form)))
        return
    _show(outcome, calendar, form, targets)
    _unreached(outcome)
    say(out, f"Next: stocktide forecast-score {file} --baselines shows what the forecasts behind it are worth.")


def _check_plot(path: Path) -> None:
    if path.suffix.casefold() not in PICTURES:
        refuse("--plot", f"{path.name} ends in none of {', '.join(PICTURES)}", "name it curves.png or curves.svg")
    if not path.absolute().parent.is_dir():
        refuse("--plot", f"there is no folder {path.parent}", "make it, or name another")


def _calendar(form: LongForm, lead_time: float, sd: float, review: float) -> Setting:
    from bot.domain.backtesting.setting import setting  # loads SciPy

    try:
        return setting(form.panel.freq, form.panel.periods, lead_time, sd, review)
    except ValueError as error:
        refuse("--lead-time, --review", str(error), "shorten them, or give a longer file")


def _outcome(
    form: LongForm, calendar: Setting, names: tuple[str, ...], targets: tuple[float, ...], packing: Packing, seed: int
) -> Outcome:
    from bot.services.evaluating.backtests import backtest as simulated  # loads SciPy

    with progress_bar() as bar:
        task = bar.add_task("Reviews", total=len(names) * len(calendar.reviews))
        try:
            return simulated(form, calendar, names, targets, packing, seed, lambda: bar.advance(task))
        except ValueError as error:
            refuse("the file", str(error), "give a longer file, or shorten the lead time")


def _as_json(outcome: Outcome, calendar: Setting, form: LongForm) -> dict[str, Any]:
    from bot.domain.backtesting.running import nearness  # loads SciPy
    from bot.services.evaluating.backtests import compared_with_bound

    bound = {key: value for key, value in dataclasses.asdict(outcome.bound).items() if key != "knob"}
    policy = compared_with_bound(outcome)
    near = {written(target): times for target, times in nearness(outcome, policy).items()}
    return {
        "frontier": [_standing(outcome, one) for one in outcome.frontier],
        "clairvoyant": {**bound, "knows": KNOWS, "times_the_bound": {"policy": policy, "at": near}},
        "runs": [dataclasses.asdict(one) for one in outcome.runs],
        "series": outcome.series,
        "start": form.panel.starts(calendar.start).isoformat(),
        "measured_from": form.panel.starts(calendar.measured).isoformat(),
    }


def _standing(outcome: Outcome, one: Standing) -> dict[str, Any]:
    """A row of the frontier; where the policy does not reach the target, the fill rate is the most it reaches."""
    most = max(run.fill_rate for run in outcome.runs if run.policy == one.policy)
    return {
        "policy": one.policy,
        "service": one.service,
        "fill_rate": one.service if one.days is not None else most,
        "days_of_inventory": one.days,
        "ratio_to_flat30": one.ratio,
        "low": one.low,
        "high": one.high,
    }


def _show(outcome: Outcome, calendar: Setting, form: LongForm, targets: tuple[float, ...]) -> None:
    starts = form.panel.starts
    say(
        out,
        f"{outcome.series:,} series that sold before {starts(calendar.start)}, reviewed every "
        f"{counted(calendar.review, form.panel.freq)} from then on, measured from {starts(calendar.measured)}.",
    )
    out.print()
    out.print(_frontier(outcome, targets))
    out.print()
    out.print(_runs(outcome, targets))
    out.print()
    say(out, f"A policy that knows {KNOWS}, fills {outcome.bound.fill_rate:.1%} on "
        f"{outcome.bound.days_of_inventory:,.1f} days of inventory.{_near(outcome)}")  # fmt: skip


def _near(outcome: Outcome) -> str:
    from bot.domain.backtesting.running import nearness  # loads SciPy
    from bot.services.evaluating.backtests import compared_with_bound

    policy = compared_with_bound(outcome)
    near = nearness(outcome, policy).items()
    told = [f"{times:.1f} times that at {target * 100:.10g}%" for target, times in near if times]
    return f" {policy} takes {', '.join(told)}." if told else ""


def _frontier(outcome: Outcome, targets: tuple[float, ...]) -> Table:
    """Days of inventory of each policy at each fill rate, and times those of flat30 with 95% bounds."""
    table = Table(box=None, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    for target in targets:
        table.add_column(f"days {written(target)}", justify="right")
        table.add_column("x flat30", justify="right")
    found = {(one.policy, one.service): one for one in outcome.frontier}
    for name in dict.fromkeys(one.policy for one in outcome.frontier):
        cells: list[Text] = []
        for target in targets:
            known = [one.days for one in outcome.frontier if one.service == target and one.days is not None]
            cells += _cells(found[name, target], min(known, default=None))
        table.add_row(Text(name), *cells)
    return table


def _cells(one: Standing, best: float | None) -> tuple[Text, Text]:
    if one.days is None:
        return Text("– "), Text("–")
    days = Text(f"{one.days:,.0f}*", "bold green") if one.days == best else Text(f"{one.days:,.0f} ")
    if one.ratio is None:
        return days, Text("–")
    bounds = f" ({one.low:.2f}-{one.high:.2f})" if one.low is not None and one.low != one.high else ""
    return days, Text(f"{one.ratio:.2f}{bounds}")


def _runs(outcome: Outcome, targets: tuple[float, ...]) -> Table:
    """Of each policy the first run that fills a target."""
    table = Table(box=None, pad_edge=False)
    table.add_column("policy", no_wrap=True)
    for title in ("knob", "fill", "cycle", "stock", "days", "turnover", "orders", "cost"):
        table.add_column(title, justify="right")
    for name in dict.fromkeys(one.policy for one in outcome.runs):
        of_it = [one for one in outcome.runs if one.policy == name]
        reached = (next((one for one in of_it if one.fill_rate >= target), None) for target in targets)
        for one in dict.fromkeys(one for one in reached if one):
            table.add_row(*(Text(cell) for cell in _run_cells(one)))
    return table


def _run_cells(one: Run) -> tuple[str, ...]:
    return (
        one.policy,
        f"{one.knob:g}",
        f"{one.fill_rate:.1%}",
        f"{one.cycle_service:.1%}",
        f"{one.average_stock:,.0f}",
        f"{one.days_of_inventory:,.0f}",
        "–" if one.turnover is None else f"{one.turnover:.1f}",
        f"{one.orders:,}",
        "–" if one.cost is None else f"{one.cost:,}",
    )


def _unreached(outcome: Outcome) -> None:
    for one in outcome.frontier:
        if one.days is None:
            most = max(run.fill_rate for run in outcome.runs if run.policy == one.policy)
            say(
                err, f"{one.policy} does not reach {written(one.service)} at any setting: at most {most:.1%}.", "yellow"
            )


def _plot(outcome: Outcome, targets: tuple[float, ...], path: Path, name: str) -> None:
    from bot.charts.curves import Curve, draw  # the renderer is needed for a plot alone
    from bot.charts.drawing import rendered
    from bot.charts.svg import with_looks

    curves = [
        Curve(policy, tuple((one.days_of_inventory, one.fill_rate) for one in outcome.runs if one.policy == policy))
        for policy in dict.fromkeys(one.policy for one in outcome.runs)
    ]
    picture = draw(curves, targets, outcome.bound.days_of_inventory, f"Stock for service: {name}")
    try:
        path.write_bytes(with_looks(picture).encode() if path.suffix.casefold() == ".svg" else rendered(picture))
    except OSError as error:
        refuse("--plot", f"{path} cannot be written: {error.strerror}", "name another file")
    say(err, f"Drawn: {path}")
