"""Orders of suppliers with review dates: on a date they go out together, before it they gather as drafts.

On a date everything is ordered that must last until goods ordered on the next one are here, whether or not it is a
case. Before it a draft for each way gathers what is due, and is written anew when that changes. Only what would run out
before goods ordered on the date are here is ordered at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from bot.domain.arrays import Bools
from bot.domain.watch import Assessment
from bot.services.drafting import Need
from bot.services.snapshot import Snapshot
from bot.storage.proposals import Gathering
from bot.storage.requests import Draft, DraftLine, Way

MARK = "reviewed:"  # and the supplier's and the place's number: the last of their review dates that was seen to


@dataclass(frozen=True, slots=True)
class Shared:
    """Drafts that go out now, and those that gather until a date."""

    now: tuple[Draft, ...]
    later: tuple[Draft, ...]


class Reviews:
    """The review dates of one scan; `seen` are the values of the marks that begin with `MARK`, by key."""

    def __init__(self, taken: Snapshot, assessed: Assessment, seen: Mapping[str, str]) -> None:
        self._taken = taken
        self._assessed = assessed
        self._seen = seen
        routes = taken.market.routes
        pairs = zip(routes.supplier.tolist(), routes.review_every.tolist(), routes.review_from.tolist(), strict=True)
        self._dates = {supplier: (every, first) for supplier, every, first in pairs if every}

    def joint(self, needs: Sequence[Need], cased: Collection[int]) -> tuple[list[Need], list[Need]]:
        """The needs of suppliers whose date it is, with what else is due of them; and the other needs.

        `cased` are the rows of unresolved cases, which have needs of their own or want none.
        """
        wait = self._assessed.routes.review_wait
        if wait is None:
            return [], list(needs)
        due = self._on_date() & (self._assessed.supply.order_quantity > 0)
        done = {key for key, day in self._today().items() if self._seen.get(key) == day}
        money = self._assessed.money_minor["stockout_risk"]
        more = [
            Need(None, row, 0, int(money[row]))
            for row in np.flatnonzero(due).tolist()
            if row not in cased and self._key(row) not in done
        ]
        return [*(need for need in needs if wait[need.row] == 0), *more], [
            need for need in needs if wait[need.row] != 0
        ]

    def passed(self, draft: Gathering) -> bool:
        """Whether the date that a draft gathers until has passed without a scan."""
        return draft.until < self._today_at(draft.way.location_id)

    def marks(self) -> dict[str, str]:
        """What to remember of this scan: the dates that it saw to."""
        return {key: day for key, day in self._today().items() if self._seen.get(key) != day}

    def shared_out(self, drafts: Iterable[Draft], overdue: Collection[int] = ()) -> Shared:
        """Which drafts go out now in a scan of the whole; `overdue` cases waited for a date that has passed."""
        now: list[Draft] = []
        later: list[Draft] = []
        for draft in drafts:
            wait = self._wait(draft)
            if wait is None:
                now.append(draft)
            elif not wait:
                now.append(_noting(draft, "review_on", self._today_at(draft.location_id)))
            else:
                self._part(draft, wait, overdue, now, later)
        return Shared(tuple(now), tuple(later))

    def pressing(self, drafts: Iterable[Draft]) -> Shared:
        """The same for a scan of some products alone, which leaves an order of many products to one of the whole."""
        now: list[Draft] = []
        later: list[Draft] = []
        for draft in drafts:
            wait = self._wait(draft)
            if wait is None:
                now.append(draft)
            else:
                self._part(draft, wait, (), now, later)
        return Shared(tuple(now), tuple(later))

    def _part(self, draft: Draft, wait: int, overdue: Collection[int], now: list[Draft], later: list[Draft]) -> None:
        """Share the lines out: those that would run out before goods ordered on the date are here go now."""
        until = self._today_at(draft.location_id) + timedelta(days=wait)
        soon = [line for line in draft.lines if self._runs_out(draft, line, wait)]
        late = [line for line in draft.lines if line not in soon and line.case_id in overdue]
        rest = [line for line in draft.lines if line not in soon and line not in late]
        if soon or late:
            going = _of(draft, [*soon, *late])
            now.append(_noting(going, "before_review", until) if soon and wait else going)
        if rest:
            later.append(_noting(_of(draft, rest), "gathers_until", until))

    def _runs_out(self, draft: Draft, line: DraftLine, wait: int) -> bool:
        row = self._taken.find(line.product_id, draft.location_id)
        assert row is not None  # noqa: S101  # the draft was made from this row
        lead = float((line.detail or {})["lead_time_days"])
        return float(self._assessed.supply.runout.stockout[row]) < wait + lead

    def _wait(self, draft: Draft) -> int | None:
        """Days until the supplier's next date; None where it takes orders on any day."""
        if draft.kind != "purchase_order" or draft.supplier_id not in self._dates:
            return None
        every, first = self._dates[draft.supplier_id]
        today = (self._today_at(draft.location_id) - date(1970, 1, 1)).days
        return int(first - today) % int(every)

    def _today_at(self, location_id: int) -> date:
        return self._taken.at.astimezone(ZoneInfo(self._taken.places[location_id].zone)).date()

    def _today(self) -> dict[str, str]:
        """The local day of each supplier and place whose date it is, by mark."""
        rows = np.flatnonzero(self._on_date()).tolist()
        return {self._key(row): self._taken.today_of(row).isoformat() for row in rows}

    def _on_date(self) -> Bools:
        """The series that are judged and whose supplier's date it is."""
        wait, stale = self._assessed.routes.review_wait, self._taken.positions.stale
        if wait is None:
            return np.zeros(self._assessed.series, dtype=np.bool_)
        today: Bools = wait == 0
        return today if stale is None else today & ~stale

    def _key(self, row: int) -> str:
        market = self._taken.market
        supplier = int(market.routes.supplier[market.route[market.planned[row]]])
        return f"{MARK}{supplier}:{int(self._taken.location_ids[row])}"


