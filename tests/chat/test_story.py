"""The story of a case: few lines, each true to the figures that were stored, in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.chat import cards
from bot.chat.cards.story import story
from bot.chat.nodes import Bullets, Chart
from bot.domain.evidence import STEPS_OF_KIND
from bot.domain.views import CaseKind
from tests.charts.kit import a_chart
from tests.chat import views
from tests.chat.test_cards import said

RESULTS = {
    "velocity": 14.26, "lead_time_demand": 456.29, "lead_time_median": 430.2, "lead_time_p80": 560.0,
    "lead_time_p95": 701.9, "reorder_point": 644.45, "safety_stock": 188.16, "order_up_to": 740.2,
    "inventory_position": 277, "days_to_stockout": 2.6, "gap": 9.4, "order_quantity": 468, "lost_units": 134.2,
    "lost_margin": 17956,
}  # fmt: skip


def evidence(**changes: Any) -> dict[str, Any]:
    """The evidence of the cards' tests with every step of a stock-out risk."""
    steps = [
        {"name": name, "formula": "x", "values": {"incoming": 240} if name == "inventory_position" else {},
         "result": result}
        for name, result in {**RESULTS, **changes}.items()
    ]  # fmt: skip
    return {
        **views.EVIDENCE,
        "steps": steps,
        "forecast": {"learned_on": "2011-11-20", "since": "2010-12-01", "series": 1829},
        "lead_time": {"observations": 6, "stated_days": "35.0", "learned_days": "32.0"},
    }


def told(of: dict[str, Any], code: str = "en", kind: CaseKind = "stockout_risk") -> list[str]:
    """The lines as a reader sees them."""
    card = cards.why_card(replace(views.a_case(kind), evidence=of))
    lines = next((block.items for block in card.blocks if isinstance(block, Bullets)), ())
    text = said(card, code).splitlines()
    return [line.removeprefix("• ") for line in text if line.startswith("• ")][: len(lines)]


def test_a_stock_out_is_told_in_five_lines() -> None:
    velocity, lead_time, safety, runout, order = told(evidence())
    assert velocity == (
        "In the last 90 days 11.12 a day were sold, 11.51 on a day in stock (3 days without stock left out);"
        " 14.26 a day are expected now. Learned from 1,829 series."
    )
    assert lead_time == (
        "Goods take 32 days, give or take 6.5 days (learned from 6 orders): about 456 units will be asked for until"
        " they come; as likely as not 430 units, four times in five up to 560 units, 19 times in 20 up to 702 units."
    )
    assert safety == ("To have enough in 97.5% of cycles, 188 units of safety stock are added: order at 644 units.")
    assert runout == (
        "There are 37 units and 240 units on their way: they last 2.6 days, and the shelf is empty for 9.4 days before"
        " help comes. That loses 134 units, £179.56 of margin."
    )
    assert order == (
        "So 468 units are ordered: up to 741 units, less 277 units there or under way, at least 48 units, in packs"
        " of 12."
    )


def test_the_same_is_told_in_chinese() -> None:
    lines = told(evidence(), "zh_CN")
    assert len(lines) == 5
    assert lines[0].startswith(
        "最近 90 天日均售出 11.12 件，有货日日均 11.51 件（剔除缺货 3 天）；当前预计日均 14.26 件。"
    )
    assert "补货需 32 天" in lines[1]
    assert lines[1].endswith("九成五可能不超过 702 件。")
    assert "按每包 12 件取整" in lines[4]


def test_what_is_not_so_is_not_told() -> None:
    calm = evidence(gap=0, order_quantity=0)
    calm["inputs"] = {**calm["inputs"], "lead_time_assumed": True}
    calm["windows"] = [{**calm["windows"][-1], "left_out_days": 0}]
    calm["forecast"] = None
    velocity, lead_time, _safety, runout, order = told(calm)
    assert "left out" not in velocity
    assert "Learned" not in velocity
    assert "(assumed: no supplier has a route here)" in lead_time
    assert runout.endswith("they last 2.6 days, and help can come before they end.")
    assert order == "Nothing is to be ordered: 277 units are there or under way."


