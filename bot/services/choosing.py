"""What a person means by the words of an order: the supplier, the place, the route, and a quantity that fits it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Location, Sku
from bot.chat.nodes import Code, Text
from bot.domain.sourcing import Offer, choose_offer
from bot.errors import BadArgument
from bot.services.planning import Plan, listed
from bot.storage import suppliers as supplier_rows
from bot.storage.suppliers import SupplierRow
from bot.words import _


@dataclass(frozen=True, slots=True)
class WrongLot:
    """So many units cannot be bought: the route asks for at least `minimum`, in packs of `pack`; `fits` could be."""

    sku: str
    units: int
    supplier: str
    supplier_code: str
    location: str
    minimum: int
    pack: int
    fits: tuple[int, ...]


async def named_supplier(connection: AsyncConnection, text: str) -> SupplierRow | None:
    """The supplier meant by a code or name; None where none is named."""
    if not text:
        return None
    known = await supplier_rows.all_of(connection)
    wanted = text.casefold()
    for found in known:
        if wanted in {found.code.casefold(), found.name.casefold()}:
            return found
    near = [found for found in known if wanted in found.name.casefold()]
    if len(near) == 1:
        return near[0]
    raise BadArgument(
        _(
            "No supplier or place is called {text}. Suppliers: {known}.",
            text=Code(text[:40]),
            known=Text(listed([found.code for found in near or known], 8)),
        ),
        "buy",
    )


def series_of(figures: Plan, sku: Sku, location: Location | None) -> int:
    """The series meant: at the place, or where the product lacks most."""
    if location is not None:
        row = figures.row(sku.id, location.id)
        if row is None:
            raise BadArgument(
                _("{sku} has no sales or stock record in {place}.", sku=Code(sku.code), place=Text(location.name)),
                "buy",
            )
        return row
    supply, series = figures.assessed.supply, range(figures.assessed.series)
    mine = [row for row in series if int(figures.taken.product_ids[row]) == sku.id]
    if not mine:
        raise BadArgument(_("{sku} has no sales or stock record.", sku=Code(sku.code)), "buy")
    return max(
        mine,
        key=lambda row: (
            float(supply.order_up_to[row]) - int(supply.counted[row]),
            float(figures.assessed.demand.velocity[row]),
            -row,
        ),
    )


async def chosen_offer(
    connection: AsyncConnection, figures: Plan, row: int, supplier: SupplierRow | None, sku: Sku
) -> Offer:
    """The route that a draft would take, of the supplier where one is named; BadArgument without any."""
    days = float(figures.assessed.supply.runout.stockout[row])
    place = figures.taken.place(row)
    offer = choose_offer(figures.offers(row, None if supplier is None else supplier.id), days)
    if offer is not None:
        return offer
    others = {figures.supplier(one) for one in figures.offers(row)}
    if supplier is None or not others:
        raise BadArgument(
            _(
                "No supplier delivers {sku} to {place}; import a route first.",
                sku=Code(sku.code),
                place=Text(place.name),
            ),
            "buy",
        )
    codes = [found.code for found in await supplier_rows.all_of(connection, others)]
    raise BadArgument(
        _(
            "{supplier} does not deliver {sku} to {place}. These do: {known}.",
            supplier=Text(supplier.name),
            sku=Code(sku.code),
            place=Text(place.name),
            known=Text(listed(codes)),
        ),
        "buy",
    )


def wrong_lot(figures: Plan, row: int, offer: Offer, units: int, sku: Sku, sender: SupplierRow) -> WrongLot | None:
    """Why a quantity cannot be bought on the route, and what could be; None where it can."""
    more = figures.lot(offer, units)
    if more == units:
        return None
    routes = figures.taken.market.routes
    pack = int(routes.pack_size[offer.route])
    less = more - pack
    fits = tuple(dict.fromkeys(fit for fit in (less, more) if fit > 0 and figures.lot(offer, fit) == fit))
    return WrongLot(
        sku.code,
        units,
        sender.name,
        sender.code,
        figures.taken.place(row).code,
        int(routes.minimum_order[offer.route]),
        pack,
        fits,
    )
