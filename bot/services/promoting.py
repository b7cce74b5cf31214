"""The life of a promotion: begun by its last approval, started in the store, stopped, and the prior price put back.

What happens in the store are effects (`bot.services.pricecalls`, `discountcalls`); here is what is planned and what
follows. A request that is approved has the stage `starting`; it is carried out as long as the lower price or the
discount stands (`running`, `stopping`), and done once the prior price does, or somebody else's, or the discount is
gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.promotions import trouble_card
from bot.chat.nodes import Code, Message
from bot.domain import approval
from bot.domain.promotion import StopReason
from bot.errors import Refusal
from bot.ports import Clock, Discounts, StoreConnector
from bot.services.audit import Audit, Deed
from bot.services.discountcalls import GRANT, WITHDRAW, DiscountGranter, DiscountWithdrawer
from bot.services.effects import EffectKind, Effects
from bot.services.outbox import Outbox
from bot.services.pricecalls import READ, RESTORE, SET, PriceReader, PriceRestorer, PriceSetter, codes_of
from bot.services.promotioncalls import Planned, key_of, not_standing, ours_of, reading, starting, stopping
from bot.services.requests import Requests
from bot.storage import cases as case_rows
from bot.storage import locks, posts
from bot.storage import promotions as rows
from bot.storage import requests as request_rows
from bot.storage.effects import EffectRow
from bot.storage.promotions import PromotionRow
from bot.storage.requests import RequestRow
from bot.storage.variants import variants_of
from bot.words import _, told, unkept

Json = Mapping[str, Any]
_UNCERTAIN = ("sending", "halted")  # the call may have happened
RESTORE_AGAIN = timedelta(hours=6)  # after a restore was given up; doubled each time
_MOST_DOUBLED = 5


class Promoting:
    """Begins, starts and stops promotions; the only one that changes their rows."""

    def __init__(self, *, clock: Clock, audit: Audit, outbox: Outbox, requests: Requests, effects: Effects) -> None:
        self._clock = clock
        self._audit = audit
        self._outbox = outbox
        self._requests = requests
        self._effects = effects

    def kinds(
        self, stores: Mapping[str, StoreConnector], discounts: Mapping[str, Discounts]
    ) -> Mapping[str, EffectKind]:
        """What the effects' worker needs to know of the calls to stores."""
        return {
            READ: EffectKind(PriceReader(stores), self.read, self.not_started, self.wanted),
            SET: EffectKind(PriceSetter(stores), self.started, self.not_started, self.wanted),
            RESTORE: EffectKind(PriceRestorer(stores), self.restored, self.not_restored),
            GRANT: EffectKind(DiscountGranter(discounts), self.started, self.not_started, self.wanted),
            WITHDRAW: EffectKind(DiscountWithdrawer(discounts), self.restored, self.not_restored),
        }

    async def begin(self, connection: AsyncConnection, held: RequestRow) -> None:
        """Plan the first call of a promotion whose last approval was just given, in the deciding transaction.

        Refusal where another promotion of the product runs in that store: it began since this one was asked for.
        """
        (line,) = (await request_rows.lines(connection, [held.id]))[held.id]
        store, ends_at = str(held.detail.get("store", "")), held.detail.get("ends_at")
        if not store or not ends_at:
            raise Refusal(_("{request} names no store or no end; submit it again.", request=Code(f"R-{held.id}")))
        code = str(held.detail.get("code", ""))
        await self._alone(connection, held.id, line.product_id, store, code)
        share = held.detail.get("share")
        await rows.add(
            connection,
            {
                "request_id": held.id,
                "product_id": line.product_id,
                "location_id": held.location_id,
                "store": store,
                "means": held.detail.get("means", "price"),
                "code": code,
                "share": None if share is None else Decimal(str(share)),
                "currency": held.total.currency,
                "price_minor": held.detail["promo_price_minor"],
                "stop_after": line.quantity,
                "baseline_per_day": Decimal(str(held.detail.get("per_day", "0"))),
                "ends_at": datetime.fromisoformat(ends_at),
            },
        )
        (sku,) = (await request_rows.skus(connection, [line.product_id])).values()
        codes = await variants_of(connection, store, line.product_id)
        await self._plan(connection, held.id, "read", reading(store, sku, codes))
        await rows.set_stage(connection, held.id, "starting")

    async def read(self, connection: AsyncConnection, effect: EffectRow, result: Json) -> None:
        """The store told its price: it is kept, and may be lowered where it is the one that was approved."""
        held, promotion = await self._held(connection, effect)
        if held is None or promotion is None or promotion.stopped_at is not None:
            return
        if promotion.stopping_at is not None:
            await self._never(connection, held, promotion, None)
            return
        trouble = self._unfit(held, promotion, result)
        if trouble is not None:
            await self._never(connection, held, promotion, trouble)
            return
        await rows.change(connection, held.id, {"prior_minor": result["price_minor"], "prior": dict(result)})
        await self._plan(
            connection, held.id, "start", starting(promotion, result, self._clock.now(), codes_of(effect.payload))
        )
        await self._audit.append(connection, "promotion.price_read", f"request:{held.id}", dict(result))

    async def started(self, connection: AsyncConnection, effect: EffectRow, result: Json) -> None:
        """The lower price or the discount stands; where somebody stopped it meanwhile, it goes back at once.

        So does a discount that is not the approved one: buyers get what nobody approved.
        """
        held, promotion = await self._held(connection, effect)
        if held is None or promotion is None or promotion.stopped_at is not None:
            return
        now, planned = self._clock.now(), Planned(effect.kind, effect.payload)
        ours = ours_of(planned, result)
        kept: dict[str, Any] = {"started_at": now, "result": {"ours": ours}}
        facts: dict[str, Any] = {"started_at": now.isoformat(), "prior_minor": promotion.prior_minor}
        stopping = promotion.stopping_at is not None
        if not result.get("verified", True):
            facts["trouble"] = not_standing(planned, result)
            if planned.kind == GRANT and not stopping:
                stopping = True
                kept |= {"stopping_at": now, "stop_reason": "differs"}
                kept["result"] = {"ours": ours, "trouble": facts["trouble"]}
                facts |= {"stopping_at": now.isoformat(), "stop_reason": "differs"}
        await rows.change(connection, held.id, kept)
        values = {"state": approval.after(held.state, "execute"), "stage": "stopping" if stopping else "running"}
        await self._advance(connection, held, facts, values)
        if stopping:
            await self._put_back(connection, held.id, promotion, ours)
        await self._requests.show(connection, [held])
        if "trouble" in facts and planned.kind == GRANT:
            await self._tell_trouble(connection, held.id, "differs_there")
        data = {
            "price_minor": promotion.price_minor,
            "prior_minor": promotion.prior_minor,
            "store": promotion.store,
            "means": promotion.means,
            "code": promotion.code,
        }
        await self._audit.append(connection, "promotion.started", f"request:{held.id}", data)

    async def not_started(self, connection: AsyncConnection, effect: EffectRow, error: str) -> None:
        """The price was certainly not lowered, or no discount made, and will not be."""
        held, promotion = await self._held(connection, effect)
        if held is None or promotion is None or promotion.stopped_at is not None:
            return
        trouble = None if promotion.stopping_at is not None else {"kind": "not_started", "error": error}
        await self._never(connection, held, promotion, trouble)

    async def wanted(self, connection: AsyncConnection, effect: EffectRow) -> bool:
        """Whether it is still to be started: nobody and nothing has stopped it."""
        _request, promotion = await self._held(connection, effect)
        return promotion is not None and promotion.stopping_at is None and promotion.stopped_at is None

    async def restored(self, connection: AsyncConnection, effect: EffectRow, result: Json) -> None:
        """The prior price stands again, or somebody else's, which is left alone and told; or the discount is gone.

        A promotion whose discount was never the approved one has failed, and there is nothing to report of it.
        """
        held, promotion = await self._held(connection, effect)
        if held is None or promotion is None or promotion.stopped_at is not None:
            return
        now, well = self._clock.now(), bool(result.get("restored", True))
        failed = promotion.stop_reason == "differs"
        reported = {"reported_at": now} if failed else {}
        await rows.change(connection, held.id, {"stopped_at": now, "restored": well, **reported})
        facts: dict[str, Any] = {"stopped_at": now.isoformat(), "restored": well, "trouble": None}
        if isinstance(used := result.get("used"), int):
            facts["used"] = used
        if not well:
            facts["trouble"] = {"kind": "changed", "found_minor": result["stands"]["price_minor"]}
        elif failed:
            facts["trouble"] = (promotion.result or {}).get("trouble")
        step: approval.Step = "fail" if failed else "finish"
        values = {"state": approval.after(held.state, step), "stage": "stopped", "finished_at": now}
        case_ids = await request_rows.case_ids(connection, [held.id])
        await locks.cases(connection, case_ids)
        await self._advance(connection, held, facts, values)
        await case_rows.set_states(connection, case_ids, "open", now)  # the next scan resolves what has recovered
        await self._requests.show(connection, [held])
        if not well:
            await self._tell_trouble(connection, held.id, "changed")
        data = {"restored": well, "reason": promotion.stop_reason, "stands": result.get("stands")}
        await self._audit.append(connection, "promotion.stopped", f"request:{held.id}", data)

    async def not_restored(self, connection: AsyncConnection, effect: EffectRow, error: str) -> None:
        """The prior price could not be put back, or the discount not withdrawn; a person must look.

        They may have it tried again by stopping. Unless a person said that it is to be left (the call was halted), it
        is also tried again by itself: see `again_at` in what the request keeps of the trouble.
        """
        held, promotion = await self._held(connection, effect)
        if held is None or promotion is None or promotion.stopped_at is not None:
            return
        trouble: dict[str, Any] = {"kind": "not_restored", "error": error}
        if effect.state != "halted":
            tries = len(_restores(held.id, await rows.calls(connection, held.id)))
            again_at = self._clock.now() + RESTORE_AGAIN * (1 << min(tries - 1, _MOST_DOUBLED))
            trouble["again_at"] = again_at.isoformat()
        await rows.change(connection, held.id, {"restored": False})
        await self._advance(connection, held, {"trouble": trouble}, {})
        await self._requests.show(connection, [held])
        await self._tell_trouble(connection, held.id, f"not_restored:{effect.id}")
        await self._audit.append(connection, "promotion.not_restored", f"request:{held.id}", {"error": told(error)})

    async def stop(
        self, connection: AsyncConnection, held: RequestRow, promotion: PromotionRow, reason: StopReason, name: str = ""
    ) -> list[Deed]:
        """Stop a promotion whose request the caller holds; what is to be audited, nothing where it was stopping.

        Calls that have not begun are called off. Where the price may have been lowered it is put back: at once, or as
        soon as it is known. A restore that was given up is tried again.
        """
        if promotion.stopped_at is not None:
            return []
        calls = await rows.calls(connection, held.id)
        if promotion.stopping_at is not None:
            tries = _restores(held.id, calls)
            if not tries or tries[-1] not in {"failed", "cancelled"}:
                return []
            await self._put_back(connection, held.id, promotion, (promotion.result or {})["ours"], len(tries) + 1)
            await rows.change(connection, held.id, {"restored": None})
            await self._advance(connection, held, {"trouble": None}, {})
            await self._requests.show(connection, [held])
            return [Deed("promotion.restore_again", f"request:{held.id}", {"by": name})]
        now = self._clock.now()
        await rows.change(connection, held.id, {"stopping_at": now, "stop_reason": reason})
        facts = {"stopping_at": now.isoformat(), "stop_reason": reason, "stopped_by": name}
        await self._effects.cancel(connection, held.id)
        calls = await rows.calls(connection, held.id)
        deed = Deed("promotion.stopping", f"request:{held.id}", {"reason": reason, "by": name})
        if promotion.started_at is not None:
            await self._advance(connection, held, facts, {"stage": "stopping"})
            await self._put_back(connection, held.id, promotion, (promotion.result or {})["ours"])
        elif any(state in _UNCERTAIN for state in calls.values()):
            await self._advance(connection, held, facts, {"stage": "stopping"})
        else:
            await self._advance(connection, held, facts, {})
            fresh = await request_rows.row(connection, held.id)
            return [deed, await self._unbegun(connection, fresh or held, None)]
        await self._requests.show(connection, [held])
        return [deed]

    async def tell(self, connection: AsyncConnection, request_id: int, location: str, card: Message, key: str) -> int:
        """Post to every conversation that shows the request or follows slow stock, once each; how many."""
        told = set(await self._outbox.announce(connection, "slow", card, dedupe_key=key, location=location))
        for conversation_id in {place for _post, place in await posts.about(connection, f"request:{request_id}")}:
            told.add(await self._outbox.put(connection, conversation_id, card, dedupe_key=f"{key}:{conversation_id}"))
        return len(told)

    async def _held(
        self, connection: AsyncConnection, effect: EffectRow
    ) -> tuple[RequestRow | None, PromotionRow | None]:
        """The call's request, which whoever settles the call holds, and its promotion."""
        if effect.request_id is None:
            return None, None
        held = await request_rows.row(connection, effect.request_id)
        return held, await rows.of_request(connection, effect.request_id)

    def _unfit(self, held: RequestRow, promotion: PromotionRow, found: Json) -> dict[str, Any] | None:
        """Why the price that was read must not be lowered; None where it may."""
        if self._clock.now() >= promotion.ends_at:
            return {"kind": "ended"}
        if found["currency"] != promotion.currency:
            return {"kind": "currency", "currency": found["currency"]}
        if found["price_minor"] != held.detail.get("price_minor"):
            return {"kind": "differs", "found_minor": found["price_minor"]}
        return None

    async def _never(
        self, connection: AsyncConnection, held: RequestRow, promotion: PromotionRow, trouble: Json | None
    ) -> None:
        """It ends without having lowered a price: called off where nothing was wrong, otherwise failed and told."""
        deed = await self._unbegun(connection, held, trouble)
        if trouble is not None:
            await self._tell_trouble(connection, promotion.request_id, str(trouble["kind"]))
        await self._audit.append_all(connection, [deed])

    async def _unbegun(self, connection: AsyncConnection, held: RequestRow, trouble: Json | None) -> Deed:
        now = self._clock.now()
        case_ids = await request_rows.case_ids(connection, [held.id])
        await locks.cases(connection, case_ids)
        await rows.change(connection, held.id, {"stopped_at": now, "restored": True})
        state = approval.after(held.state, "cancel")
        if trouble is not None:
            state = approval.after(approval.after(held.state, "execute"), "fail")
        facts = {"stopped_at": now.isoformat(), "restored": True, "trouble": trouble}
        await self._advance(connection, held, facts, {"state": state, "stage": "stopped", "finished_at": now})
        await case_rows.set_states(connection, case_ids, "open", now)
        await self._requests.show(connection, [held])
        return Deed("promotion.not_started", f"request:{held.id}", {"trouble": unkept(trouble) if trouble else None})

    async def _advance(self, connection: AsyncConnection, held: RequestRow, facts: Json, values: Json) -> None:
        """Change a request that is held, and what its card tells of the promotion's life."""
        life = {**held.detail.get("life", {}), **facts}
        written = {**values, "detail": {**held.detail, "life": life}}
        await request_rows.settle(connection, held.id, held.version, held.state, written)

    async def _alone(
        self, connection: AsyncConnection, request_id: int, product_id: int, store: str, code: str
    ) -> None:
        """Refusal where another promotion of the product, or with the code, runs in the store."""
        await locks.product(connection, product_id)
        other = await rows.rival(connection, product_id, store, request_id)
        if other is not None and await rows.of_request(connection, other) is not None:
            raise Refusal(
                _(
                    "{other} lowers the price of this product in {store} already; stop it first.",
                    other=Code(f"R-{other}"),
                    store=Code(store),
                )
            )
        other = await rows.bearer(connection, store, code, request_id) if code else None
        if other is not None and await rows.of_request(connection, other) is not None:
            raise Refusal(
                _(
                    "{other} has the code {code} in {store} already; stop it first.",
                    other=Code(f"R-{other}"),
                    code=Code(code),
                    store=Code(store),
                )
            )

    async def _plan(self, connection: AsyncConnection, request_id: int, step: str, planned: Planned) -> None:
        await self._effects.plan(
            connection,
            key=key_of(request_id, step),
            kind=planned.kind,
            topic="restores" if planned.kind in {RESTORE, WITHDRAW} else "promotions",
            request_id=request_id,
            payload=planned.payload,
        )

    async def _put_back(
        self, connection: AsyncConnection, request_id: int, promotion: PromotionRow, ours: Json, attempt: int = 1
    ) -> None:
        step = "stop" if attempt == 1 else f"stop:{attempt}"
        await self._plan(connection, request_id, step, stopping(promotion, ours))

    async def _tell_trouble(self, connection: AsyncConnection, request_id: int, mark: str) -> None:
        view = await self._requests.view(connection, request_id)
        key = f"promotion:R-{request_id}:{mark}"
        await self.tell(connection, request_id, view.location, trouble_card(view), key)


def _restores(request_id: int, calls: Mapping[str, str]) -> list[str]:
    """The states of a promotion's calls that put its price back, in their order."""
    return [state for key, state in calls.items() if key.startswith(key_of(request_id, "stop"))]
