"""The policy as pure rules: what it asks of a request, and what a change of it loosens."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.approval import Claim, Decider, Spent, objection
from bot.domain.loosening import loosened
from bot.domain.money import Money
from bot.domain.policy import (
    Band,
    Facts,
    LineFacts,
    Policy,
    PromotionFacts,
    RoleLimit,
    Shown,
    default_policy,
    digest,
    judge,
    lapses_at,
)
from bot.domain.restating import supplier_matches, total_matches

NOW = datetime(2011, 11, 21, 9, tzinfo=UTC)
POLICY = default_policy("GBP")
LINE = LineFacts("85123A", 100, 200, Decimal(100), 200)
PROMOTION = PromotionFacts(Decimal("0.2"), 236, 120, Decimal("0.01"), ends=True)


@pytest.mark.parametrize(
    ("total", "needs", "alone"), [(50_000, 1, True), (50_001, 1, False), (500_000, 1, False), (500_001, 2, False)]
)
def test_the_bands_are_those_of_the_house(total: int, needs: int, alone: bool) -> None:  # noqa: FBT001  # a table of cases
    judged = judge(dataclasses.replace(POLICY, self_approval=True), Facts("purchase_order", total))
    assert (judged.needs, judged.requester_may) == (needs, alone)
    assert not judge(POLICY, Facts("purchase_order", total)).requester_may


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts("purchase_order", 100, new_supplier=True), "new_supplier"),
        (Facts("purchase_order", 100, rate_stale=True), "rate_stale"),
        (Facts("purchase_order", None), "rate_unknown"),
        (Facts("purchase_order", 100, others=None, other_count=1), "others_unknown"),
        (Facts("purchase_order", 100, lines=(dataclasses.replace(LINE, quantity=301),)), "quantity"),
        (Facts("purchase_order", 100, lines=(dataclasses.replace(LINE, need_90=Decimal(0)),)), "quantity"),
        (Facts("purchase_order", 100, lines=(dataclasses.replace(LINE, unit_cost=205),)), "price"),
        (Facts("purchase_order", 300_000, others=200_001, other_count=2), "split"),
        (Facts("purchase_order", 500_001), "band"),
        (
            Facts("promotion", 100, lines=(LINE,), promotion=dataclasses.replace(PROMOTION, share=Decimal("0.051"))),
            "catalogue",
        ),
    ],
)
def test_each_threshold_asks_for_two_people_and_says_why(facts: Facts, reason: str) -> None:
    judged = judge(POLICY, facts)
    assert judged.needs == 2
    assert [each.kind for each in judged.reasons] == [reason]
    assert not judged.requester_may


@pytest.mark.parametrize(
    "facts",
    [
        Facts("purchase_order", 100, lines=(dataclasses.replace(LINE, quantity=300),)),
        Facts("purchase_order", 100, lines=(dataclasses.replace(LINE, unit_cost=204),)),
        Facts("purchase_order", 100, lines=(dataclasses.replace(LINE, need_90=None, quote=None, quantity=10**6),)),
        Facts("purchase_order", 300_000, others=200_000, other_count=2),
        Facts("promotion", 100, lines=(LINE,), promotion=dataclasses.replace(PROMOTION, share=Decimal("0.05"))),
    ],
)
def test_up_to_each_threshold_one_person_is_enough(facts: Facts) -> None:
    judged = judge(POLICY, facts)
    assert (judged.needs, judged.reasons, judged.forbidden) == (1, (), ())


def test_below_cost_needs_two_where_the_policy_lets_a_price_fall_so_far() -> None:
    below = Facts("promotion", 100, lines=(LINE,), promotion=dataclasses.replace(PROMOTION, price=119))
    assert [each.kind for each in judge(POLICY, below).forbidden] == ["margin"]
    judged = judge(dataclasses.replace(POLICY, least_margin=Decimal("-0.5")), below)
    assert (judged.needs, [each.kind for each in judged.reasons], judged.forbidden) == (2, ["below_cost"], ())


@pytest.mark.parametrize(
    ("promotion", "lines", "reason"),
    [
        (dataclasses.replace(PROMOTION, depth=Decimal("0.51")), 1, "depth"),
        (dataclasses.replace(PROMOTION, price=125), 1, "margin"),
        (dataclasses.replace(PROMOTION, ends=False), 1, "no_end"),
        (None, 1, "no_end"),
        (PROMOTION, 21, "sku_cap"),
    ],
)
def test_what_the_policy_forbids_a_promotion_no_number_of_people_can_allow(
    promotion: PromotionFacts | None, lines: int, reason: str
) -> None:
    judged = judge(POLICY, Facts("promotion", 100, lines=(LINE,) * lines, promotion=promotion))
    assert [each.kind for each in judged.forbidden] == [reason]


def test_a_request_lapses_with_its_kind_or_with_the_quote_if_that_is_sooner() -> None:
    assert lapses_at(POLICY, "purchase_order", NOW) == NOW + timedelta(hours=24)
    assert lapses_at(POLICY, "promotion", NOW) == NOW + timedelta(hours=4)
    assert lapses_at(POLICY, "purchase_order", NOW, NOW + timedelta(hours=3)) == NOW + timedelta(hours=3)
    assert lapses_at(POLICY, "purchase_order", NOW, NOW + timedelta(days=3)) == NOW + timedelta(hours=24)


SHOWN = Shown("purchase_order", Money(Decimal(400), "GBP"), 1, 2, None, "sea", ((1, 100, 400),), "", 1)


@pytest.mark.parametrize(
    "change",
    [
        {"total": Money(Decimal(401), "GBP")},
        {"total": Money(Decimal(400), "USD")},
        {"supplier": 2},
        {"location": 3},
        {"from_location": 3},
        {"mode": "air"},
        {"lines": ((1, 101, 400),)},
        {"lines": ((1, 100, 401),)},
        {"lines": ((2, 100, 400),)},
        {"rate": "0.12 2011-11-21"},
        {"policy": 2},
        {"terms": {"depth": "0.2"}},
    ],
)
def test_the_hash_covers_everything_that_was_shown(change: dict[str, object]) -> None:
    assert digest(dataclasses.replace(SHOWN, **change)) != digest(SHOWN)  # type: ignore[arg-type]


def test_the_hash_does_not_depend_on_the_order_of_lines() -> None:
    lines = ((1, 100, 400), (2, 5, 10))
    turned = dataclasses.replace(SHOWN, lines=lines[::-1])
    assert digest(turned) == digest(dataclasses.replace(SHOWN, lines=lines))


totals = st.integers(0, 2_000)
bounds = st.none() | totals
limit_lists = st.lists(
    st.builds(
        RoleLimit, st.sampled_from(("buyer", "approver")), st.sampled_from(("GBP", "USD")), totals, bounds, bounds
    ),
    max_size=3,
    unique_by=lambda limit: (limit.role, limit.currency),
).map(tuple)


@st.composite
def band_lists(draw: st.DrawFn) -> tuple[Band, ...]:
    ends: list[int | None] = [*sorted(draw(st.sets(totals, max_size=3))), None]
    people = sorted(draw(st.lists(st.integers(1, 3), min_size=len(ends), max_size=len(ends))))
    return tuple(Band(end, count, draw(st.booleans())) for end, count in zip(ends, people, strict=True))


shares = st.integers(0, 4).map(lambda tenth: Decimal(tenth) / 10)
small = st.integers(1, 3)
policies = st.builds(
    Policy,
    currency=st.just("GBP"),
    limits=limit_lists,
    bands=band_lists(),
    self_approval=st.booleans(),
    new_supplier_days=small,
    quantity_over=small.map(Decimal),
    price_over=shares,
    rate_hours=small,
    deepest_discount=shares,
    least_margin=shares,
    promotion_skus=small,
    catalogue_share=shares,
    purchase_hours=small,
    transfer_hours=small,
    promotion_hours=small,
    step_up_above=bounds,
    delegation_days=small,
    split_days=small,
    urgent_wait_minutes=small,
    wait_minutes=small,
)


@given(policies)
def test_a_policy_does_not_loosen_itself(policy: Policy) -> None:
    assert loosened(policy, policy) == ()


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Policy)])
@given(old=policies, other=policies)
@settings(max_examples=20)
def test_a_change_of_one_field_is_listed_in_one_direction_at_least(name: str, old: Policy, other: Policy) -> None:
    """A field that nobody compares would be listed in neither."""
    new = dataclasses.replace(old, **{name: getattr(other, name)})
    if new == old:
        assert loosened(old, new) == ()
    elif name == "bands":
        probes = {band.up_to for policy in (old, new) for band in policy.bands}
        if any(old.band(total).people != new.band(total).people for total in probes):
            assert loosened(old, new) or loosened(new, old)
    else:
        assert loosened(old, new) or loosened(new, old)


lines = st.builds(LineFacts, st.just("A"), st.integers(1, 9), st.integers(1, 9), shares | st.none(), small | st.none())
promotions = st.none() | st.builds(PromotionFacts, shares, st.integers(1, 9), st.integers(1, 9), shares, st.booleans())
facts = st.builds(
    Facts, st.sampled_from(("purchase_order", "transfer", "promotion")), bounds, totals, small, st.booleans(),
    st.booleans(), st.lists(lines, max_size=4).map(tuple), promotions,
)  # fmt: skip
people = st.builds(
    Decider, st.integers(1, 3), st.sampled_from(("approver", "buyer", "admin")),
    spent=st.builds(Spent, totals, totals).map(lambda found: {"GBP": found}),
)  # fmt: skip


@given(policies, policies, facts, people, st.none() | st.integers(1, 3), st.none() | st.integers(1, 3))
@settings(max_examples=150)
def test_what_loosens_nothing_lets_nobody_do_more(
    old: Policy, other: Policy, asked: Facts, who: Decider, requester: int | None, editor: int | None
) -> None:
    """Field by field from one policy towards another: wherever nothing is listed, nothing became possible."""
    for field in dataclasses.fields(Policy):
        new = dataclasses.replace(old, **{field.name: getattr(other, field.name)})
        if loosened(old, new):
            continue
        before, after = judge(old, asked), judge(new, asked)
        assert after.needs >= before.needs
        assert bool(after.forbidden) >= bool(before.forbidden)
        assert after.requester_may <= before.requester_may
        assert lapses_at(new, asked.kind, NOW) <= lapses_at(old, asked.kind, NOW)
        total = Money.of_minor(asked.total or 0, "GBP")

        def allowed(policy: Policy, total: Money = total) -> bool:
            judged = judge(policy, asked)
            claim = Claim(
                asked.kind, total, requester, editor, judged.needs, judged.requester_may, bool(judged.forbidden)
            )
            return objection(who, "approve", claim, policy) is None

        assert allowed(new) <= allowed(old)
        old = new


def test_the_clearest_loosenings_are_named() -> None:
    old = default_policy("GBP", (RoleLimit("approver", "GBP", 100, 200, None),))
    new = dataclasses.replace(
        old,
        limits=(RoleLimit("approver", "GBP", 150, None, 10), RoleLimit("promo_manager", "GBP", 1)),
        self_approval=True,
        bands=(Band(100_000, 1, requester=True), Band(None, 2)),
        step_up_above=None,
    )
    found = loosened(old, new)
    assert "limits.approver.GBP.per_request: 100 -> 150" in found
    assert "limits.approver.GBP.per_day: 200 -> none" in found
    assert "limits.promo_manager.GBP: none -> 1" in found
    assert "self_approval: off -> on" in found
    assert "step_up_above: 1000000 -> none" in found
    assert not any("per_month" in each for each in found)
    assert any(each.startswith("bands, up to 100000: the requester") for each in found)


MONEY = Money(Decimal("5120.00"), "GBP")


@pytest.mark.parametrize(
    "text",
    [
        "5,120.00",
        "GBP 5120",
        "£5,120",
        "5120 gbp",
        "5.120,00",
        "5 120",
        "５１２０",
        "5'120.00",
        "5120.0",
        "£ 5,120.00 ",
    ],
)
def test_a_total_may_be_restated_in_any_form(text: str) -> None:
    assert total_matches(text, MONEY)


@pytest.mark.parametrize(
    "text", ["", "5120.01", "$5120", "USD 5120", "512", "51,20", "five", "5,12,0", "-5120", "5120.00.00", "5120" * 20]
)
def test_another_amount_or_currency_is_no_restatement(text: str) -> None:
    assert not total_matches(text, MONEY)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_no_other_amount_written_plainly_matches(minor: int, other: int) -> None:
    total, stated = Money.of_minor(minor, "GBP"), Money.of_minor(other, "GBP")
    assert total_matches(f"{stated.amount:,.2f}", total) == (minor == other)


def test_a_supplier_is_named_by_code_or_whole_name_in_any_case() -> None:
    assert supplier_matches("yiwu", "YIWU", "Yiwu Bright")
    assert supplier_matches("  yiwu   bright ", "YIWU", "Yiwu Bright")
    assert not supplier_matches("Yiwu B", "YIWU", "Yiwu Bright")
    assert not supplier_matches("", "", "Yiwu Bright")
