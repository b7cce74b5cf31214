"""What becomes of an order once it is placed: confirmed, on its way, promised for another day, or given up in part.

Each report is one transaction: the request is held and read again, the person authorised, and the stage, the goods on
their way, every card and the audit entry are written together. Saying the same again changes nothing and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.command import Asker
from bot.chat.nodes import Day
from bot.domain import approval
from bot.domain.views import OrderStage, RequestView
from bot.errors import BadArgument, Refusal, StaleButton
from bot.ports import Clock
from bot.services import leadtimes
from bot.services.audit import Audit
from bot.services.orderrights import refused, unfit
from bot.services.requests import Requests
from bot.storage import cases as case_rows
from bot.storage import locks, orders
from bot.storage import requests as rows
from bot.storage.database import Database
from bot.storage.requests import RequestRow
from bot.words import _

Step = Literal["confirmed", "shipped", "arrives", "close"]

STAGES: tuple[OrderStage, ...] = ("ordered", "confirmed", "in_transit", "partly_received", "received")
_STAGE_OF: dict[Step, OrderStage] = {"confirmed": "confirmed", "shipped": "in_transit"}
_LONGEST = timedelta(days=730)
_REFERENCE = 100  # characters


@dataclass(frozen=True, slots=True)
class Report:
    """What a person or a file says of an order: a step, the other side's own number, and when the goods come."""

    step: Step
    reference: str = ""
    arrives: date | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """An order as it stands after a report; `already` where nothing was new in it."""

    request: RequestView
    already: bool


@dataclass(frozen=True, slots=True)
class Teller:
    """Who reports, and from where; a file has no member and names its source as the platform."""

    member_id: int | None
    platform: str


class Orders:
    """Takes reports on orders."""

    def __init__(self, *, database: Database, clock: Clock, audit: Audit, requests: Requests) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._requests = requests

    async def report(self, request_id: int, said: Report, asker: Asker, platform: str) -> Progress:
        """Take a report of a person.

        Raises UnknownReference, NotAllowed (recorded in the audit log), BadArgument for a date that cannot be, or
        StaleButton where the request is no order under way.
        """
        async with self._database.transaction() as connection:
            held = await self._requests.held(connection, request_id)
            outcome: Progress | Refusal | None = await refused(
                connection, self._audit, held, "advance", asker, platform
            )
            if outcome is None:
                outcome = await self.take(connection, held, said, Teller(asker.member_id, platform))
        if isinstance(outcome, Refusal):  # raised only now: the refusal's audit entry is to be kept
            raise outcome
        return outcome

    async def take(self, connection: AsyncConnection, held: RequestRow, said: Report, by: Teller) -> Progress | Refusal:
        """Write a report down in the caller's transaction, which holds the request; or why it cannot be."""
        view = await self._requests.view(connection, held.id)
        if (words := unfit(view)) is not None:
            return StaleButton(words)
        facts = await orders.facts_of(connection, held.id)
        now = self._clock.now()
        today = now.astimezone(ZoneInfo(facts.zone)).date()
        if said.arrives is not None and not today <= said.arrives <= today + _LONGEST:
            return BadArgument(
                _("Goods cannot arrive on {day}: give a day from today on, within two years.", day=Day(said.arrives)),
                "order",
            )
        if held.state == "done":
            return Progress(view, already=True)
        values = self._values(held, said)
        if said.step == "close":
            await self._close(connection, held, values, now)
        if not values:
            return Progress(view, already=True)
        await rows.settle(connection, held.id, held.version, held.state, values)
        lines = await orders.lines_of(connection, held.id)
        if "expected_on" in values:
            await orders.promise(connection, held.id, [line.sku for line in lines], values["expected_on"])
        if values.get("stage") == "in_transit":
            await self.depart(connection, held, now, today)
        if said.step == "close":
            await orders.end(connection, held.id, [line.sku for line in lines], now)
        await self._requests.show(connection, [held])
        after = await self._requests.view(connection, held.id)
        await self._audit.append(
            connection, f"order.{said.step}", f"request:{held.id}", _data(said, held, after), by.member_id, by.platform
        )
        return Progress(after, already=False)

    async def depart(self, connection: AsyncConnection, held: RequestRow, now: datetime, today: date) -> None:
        """A transfer's goods leave their shelf, once; those of a purchase leave none of ours."""
        if held.from_location_id is None:
            return
        lines = await orders.lines_of(connection, held.id)
        moved = [(line.product_id, line.sku, -line.quantity) for line in lines]
        await orders.move(connection, held.id, held.from_location_id, "transfer_out", moved, now, today, "out")

    def _values(self, held: RequestRow, said: Report) -> dict[str, Any]:
        """What the report changes of the request's row."""
        values: dict[str, Any] = {}
        stage = _STAGE_OF.get(said.step)
        if stage is not None and held.stage and STAGES.index(_stage(held)) < STAGES.index(stage):
            values["stage"] = stage
        if said.reference and said.reference[:_REFERENCE] != held.reference:
            values["reference"] = said.reference[:_REFERENCE]
        if said.arrives is not None and said.arrives != held.expected_on:
            values["expected_on"] = said.arrives
        return values

    async def _close(
        self, connection: AsyncConnection, held: RequestRow, values: dict[str, Any], now: datetime
    ) -> None:
        """The rest will not come: the order is done, and the cases of what is missing are open again."""
        case_of = {line.product_id: line.case_id for line in (await rows.lines(connection, [held.id]))[held.id]}
        short = [line for line in await orders.lines_of(connection, held.id) if line.open]
        cases = {case for line in short if (case := case_of[line.product_id]) is not None}
        await locks.cases(connection, cases)
        await case_rows.set_states(connection, cases, "open", now)
        taken = await leadtimes.took(connection, held, await orders.tallies(connection, held.id))
        values |= {
            "state": approval.after(held.state, "finish"),
            "finished_at": now,
            "detail": {**held.detail, **taken, "short": sum(line.open for line in short)},
        }


def _stage(held: RequestRow) -> OrderStage:
    return next((stage for stage in STAGES if stage == held.stage), "ordered")


def _data(said: Report, held: RequestRow, after: RequestView) -> dict[str, Any]:
    """What the audit log says of a report."""
    return {
        "stage": after.stage,
        "stage_before": held.stage,
        "reference": after.reference,
        "expected_on": after.expected_on.isoformat() if after.expected_on else None,
        "expected_before": held.expected_on.isoformat() if held.expected_on else None,
        "said_arrives": said.arrives.isoformat() if said.arrives else None,
        "short": after.detail.get("short", 0),
    }
