"""`stocktide forecast-score`: how good the forecasts are on the past of a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
    from bot.domain.forecasting.scoring import Score
    from bot.services.evaluating.longform import LongForm
    from bot.services.evaluating.scores import Timed

_Of = Callable[["Timed"], float | None]


MOST = 1_000_000_000  # of any count


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("forecast-score")(forecast_score)


def forecast_score(  # noqa: PLR0917  # Typer's options are parameters
    file: FileArgument,
    horizon: Annotated[int, typer.Option(help="Periods ahead.")] = 14,
    origins: Annotated[int, typer.Option(help="How often a forecast is made: at the last so many horizons.")] = 4,
    quantiles: Annotated[str, typer.Option(help="Quantiles to be scored.")] = ".5,.8,.95,.99",
    baselines: Annotated[
        bool, typer.Option("--baselines", help="Score the published methods too; AutoETS takes long.")
    ] = False,
    methods: Annotated[str, typer.Option(help="Of the published methods these alone, such as TSB,SES.")] = "",
    mapping: MapOption = None,
    freq: FreqOption = "day",
    open_hours: HoursOption = 24.0,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    sheet: SheetOption = None,
    date_order: OrderOption = "",
    series: SeriesOption = 0,
    seed: Annotated[int, typer.Option(help="Which series --series draws.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Score forecasts on the past of a file: RMSSE, scaled pinball loss, coverage and bias, free of every future."""
    levels = shares(quantiles, "--quantiles")
    for value, least, option in ((horizon, 1, "--horizon"), (origins, 1, "--origins"), (series, 0, "--series")):
        within(value, least, MOST, option)
    within(seed, 0, MOST, "--seed")
    names = _names(baselines, methods)
    options = long_options(mapping, freq, open_hours, date_order, encoding, delimiter, sheet)
    form = sample(read_file(file, options), series, seed)
    found = list(_scores(form, horizon, origins, levels, names))
    _say_left_out(found[0].score)
    if as_json:
        typer.echo(json.dumps({"scores": [_as_json(one) for one in found]}))
        return
    _show(found, levels)
    say(out, f"Next: stocktide backtest {file} shows what the forecast is worth in days of inventory.")


def _names(baselines: bool, methods: str) -> tuple[str, ...]:
    if not baselines and not methods:
        return ()
    from bot.services.evaluating.baselines import NAMES, available  # loads Arrow and NumPy

    names = chosen(methods, "--methods", NAMES) if methods else NAMES
    if not available():
        refuse("--baselines", "statsforecast is not installed", "pip install statsforecast, or leave it out")
    return names


def _scores(
    form: LongForm, horizon: int, count: int, levels: tuple[float, ...], names: tuple[str, ...]
) -> Iterator[Timed]:
    from bot.services.evaluating.baselines import baseline  # loads Arrow and NumPy
    from bot.services.evaluating.ours import OURS
    from bot.services.evaluating.scores import known_series, scored

    panel = form.panel
    try:
        total = known_series(panel, horizon, count)
    except ValueError as error:
        refuse("--horizon, --origins", str(error), "lower one of them, or give a longer file")
    with progress_bar() as bar:
        task = bar.add_task(OURS.name, total=total)
        yield scored(panel, OURS, horizon, count, levels)
        bar.update(task, completed=total)
        for name in names:
            task = bar.add_task(name, total=total)
            method = baseline(name, panel.freq, lambda task=task: bar.advance(task))  # type: ignore[misc]
            yield scored(panel, method, horizon, count, levels, form.since)


def _as_json(one: Timed) -> dict[str, Any]:
    score = one.score
    return {
        "method": score.method,
        "rmsse": score.rmsse,
        "pinball": {written(level): loss for level, loss in score.pinball.items()},
        "coverage": {written(level): share for level, share in score.coverage.items()},
        "bias": score.bias,
        "series": score.series,
        "seconds": round(one.seconds, 3),
        "left_out": score.left_out,
    }


def _show(found: list[Timed], levels: tuple[float, ...]) -> None:
    """Two tables, so that each fits a terminal: the errors, and how the quantiles held."""
    errors: dict[str, tuple[_Of, float]] = {"RMSSE": (lambda one: one.score.rmsse, 0.0)}
    held: dict[str, tuple[_Of, float]] = {}
    for level in levels:
        errors[f"pinball {written(level)}"] = (lambda one, level=level: one.score.pinball[level], 0.0)  # type: ignore[misc]
        held[f"cov {written(level)}"] = (lambda one, level=level: one.score.coverage[level], level)  # type: ignore[misc]
    errors["bias"] = (lambda one: one.score.bias, 0.0)
    _table(found, errors, {})
    out.print()
    tails: dict[str, Callable[[Timed], str]] = {
        "series": lambda one: f"{one.score.series:,}",
        "seconds": lambda one: f"{one.seconds:,.1f}",
    }
    _table(found, held, tails)


def _table(found: list[Timed], figures: dict[str, tuple[_Of, float]], tails: dict[str, Callable[[Timed], str]]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("method", no_wrap=True)
    for title in (*figures, *tails):
        table.add_column(title, justify="right")
    best = {title: _best(found, of, aim) for title, (of, aim) in figures.items()}
    for one in found:
        cells = [_cell(of(one), title, best[title]) for title, (of, _) in figures.items()]
        table.add_row(Text(one.score.method), *cells, *(Text(tail(one)) for tail in tails.values()))
    out.print(table)


def _best(found: list[Timed], of: _Of, aim: float) -> float | None:
    known = [value for value in map(of, found) if value is not None]
    return min(known, key=lambda value: abs(value - aim)) if len(known) > 1 else None


def _cell(value: float | None, title: str, best: float | None) -> Text:
    """The figure; the best of its column carries a star."""
    if value is None:
        return Text("–")
    shown = f"{value:+.1%}" if title == "bias" else f"{value:.1%}" if "cov" in title else f"{value:.3f}"
    return Text(f"{shown}*", "bold green") if value == best else Text(f"{shown} ")


def _say_left_out(score: Score) -> None:
    """Say on standard error what could not be scored; the code 2 where nothing could."""
    if all(share is None for share in score.coverage.values()):
        problem = "nothing can be scored: of no series that an origin knows was a period after it wholly in stock"
        refuse("the file", problem, "give a longer file, lower --horizon or --origins, or look at its days in stock")
    why = "its past never changes, or no period after it is known to have been in stock throughout."
    if not score.series:
        say(err, f"RMSSE and pinball loss are unknown, for no series has a scale: {why}", "yellow")
    elif score.left_out:
        say(
            err,
            f"{counted(score.left_out, 'time')} a series was left out at an origin: {why}",
        )
    if score.bias is None:
        say(err, "Nothing was sold in the periods forecast, so there is no bias.", "yellow")
