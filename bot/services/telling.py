"""Telling people of cases: the costliest get a card each, the rest of one scan share one, topic by topic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.chat.cards import burst_card, case_card, more_requests_card, request_card
from bot.domain.cases import Reason
from bot.domain.money import Money
from bot.domain.views import CaseKind, CaseView, Topic
from bot.services.outbox import Outbox
from bot.services.pages import paged
from bot.storage import cases as rows
from bot.storage import requests as request_rows
from bot.storage import requestviews, topics

TOPICS: Mapping[CaseKind, Topic] = MappingProxyType(
    {
        "stockout_risk": "restock",
        "surge": "surge",
        "slump": "slump",
        "slow_mover": "slow",
        "overstock": "slow",
        "late_inbound": "late",
        "data_stale": "stale",
    }
)
_LISTED = 10  # cases that a burst's card lists by name


@dataclass(frozen=True, slots=True)
class News:
    """A case that people are to be told of; `mark` tells this occasion from others of the same reason."""

    case_id: int
    kind: CaseKind
    severity: int
    money_minor: int
    reason: Reason
    mark: str = ""

    @property
    def key(self) -> str:
        """What makes the announcement the only one of its occasion."""
        return ":".join(part for part in (f"case:{self.case_id}", self.reason, self.mark) if part)


async def most_heard(connection: AsyncConnection, news: Sequence[News]) -> int:
    """How many of the news the topic with most of them has, of those that anybody hears; stopped feeds aside."""
    heard = await topics.heard(connection)
    counts = Counter(TOPICS[item.kind] for item in news if item.kind != "data_stale")
    return max((count for topic, count in counts.items() if topic in heard), default=0)


async def tell(
    connection: AsyncConnection, outbox: Outbox, news: Sequence[News], individual: int, currency: str, at: datetime
) -> int:
    """Announce in the caller's transaction; how many cards were written (for each audience one).

    Per topic the `individual` costliest cases get their own card, which decisions edit later on; a case whose request
    waits and is of this case alone goes to the topic `requests` too. A conversation that wants both gets one card.
    Orders of several cases have cards of their own there, the `individual` dearest ones; see `offer`.
    """
    written = 0
    for topic in dict.fromkeys(TOPICS.values()):
        mine = sorted(
            (item for item in news if TOPICS[item.kind] == topic),
            key=lambda item: (-item.money_minor, -item.severity, item.case_id),
        )
        head, rest = mine[:individual], mine[individual:]
        views = await rows.views(connection, [item.case_id for item in (*head, *rest[:_LISTED])])
        for item in head:
            written += await _one(connection, outbox, topic, item, views[item.case_id])
        if rest:
            total = Money.of_minor(sum(item.money_minor for item in rest), currency)
            card = burst_card([views[item.case_id] for item in rest[:_LISTED]], len(rest), total)
            key = f"burst:{topic}:{at.isoformat()}"
            written += len(await outbox.announce(connection, topic, card, dedupe_key=key))
    return written


async def offer(connection: AsyncConnection, outbox: Outbox, individual: int, at: datetime) -> int:
    """Put Stocktide's own requests that wait and were not yet shown before the topic `requests`; how many cards.

    The urgent and the dearest get a card each, the rest share one. A scan that is cut off leaves it to the next.
    """
    waiting = await requestviews.untold(connection)
    await requestviews.told(connection, waiting)
    shown = await rows.shown(connection, [f"case:{case_id}" for item in waiting for case_id in item.alone])
    fresh = [item for item in waiting if not any(f"case:{case_id}" in shown for case_id in item.alone)]
    fresh.sort(key=lambda item: (not item.urgent, -item.total_minor, item.id))
    head, rest = fresh[:individual], fresh[individual:]
    views = await request_rows.views(connection, [item.id for item in (*head, *rest[:_LISTED])])
    written = 0
    for item in head:
        subject = f"request:{item.id}"
        view = views[item.id]
        told = await outbox.announce(
            connection, "requests", request_card(view), subject, subject, location=view.location
        )
        written += len(told)
    if rest:
        page = paged([views[item.id] for item in rest[:_LISTED]], 1, _LISTED, len(rest))
        key = f"burst:requests:{at.isoformat()}"
        written += len(await outbox.announce(connection, "requests", more_requests_card(page), dedupe_key=key))
    return written


async def _one(connection: AsyncConnection, outbox: Outbox, topic: Topic, item: News, view: CaseView) -> int:
    request = None
    if view.request_id is not None:
        request = (await request_rows.views(connection, [view.request_id]))[view.request_id]
    card, subject = case_card(view, request), f"case:{item.case_id}"
    told = await outbox.announce(connection, topic, card, subject, item.key, location=view.location)
    if request is not None and request.state == "pending" and request.case_id == view.id and len(request.lines) == 1:
        told += await outbox.announce(connection, "requests", card, subject, item.key, location=view.location)
    return len(set(told))


async def refresh(connection: AsyncConnection, outbox: Outbox, case_ids: Sequence[int]) -> None:
    """Bring the cards of cases up to date where they stand."""
    shown = await rows.shown(connection, [f"case:{case_id}" for case_id in case_ids])
    touched = [case_id for case_id in case_ids if f"case:{case_id}" in shown]
    views = await rows.views(connection, touched)
    requests = await request_rows.views(connection, [v.request_id for v in views.values() if v.request_id is not None])
    for case_id in touched:
        view = views[case_id]
        card = case_card(view, requests.get(view.request_id) if view.request_id is not None else None)
        await outbox.refresh(connection, f"case:{case_id}", card)
