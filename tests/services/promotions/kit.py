"""A whole Stocktide over a real database, a shop with too much on one shelf, and a real local store over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from bot import settings
from bot.bootstrap import App, build
from bot.chat.command import Asker, Invocation, Origin
from bot.chat.router import Answer
from bot.domain.money import Money
from bot.domain.views import RequestView
from bot.ports import MovableClock
from bot.sandbox.serving import Serving
from bot.sandbox.store import Listing, LocalStore, store_app
from bot.storage import promotions as rows
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.promotions import PromotionRow
from tests.services.work.kit import add
from tests.services.work.shop import Shop, open_shop

LAMP, MUG = "LAMP", "MUG"
COST, PRICE = 100, 250  # pence


def pounds(minor: int) -> Money:
    """So many pence."""
    return Money.of_minor(minor, "GBP")


@dataclass
class Yard:
    """Everything at hand; `store` is the other side."""

    app: App
    shop: Shop
    store: LocalStore
    serving: Serving
    clock: MovableClock

    @property
    def database(self) -> Database:
        """The application's own."""
        return self.app.services.database

    def asker(self, name: str) -> Asker:
        """A member, in Shanghai."""
        return self.shop.asker(name)

    async def says(self, name: str, line: str, event: str = "") -> Answer:
        """What is answered to a member who types a line; the platform tells the same `event` again after a crash."""
        origin = Origin("slack", name, "C1", "group", event=event)
        call: Invocation[Any] = Invocation(self.app.services, self.asker(name), origin, self.clock.now(), ())
        return await self.app.router.run(call, line)

    async def presses(self, name: str, command: str, *arguments: str) -> Answer:
        """What is answered to a member who presses a button."""
        origin = Origin("slack", name, "C1", "group")
        call: Invocation[Any] = Invocation(self.app.services, self.asker(name), origin, self.clock.now(), ())
        return await self.app.router.press(call, command, arguments)

    async def asked(self, line: str = "promo LAMP 20% until Friday", name: str = "Nok") -> int:
        """A promotion that somebody asked for and that waits; its request's id."""
        answer = await self.says(name, line)
        assert not answer.refused, answer.message
        async with self.database.reading() as connection:
            found = await connection.execute(select(tables.Request.id).order_by(tables.Request.id.desc()).limit(1))
            return int(found.scalar_one())

    async def approved(self, line: str = "promo LAMP 20% until Friday") -> int:
        """One that an approver said yes to; nothing was called yet."""
        request_id = await self.asked(line)
        await self.approves(request_id)
        return request_id

    async def approves(self, request_id: int, name: str = "Lin Wei") -> None:
        """Somebody says yes."""
        await self.app.services.decisions.decide(request_id, None, "approve", self.asker(name), "slack")

    async def runs(self, line: str = "promo LAMP 20% until Friday") -> int:
        """One that runs in the store."""
        request_id = await self.approved(line)
        await self.works()
        assert (await self.request(request_id)).stage == "running"
        return request_id

    async def works(self) -> None:
        """The worker makes every call that is due."""
        await self.app.effect_worker.drain(30)

    async def passes(self, **by: float) -> None:
        """Time passes; then due calls are made."""
        self.clock.push(timedelta(**by))
        await self.works()

    async def ticks(self) -> Any:
        """The job's work at this moment."""
        return await self.app.services.promotion_watch.tick(self.clock.now())

    async def request(self, request_id: int) -> RequestView:
        """A request as shown."""
        return await self.app.services.requests.get(request_id)

    async def promotion(self, request_id: int) -> PromotionRow:
        """A promotion as stored."""
        async with self.database.reading() as connection:
            found = await rows.of_request(connection, request_id)
        assert found is not None
        return found

    def price(self, sku: str = LAMP) -> tuple[Money, Money | None]:
        """What the store asks now, and what it strikes through."""
        item = self.store.item(sku)
        return item.price, item.compare_at

    async def sells(self, units: int, sku: str = LAMP, place: str = "UK") -> None:
        """So many are sold at this moment."""
        async with self.database.transaction() as connection:
            await add(
                connection, tables.Sale, source="shop", external_id=f"{self.clock.now().isoformat()}:{units}",
                order_ref="1", product_id=self.shop.skus[sku], location_id=self.shop.places[place], code=sku,
                sold_at=self.clock.now(), day=self.clock.now().date(), quantity=units, unit_price=Decimal(2),
                amount_minor=units * 200, currency="GBP", kind="sale",
            )  # fmt: skip

    async def shows(self, request_id: int, name: str = "C-SHOWN") -> int:
        """A conversation in which the request's card stands."""
        async with self.database.transaction() as connection:
            place = await add(connection, tables.Conversation, platform="telegram", external_id=name, kind="group")
            await connection.execute(
                insert(tables.Post).values(
                    conversation_id=place, subject=f"request:{request_id}", message_id=f"m-{name}",
                    posted_at=self.clock.now(),
                )
            )  # fmt: skip
        return place

    async def posts(self, text: str) -> list[Any]:
        """Rows of the outbox that post a message with that text in it."""
        return [row for row in await self.all(tables.Outbox) if row.kind == "post" and text in str(row.message)]

    async def data(self, action: str) -> list[dict[str, Any]]:
        """What the audit log says of every such deed."""
        return [entry["data"] async for entry in self.app.services.audit.export() if entry["action"] == action]

    async def deeds(self) -> list[str]:
        """The actions of the audit log."""
        return [row.action for row in await self.all(tables.Audit)]

    async def all(self, table: type[tables.Base]) -> list[Any]:
        """Every row of a table."""
        return await self.shop.all(table)


@asynccontextmanager
async def open_yard(
    database: Database, clock: MovableClock, plant: Callable[[Shop], Any] | None = None, **parts: Any
) -> AsyncIterator[Yard]:
    """Plant the shop (500 lamps lie in the UK, one a day is sold), serve the store, and put all together."""
    store = LocalStore(clock, [Listing(LAMP, "Lamp", pounds(PRICE)), Listing(MUG, "Mug", pounds(400))])
    serving = Serving(store_app(store))
    url = serving.bind()
    await serving.start()
    chosen = settings.given(
        organisation={"currency": "GBP", "zone": "Europe/London"},
        database={"url": database.url.render_as_string(hide_password=False)},
        approval={"limits": {"approver": {"GBP": 5_000}, "promo_manager": {"GBP": 500}}},
        stores={"connected": {"shop": {"url": url, "token": store.token}}},
        **parts,
    )
    app = build(chosen, clock, ())
    shop = await open_shop(database, clock)
    await (plant or planted)(shop)
    await app.services.policies.ensure()
    yard = Yard(app, shop, store, serving, clock)
    try:
        yield yard
    finally:
        await serving.stop()
        await yard.app.close()  # which may be another one by now


async def planted(shop: Shop) -> None:
    """Far too many lamps."""
    await shop.add_place("UK")
    # So many that one product is less than a twentieth of the catalogue.
    await shop.add_products([f"OTHER-{number}" for number in range(40)])
    await shop.add_product(LAMP, COST, PRICE)
    await shop.sells(LAMP, "UK", [1] * 120)
    await shop.holds(LAMP, "UK", 500)