def test_parts_of_days_that_were_left_out_are_told_apart_from_whole_ones() -> None:
    partly = evidence()
    partly["windows"] = [{**partly["windows"][-1], "left_out_days": 3, "part_days": 2, "part_out_days": 0.8125}]
    assert (
        "11.51 on a day in stock (3.81 days without stock left out: 3 as a whole, and parts of 2 more);"
        in (told(partly)[0])
    )
    assert "（剔除缺货 3.81 天：整天 3 天，另有 2 天的部分时段）" in told(partly, "zh_CN")[0]


def test_overdue_goods_are_told_and_not_counted_as_coming() -> None:
    late = evidence()
    late["inputs"] = {**late["inputs"], "overdue": 240}
    assert told(late)[3].startswith("There are 37 units, with 240 units overdue and counted on no day: they last")


def test_an_empty_shelf_is_called_empty() -> None:
    bare = evidence(days_to_stockout=0, gap=21)
    bare["inputs"] = {**bare["inputs"], "available": 0}
    assert told(bare)[3] == (
        "The shelf is empty, 240 units are on their way, and it stays so for 21 days until help comes. That loses"
        " 134 units, £179.56 of margin."
    )


def test_what_comes_too_late_is_not_taken_off_the_order() -> None:
    late = evidence(order_quantity=708)
    step = next(one for one in late["steps"] if one["name"] == "order_quantity")
    step["values"] = {"late": 240}
    assert "less 37 units there or under way" in told(late)[4]


def test_a_forecast_without_lessons_tells_its_mean_alone() -> None:
    blended = evidence()
    blended["steps"] = [one for one in blended["steps"] if one["name"] not in {"lead_time_median", "lead_time_p80"}]
    assert told(blended)[1].endswith("about 456 units will be asked for until they come.")


def slumped(position: dict[str, int] | None = None, **inputs: int) -> dict[str, Any]:
    """The evidence of a slump, with what is coming."""
    given = {**views.EVIDENCE["inputs"], "pending": 0, **inputs}
    held = {"name": "inventory_position", "formula": "x", "values": position or {"incoming": 0}, "result": 37}
    return {**views.EVIDENCE, "inputs": given, "steps": [*views.EVIDENCE["steps"], held]}


def test_a_slump_is_told_with_what_it_misses_and_what_is_still_to_come() -> None:
    week, money = told(slumped(), kind="slump")
    assert week == (
        "On 6 days in stock of the last week 9 units were sold, 73 units are usual; by luck so few have a chance of"
        " 0.0000082."
    )
    assert money == "If it lasts, £99.30 of margin are missed in a week."
    assert told(slumped({"incoming": 240}, pending=96), kind="slump")[2] == (
        "336 units are on their way or asked for: with what is there they last 249 days at this pace."
    )
    still = slumped({"incoming": 240})
    still["steps"] = [
        {**one, "values": {"count": 0, "n": 6}} if one["name"] == "slump_p_value" else one for one in still["steps"]
    ]
    assert (
        told(still, kind="slump")[2] == "240 units are on their way or asked for: at this pace nothing of them sells."
    )


def test_a_slump_of_which_nothing_new_is_known_says_so() -> None:
    hidden = slumped()
    hidden["steps"] = [one for one in hidden["steps"] if not one["name"].startswith("slump")]
    assert told(hidden, kind="slump") == [
        "Too few days of the last week tell anything: events, a closed place, or sales not yet told of."
    ]


@pytest.mark.parametrize("kind", list(STEPS_OF_KIND))
@pytest.mark.parametrize("rubbish", [{}, {"steps": "no"}, {"steps": [1, {"name": "velocity"}], "windows": [None]}])
def test_evidence_of_another_shape_is_told_as_far_as_it_can_be(kind: CaseKind, rubbish: dict[str, Any]) -> None:
    assert story(kind, rubbish, "GBP") == []


def test_the_picture_stands_below_the_story_and_only_where_there_is_one() -> None:
    chart = a_chart()
    blocks = cards.why_card(views.a_case(), chart).blocks
    drawn = [at for at, block in enumerate(blocks) if isinstance(block, Chart)]
    assert drawn == [next(at for at, block in enumerate(blocks) if isinstance(block, Bullets)) + 1]
    assert not any(isinstance(block, Chart) for block in cards.why_card(views.a_case()).blocks)
