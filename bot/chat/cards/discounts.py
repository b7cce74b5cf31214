"""What is said of a promotion that leaves the store's price as it is: a discount code, or a discount in the basket."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.chat.cards import labels
from bot.chat.nodes import Bold, Code, Inline, Instant, Text
from bot.domain.views import PromotionView, RequestView
from bot.words import Words, _, n_, told


def is_discount(request: RequestView) -> bool:
    """Whether a promotion's request leaves the store's price as it is."""
    return str(request.detail.get("means", "price")) != "price"


def offer(request: RequestView, values: Mapping[str, Inline]) -> Words:
    """The discount in one sentence; `values`: store, before, after, end, depth."""
    code = str(request.detail.get("code", ""))
    if code:
        return _(
            "In {store}: {depth} off with the code {code} until {end}: {after} in place of {before}",
            code=Bold(Code(code)),
            **values,
        )
    return _("In {store}: {depth} off in the basket until {end}: {after} in place of {before}", **values)


def assumption(request: RequestView) -> Words:
    """What the forecast takes for granted of a discount."""
    if request.detail.get("code"):
        return _(
            "A code is used by a part of the buyers alone, and nobody knows which part: these figures hold if all of "
            "them use it. Units that stop it are counted with and without the code."
        )
    return _("The price on the shelf stays as it is; buyers see the discount in the basket.")


def price_mark(view: PromotionView) -> Words | None:
    """What stands beside the price in the list of what runs; None where it is the store's own price."""
    if view.means == "price":
        return None
    return _("with {code}", code=Code(view.code)) if view.code else _("in the basket")


def gone(request: RequestView) -> Words:
    """That nobody gets it any more."""
    code = str(request.detail.get("code", ""))
    if code:
        return _("the code {code} is gone", code=Code(code))
    return _("the discount is gone")


def stops(code: Inline, *, stopped: bool, already: bool) -> Words:
    """The answer to who stopped a discount."""
    if stopped:
        return _("{request} is over; the discount is gone.", request=code)
    if already:
        return _("{request} is being stopped already; the discount is withdrawn.", request=code)
    return _("{request} stops: the discount is withdrawn, then looked for again to be sure.", request=code)


def trouble(request: RequestView, found: Mapping[str, Any]) -> Words | None:
    """What went wrong with a discount in the store, and what to do; None where it is the same as for a price."""
    store = Text(str(request.detail.get("store", "")))
    error = told(str(found.get("error", "")))
    match found.get("kind"):
        case "not_started":
            return _("No discount was made; {store} said: {error}", store=store, error=error)
        case "differs_there":
            return _(
                "The discount in {store} is not as it was approved: {found}. It is taken back; buyers may have had it.",
                store=store,
                found=told(str(found.get("found", ""))),
            )
        case "not_restored":
            return _(
                "The discount on {sku} in {store} was not withdrawn: {error}. It ends there by itself at {end}; "
                "withdraw it there, or try again.",
                sku=Code(request.lines[0].sku),
                store=store,
                error=error,
                end=_end(request),
            )
    return None


def late(view: PromotionView, since: Inline) -> Words:
    """That a discount could not be withdrawn for a while."""
    return _(
        "The discount on {product} in {store} is not withdrawn yet; the store has not answered since {at}. It ends "
        "there by itself at {end}.",
        product=Code(view.sku),
        store=Text(view.store),
        at=since,
        end=Instant(view.ends_at),
    )


def reckoning(request: RequestView) -> Words:
    """How the report counts a discount."""
    life = request.detail.get("life")
    used = life.get("used") if isinstance(life, Mapping) else None
    if isinstance(used, int):
        return n_(
            "The store counts {count} use of it; money is reckoned as if every buyer had it.",
            "The store counts {count} uses of it; money is reckoned as if every buyer had it.",
            used,
        )
    return _("Money is reckoned as if every buyer had it; the store does not tell how many had.")


def _end(request: RequestView) -> Inline:
    try:
        return Instant(datetime.fromisoformat(str(request.detail.get("ends_at"))))
    except ValueError:
        return labels.NONE
