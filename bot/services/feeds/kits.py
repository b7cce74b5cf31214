"""Kits: what a product that is sold as one takes from the shelf."""

from __future__ import annotations

from collections.abc import Mapping

from bot.chat.arguments import Sku
from bot.chat.command import Asker
from bot.chat.nodes import Code
from bot.domain.storeviews import KitView
from bot.errors import BadArgument
from bot.services.audit import Audit
from bot.services.storerights import require_tending
from bot.storage import kits as rows
from bot.storage import locks
from bot.storage.database import Database
from bot.words import _

MOST_PARTS, MOST_UNITS = 50, 10_000


class Kits:
    """Says and keeps what kits consist of. What stores have sold of one counts as its parts from then on."""

    def __init__(self, *, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    async def of(self, product: Sku) -> KitView:
        """One product."""
        async with self._database.reading() as connection:
            return KitView(product.code, product.name, await rows.parts(connection, product.id))

    async def everything(self) -> Mapping[str, tuple[tuple[str, int], ...]]:
        """Every kit by its SKU, with (SKU, units) of what it consists of."""
        async with self._database.reading() as connection:
            return await rows.everything(connection)

    async def put(
        self, product: Sku, parts: Mapping[Sku, int], asker: Asker | None = None, platform: str = "terminal"
    ) -> KitView:
        """Say what a product consists of; nothing: it is sold as itself. Without an asker: at the terminal.

        BadArgument for itself, for kits within kits, and for numbers that nobody means. The stores that sell it are
        read again from the beginning with their next reading, and what they sold before counts anew.
        """
        components = {part.id: units for part, units in parts.items()}
        if product.id in components:
            raise BadArgument(_("{sku} cannot be a part of itself.", sku=Code(product.code)), "kit")
        if len(components) > MOST_PARTS or not all(1 <= units <= MOST_UNITS for units in components.values()):
            raise BadArgument(
                _("A kit has {parts} parts at most, and 1 to {units} of each.", parts=MOST_PARTS, units=MOST_UNITS),
                "kit",
            )
        async with self._database.transaction() as connection:
            if asker is not None:
                await require_tending(connection, asker)
            await locks.namings(connection)
            wrong = await rows.nested(connection, product.id, components) if components else []
            if wrong:
                raise BadArgument(_("A kit holds no other kit: {sku}.", sku=Code(", ".join(wrong))), "kit")
            await rows.put(connection, product.id, components)
            await rows.read_again(connection, product.id)
            told = {part.code: units for part, units in parts.items()}
            member = None if asker is None else asker.member_id
            await self._audit.append(
                connection, "kit.put", f"product:{product.code}", {"parts": told}, member, platform
            )
        return await self.of(product)
