"""The bound: a policy that knows every future sale, and how long each of its orders will take.

In packs of any size none that loses nothing from the first review on holds less. With minimum orders each comes as late
as it can, which is close to the least: now and then a unit more in the order before would spare a whole minimum order.
"""

from __future__ import annotations

import numpy as np

from bot.domain.backtesting.policies import Plan
from bot.domain.backtesting.setting import Setting
from bot.domain.backtesting.simulation import Shelf, packed


def plans(shelf: Shelf, setting: Setting) -> list[Plan]:
    """What is asked comes with the order that arrives last before it, whichever was placed first.

    The stock of the beginning lasts until the first arrival. Packs and minimum orders are met in order of arrival: what
    they bring beyond the need is taken off the arrivals after it. What is asked after the last period is nobody's
    knowledge and not stocked.
    """
    reviews = np.asarray(setting.reviews)
    asked = np.concatenate([np.zeros((len(shelf.demand), 1)), np.cumsum(shelf.demand, axis=1)], axis=1)
    each = np.arange(len(shelf.demand))
    due = np.minimum(reviews[1:, None] + shelf.leads[1:], setting.periods)
    turn = np.argsort(due, axis=0, kind="stable")
    arrivals = np.concatenate([np.take_along_axis(due, turn, axis=0), np.full((1, len(each)), setting.periods)])
    brought = np.zeros((len(reviews), len(each)))  # by the review that orders it; the first row is there at the start
    brought[0] = packed(asked[each, arrivals[0]] - asked[:, setting.start], shelf.pack, shelf.minimum)
    come = asked[:, setting.start] + brought[0]
    for order, until in zip(turn, arrivals[1:], strict=True):
        quantity = packed(asked[each, until] - come, shelf.pack, shelf.minimum)
        brought[1 + order, each] = quantity
        come += quantity
    ordered = asked[:, setting.start] + np.cumsum(brought, axis=0)
    return [Plan((ordered[at] - asked[:, column])[:, None]) for at, column in enumerate(reviews.tolist())]
