"""What `stocktide check` says of a shop: address, credentials, scopes, and the version of the API."""

from __future__ import annotations

from collections.abc import Collection

from bot.errors import OutsideError
from bot.ports import Check
from bot.stores.shopify.client import Shop
from bot.stores.shopify.queries import API_VERSION
from bot.words import _

ALL_ORDERS = "read_all_orders"  # without it Shopify tells of the last sixty days alone


async def checked(name: str, shop: Shop, scopes: Collection[str], wished: Collection[str] = ()) -> tuple[Check, ...]:
    """One line: `scopes` must have been granted, `wished` ones are missed aloud. A right to write includes to read."""
    line = _("store {name}", name=name)
    remedy = _("look at [stores.connected.{name}]: url, token, or user and secret", name=name)
    try:
        answer = await shop.ask("Terms")
        told = answer.whole()
    except OutsideError as error:
        return (Check(line, "fail", error.said, remedy),)
    granted = {each["handle"] for each in told["currentAppInstallation"]["accessScopes"]}
    granted |= {f"read_{each.removeprefix('write_')}" for each in granted if each.startswith("write_")}
    missing = sorted(set(scopes) - granted)
    if missing:
        return (
            Check(
                line,
                "fail",
                _("the app may not {missing}", missing=", ".join(missing)),
                _("grant these scopes and install it again"),
            ),
        )
    lacking = sorted(set(wished) - granted)
    said = _("answers at {url}, API {version}", url=shop.url, version=answer.version or API_VERSION)
    if answer.version and answer.version != API_VERSION:
        return (
            Check(
                line,
                "warn",
                _("{said}, asked for {version}", said=said, version=API_VERSION),
                _("update Stocktide"),
            ),
        )
    if lacking:
        return (
            Check(
                line,
                "warn",
                _("{said}; without {lacking}", said=said, lacking=", ".join(lacking)),
                _("see docs/stores/shopify.md"),
            ),
        )
    return (Check(line, "ok", said),)
