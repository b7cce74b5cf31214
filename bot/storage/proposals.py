"""What keeps a case from a new proposal: an answer under way, or somebody's no."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain

from sqlalchemy import BindParameter, and_, bindparam, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.storage import requests
from bot.storage.requests import Way
from bot.storage.tables import Case, Request, RequestLine

BUSY_STATES = ("draft", "pending", "approved")  # a case with a request in one of these gets no other
_STATE = Request.state + ""  # SQLite is kept from starting with all requests in a state
_BUSY = (
    select(RequestLine.case_id)
    .join(Request, Request.id == RequestLine.request_id)
    .where(RequestLine.case_id.is_not(None))
    .where(or_(_STATE.in_(BUSY_STATES), and_(_STATE == "executing", Request.kind == "promotion")))
)
_REFUSED = (
    select(Case.id, Request.decided_at, RequestLine.detail, Request.detail.label("whole"))
    .join(Request, Request.id == Case.request_id)
    .join(RequestLine, and_(RequestLine.request_id == Request.id, RequestLine.case_id == Case.id))
    .where(
        func.coalesce(Case.resolved_at, null()).is_(None),  # SQLite is kept from starting with every unresolved case
        Request.state.in_(("rejected", "cancelled")),
        Request.decided_at.is_not(None),
    )
)
_OF: BindParameter[int] = bindparam("of", expanding=True)
_BUSY_OF, _REFUSED_OF = _BUSY.where(RequestLine.case_id.in_(_OF)), _REFUSED.where(Case.id.in_(_OF))


async def busy(connection: AsyncConnection, of: Collection[int] | None = None) -> set[int]:
    """Those of the cases (None: of all) with an answer under way: an open or approved request, a running promotion."""
    asked = connection.execute(_BUSY) if of is None else connection.execute(_BUSY_OF, {"of": list(of)})
    # The driver's own tuples: of a whole catalogue there are tens of thousands.
    return set(chain.from_iterable((await asked).cursor.fetchall()))


async def refusals(connection: AsyncConnection, of: Collection[int] | None = None) -> dict[int, tuple[datetime, int]]:
    """For each unresolved case whose last request somebody turned down: when, and the case's severity at that time.

    Of some cases only, where they are named.
    """
    asked = connection.execute(_REFUSED) if of is None else connection.execute(_REFUSED_OF, {"of": list(of)})
    return {
        case_id: (decided_at, max(int(detail.get("severity", 0)), int(whole.get("severity", 0))))
        for case_id, decided_at, detail, whole in await asked
    }


@dataclass(frozen=True, slots=True)
class Gathering:
    """A draft that gathers what is due until its supplier's review date, and the cases that it answers."""

    id: int
    way: Way
    until: date
    case_ids: frozenset[int]


async def gathering(connection: AsyncConnection) -> list[Gathering]:
    """Every draft that gathers and that nobody has touched, by id."""
    untouched = Request.requested_by.is_(None), Request.edited_by.is_(None)
    mine = await requests.rows_in(connection, Request.state == "draft", Request.kind == "purchase_order", *untouched)
    found = [row for row in mine if "gathers_until" in row.detail]
    lines = await requests.lines(connection, [row.id for row in found])
    return [
        Gathering(
            row.id,
            Way(row.kind, row.location_id, row.total.currency, row.supplier_id, mode=row.mode),
            date.fromisoformat(row.detail["gathers_until"]),
            frozenset(line.case_id for line in lines[row.id] if line.case_id is not None),
        )
        for row in found
    ]