def settled(standing: Sequence[Gathering], fresh: Sequence[Draft]) -> tuple[list[Draft], list[int]]:
    """Which of the fresh drafts are to be written, and the requests that they replace; what is alike stays."""
    before: dict[Way, list[Gathering]] = {}
    for one in standing:
        before.setdefault(one.way, []).append(one)
    after: dict[Way, list[Draft]] = {}
    for draft in fresh:
        after.setdefault(_way(draft), []).append(draft)
    stays = {way for way in before.keys() & after.keys() if _said(before[way]) == _drafted(after[way])}
    return (
        [draft for way, drafts in after.items() if way not in stays for draft in drafts],
        [one.id for way, ones in before.items() if way not in stays for one in ones],
    )


def _said(standing: Iterable[Gathering]) -> set[tuple[date, frozenset[int]]]:
    return {(one.until, one.case_ids) for one in standing}


def _drafted(drafts: Iterable[Draft]) -> set[tuple[date, frozenset[int]]]:
    return {
        (
            date.fromisoformat((draft.detail or {})["gathers_until"]),
            frozenset(line.case_id for line in draft.lines if line.case_id is not None),
        )
        for draft in drafts
    }


def _way(draft: Draft) -> Way:
    return Way(draft.kind, draft.location_id, draft.currency, draft.supplier_id, mode=draft.mode)


def _of(draft: Draft, lines: Sequence[DraftLine]) -> Draft:
    """The draft with some of its lines alone."""
    return replace(
        draft,
        lines=tuple(lines),
        total_minor=sum(line.quantity * line.unit_cost_minor for line in lines),
        expected_on=max(date.fromisoformat((line.detail or {})["arrives_on"]) for line in lines),
        urgent=any(not (line.detail or {}).get("in_time", True) for line in lines),
    )


def _noting(draft: Draft, key: str, on: date) -> Draft:
    return replace(draft, detail={**(draft.detail or {}), key: on.isoformat()})
