"""What an account at Amazon tells: listings, FBA stock, orders, returns and shipments to Amazon."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from itertools import islice

from bot.errors import OutsideError
from bot.ports import Check, Clock, Fact, FactKind, Fault, Page, StoreFeed, StorePlace
from bot.settings import StorePart
from bot.stores.amazon import goods, reports
from bot.stores.amazon.ages import ages
from bot.stores.amazon.api import Api
from bot.stores.amazon.cursor import Mark
from bot.stores.amazon.inbounds import inbounds
from bot.stores.amazon.markets import MERCHANT, Account, Market
from bot.stores.amazon.reading import Unreadable, part, rows
from bot.stores.amazon.reports import Broken
from bot.stores.amazon.returns import returned
from bot.stores.amazon.sales import sold
from bot.stores.calling import Pause
from bot.stores.saying import says
from bot.words import _

_AT_ONCE = 500  # listings of a report on one page


def feed_amazon(name: str, part: StorePart) -> StoreFeed:
    """The account of the settings' part, under its name there; SettingsError where it cannot be one."""
    return AmazonFeed(name, part)


class AmazonFeed:
    """Reads one account. Waits and repeats where that helps, for nobody stands waiting for it."""

    kinds: tuple[FactKind, ...] = ("products", "stock", "orders", "returns", "inbounds", "ages")

    def __init__(
        self,
        name: str,
        part: StorePart,
        *,
        pause: Pause = asyncio.sleep,
        timer: Callable[[], float] = time.monotonic,
        clock: Clock | None = None,
    ) -> None:
        self.name = name
        self._account = Account.of(name, part)
        self._api = Api(self._account, pause=pause, timer=timer, clock=clock)

    async def close(self) -> None:
        """Hang up."""
        await self._api.close()

    async def places(self) -> tuple[StorePlace, ...]:
        """A place for each stock at Amazon, and one for what the seller sends himself."""
        at_amazon = (StorePlace(market.place, f"Amazon {market.network}") for market in self._account.stocks)
        return (*at_amazon, StorePlace(MERCHANT, f"{self.name}: sent by the seller"))

    async def check(self) -> tuple[Check, ...]:
        """Try the addresses and the credentials, and whether the account sells where the settings say."""
        return await checked(self._api)

    async def read(self, kind: FactKind, cursor: str = "") -> AsyncIterator[Page]:
        """The facts of a kind; see `StoreFeed.read`."""
        mark = Mark.of(cursor)
        reading = {
            "products": self._products,
            "stock": self._stock,
            "orders": self._orders,
            "returns": self._returns,
            "inbounds": self._inbounds,
            "ages": self._ages,
        }
        async for page in reading[kind](mark):
            yield page

    def _orders(self, mark: Mark) -> AsyncIterator[Page]:
        return sold(self._api, mark)

    def _returns(self, mark: Mark) -> AsyncIterator[Page]:
        return returned(self._api, mark)

    def _inbounds(self, mark: Mark) -> AsyncIterator[Page]:
        return inbounds(self._api, mark)

    def _ages(self, mark: Mark) -> AsyncIterator[Page]:
        return ages(self._api, mark)

    async def _products(self, mark: Mark) -> AsyncIterator[Page]:
        """All listings, marketplace by marketplace: a report knows no changes. Prices are the first one's.

        Amazon cancels a report that holds nothing, and one that it has no time for: such a marketplace (`Mark.left`)
        may list anything, so that the reading is none of all there is.
        """
        anew, mark = mark.begun is None, mark.begin(self._api.clock.now())
        seen: set[str] = set()  # a SKU that several marketplaces list is told as the first one lists it
        for market in self._account.markets[mark.part :]:
            if not mark.report:
                mark = replace(mark, report=await reports.ask(self._api, goods.LISTINGS, [market.id], None, None))
                yield Page("products", (), str(mark), anew=anew)
                anew = False
            try:
                document = await reports.made(self._api, mark.report)
                mark = mark if document else replace(mark, left=(*mark.left, market.id))
                async for page in self._listings(mark, market, document, seen):
                    yield page
            except reports.Failed:
                yield Page("products", (), str(replace(mark, report="")))
                raise
            mark = mark.next_part()
            yield Page("products", (), str(mark))
        yield Page("products", (), str(mark.ended()), (), None if mark.left else mark.begun)

    async def _listings(self, mark: Mark, market: Market, document: str, seen: set[str]) -> AsyncIterator[Page]:
        currency = market.currency if market is self._account.first else ""
        listed = await reports.rows(self._api, document) if document else iter(())
        broken: list[Broken] = []
        while some := await asyncio.to_thread(lambda: list(islice(listed, _AT_ONCE))):
            facts: list[Fact] = []
            faults: list[Fault] = []
            for row in some:
                if isinstance(row, Broken):
                    broken.append(row)
                    continue
                try:
                    fact = goods.product(row, currency)
                except Unreadable as problem:
                    faults.append(goods.product_fault(row, problem.said))
                    continue
                facts += [fact] if fact.code not in seen else []
                seen.add(fact.code)
            yield Page("products", tuple(facts), str(mark), tuple(faults))
        if document:
            where = f"{goods.LISTINGS}@{market.code}"
            yield Page("products", (), str(mark), tuple(reports.crooked(where, broken)), well=(where,))

    async def _stock(self, mark: Mark) -> AsyncIterator[Page]:
        """All counts, stock by stock; each from its beginning, for the token of a next page lives for seconds."""
        anew, mark = mark.begun is None, mark.begin(self._api.clock.now())
        yield Page("stock", (), str(mark), anew=anew)
        for market in self._account.stocks[mark.part :]:
            query = {"granularityType": "Marketplace", "granularityId": market.id, "marketplaceIds": market.id}
            pages = self._api.pages("getInventorySummaries", "nextToken", details="true", **query)
            async for answer in pages:
                told = list(goods.stock(rows(part(answer.told, "payload"), "inventorySummaries"), market, answer.at))
                faults = [each for each in told if isinstance(each, Fault)]
                faults += [Fault(market.place, says(error)) for error in answer.errors]
                facts = tuple(each for each in told if not isinstance(each, Fault))
                yield Page("stock", facts, str(mark), tuple(faults))
            mark = mark.next_part()
            yield Page("stock", (), str(mark))
        yield Page("stock", (), str(mark.ended()), (), mark.begun)


async def checked(api: Api) -> tuple[Check, ...]:
    """Whether the account is let in, and sells in each marketplace of the settings."""
    name = api.account.name
    subject = _("store {name}", name=name)
    remedy = _(
        "look at [stores.connected.{name}]: user (client id), secret, token (refresh token) and marketplaces", name=name
    )
    try:
        told = (await api.read("getMarketplaceParticipations")).told
        taking_part = [each for each in rows(told, "payload") if part(each, "participation").get("isParticipating")]
        there = {part(each, "marketplace").get("id") for each in taking_part}
    except OutsideError as error:
        return (Check(subject, "fail", error.said, remedy),)
    missing = [market.code for market in api.account.markets if market.id not in there]
    if missing:
        return (
            Check(subject, "fail", _("the account does not sell in {missing}", missing=", ".join(missing)), remedy),
        )
    codes = ", ".join(market.code for market in api.account.markets)
    return (Check(subject, "ok", _("answers at {url}, sells in {codes}", url=api.account.url, codes=codes)),)
