"""Files of everything but sales: one taker per kind, which turns checked rows into inserts and changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.containers import STANDARD
from bot.services.audit import Deed
from bot.services.ingest.contracts import Desk, Kind, TableBatch
from bot.services.ingest.measures import VOLUMES, WEIGHTS
from bot.services.ingest.places import Places
from bot.services.ingest.rejects import Rejects
from bot.services.ingest.rows import FileRow, RowRejected, Rules
from bot.services.ingest.trade import OrderUpdates, Receipts
from bot.services.ingest.values import Bad
from bot.storage import derive, facts, masters
from bot.storage.bulk import insert_rows
from bot.storage.tables import (
    Identity,
    Inbound,
    Location,
    Member,
    Product,
    Route,
    StockLevel,
    StockMovement,
    Supplier,
)
from bot.storage.types import to_micros

ROLES = ("viewer", "operator", "buyer", "approver", "promo_manager", "auditor", "admin")
MOST_REVIEW_DAYS = 90
_UNSAID = str.maketrans("", "", " '′-")  # 40' HC and 40HC are one
LOOSE = ("LCL", "拼箱", "散货")  # as loose cargo, in a container with other people's goods
MODES = ("sea", "air", "rail", "road", "courier")


class Taker(Protocol):
    """Takes the rows of one kind within a transaction."""

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Look up what rows refer to."""
        ...

    def read(self, row: FileRow) -> Any:  # noqa: ANN401  # each kind has its own form between read and store
        """A row's values; RowRejected where it cannot be."""
        ...

    async def store(self, connection: AsyncConnection, rows: list[Any]) -> tuple[int, int]:
        """Store what `read` gave; (added, updated)."""
        ...


class Stored(NamedTuple):
    """What became of a batch: counts of rows, and the products (ids) that are to be judged by what it changed."""

    added: int
    updated: int
    judged: AbstractSet[int]


async def take(
    connection: AsyncConnection, kind: Kind, rules: Rules, batch: TableBatch, rejects: Rejects, desk: Desk
) -> Stored:
    """Bring one batch in. Bad rows go to `rejects`."""
    taker = TAKERS[kind](desk)
    await taker.begin(connection, rules)
    good = []
    for place, cells in enumerate(zip(*batch.columns, strict=True)):
        try:
            if place in batch.odd:
                raise RowRejected("", batch.odd[place])  # noqa: TRY301  # one way out for every bad row
            good.append(taker.read(FileRow(rules, cells)))
        except RowRejected as fault:
            rejects.add(batch.lines[place], fault.field, fault.reason, cells)
    added, updated = await taker.store(connection, good)
    judged = taker.meant(good) if isinstance(taker, _Facts) and added + updated else set()
    return Stored(added, updated, judged)


class _Taker:
    """A taker with what it may use besides the database."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk


class _Known(_Taker):
    """What rows of several kinds refer to: locations and products."""

    rules: Rules
    places: Places
    products: dict[str, int]

    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        """Read the locations and products."""
        self.rules = rules
        self.places = Places(await facts.places(connection), rules.options.location)
        self.products = await facts.product_ids(connection)

    def place(self, row: FileRow) -> int:
        """The number of the row's location in `places.all`."""
        found = self.places.find_named(row.raw("location"))
        if isinstance(found, Bad):
            raise RowRejected("location", found.reason)
        return found

    async def add_products(self, connection: AsyncConnection, skus: list[str]) -> None:
        """A fact about an unknown product makes the product known."""
        currency = self.rules.options.currency or self.rules.settings.currency
        await facts.add_products(connection, dict.fromkeys(skus, currency), self.rules.now, self.products)


class _Facts(_Known):
    """Rows that products are judged by; each begins with its SKU."""

    def meant(self, rows: list[tuple[Any, ...]]) -> AbstractSet[int]:
        """The products of stored rows."""
        return {self.products[row[0]] for row in rows}


class _Stock(_Facts):
    _columns = ("product_id", "location_id", "as_of", "source", "on_hand", "committed")

    def read(self, row: FileRow) -> tuple[str, int, datetime, int, int]:
        number = self.place(row)
        zone = self.places.zones[number]
        at = row.instant("as_of", zone) if row.has("as_of") else (self.rules.options.as_of or self.rules.now)
        return row.sku(), self.places.all[number].id, at, row.whole("on_hand"), row.whole("committed", 0)

    async def store(
        self, connection: AsyncConnection, rows: list[tuple[str, int, datetime, int, int]]
    ) -> tuple[int, int]:
        await self.add_products(connection, [row[0] for row in rows])
        source = self.rules.options.source
        levels = [
            (self.products[sku], place, to_micros(at), source, on_hand, committed)
            for sku, place, at, on_hand, committed in rows
        ]
        if rows:
            latest = max(row[2] for row in rows)
            await facts.refresh_feed(connection, source, "stock", latest, self.rules.settings.stock_limit_hours)
        return await masters.upsert(connection, StockLevel, self._columns[:4], self._columns, levels)


