"""A small team and shop, and the services of this folder put together as bootstrap does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker, Role
from bot.domain.policy import RoleLimit, default_policy
from bot.domain.watch import WatchSettings
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.buttons import Buttons
from bot.services.decisions import Decisions
from bot.services.effects import Effects
from bot.services.guard import DecisionGuard
from bot.services.outbox import Outbox
from bot.services.policies import Policies
from bot.services.requests import Requests
from bot.services.rulings import Rulings
from bot.services.settings import ServiceSettings
from bot.services.stepup import Authenticators
from bot.services.wakes import Wakes
from bot.storage import requests as rows
from bot.storage import tables
from bot.storage.database import Database
from bot.storage.requests import Draft, DraftLine

SHANGHAI = ZoneInfo("Asia/Shanghai")
SETTINGS = ServiceSettings(watch=WatchSettings(), organisation_currency="GBP", default_zone="Europe/London")


@dataclass
class Desk:
    """The services under test and the ids of what was planted."""

    database: Database
    clock: Clock
    audit: Audit
    outbox: Outbox
    requests: Requests
    decisions: Decisions
    effects: Effects
    members: dict[str, int]
    product: int
    place: int
    supplier: int

    def asker(self, name: str, role: Role = "viewer") -> Asker:
        """A member as the chat presents them; the role here is what the chat believes, not what counts."""
        return Asker(self.members.get(name, 0), name, role, "en", SHANGHAI)

    async def pending(self, total_minor: int = 40_000, currency: str = "GBP", **more: Any) -> int:
        """A submitted purchase request; its id."""
        kind = more.pop("kind", "purchase_order")
        async with self.database.transaction() as connection:
            line = DraftLine(self.product, 100, total_minor // 100, more.pop("case_id", None), more.pop("line", None))
            draft = Draft(
                kind=kind, location_id=self.place, currency=currency, total_minor=total_minor, lines=(line,),
                supplier_id=self.supplier, **more,
            )  # fmt: skip
            ids = await self.requests.draft(connection, [draft])
            await self.requests.submit(connection, ids)
        return ids[0]

    async def all(self, table: type[tables.Base]) -> list[Any]:
        """Every row of a table, in the order of its first column."""
        async with self.database.reading() as connection:
            return list(
                await connection.execute(select(*table.__table__.columns).order_by(*table.__table__.primary_key))
            )


TEAM: Mapping[str, Role] = {
    "Lin Wei": "approver",
    "Greta": "approver",
    "Jonas": "buyer",
    "Maria": "operator",
    "Ada": "admin",
    "Nok": "promo_manager",
}


LIMITS = (
    RoleLimit("approver", "GBP", 500_000),
    RoleLimit("approver", "USD", 100_000),
    RoleLimit("promo_manager", "GBP", 50_000),
)


@dataclass
class Bureau:
    """Requests and whoever decides them, put together as bootstrap does; nothing is carried out."""

    audit: Audit
    outbox: Outbox
    requests: Requests
    decisions: Decisions
    effects: Effects


def open_bureau(
    database: Database, clock: Clock, settings: ServiceSettings, guard: DecisionGuard | None = None
) -> Bureau:
    """The services around a request."""
    audit = Audit(database=database, clock=clock)
    wakes = Wakes(database)
    outbox = Outbox(database=database, clock=clock, buttons=Buttons(clock=clock), wakes=wakes)
    policies = Policies(database=database, clock=clock, audit=audit, initial=default_policy("GBP", LIMITS))
    rulings = Rulings(clock=clock, policies=policies, settings=settings)
    requests = Requests(
        database=database, clock=clock, audit=audit, outbox=outbox, rulings=rulings
    )  # fmt: skip
    decisions = Decisions(
        database=database, clock=clock, audit=audit, requests=requests, policies=policies, rulings=rulings,
        authenticators=Authenticators(database=database, clock=clock, audit=audit, issuer="Stocktide"), fulfilments={},
        guard=guard,
    )  # fmt: skip
    return Bureau(audit, outbox, requests, decisions, Effects(database=database, clock=clock, wakes=wakes))


async def add(connection: AsyncConnection, table: type[tables.Base], **values: Any) -> int:
    """Insert one row; its id."""
    added = await connection.execute(insert(table).returning(table.__table__.c.id), values)
    return int(added.scalar_one())


async def add_all(
    connection: AsyncConnection, table: type[tables.Base], rows: Sequence[Mapping[str, Any]]
) -> list[int]:
    """Insert rows by one statement, for what thousands of tests begin with; their ids, in their order."""
    own = table.__table__.c.id
    added = await connection.execute(insert(table).returning(own, sort_by_parameter_order=True), rows)
    return list(added.scalars())


async def add_team(connection: AsyncConnection, now: datetime) -> dict[str, int]:
    """Members of every role."""
    rows = [{"name": name, "role": role, "zone": "UTC", "created_at": now} for name, role in TEAM.items()]
    return dict(zip(TEAM, await add_all(connection, tables.Member, rows), strict=True))


async def add_channel(connection: AsyncConnection, name: str, *topics: str, now: datetime) -> int:
    """A Slack channel that wants to hear of the topics."""
    channel = await add(connection, tables.Conversation, platform="slack", external_id=name, kind="group")
    rows = [{"conversation_id": channel, "topic": topic, "created_at": now} for topic in topics]
    if rows:
        await connection.execute(insert(tables.Subscription), rows)
    return channel


async def open_desk(database: Database, clock: Clock, guard: DecisionGuard | None = None) -> Desk:
    """Plant the team, one product, place and supplier, and put the services together."""
    now = clock.now()
    async with database.transaction() as connection:
        members = await add_team(connection, now)
        product = await add(
            connection, tables.Product, sku="85123A", name="Lantern", currency="GBP", unit_cost_minor=120,
            unit_price_minor=295, created_at=now,
        )  # fmt: skip
        place = await add(
            connection, tables.Location, code="UK", name="United Kingdom", zone="Europe/London", country="GB",
            currency="GBP", markets=["United Kingdom"],
        )  # fmt: skip
        supplier = await add(connection, tables.Supplier, code="YIWU", name="Yiwu Bright", country="CN", currency="CNY")
    bureau = open_bureau(database, clock, SETTINGS, guard)
    return Desk(
        database, clock, bureau.audit, bureau.outbox, bureau.requests, bureau.decisions, bureau.effects, members,
        product, place, supplier,
    )  # fmt: skip


async def add_case(desk: Desk, kind: str = "stockout_risk", severity: int = 2, state: str = "open") -> int:
    """An unresolved case on the planted product."""
    async with desk.database.transaction() as connection:
        return await add(
            connection, tables.Case, key=f"{kind}:{desk.product}:{desk.place}", kind=kind, product_id=desk.product,
            location_id=desk.place, state=state, severity=severity, notified_severity=severity, money_minor=12_345,
            currency="GBP", evidence={}, opened_at=desk.clock.now(), updated_at=desk.clock.now(),
            notified_at=desk.clock.now(),
        )  # fmt: skip


async def request_row(desk: Desk, request_id: int) -> rows.RequestRow:
    """A request as it stands."""
    async with desk.database.reading() as connection:
        found = await rows.row(connection, request_id)
    assert found is not None
    return found


DAY = timedelta(days=1)
