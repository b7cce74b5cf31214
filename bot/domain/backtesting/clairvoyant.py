"""The bound that no policy passes: one that knows every future sale, and how long each of its orders will take."""

from __future__ import annotations

import numpy as np

from bot.domain.backtesting.policies import Plan
from bot.domain.backtesting.setting import Setting
from bot.domain.backtesting.simulation import Shelf


def plans(shelf: Shelf, setting: Setting) -> list[Plan]:
    """What is asked comes with the order that arrives last before it, whichever was placed first.

    The stock of the beginning lasts until the first arrival. What is asked after the last period is nobody's knowledge
    and not stocked.
    """
    reviews = np.asarray(setting.reviews)
    asked = np.concatenate([np.zeros((len(shelf.demand), 1)), np.cumsum(shelf.demand, axis=1)], axis=1)
    each = np.arange(len(shelf.demand))
    due = np.minimum(reviews[1:, None] + shelf.leads[1:], setting.periods)
    turn = np.argsort(due, axis=0, kind="stable")
    arrivals = np.concatenate([np.take_along_axis(due, turn, axis=0), np.full((1, len(each)), setting.periods)])
    quantity = np.zeros(due.shape)
    np.put_along_axis(quantity, turn, asked[each, arrivals[1:]] - asked[each, arrivals[:-1]], axis=0)
    brought = np.cumsum(np.concatenate([asked[None, each, arrivals[0]], quantity]), axis=0)
    return [Plan((brought[at] - asked[:, column])[:, None]) for at, column in enumerate(reviews.tolist())]
