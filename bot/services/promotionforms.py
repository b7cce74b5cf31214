"""A promotion in its forms: as it is typed, as a request, and as it is shown."""

from __future__ import annotations

import dataclasses
from datetime import date

from bot.chat.arguments import Percent, Price
from bot.chat.cards import labels
from bot.chat.nodes import Code, Text
from bot.domain.money import Money
from bot.domain.views import PromotionView
from bot.errors import BadArgument, StaleButton
from bot.services.clearing import Preview, Way
from bot.storage.promotions import PromotionRow
from bot.storage.requests import Draft, DraftLine, LineRow, RequestRow
from bot.words import Words, _


def view_of(promotion: PromotionRow, held: RequestRow, sold: int) -> PromotionView:
    """A promotion as shown."""
    expected = held.detail.get("sell_out_on")
    before = promotion.prior_minor
    return PromotionView(
        request_id=promotion.request_id,
        stage=held.stage,
        sku=promotion.sku,
        name=promotion.name,
        location=promotion.location,
        store=promotion.store,
        before=None if before is None else Money.of_minor(before, promotion.currency),
        price=Money.of_minor(promotion.price_minor, promotion.currency),
        ends_at=promotion.ends_at,
        started_at=promotion.started_at,
        sold=sold,
        stop_after=promotion.stop_after,
        sold_out_on=date.fromisoformat(expected) if expected else None,
        means=promotion.means,
        code=promotion.code,
    )


def discount_way(way: Way, terms: Percent | Price) -> Way:
    """The way with its share; BadArgument where the terms name a price. What can be typed every store keeps exactly."""
    if isinstance(terms, Price):
        raise BadArgument(
            _("A code, or what comes off in the basket, is a share: write {percent}.", percent=Code("20%")), "promo"
        )
    return dataclasses.replace(way, share=terms.share.normalize())


def minor_of(price: Price, currency: str) -> int:
    """A typed price in minor units; BadArgument where it is in another currency, or has a fraction of a minor unit."""
    if price.currencies and currency not in price.currencies:
        theirs = Text(" / ".join(price.currencies))
        raise BadArgument(_("The price is in {ours}, not in {theirs}.", ours=Text(currency), theirs=theirs), "promo")
    try:
        return Money(price.amount, currency).minor
    except ValueError:
        raise BadArgument(
            _("{price} has too many decimals for this currency.", price=Code(str(price.amount))), "promo"
        ) from None


def given_away(found: Preview) -> int:
    """The most that it gives away: the discount on every unit to be cleared."""
    return (found.price_minor - found.promo_minor) * found.units


def draft_of(found: Preview, product_id: int, location_id: int, member_id: int) -> Draft:
    """The request to be of a preview, asked for by a member."""
    line = DraftLine(product_id, found.units, found.unit_cost_minor, None, {"per_day": found.detail()["per_day"]})
    return Draft(
        kind="promotion",
        location_id=location_id,
        currency=found.currency,
        total_minor=given_away(found),
        lines=(line,),
        requested_by=member_id,
        detail=found.detail(),
    )


def line_of(found: Preview, line: LineRow) -> DraftLine:
    """A drafted line with the figures of a preview."""
    return DraftLine(line.product_id, found.units, found.unit_cost_minor, line.case_id, line.detail)


def stale(held: RequestRow) -> StaleButton:
    """What is said to who acts on a request as it was."""
    words: Words = _("{request} changed since it was shown; look at it again.", request=Code(f"R-{held.id}"))
    if held.state != "draft":
        state = labels.REQUEST_STATES[held.state][0]
        words = _("{request} is {state} already.", request=Code(f"R-{held.id}"), state=state)
    return StaleButton(words)
