"""Takes what a store sold and what came back of it: lines of orders as they are, and the demand of their days anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import setaside
from bot.ports import Fact, Fault, OrderFact, ReturnedUnits
from bot.services import revenues
from bot.services.feeds.desks import Desk, look_up
from bot.services.feeds.orders import Change, Misfit
from bot.services.feeds.returning import named, with_returns
from bot.services.feeds.taken import Demand, Taken
from bot.storage import facts, storebooks, storeorders, storereturns, variants
from bot.storage.revenues import WAITING
from bot.storage.storebooks import Line
from bot.storage.tables import Sale

_AHEAD = timedelta(days=1)  # clocks differ, but not by more


@dataclass(frozen=True, slots=True)
class Selling:
    """Writes orders and returns. `currency` is the organisation's, `rates` those typed by hand, as in `Exchange`."""

    currency: str
    rates: Mapping[str, Decimal]

    async def orders(
        self,
        connection: AsyncConnection,
        desk: Desk,
        given: Sequence[Fact],
        faults: list[Fault],
        now: datetime,
        demand: Demand,
    ) -> Taken:
        """Orders as they are now: their lines added, changed and taken away; what is known to have come back holds.

        A version that is older than the one taken last changes nothing.
        """
        orders: dict[str, OrderFact] = {}
        for fact in given:
            if isinstance(fact, OrderFact) and not _older(fact, orders.get(fact.id)):
                orders[fact.id] = fact
        # Clocks may be ahead of ours.
        told = {fact.id: min(fact.version, now) for fact in orders.values() if fact.version is not None}
        outdated = await storeorders.outdated(connection, desk.source, told)
        for late in outdated:
            del orders[late]
        back = await storereturns.kept(connection, desk.source, orders)
        fresh = not await facts.told_before(connection, Sale, desk.source)
        standing = {} if fresh else await storebooks.lines_of(connection, desk.source, orders)
        changes: list[Change] = []
        for order in orders.values():
            try:
                if order.placed_at > now + _AHEAD:
                    raise Misfit(setaside.FUTURE)  # noqa: TRY301  # one way out for every misfit
                whole = with_returns(order, back.get(order.id, ()))
                change = desk.book.change(whole, standing.get(order.id, ()))
            except Misfit as misfit:
                faults.append(Fault(order.id, misfit.said, order.number))
                continue
            if change.unnamed:
                faults.append(Fault(order.id, setaside.no_product(", ".join(change.unnamed)), order.number))
            changes.append(change)
        taken = await self._write(connection, desk, changes, faults, now, demand)
        taken.outdated = outdated
        return taken

    async def returns(
        self,
        connection: AsyncConnection,
        desk: Desk,
        given: Sequence[Fact],
        faults: list[Fault],
        now: datetime,
        demand: Demand,
    ) -> Taken:
        """What came back, told apart from its orders: kept, and taken off those that stand.

        An order that is not known yet has it once it is told.
        """
        every = [fact for fact in given if isinstance(fact, ReturnedUnits)]
        told = [fact for fact in every if fact.at <= now + _AHEAD]
        faults += [Fault(named(fact), setaside.BACK_TOO_SOON) for fact in every if fact.at > now + _AHEAD]
        await storereturns.keep(connection, desk.source, told)
        orders = {fact.order for fact in told}
        back = await storereturns.kept(connection, desk.source, orders)
        standing = await storebooks.lines_of(connection, desk.source, orders)
        await look_up(connection, desk, {fact.code for order in standing for fact in back[order]})
        changes = [desk.book.returned(back[order], lines) for order, lines in standing.items()]
        return await self._write(connection, desk, changes, faults, now, demand)

    async def _write(
        self,
        connection: AsyncConnection,
        desk: Desk,
        changes: Sequence[Change],
        faults: list[Fault],
        now: datetime,
        demand: Demand,
    ) -> Taken:
        """Write what changed in orders' lines, and let the demand of the products that they name be derived anew."""
        added = [line for change in changes for line in change.added]
        altered = [line for change in changes for line in change.changed]
        dropped = [line for change in changes for line in change.dropped]
        before = [line for change in changes for line in change.before]
        await storebooks.drop_lines(connection, desk.source, {line.external_id for line in dropped})
        await storebooks.add_lines(connection, desk.source, added)
        await storebooks.change_lines(connection, desk.source, altered)
        faults += await self._unpaid([*added, *altered], connection)
        moved = [*added, *altered, *before, *dropped]
        taken = Taken(changed=sum(map(bool, changes)), touched={line.product_id for line in moved})
        unsold = await variants.inactive(connection, taken.touched)  # until now: these sales may say otherwise
        taken.touched |= await variants.weigh(connection, unsold, now)
        if moved:
            await demand.note(connection, desk.source, taken.touched, min(line.day for line in moved))
        return taken

    async def _unpaid(self, lines: Sequence[Line], connection: AsyncConnection) -> list[Fault]:
        """The money among lines that has no rate of its day: the units count, and a rate that comes mends it."""
        days: dict[str, set[date]] = {}
        for line in lines:
            if line.currency != self.currency and line.kind == "sale" and line.amount_minor:
                days.setdefault(line.currency, set()).add(date.fromisoformat(line.day))
        wrong = await revenues.lacking(connection, self.currency, self.rates, days) if days else {}
        return [Fault(f"{WAITING}{code}", problem) for code, problem in wrong.items()]


def _older(fact: OrderFact, other: OrderFact | None) -> bool:
    """Whether another version of the order is the later one."""
    if other is None or fact.version is None or other.version is None:
        return False
    return fact.version < other.version
