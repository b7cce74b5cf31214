"""What the process of `run` loads before it answers anybody; other commands load it when they first need it.

Setting up rehearses too: the loops of the forecasts are compiled then, which takes some seconds once.
"""

from __future__ import annotations

from datetime import date
from importlib import import_module

# The domain names these where it first reckons with them: an answer must not wait for that.
_ARITHMETIC = ("scipy.special", "scipy.stats", "scipy.optimize")


def load_arithmetic() -> None:
    """Load what a scan and an alert reckon with, and forecast once; takes about two seconds, so in a thread."""
    for name in _ARITHMETIC:
        import_module(name)
    rehearse()


def rehearse() -> None:
    """A forecast of made-up sales: each compiled loop runs once, from the disk where it was compiled before."""
    import numpy as np  # noqa: PLC0415  # the command line loads this module and must start without it

    from bot.domain.demand import BlendedVelocity, DemandSettings, SeriesHistory  # noqa: PLC0415  # as above
    from bot.domain.forecasting.lessons import LEAST_DAYS, LEAST_SERIES, Law, teach  # noqa: PLC0415  # as above
    from bot.domain.groups import Groups  # noqa: PLC0415  # as above
    from bot.domain.outlook import Question, outlook, panel_of  # noqa: PLC0415  # as above

    settings, n = DemandSettings(), LEAST_SERIES
    units = np.random.default_rng(0).poisson(2.0, (n, LEAST_DAYS + 7))
    history = SeriesHistory(date(2024, 1, 1), units, np.full(units.shape, 9))
    groups = Groups.by_place(np.zeros(n, dtype=np.int64))
    lessons = teach(panel_of(history, settings, groups), (Law(7.0, 0.15), Law(1.0, 0.0)))
    if lessons is not None:
        question = Question(np.full(n, 7.0), np.full(n, 14.0), None, np.full(n, 1.0), np.full(n, 0.95), groups)
        outlook(history, BlendedVelocity().estimate(history, settings), settings, lessons, question)


def rehearse_trials() -> None:
    """What `forecast-score` and `backtest` reckon with, which the watch does not; setting up alone needs it."""
    import numpy as np  # noqa: PLC0415  # as above

    from bot.domain.backtesting.smoothing import KINDS, rate  # noqa: PLC0415  # as above
    from bot.domain.forecasting import Engine, Panel  # noqa: PLC0415  # as above
    from bot.domain.forecasting.gammas import WORTH  # noqa: PLC0415  # as above

    units = np.random.default_rng(0).poisson(0.4, (WORTH, 30)).astype(np.float32)
    none, unknown = np.zeros(len(units), dtype=np.int64), np.full(len(units), np.nan)
    past = Panel(date(2024, 1, 1), "day", units, None, none, none, none, unknown, unknown)
    Engine().forecast(past, 2, (0.5,))
    Engine().over(past, np.array([3]), np.ones(1), (0.5,))
    for kind in KINDS:
        rate(past, kind)
