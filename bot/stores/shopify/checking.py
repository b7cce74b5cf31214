"""What `stocktide check` says of a shop: address, credentials, scopes, and the version of the API."""

from __future__ import annotations

from collections.abc import Collection

from bot.errors import OutsideError
from bot.ports import Check
from bot.stores.shopify.client import Shop
from bot.stores.shopify.queries import API_VERSION

ALL_ORDERS = "read_all_orders"  # without it Shopify tells of the last sixty days alone


async def checked(name: str, shop: Shop, scopes: Collection[str], wished: Collection[str] = ()) -> tuple[Check, ...]:
    """One line: `scopes` must have been granted, `wished` ones are missed aloud. A right to write includes to read."""
    line, remedy = f"store {name}", f"look at [stores.connected.{name}]: url, token, or user and secret"
    try:
        answer = await shop.ask("Terms")
        told = answer.whole()
    except OutsideError as error:
        return (Check(line, "fail", error.detail or str(error), remedy),)
    granted = {each["handle"] for each in told["currentAppInstallation"]["accessScopes"]}
    granted |= {f"read_{each.removeprefix('write_')}" for each in granted if each.startswith("write_")}
    missing = sorted(set(scopes) - granted)
    if missing:
        return (
            Check(line, "fail", f"the app may not {', '.join(missing)}", "grant these scopes and install it again"),
        )
    lacking = sorted(set(wished) - granted)
    said = f"answers at {shop.url}, API {answer.version or API_VERSION}"
    if answer.version and answer.version != API_VERSION:
        return (Check(line, "warn", f"{said}, asked for {API_VERSION}", "update Stocktide"),)
    if lacking:
        return (Check(line, "warn", f"{said}; without {', '.join(lacking)}", "see docs/stores/shopify.md"),)
    return (Check(line, "ok", said),)