class _Inbounds(_Facts):
    _columns = (
        "product_id",
        "location_id",
        "quantity",
        "ordered_at",
        "expected_on",
        "received_at",
        "source",
        "external_id",
    )
    _moved = ("product_id", "location_id", "quantity", "at", "day", "kind", "source", "external_id")

    def read(self, row: FileRow) -> tuple[str, int, tuple[Any, ...], datetime | None, str]:
        number = self.place(row)
        zone, code = self.places.zones[number], self.places.all[number].code
        sku, units, ordered = row.sku(), row.whole("quantity", least=1), row.instant("ordered_at", zone)
        expected = row.day("expected_on")
        received = row.instant("received_at", zone) if row.has("received_at") else None
        if received and received < ordered:
            raise RowRejected("received_at", "before it was ordered")
        reference = row.text("external_id") or f"{ordered:%Y-%m-%dT%H:%M}/{units}"
        facts_of = (units, to_micros(ordered), expected.isoformat())
        return sku, number, facts_of, received, f"{reference}/{sku}/{code}"

    async def store(self, connection: AsyncConnection, rows: list[tuple[Any, ...]]) -> tuple[int, int]:
        await self.add_products(connection, [row[0] for row in rows])
        source = self.rules.options.source
        inbounds, receipts = [], []
        for sku, number, (units, ordered, expected), received, name in rows:
            product, place = self.products[sku], self.places.all[number].id
            at = to_micros(received) if received else None
            inbounds.append((product, place, units, ordered, expected, at, source, name))
            if received:
                day = received.astimezone(self.places.zones[number]).date().isoformat()
                receipts.append((product, place, units, at, day, "receipt", source, f"inbound:{name}"))
        await insert_rows(connection, StockMovement, self._moved, receipts)
        return await masters.upsert(connection, Inbound, ("source", "external_id"), self._columns, inbounds)


class _Products(_Taker):
    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:  # the protocol's form
        self._rules = rules
        rows = (await connection.execute(select(Product.sku, Product.id, Product.currency))).all()
        self._ids = {row.sku: row.id for row in rows}
        self._currencies = {row.sku: row.currency for row in rows}

    def read(self, row: FileRow) -> dict[str, Any]:
        sku = row.sku()
        found: dict[str, Any] = {"sku": sku}
        currency = row.currency(self._currencies.get(sku, ""))
        if row.has("currency"):
            found["currency"] = currency
        if row.has("name"):
            found["name"] = row.text("name")[:200]
        for field in ("unit_cost", "unit_price"):
            if row.has(field):
                found[f"{field}_minor"] = row.minor(field, currency)
        if row.has("unit_volume"):
            found["unit_volume_cm3"] = row.measure("unit_volume", VOLUMES)
        if row.has("unit_weight"):
            found["unit_weight_g"] = row.measure("unit_weight", WEIGHTS)
        return found

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        currency = self._rules.options.currency or self._rules.settings.currency
        unknown = dict.fromkeys(("unit_cost_minor", "unit_price_minor", "unit_volume_cm3", "unit_weight_g"))
        rest = {**unknown, "active": True, "created_at": self._rules.now}
        known = [{"name": row["sku"], **row} if row["sku"] not in self._currencies else row for row in rows]
        merged = await masters.merge(connection, Product, ("sku",), known, {"currency": currency, **rest})
        said = {row["sku"]: row["currency"] for row in rows if "currency" in row and row["sku"] in self._ids}
        moved = {self._ids[sku] for sku, told in said.items() if told != self._currencies[sku]}
        if moved:  # what is revenue in their own currency is derived by the currency they are kept in
            await derive.rebuild(connection, moved, derive.BEGINNING)
        return merged


