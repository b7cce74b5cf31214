"""Changing a request that is open: quantities, supplier, date and mode, in a form or typed.

Every change is one transaction: version up, who changed it, the difference shown on every copy, ruled anew, audited.
Votes given before count no more, and buttons shown before are dead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards.labels import MODES, request_code
from bot.chat.command import Asker
from bot.chat.forms import Choice, Field, Form
from bot.chat.nodes import Bold, Code, Text
from bot.domain.sourcing import SourcingSettings
from bot.domain.views import RequestView
from bot.errors import BadArgument, Refusal, StaleButton
from bot.ports import Clock
from bot.services.audit import Audit
from bot.services.catalogue import Catalogue
from bot.services.planning import Plan, plan
from bot.services.purchaserights import Matter, refused
from bot.services.purchases import recorded, stale
from bot.services.requests import Requests
from bot.services.rewriting import Rewrite, read, rewrite
from bot.storage import cases as case_rows
from bot.storage import locks
from bot.storage import requests as rows
from bot.storage import suppliers as supplier_rows
from bot.storage.database import Database
from bot.storage.requests import LineRow, RequestRow
from bot.storage.suppliers import SupplierRow
from bot.words import _

FORM_LINES = 20  # quantities asked for in one form; the others can be typed


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """A request as it was read, outside any lock."""

    held: RequestRow
    lines: Sequence[LineRow]
    names: Mapping[int, str]
    suppliers: Sequence[SupplierRow]
    figures: Plan | None


class Editing:
    """Edits requests."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        audit: Audit,
        requests: Requests,
        catalogue: Catalogue,
        sourcing: SourcingSettings | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._requests = requests
        self._catalogue = catalogue
        self._sourcing = sourcing or SourcingSettings()

    async def form(self, request_id: int, version: int | None, asker: Asker, platform: str) -> Form:
        """What may be changed, as it stands; a Refusal where the person may not, or nothing can be."""
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, request_id)
            no = await self._no(connection, held, version, asker, platform)
        if no is not None:
            raise no
        found = await self._read(request_id, figures=held.kind == "purchase_order")
        names = found.names
        fields = [
            Field(
                _field_name(names[line.product_id], number),
                Text(names[line.product_id]),
                "whole",
                str(line.quantity),
                required=False,
                hint=_("0 takes it out") if number == 1 else None,
            )
            for number, line in enumerate(found.lines[:FORM_LINES], 1)
        ]
        fields += _route_fields(found)
        expected = held.expected_on.isoformat() if held.expected_on else ""
        fields.append(Field("date", _("Here by"), "day", expected, required=False))
        code = request_code(request_id)
        intro = _("Change what you need; what you leave stays. It is approved anew.")
        if len(found.lines) > FORM_LINES:
            intro = _(
                "The first {count} products are here; change the others so: {example}. It is approved anew.",
                count=FORM_LINES,
                example=Code(f"edit {code} {names[found.lines[FORM_LINES].product_id]}=240"),
            )
        shown = request_code(request_id, held.version)
        return Form(_("Edit {request}", request=code), intro, tuple(fields), "edit", (shown,), _("Save"))

    async def edit(
        self, request_id: int, version: int | None, values: Mapping[str, str], asker: Asker, platform: str
    ) -> RequestView:
        """Change a request by `name=value` words; see `bot.services.rewriting` for the words.

        BadArgument names every word that cannot be done, and nothing is changed then. A StaleButton says what changed
        since the version that was shown.
        """
        rerouted = bool(values.keys() & {"supplier", "mode"})
        found = await self._read(request_id, figures=rerouted)
        held = found.held
        async with self._database.transaction() as connection:
            again = await self._requests.held(connection, request_id)
            no = await self._no(connection, again, held.version if version is None else version, asker, platform)
        if no is not None:
            raise no
        today = self._clock.now().astimezone(asker.zone).date()
        wishes = read(values, held, found.lines, found.names, found.suppliers, today)
        codes = {one.id: one.code for one in found.suppliers}
        planned = rewrite(held, found.lines, found.names, wishes, codes.get(held.supplier_id or 0, ""), found.figures)
        if not planned.changes:
            raise BadArgument(_("That is how it stands already; nothing was changed."), "edit")
        async with self._database.transaction() as connection:
            outcome = await self._edited(connection, found, planned, asker, platform)
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    async def _edited(
        self, connection: AsyncConnection, found: _Read, planned: Rewrite, asker: Asker, platform: str
    ) -> RequestView | Refusal:
        held = await self._requests.held(connection, found.held.id)
        if (no := await self._no(connection, held, found.held.version, asker, platform)) is not None:
            return no
        now = self._clock.now()
        before = {line.case_id for line in found.lines if line.case_id is not None}
        gone = before - {line.case_id for line in planned.lines}
        await locks.cases(connection, before)
        values = {**planned.values, "edited_by": asker.member_id}
        if not await self._requests.change(connection, held, planned.lines, planned.changes, values):
            return stale(held)
        await case_rows.silence(connection, gone, self._until(now), now)
        await self._requests.refresh(connection, [held.id], before)
        view = await self._requests.view(connection, held.id)
        data = {**recorded(view), "difference": view.detail.get("difference", [])}
        await self._audit.append(connection, "request.edited", f"request:{held.id}", data, asker.member_id, platform)
        return view

    def _until(self, now: datetime) -> datetime:
        """Until when a need that a person took out is left alone, unless it worsens."""
        return now + timedelta(days=self._sourcing.cool_down_days)

    async def _no(
        self, connection: AsyncConnection, held: RequestRow, version: int | None, asker: Asker, platform: str
    ) -> Refusal | None:
        no = await refused(connection, self._audit, Matter.of(held), "edit", asker, platform)
        if no is not None:
            return no
        code = Bold(Code(request_code(held.id)))
        if held.kind == "promotion":
            return StaleButton(_("{request} is a promotion: cancel it, and ask for another one.", request=code))
        if held.state not in {"draft", "pending"}:
            return StaleButton(
                _("{request} is no longer open, so it cannot be changed; cancel it while it can be.", request=code)
            )
        if version is not None and version != held.version:
            return stale(held)
        return None

    async def _read(self, request_id: int, *, figures: bool) -> _Read:
        async with self._database.reading() as connection:
            view = await self._requests.view(connection, request_id)
            held = await rows.row(connection, view.id)
            assert held is not None  # noqa: S101  # its view was read in the same transaction
            lines = (await rows.lines(connection, [request_id]))[request_id]
            products = [line.product_id for line in lines]
            chosen = None
            if figures and held.kind == "purchase_order":
                now = self._clock.now()
                aside = {(line.product_id, held.location_id): line.quantity for line in lines}
                counted = aside if held.state == "pending" else {}
                chosen = await plan(connection, self._catalogue, self._sourcing, products, now, counted)
            names = await rows.skus(connection, products)
            return _Read(held, lines, names, await supplier_rows.all_of(connection), chosen)


