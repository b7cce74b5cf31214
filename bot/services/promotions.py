"""Promotions as people ask for them: previewed, submitted for approval, listed and stopped.

The price that a store asks is read before the transaction; whoever asks is authorised, never the chat, and every
refusal of a person or a price is kept in the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.arguments import Location, Percent, Price, Sku
from bot.chat.cards import labels
from bot.chat.command import Asker
from bot.chat.nodes import Bold, Code, Text
from bot.domain import promotion as rules
from bot.domain.localtime import instant_of
from bot.domain.views import Page, RequestView
from bot.errors import NotAllowed, Refusal, UnknownReference
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.catalogue import Catalogue
from bot.services.clearing import BY_PRICE, Preview, PriceTooLow, Subject, Way, Wish, preview
from bot.services.outlets import Outlets
from bot.services.pages import paged
from bot.services.policies import Policies
from bot.services.promoting import Promoting
from bot.services.promotionforms import discount_way, draft_of, given_away, line_of, minor_of, stale, view_of
from bot.services.requests import Requests
from bot.storage import authority, locks, marks
from bot.storage import promotions as rows
from bot.storage import requests as request_rows
from bot.storage.database import Database
from bot.storage.requests import LineRow, RequestRow
from bot.storage.variants import variants_of
from bot.words import _

ASKS = frozenset({"buyer", "promo_manager", "approver"})
STOPS = frozenset({"buyer", "promo_manager", "approver", "admin"})
STOPS_ALL = frozenset({"promo_manager", "approver", "admin"})
PROPOSED = "proposed:"  # begins the key under which an event's promotion is kept: "<when> <request id>"
_DEFAULT_DAYS = 14  # of a proposal that names no end


class Promotions:
    """Asks for promotions, lists them and has them stopped."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        requests: Requests,
        catalogue: Catalogue,
        policies: Policies,
        promoting: Promoting,
        outlets: Outlets,
        settings: rules.PromotionSettings,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._requests = requests
        self._catalogue = catalogue
        self._policies = policies
        self._promoting = promoting
        self._outlets = outlets
        self._settings = settings

    async def propose(
        self,
        sku: Sku,
        terms: Percent | Price,
        ends_at: datetime,
        asker: Asker,
        platform: str,
        location: Location | None = None,
        store: str = "",
        *,
        event: str = "",
        way: Way = BY_PRICE,
    ) -> RequestView:
        """Ask for a lower price of a product until an instant; the request, which now waits for approval.

        Without a location it is the one with most of it on the shelf. By another `way` than the price the store keeps
        its price, and a discount takes the share of the terms off. Refusal (PriceTooLow with the lowest price that
        is allowed) where it cannot be; NotAllowed where the person may not ask. The same `event` asks once: where a
        crash makes it come again, it is shown what it led to.
        """
        mark = f"{PROPOSED}{platform}:{event}" if event else ""
        async with self._database.reading() as connection:
            if mark and (known := await marks.get(connection, mark)) is not None:
                return await self._requests.view(connection, int(known.split()[-1]))
        await self._admit(asker, platform, ASKS, f"product:{sku.code}")
        subject = await self._subject(sku, location)
        place = subject.taken.place(subject.row).code
        name = self._outlets.choose(place, store)
        await self._within(subject, name, asker, platform, f"product:{sku.code}")
        codes = await self._variants(name, sku.id)
        if way.means == "price":
            self._outlets.alone(name, sku.code, codes)
        else:
            way = discount_way(way, terms)
            await self._outlets.admit(name, "code" if way.code else "basket", way.code)
        wish = Wish(
            store=name,
            ends_at=ends_at,
            seen=await self._outlets.seen(name, sku.code, codes),
            depth=terms.share if isinstance(terms, Percent) else None,
            promo_minor=minor_of(terms, subject.currency) if isinstance(terms, Price) else None,
            way=way,
        )
        found = await self._preview(subject, wish, asker, platform, f"product:{sku.code}")
        async with self._database.transaction() as connection:
            await locks.product(connection, sku.id)
            await self._alone(connection, sku.id, name, code=way.code)
            draft = draft_of(found, sku.id, int(subject.taken.location_ids[subject.row]), asker.member_id)
            (request_id,) = await self._requests.draft(connection, [draft])
            if mark:
                await marks.put(connection, mark, f"{self._clock.now().isoformat()} {request_id}")
            return await self._submitted(connection, request_id, found, asker, platform)

    async def start(
        self, request_id: int, version: int | None, asker: Asker, platform: str, ends_at: datetime | None = None
    ) -> RequestView:
        """Submit a clearance that was drafted for a case, with the figures of now; the request.

        StaleButton where it changed since it was shown or waits no more.
        """
        held, line = await self._drafted(request_id, version)
        await self._admit(asker, platform, ASKS, f"request:{request_id}")
        async with self._database.reading() as connection:
            sku = (await request_rows.skus(connection, [line.product_id]))[line.product_id]
        subject = await self._at(line.product_id, held.location_id)
        name = self._outlets.choose(subject.taken.place(subject.row).code, "")
        await self._within(subject, name, asker, platform, f"request:{request_id}")
        codes = await self._variants(name, line.product_id)
        self._outlets.alone(name, sku, codes)
        wish = Wish(
            store=name,
            ends_at=ends_at or self._end_of(held, subject),
            seen=await self._outlets.seen(name, sku, codes),
            promo_minor=held.detail["promo_price_minor"],
            units=line.quantity,
            clamp=True,
        )
        found = await self._preview(subject, wish, asker, platform, f"request:{request_id}")
        async with self._database.transaction() as connection:
            fresh = await self._requests.held(connection, request_id)
            if fresh.version != held.version or fresh.state != "draft":
                raise stale(fresh)
            await locks.cases(connection, await request_rows.case_ids(connection, [request_id]))
            await locks.product(connection, line.product_id)
            await self._alone(connection, line.product_id, name, request_id)
            written = line_of(found, line)
            values = {"total_minor": given_away(found), "requested_by": asker.member_id, "edited_by": None}
            detail = {**held.detail, **found.detail()}
            await request_rows.settle(connection, held.id, held.version, "draft", {**values, "detail": detail})
            await request_rows.rewrite(connection, held.id, [written])
            return await self._submitted(connection, request_id, found, asker, platform)

    async def running(self, page: int = 1, size: int = 10) -> Page:
        """The promotions that have begun and are not over as PromotionViews, the first to end first."""
        async with self._database.reading() as connection:
            found = [each for each in await rows.unfinished(connection) if each.state in rows.LIVE]
            sold = await rows.sold(connection, [each.request_id for each in found])
            requests = await request_rows.rows_of(connection, [each.request_id for each in found])
        views = [view_of(each, requests[each.request_id], sold.get(each.request_id, 0)) for each in found]
        pages = max(1, -(-len(views) // size))
        number = min(max(page, 1), pages)
        return paged(views[(number - 1) * size : number * size], number, size, len(views))

    async def stop(self, request_id: int, asker: Asker, platform: str) -> tuple[RequestView, bool]:
        """Stop a promotion, or try again to restore its price: the request, and whether nothing was left to be done.

        UnknownReference where the request is no promotion that began.
        """
        await self._admit(asker, platform, STOPS, f"request:{request_id}")
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, request_id)
            promotion = await rows.of_request(connection, request_id)
            if promotion is None:
                raise UnknownReference(_("{request} is no promotion that runs.", request=Code(f"R-{request_id}")))
            deeds = await self._promoting.stop(connection, held, promotion, "person", asker.name)
            view = await self._requests.view(connection, request_id)
            for deed in deeds:
                await self._audit.append(
                    connection, deed.action, deed.subject, deed.data, asker.member_id or None, platform
                )
        return view, not deeds

    async def stop_all(self, asker: Asker, platform: str) -> int:
        """Stop every promotion; how many."""
        await self._admit(asker, platform, STOPS_ALL, "promotions")
        async with self._database.reading() as connection:
            found = [each for each in await rows.unfinished(connection) if each.state in rows.LIVE]
        count = 0
        for each in found:  # each in a transaction of its own: one that fails keeps no other from stopping
            async with self._database.transaction() as connection:
                held = await self._requests.held(connection, each.request_id)
                promotion = await rows.of_request(connection, each.request_id)
                if promotion is None or promotion.stopping_at is not None:
                    continue
                for deed in await self._promoting.stop(connection, held, promotion, "halt", asker.name):
                    await self._audit.append(
                        connection, deed.action, deed.subject, deed.data, asker.member_id or None, platform
                    )
                count += 1
        return count

    async def _admit(self, asker: Asker, platform: str, roles: frozenset[str], subject: str) -> None:
        """NotAllowed, written to the audit log, where the person's role is none of these."""
        async with self._database.reading() as connection:
            role = await authority.role_of(connection, asker.member_id)
        if role in roles:
            return
        data = {"objection": "stranger" if role is None else "role", "role": role or "", "name": asker.name}
        await self._refusing(subject, data, asker if role is not None else None, platform)
        if role is None:
            raise NotAllowed(_("I do not know you yet; an administrator can make you a member."))
        who = labels.ROLES.get(role, Text(role))
        if roles is ASKS:
            raise NotAllowed(
                _("As {role} you may not ask for a promotion. Ask a buyer or promotion manager.", role=who)
            )
        raise NotAllowed(
            _("As {role} you may not stop promotions. Ask a buyer, approver or promotion manager.", role=who)
        )

    async def _within(self, subject: Subject, store: str, asker: Asker, platform: str, about: str) -> None:
        """NotAllowed, written to the audit log, where the person's role does not reach the place or the store."""
        async with self._database.reading() as connection:
            reach = (await authority.scopes(connection, [asker.member_id])).get(asker.member_id, {})
        places, stores = reach.get("location"), reach.get("store")
        here = subject.taken.place(subject.row).code
        if (not places or here in places) and (not stores or store in stores):
            return
        data = {"objection": "scope", "role": asker.role, "name": asker.name}
        await self._refusing(about, data, asker, platform)
        raise NotAllowed(
            _("{effect} concerns a place, supplier or store that your role does not reach.", effect=Code(subject.sku))
        )

    async def _variants(self, store: str, product_id: int) -> tuple[str, ...]:
        """The store's ids of what a product is there."""
        async with self._database.reading() as connection:
            return await variants_of(connection, store, product_id)

    async def _refusing(self, subject: str, data: Mapping[str, Any], asker: Asker | None, platform: str) -> None:
        async with self._database.transaction() as connection:
            member_id = None if asker is None else asker.member_id
            await self._audit.append(connection, "promotion.refused", subject, data, member_id, platform)

    async def _subject(self, sku: Sku, location: Location | None) -> Subject:
        """The product where it is to be cleared."""
        if location is not None:
            return await self._at(sku.id, location.id)
        async with self._database.reading() as connection:
            taken, classes = await self._catalogue.figures(connection, [sku.id], self._clock.now())
        assessed = taken.assess(self._catalogue.watch_settings, classes)
        found = [Subject(taken, assessed, row) for row in range(assessed.series)]
        served = [each for each in found if self._outlets.sellers(taken.place(each.row).code)]
        if not served:
            raise Refusal(_("No connected store sells {sku} from any location.", sku=Code(sku.code)))
        return max(served, key=lambda each: (each.available, -each.row))

    async def _at(self, product_id: int, location_id: int) -> Subject:
        async with self._database.reading() as connection:
            taken, classes = await self._catalogue.figures(connection, [product_id], self._clock.now())
        row = taken.find(product_id, location_id)
        if row is None:
            raise Refusal(_("Nothing is known of this product there: no stock and no sales."))
        return Subject(taken, taken.assess(self._catalogue.watch_settings, classes), row)

    async def _preview(self, subject: Subject, wish: Wish, asker: Asker, platform: str, about: str) -> Preview:
        async with self._database.reading() as connection:
            policy = (await self._policies.current(connection)).policy
            touched = await rows.touched(connection)
            for_sale = await rows.for_sale(connection)
        product = int(subject.taken.product_ids[subject.row])
        share = (Decimal(len(touched | {product})) / max(for_sale, 1)).quantize(Decimal("0.0001"))
        try:
            return preview(subject, wish, policy, self._settings, share, self._clock.now())
        except PriceTooLow as refusal:
            data = {"objection": "price", "sku": subject.sku, "lowest": str(refusal.lowest), "name": asker.name}
            await self._refusing(about, data, asker, platform)
            raise

    async def _alone(
        self, connection: AsyncConnection, product_id: int, store: str, but: int = 0, code: str = ""
    ) -> None:
        """Refusal where another promotion of the product in that store, or with the code, runs or is asked for."""
        other = await rows.rival(connection, product_id, store, but)
        if other is not None:
            raise Refusal(
                _(
                    "{other} lowers the price of this product in {store} already, or is asked to; one at a time.",
                    other=Code(f"R-{other}"),
                    store=Bold(Text(store)),
                )
            )
        other = await rows.bearer(connection, store, code, but) if code else None
        if other is not None:
            raise Refusal(
                _(
                    "{other} has the code {code} in {store} already, or is asked to; choose another one.",
                    other=Code(f"R-{other}"),
                    code=Code(code),
                    store=Bold(Text(store)),
                )
            )

    async def _submitted(
        self, connection: AsyncConnection, request_id: int, found: Preview, asker: Asker, platform: str
    ) -> RequestView:
        await self._requests.submit(connection, [request_id])
        held = await self._requests.held(connection, request_id)
        await self._requests.show(connection, [held])
        data = {**found.detail(), "currency": found.currency, "units": found.units}
        subject = f"request:{request_id}"
        await self._audit.append(connection, "promotion.submitted", subject, data, asker.member_id, platform)
        return await self._requests.view(connection, request_id)

    async def _drafted(self, request_id: int, version: int | None) -> tuple[RequestRow, LineRow]:
        """A clearance that waits to be submitted, as it was shown, and its line."""
        async with self._database.reading() as connection:
            held = await request_rows.row(connection, request_id)
            if held is None or held.kind != "promotion":
                raise UnknownReference(_("{request} is no promotion.", request=Code(f"R-{request_id}")))
            if held.state != "draft" or (version is not None and version != held.version):
                raise stale(held)
            (line,) = (await request_rows.lines(connection, [request_id]))[request_id]
            return held, line

    def _end_of(self, held: RequestRow, subject: Subject) -> datetime:
        """The last minute of the day that a draft names, where it has not passed; otherwise of the 14th from now."""
        place, today = subject.taken.place(subject.row), subject.taken.today_of(subject.row)
        named = held.detail.get("ends_on")
        on = date.fromisoformat(named) if named else today
        if on <= today:
            on = today + timedelta(days=_DEFAULT_DAYS)
        return instant_of(ZoneInfo(place.zone), on + timedelta(days=1), time.min) - timedelta(minutes=1)
