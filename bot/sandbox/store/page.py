"""What a customer sees: the products whose price is reduced, and the last changes; it follows the store by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC
from decimal import Decimal
from html import escape
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.language import Language, language
from bot.sandbox.store.deals import Deal
from bot.sandbox.store.state import Change, Item, LocalStore
from bot.words import Words, _, n_

_HERE = Path(__file__).parent
_CHANGES = 8
_OTHERS = 12
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"


def shop_page(store: LocalStore) -> Callable[[Request], Awaitable[Response]]:
    """The page; `?lang=zh_CN` or the browser says in which language."""
    frame = (_HERE / "page.html").read_text(encoding="utf-8")

    async def page(request: Request) -> Response:
        wanted = request.query_params.get("lang") or request.headers.get("accept-language", "en").split(",")[0]
        tongue = language(wanted)
        text = (
            frame.replace("{{lang}}", tongue.code.replace("_CN", "-Hans"))
            .replace("{{title}}", _said(tongue, _("Harbour Gifts, the shop")))
            .replace(
                "{{note}}", _said(tongue, _("A local store for the demo: what the bot changes here, nobody buys."))
            )
            .replace("{{main}}", _main(store, tongue))
        )
        return HTMLResponse(text, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"})

    return page


def _main(store: LocalStore, tongue: Language) -> str:
    reduced = sorted((item for item in store.items.values() if item.reduced), key=lambda item: item.sku)
    others = [item for item in store.items.values() if not item.reduced][:_OTHERS]
    count = n_("{count} product at a lower price", "{count} products at a lower price", len(reduced))
    head = count if reduced else _("Nothing is reduced at the moment")
    parts = [f"<h2>{_said(tongue, head)}</h2>"]
    if reduced:
        parts.append(f'<ul class="shelf">{"".join(_card(item, tongue) for item in reduced)}</ul>')
    if store.deals.standing:
        rows = "".join(_deal(deal, tongue) for deal in store.deals.standing)
        deals = _said(tongue, _("Discount codes, and discounts in the basket"))
        parts.append(f'<h2>{deals}</h2><div class="scroll"><table>{rows}</table></div>')
    if store.changes:
        rows = "".join(_row(change, tongue) for change in reversed(store.changes[-_CHANGES:]))
        changes = _said(tongue, _("Last changes"))
        parts.append(f'<h2>{changes}</h2><div class="scroll"><table>{rows}</table></div>')
    rest = _said(tongue, _("Also on the shelf"))
    parts.append(f"<h2>{rest}</h2>")
    parts.append(f'<ul class="shelf plain">{"".join(_card(item, tongue) for item in others)}</ul>')
    return "".join(parts)


def _card(item: Item, tongue: Language) -> str:
    price = escape(tongue.money(item.price.amount, item.price.currency))
    struck = badge = ""
    if item.compare_at is not None and item.reduced:
        struck = f"<s>{escape(tongue.money(item.compare_at.amount, item.price.currency))}</s>"
        share = 1 - item.price.amount / item.compare_at.amount
        badge = f'<span class="off">−{escape(tongue.share(Decimal(share), 0))}</span>'
    hue = sum(map(ord, item.sku)) * 47 % 360
    return (
        f'<li><span class="picture" style="--hue:{hue}" aria-hidden="true">{escape(item.name[:1].upper())}</span>'
        f"{badge}"
        f'<b>{escape(item.name)}</b><small>{escape(item.sku)}</small><span class="price">{price} {struck}</span></li>'
    )


def _row(change: Change, tongue: Language) -> str:
    money = [escape(tongue.money(price.amount, price.currency)) for price in (change.before, change.price)]
    who = _("by the bot") if change.key else _("by hand, in the shop")
    at = f"{change.at:%H:%M}"
    return (
        f"<tr><td>{at} UTC</td><td><code>{escape(change.sku)}</code></td><td>{money[0]} → <b>{money[1]}</b></td>"
        f"<td>{_said(tongue, who)}</td></tr>"
    )


def _deal(deal: Deal, tongue: Language) -> str:
    how = f"<code>{escape(deal.code)}</code>" if deal.code else _said(tongue, _("in the basket, by itself"))
    skus = ", ".join(f"<code>{escape(sku)}</code>" for sku in deal.skus)
    end = f"{deal.ends_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    share = escape(tongue.share(deal.share, 1))
    return f"<tr><td>{how}</td><td><b>−{share}</b></td><td>{skus}</td><td>{escape(deal.name)}</td><td>{end}</td></tr>"


def _said(tongue: Language, words: Words) -> str:
    return escape(tongue.say(words))