class _Suppliers(_Taker):
    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        self._rules = rules
        self._first = (await connection.execute(select(Supplier.id).limit(1))).first() is None

    def read(self, row: FileRow) -> dict[str, Any]:
        currency = row.currency()
        found: dict[str, Any] = {
            "code": row.required("code").upper(),
            "name": row.required("name"),
            "country": row.country(),
            "currency": currency,
            "language": row.language(),
        }
        if row.has("email"):
            found["email"] = row.addresses("email")
        if row.has("minimum_total"):
            found["minimum_total_minor"] = row.minor("minimum_total", currency)
        return {**found, **_review(row)}

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        # Those of the first file were known from the beginning; one that comes later is new for a while.
        unsaid = dict.fromkeys(("minimum_total_minor", "review_every", "review_from"))
        defaults = {"email": "", **unsaid, "created_at": None if self._first else self._rules.now}
        return await masters.merge(connection, Supplier, ("code",), rows, defaults)


def _review(row: FileRow) -> dict[str, Any]:
    """Every how many days the supplier is ordered from, and one of these days; 0 days: whenever orders are due."""
    if not row.has("review_every"):
        if row.has("review_from"):
            raise RowRejected("review_every", "missing; write every how many days, such as 14, beside review_from")
        return {}
    every = row.whole("review_every")
    if every > MOST_REVIEW_DAYS:
        raise RowRejected("review_every", f"above {MOST_REVIEW_DAYS} days")
    if not every:
        return {"review_every": None, "review_from": None}
    if not row.has("review_from"):
        raise RowRejected("review_from", "missing; write one of the days on which orders go out, such as 2026-01-05")
    return {"review_every": every, "review_from": row.day("review_from")}


class _Locations(_Taker):
    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        del connection, rules

    def read(self, row: FileRow) -> dict[str, Any]:
        code = row.required("code").upper()
        markets = [word for part in row.text("markets").split(";") if (word := part.strip())]
        return {
            "code": code,
            "name": row.text("name") or code,
            "zone": row.zone(),
            "country": row.country(),
            "currency": row.currency(),
            "markets": markets,
        }

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        return await masters.merge(connection, Location, ("code",), rows, {})


class _Routes(_Known):
    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        await super().begin(connection, rules)
        rows = await connection.execute(select(Supplier.code, Supplier.name, Supplier.id, Supplier.currency))
        self._suppliers = {name.casefold(): (r.id, r.currency) for r in rows for name in (r.name, r.code)}

    def read(self, row: FileRow) -> dict[str, Any]:
        supplier = self._suppliers.get(row.required("supplier").casefold())
        if supplier is None:
            raise RowRejected("supplier", "unknown supplier; import suppliers first")
        product = self.products.get(row.sku()) if row.has("sku") else None
        if row.has("sku") and product is None:
            raise RowRejected("sku", "unknown product; import products first")
        mode = row.text("mode").lower() or "sea"
        mode = {"海运": "sea", "空运": "air", "铁路": "rail", "陆运": "road", "快递": "courier"}.get(mode, mode)
        if mode not in MODES:
            raise RowRejected("mode", f"not one of {', '.join(MODES)}")
        currency = row.currency(supplier[1])
        days = row.number("lead_time_days")
        if not 0 < days <= 1000:
            raise RowRejected("lead_time_days", "not between 0 and 1000 days")
        return {
            "supplier_id": supplier[0],
            "product_id": product,
            "location_id": self.places.all[self.place(row)].id,
            "mode": mode,
            "lead_time_days": days,
            "lead_time_sd_days": row.number("lead_time_sd_days", Decimal(0)),
            "minimum_order": row.whole("minimum_order", 1, least=1),
            "pack_size": row.whole("pack_size", 1, least=1),
            "unit_cost_minor": row.minor("unit_cost", currency) if row.has("unit_cost") else None,
            "currency": currency,
            **_container(row),
            "source": "",  # what a person states stands, whatever a store said of it
        }

    async def store(self, connection: AsyncConnection, rows: list[dict[str, Any]]) -> tuple[int, int]:
        keys = ("supplier_id", "product_id", "location_id", "mode")
        unsaid = dict.fromkeys(("container", "container_volume_cm3", "container_weight_g"))
        return await masters.merge(connection, Route, keys, rows, unsaid)


def _container(row: FileRow) -> dict[str, Any]:
    """A route's container: a standard size, the person's own, or a standard size with figures of their own."""
    name = row.text("container").upper().replace("HC", "HQ").translate(_UNSAID)
    own = {
        column: row.measure(field, units)
        for field, column, units in (
            ("container_volume", "container_volume_cm3", VOLUMES),
            ("container_weight", "container_weight_g", WEIGHTS),
        )
        if row.has(field)
    }
    if name in LOOSE:
        return {"container": None, "container_volume_cm3": None, "container_weight_g": None}
    if name in STANDARD:
        known = STANDARD[name]
        return {
            "container": name, "container_volume_cm3": known.volume_cm3, "container_weight_g": known.weight_g, **own
        }  # fmt: skip
    if name and "container_volume_cm3" not in own:
        sizes = ", ".join(STANDARD)
        raise RowRejected("container", f"none of {sizes} or LCL; for another one write container_volume too")
    if own and "container_volume_cm3" not in own:
        raise RowRejected("container_volume", "missing; write it beside container_weight, or a container's name")
    return {"container": row.text("container")[:40], "container_weight_g": None, **own} if own else {}


