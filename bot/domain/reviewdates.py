"""Review dates: a supplier's orders go out together every so many days, counted from one of these days; arrays (n,).

Between two dates nothing can be ordered, so on a date the position must last until goods ordered on the next one are
here: the periodic review of Silver, Pyke and Peterson, with the review inside the reorder point as inside the
order-up-to level.
"""

from __future__ import annotations

import numpy as np

from bot.domain.arrays import Floats, Ints


def days_to_review(first: Ints, every: Ints, today: Ints) -> Floats:
    """Days until the next review date, 0 on one; NaN where `every` is 0, which is any day.

    `first` and `today` are days since 1970; `first` may be any of the dates, past or to come.
    """
    return np.where(every > 0, (first - today) % np.maximum(every, 1), np.nan)


def next_chance(review_days: Floats, every: Floats | None, wait: Floats | None) -> Floats:
    """Days until what is not ordered now could be: the next date after today, or a review where there are no dates."""
    if every is None or wait is None:
        return review_days
    return np.where(np.isnan(wait), review_days, np.where(wait == 0, every, wait))