def _field_name(sku: str, number: int) -> str:
    """What a quantity is called in a form: the SKU where it can be a field's name."""
    plain = sku and not set(sku) & set('= "') and sku.casefold() not in {"supplier", "mode", "date"}
    return sku if plain else f"line{number}"


def _route_fields(found: _Read) -> list[Field]:
    """The suppliers and modes that can serve every line."""
    figures, held = found.figures, found.held
    if figures is None:
        return []
    ways: set[tuple[int, str]] | None = None
    for line in found.lines:
        row = figures.row(line.product_id, held.location_id)
        mine = set() if row is None else {(figures.supplier(one), figures.mode(one)) for one in figures.offers(row)}
        ways = mine if ways is None else ways & mine
    fields: list[Field] = []
    able = {supplier for supplier, _mode in ways or ()}
    suppliers = [one for one in found.suppliers if one.id in able]
    if len(suppliers) > 1:
        now = next((one.code for one in suppliers if one.id == held.supplier_id), "")
        choices = tuple(Choice(one.code, Text(one.name)) for one in suppliers[:50])
        fields.append(Field("supplier", _("Supplier"), "choice", now, choices, required=False))
    modes = sorted({mode for _supplier, mode in ways or ()})
    if len(modes) > 1:
        offered = tuple(Choice(mode, MODES.get(mode, Text(mode))) for mode in modes)
        fields.append(
            Field("mode", _("Way"), "choice", held.mode if held.mode in modes else "", offered, required=False)
        )
    return fields
