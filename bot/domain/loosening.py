"""What a change of the policy loosens: a second admin must confirm it. Total and conservative: every field is compared,
and a change that is not surely a tightening counts as loosening.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import Any

from bot.domain.policy import Policy, RoleLimit

_Looser = Callable[[Any, Any], bool]


def _more(old: Any, new: Any) -> bool:  # noqa: ANN401  # any ordered figure
    return bool(new > old)


def _less(old: Any, new: Any) -> bool:  # noqa: ANN401  # any ordered figure
    return bool(new < old)


def _more_or_none(old: int | None, new: int | None) -> bool:
    """Whether a bound is lifted: None is no bound."""
    return old is not None and (new is None or new > old)


_FIGURES: Mapping[str, _Looser] = MappingProxyType(
    {
        "self_approval": _more,
        "new_supplier_days": _less,
        "quantity_over": _more,
        "price_over": _more,
        "rate_hours": _more,
        "deepest_discount": _more,
        "least_margin": _less,
        "promotion_skus": _more,
        "catalogue_share": _more,
        "purchase_hours": _more,
        "transfer_hours": _more,
        "promotion_hours": _more,
        "step_up_above": _more_or_none,
        "delegation_days": _more,
        "split_days": _less,
        "urgent_wait_minutes": _less,  # the sooner others are asked, the less the first one counts
        "wait_minutes": _less,
    }
)


def loosened(old: Policy, new: Policy) -> tuple[str, ...]:
    """What `new` allows that `old` does not, each as `field: before -> after`; empty where nothing."""
    return tuple(_found(old, new))


def _found(old: Policy, new: Policy) -> Iterator[str]:
    for field in fields(Policy):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name == "limits":
            yield from _limits(old, new)
        elif field.name == "bands":
            yield from _bands(old, new)
        elif field.name not in _FIGURES or _FIGURES[field.name](before, after):
            yield f"{field.name}: {_said(before)} -> {_said(after)}"


def _limits(old: Policy, new: Policy) -> Iterator[str]:
    known: dict[tuple[str, str], RoleLimit] = {(each.role, each.currency): each for each in old.limits}
    for limit in new.limits:
        name = f"limits.{limit.role}.{limit.currency}"
        before = known.get((limit.role, limit.currency))
        if before is None:
            yield f"{name}: none -> {limit.per_request}"
            continue
        if limit.per_request > before.per_request:
            yield f"{name}.per_request: {before.per_request} -> {limit.per_request}"
        for period in ("per_day", "per_month"):
            was, becomes = getattr(before, period), getattr(limit, period)
            if _more_or_none(was, becomes):
                yield f"{name}.{period}: {_said(was)} -> {_said(becomes)}"


def _bands(old: Policy, new: Policy) -> Iterator[str]:
    """Bands differ by steps, so one total within each step of either tells of all."""
    ends = sorted({band.up_to for policy in (old, new) for band in policy.bands if band.up_to is not None})
    for total in (*ends, None):
        before, after = old.band(total), new.band(total)
        upto = "above" if total is None else f"up to {total}"
        if after.people < before.people:
            yield f"bands, {upto}: {before.people} -> {after.people} people"
        if after.requester and not before.requester:
            yield f"bands, {upto}: the requester may approve"


def _said(value: object) -> str:
    return "none" if value is None else "on" if value is True else "off" if value is False else str(value)
