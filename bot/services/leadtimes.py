"""How long an order really took, beside what its routes state; the plan learns from it (`bot.domain.leadtime`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import leadtimes
from bot.storage.requests import RequestRow

_DAY = Decimal(86_400)


async def took(
    connection: AsyncConnection, held: RequestRow, arrivals: Sequence[tuple[int, int, datetime]]
) -> dict[str, Any]:
    """What a finished order's card says: mean days from order to arrival over its units, and the days stated.

    `arrivals` are (product, units, when). Empty where nothing arrived; without `stated_days` where no route says.
    """
    units = sum(quantity for _product, quantity, _at in arrivals)
    if held.ordered_at is None or not units:
        return {}
    waits = (quantity * Decimal((at - held.ordered_at).total_seconds()) for _product, quantity, at in arrivals)
    seconds = sum(waits, Decimal(0))
    found = {"took_days": str(max(round(seconds / units / _DAY, 1), Decimal(0)))}
    weights: dict[int, int] = {}
    for product, quantity, _at in arrivals:
        weights[product] = weights.get(product, 0) + quantity
    if held.supplier_id is not None:
        stated = await leadtimes.stated(connection, held.supplier_id, held.location_id, held.mode)
        of_line = {product: stated.get(product, stated.get(None)) for product in weights}
        if all(days is not None for days in of_line.values()):
            mean = sum((weights[product] * (days or 0) for product, days in of_line.items()), Decimal(0)) / units
            found["stated_days"] = str(round(mean, 1))
    return found
