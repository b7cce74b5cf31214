"""`python -m deploy.importing_page`: write the tables of fields in docs/importing.md from what imports recognise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from bot.services.ingest import Kind
from bot.services.ingest.columns import FIELDS, Field

PAGE = Path(__file__).parents[1] / "docs" / "importing.md"

_PLACE = re.compile(r"(<!-- fields: .*? -->\n).*?(<!-- end of fields -->\n)", re.DOTALL)

MEANINGS: Mapping[Kind, Mapping[str, str]] = {
    "sales": {
        "sku": "The product's code; case does not matter.",
        "quantity": "Whole units; negative where goods came back or were written off.",
        "sold_at": "When it was ordered. A time without a zone is local time at the location.",
        "unit_price": "The price of a piece; 0 where nothing was sold. Without this column nothing counts as "
        "a write-off or a sample.",
        "order_ref": "The order's number.",
        "customer": "Who bought; cancellations are matched by it.",
        "market": "Where it was sold: a location's code or name, or one of its markets. A market that nobody names "
        "goes to the location with the market `*`, or to `--location`.",
        "currency": "An ISO 4217 code; `RMB` and `人民币` are CNY.",
        "name": "Names products that have no name yet.",
        "external_id": "The line's own number at its source.",
    },
    "stock": {
        "sku": "The product's code.",
        "location": "A location's code, name or market.",
        "on_hand": "Whole units that lie there, 0 or more.",
        "committed": "Units of them that are promised to orders; 0 by default.",
        "as_of": "When this was counted.",
    },
    "products": {
        "sku": "The product's code.",
        "name": "What people call it.",
        "unit_cost": "What one piece costs, landed.",
        "unit_price": "What one piece sells for; otherwise the median of its sales.",
        "currency": "Of cost and price; an ISO 4217 code.",
        "category": "What it is sold as, such as Lamps: goods of one category are judged together where one alone "
        "says too little. At most 100 characters; case, width and doubled spaces do not matter, and the first spelling "
        "is shown.",
        "unit_volume": "What one packed piece takes up, its share of the carton: cm³ (millilitres), or with a "
        "unit in the cell or in brackets in the header: l, m3, cbm, ft3, in3, 升, 立方米. Rounded up to whole cm³.",
        "unit_weight": "What one packed piece weighs: grams, or with a unit: kg, t, lb, oz, 千克, 公斤.",
    },
    "suppliers": {
        "code": "A short code of your own.",
        "name": "The supplier's name.",
        "country": "Two letters, such as CN.",
        "currency": "What the supplier invoices in.",
        "language": "The supplier's language.",
        "email": "Where orders go, several parted by commas; without one they are only written into the folder.",
        "minimum_total": "The least an order must come to, in the supplier's currency.",
        "review_every": "Days between two orders, where the supplier's orders go out together, such as 14; 0: whenever "
        "they are due.",
        "review_from": "One of the days on which they go out, such as a Monday; the others are counted from it.",
    },
    "routes": {
        "supplier": "A supplier's code or name.",
        "sku": "The product. Empty: all goods of the supplier; where the supplier has routes for single products, "
        "those products.",
        "location": "Where the goods arrive: a location's code, name or market.",
        "mode": "sea (by default), air, rail, road or courier; 海运, 空运, 铁路, 陆运, 快递.",
        "lead_time_days": "Days from order to arrival.",
        "lead_time_sd_days": "How much that varies: its standard deviation in days; 0 by default.",
        "minimum_order": "The least units of an order; 1 by default.",
        "pack_size": "Orders are multiples of it; 1 by default.",
        "unit_cost": "What one piece costs by this route; otherwise the product's cost.",
        "currency": "Of the cost; otherwise the supplier's.",
        "container": "What orders are to fill: 20GP, 40GP or 40HQ (40HC), or a name of your own with container_volume; "
        "LCL or 拼箱: nothing.",
        "container_volume": "The volume of it that can be loaded: cm³, or with a unit such as `68 m3`; the standard "
        "sizes have theirs.",
        "container_weight": "Its payload: grams, or with a unit such as `26 t`; without one, any weight.",
    },
    "members": {
        "name": "The person's name; it tells members apart.",
        "role": "viewer (by default), operator, buyer, approver, promo_manager, auditor or admin.",
        "zone": "An IANA time zone, such as Asia/Shanghai.",
        "language": "en or zh_CN.",
        "country": "Two letters; its public holidays are days off.",
        "working_from": "Such as 09:00, the default.",
        "working_to": "Such as 18:00, the default.",
        "workdays": "Digits from 1 (Monday) to 7; 12345 by default.",
        "slack": "The Slack member id, such as U012AB3CD.",
        "telegram": "The Telegram user id, a number.",
    },
    "inbounds": {
        "sku": "The product's code.",
        "location": "Where it will arrive.",
        "quantity": "Whole units, at least 1.",
        "ordered_at": "When it was ordered.",
        "expected_on": "The day it is expected.",
        "received_at": "When it arrived; empty while it is on its way.",
        "external_id": "The order line's number; give one, so that a changed date or quantity updates the same line.",
    },
    "orders": {
        "order": "The request's number, such as R-12, or the reference that was noted with it.",
        "status": "confirmed, shipped (in transit), closed (the rest will not come); empty: only what else is said.",
        "expected_on": "The new day it is expected.",
        "reference": "The supplier's or carrier's own number.",
    },
    "receipts": {
        "order": "The request's number, such as R-12, or the reference that was noted with it.",
        "sku": "The product's code; it must be on the order.",
        "quantity": "Units that arrived, at least 1; more than was ordered is taken in.",
        "received_at": "When they arrived, not before the order.",
        "external_id": "The delivery's own number; without one, the same line is taken once.",
    },
    "locations": {
        "code": "A short code, such as UK; it is kept in capitals.",
        "name": "What people call it.",
        "zone": "An IANA time zone: its days are the days of sales.",
        "country": "Two letters.",
        "currency": "An ISO 4217 code.",
        "markets": "The markets it serves, parted by `;`; `*` takes every market that nobody else names.",
    },
}


def page(now: str) -> str:
    """The page's text, with its tables written anew into what stands there `now`."""
    tables = "".join(_table(kind) for kind in FIELDS)
    return _PLACE.sub(lambda place: f"{place[1]}{tables}\n{place[2]}", now)


def _table(kind: Kind) -> str:
    rows = "".join(_row(field, MEANINGS[kind][field.name]) for field in FIELDS[kind])
    return f"\n### {kind}\n\n| field | meaning | headers in English | in Chinese |\n| --- | --- | --- | --- |\n{rows}"


def _row(field: Field, meaning: str) -> str:
    english = " ".join(header for header in field.headers if header.isascii())
    chinese = " ".join(header for header in field.headers if not header.isascii())
    name = f"**`{field.name}`** (required)" if field.required else f"`{field.name}`"
    return f"| {name} | {meaning} | {english} | {chinese} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