class _Members(_Taker):
    async def begin(self, connection: AsyncConnection, rules: Rules) -> None:
        self._rules = rules
        rows = await connection.execute(
            select(Identity.platform, Identity.external_id, Member.name).join(Member, Member.id == Identity.member_id)
        )
        self._taken = {(row.platform, row.external_id): row.name for row in rows}

    def read(self, row: FileRow) -> tuple[dict[str, Any], dict[str, str]]:
        name, role = row.required("name"), row.text("role").lower() or "viewer"
        if role not in ROLES:
            raise RowRejected("role", f"not one of {', '.join(ROLES)}")
        workdays = row.text("workdays") or "12345"
        if not set(workdays) <= set("1234567"):
            raise RowRejected("workdays", "not digits from 1 (Monday) to 7, such as 12345")
        member = {
            "name": name,
            "role": role,
            "zone": row.zone(),
            "zone_known": True,
            "language": row.language(),
            "country": row.country(),
            "working_from": row.time("working_from", time(9)),
            "working_to": row.time("working_to", time(18)),
            "workdays": workdays,
        }
        identities = {platform: row.text(platform) for platform in ("slack", "telegram") if row.has(platform)}
        for platform, external in identities.items():
            if self._taken.setdefault((platform, external), name) != name:
                raise RowRejected(platform, f"belongs to {self._taken[platform, external]}")
        return member, identities

    async def store(
        self, connection: AsyncConnection, rows: list[tuple[dict[str, Any], dict[str, str]]]
    ) -> tuple[int, int]:
        defaults = {"digest_at": time(9), "preferred_platform": "", "active": True, "created_at": self._rules.now}
        roles = dict((await connection.execute(select(Member.name, Member.role))).all())
        before = await self._calendars(connection)
        counted = await masters.merge(connection, Member, ("name",), [member for member, _ in rows], defaults)
        moved = [name for name, now in (await self._calendars(connection)).items() if before.get(name, now) != now]
        # Their next morning was computed for another calendar: it is planned anew.
        await connection.execute(update(Member).where(Member.name.in_(moved)).values(next_digest_at=None))
        ids = dict((await connection.execute(select(Member.name, Member.id))).all())
        known = {(row.platform, row.external_id) for row in await connection.execute(select(Identity))}
        new = {
            (platform, external): ids[member["name"]]
            for member, identities in rows
            for platform, external in identities.items()
            if (platform, external) not in known
        }
        for (platform, external), member_id in new.items():
            values = {"member_id": member_id, "platform": platform, "external_id": external}
            await connection.execute(insert(Identity).values(**values, handle="", linked_at=self._rules.now))
        if deeds := _role_deeds(roles, {member["name"]: member["role"] for member, _ in rows}, ids):
            await self.desk.audit.append_all(connection, deeds)
        return counted

    async def _calendars(self, connection: AsyncConnection) -> dict[str, tuple[str, str, str]]:
        """What decides each member's mornings, by name."""
        rows = await connection.execute(select(Member.name, Member.zone, Member.workdays, Member.country))
        return {row.name: (row.zone, row.workdays, row.country) for row in rows}


def _role_deeds(before: Mapping[str, str], after: Mapping[str, str], ids: Mapping[str, int]) -> list[Deed]:
    """What the audit log says of members that are new or have another role."""
    new = [
        Deed("member.added", f"member:{ids[name]}", {"name": name, "role": role, "from": "file"})
        for name, role in after.items()
        if name not in before
    ]
    changed = [
        Deed("member.role", f"member:{ids[name]}", {"before": before[name], "after": role, "from": "file"})
        for name, role in after.items()
        if name in before and before[name] != role
    ]
    return [*new, *changed]


TAKERS: Mapping[Kind, Callable[[Desk], Taker]] = {
    "stock": _Stock,
    "inbounds": _Inbounds,
    "products": _Products,
    "suppliers": _Suppliers,
    "locations": _Locations,
    "routes": _Routes,
    "members": _Members,
    "orders": OrderUpdates,
    "receipts": Receipts,
}
