"""Promotions and campaigns of the local Medusa, as strict as its validators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.stores.offers import FAR, Stands

if TYPE_CHECKING:  # the shop holds these
    from tests.stores.medusa.shop import MedusaShop, Row

PROMOTION = {"code", "is_automatic", "type", "status", "campaign", "application_method"}
METHOD = {"description", "type", "target_type", "allocation", "value", "target_rules"}
CAMPAIGN = {"name", "campaign_identifier", "starts_at", "ends_at"}


@dataclass
class Promotions:
    """Those of a shop. `kept` and `kept_campaign` are what it keeps in place of what it is given."""

    shop: MedusaShop
    rows: dict[str, Row] = field(default_factory=dict)
    campaigns: dict[str, Row] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)
    kept_campaign: dict[str, Any] = field(default_factory=dict)
    stuck: bool = False  # nothing is deleted, though it is said to be

    def wrong(self, given: Mapping[str, Any]) -> str:
        """What the validators say of a promotion; empty where nothing is wrong."""
        method, campaign = given.get("application_method", {}), given.get("campaign", {})
        unknown = {*given} - PROMOTION | {*method} - METHOD | {*campaign} - CAMPAIGN
        if unknown:
            return f"Invalid request: Unrecognized fields: '{', '.join(sorted(unknown))}'"
        if not isinstance(method.get("value"), int | float) or not 0 < method["value"] <= 100:
            return "Application Method value should be a percentage number between 0 and 100"
        if method.get("allocation") not in {"across", "each"}:
            return "application_method.allocation should be either 'across OR each'"
        if any(row["code"] == given["code"] for row in self.rows.values()):
            return f"Promotion with code: {given['code']}, already exists."
        identifiers = {row["campaign_identifier"] for row in self.campaigns.values()}
        if campaign.get("campaign_identifier") in identifiers:
            return f"Campaign with campaign_identifier: {campaign['campaign_identifier']}, already exists."
        return ""

    def make(self, given: Mapping[str, Any]) -> Row:
        """Make one of what was sent, and its campaign."""
        campaign = None
        if "campaign" in given:
            number = self.shop.id("procamp")
            campaign = {"id": number, "created_at": self.shop.stamp(), **given["campaign"]} | self.kept_campaign
            self.campaigns[number] = campaign
        method = dict(given["application_method"])
        method["target_rules"] = [
            {
                "id": self.shop.id("prorul"), "attribute": rule["attribute"], "operator": rule["operator"],
                "values": [{"id": self.shop.id("prorulval"), "value": value} for value in rule["values"]],
            }
            for rule in method.get("target_rules", ())
        ]  # fmt: skip
        number = self.shop.id("promo")
        row: Row = {
            "id": number, "code": given["code"], "is_automatic": given.get("is_automatic", False),
            "type": given["type"], "status": given.get("status", "draft"), "used": 0, "campaign": campaign,
            "application_method": {"id": self.shop.id("proappmet"), **method}, "created_at": self.shop.stamp(),
        } | self.kept  # fmt: skip
        self.rows[number] = row
        return row

    def standing(self) -> Sequence[Stands]:
        """Those that buyers get."""
        found = []
        for row in self.rows.values():
            method, campaign = row["application_method"], row["campaign"] or {}
            numbers = [value["value"] for rule in method["target_rules"] for value in rule["values"]]
            end = campaign.get("ends_at")
            found.append(
                Stands(
                    "" if row["is_automatic"] else row["code"], Decimal(str(method["value"])) / 100,
                    tuple(self.shop.variants[number]["sku"] for number in numbers),
                    None if end is None else datetime.fromisoformat(end),
                )
            )  # fmt: skip
        return found

    def offer(self, code: str, share: str, sku: str) -> None:
        """Somebody makes a code in the shop's admin."""
        (variant,) = (row["id"] for row in self.shop.variants.values() if row["sku"] == sku)
        rule = {"attribute": "items.variant_id", "operator": "in", "values": [variant]}
        self.make({
            "code": code, "type": "standard", "status": "active",
            "application_method": {
                "type": "percentage", "target_type": "items", "allocation": "across",
                "value": float(Decimal(share) * 100), "target_rules": [rule],
            },
            "campaign": {"name": code, "campaign_identifier": code, "starts_at": None, "ends_at": FAR.isoformat()},
        })  # fmt: skip

    def bend(self, share: str) -> None:
        """Somebody changes the share of the last one."""
        list(self.rows.values())[-1]["application_method"]["value"] = float(Decimal(share) * 100)
