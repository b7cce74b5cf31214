"""The scorecard's picture: quantiles against what they promise and each week's bias, in both languages and in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from bot.charts.drawing import drawn, png
from bot.charts.scores import BOTTOM, LEFT, RIGHT, SIZE, TOP, draw, plot_of
from bot.chat.cards import scorecard_card
from bot.chat.cards.charts import score_block, score_words
from bot.chat.codec import decode, encode
from bot.chat.nodes import Chart, Image, Message
from bot.domain.chart import ScoreChart, ScoreWeek
from bot.domain.hindsight import Coverage
from bot.language import language
from bot.words import _
from tests.charts.kit import of_kind, parsed, pixels, told, written
from tests.handlers.test_scorecard import CARD, SCORE

MONDAY = date(2011, 10, 10)
LEVELS = (Decimal("0.5"), Decimal("0.8"), Decimal("0.95"))
HELD = ((61, 77, 91), None, (64, 80, 93), (58, 74, 90))
OFF = ("-0.05", None, "0.212", "0")


def a_chart() -> ScoreChart:
    """Four weeks, of which nobody knows anything of the second."""
    weeks = tuple(
        ScoreWeek(
            MONDAY + timedelta(weeks=number),
            (None, None, None) if held is None else tuple(Decimal(share) / 100 for share in held),
            None if off is None else Decimal(off),
        )
        for number, (held, off) in enumerate(zip(HELD, OFF, strict=True))
    )
    return ScoreChart(LEVELS, weeks)


def svg(code: str = "en") -> str:
    return draw(a_chart(), language(code), "label")


def test_each_quantile_has_a_line_beside_what_it_promises_and_a_gap_where_nothing_was_judged() -> None:
    plot = plot_of(a_chart())
    promised = [float(line.get("y1", "")) for line in of_kind(svg(), "reorder")][:3]
    assert promised == pytest.approx([BOTTOM - (BOTTOM - TOP) * share for share in (0.5, 0.8, 0.95)], abs=0.06)
    for number, kind in enumerate(("curve curve-0", "curve curve-3", "curve curve-4")):
        runs = [found for found in of_kind(svg(), kind) if found.tag.endswith("polyline")]
        assert [len(run.get("points", "").split()) for run in runs] == [1, 2]
        last = runs[-1].get("points", "").split()[-1]
        x, y = (float(part) for part in last.split(","))
        assert (x, y) == pytest.approx((plot.x(3), plot.y(Decimal(HELD[3][number]) / 100)), abs=0.06)
        assert len([found for found in of_kind(svg(), kind) if found.tag.endswith("circle")]) == 3


def test_the_bar_of_a_week_stands_above_the_line_where_too_much_was_foretold() -> None:
    bars = of_kind(svg(), "sales")
    plot = plot_of(a_chart())
    zero = plot.off(Decimal(0))
    tops = [float(bar.get("y", "")) for bar in bars]
    heights = [float(bar.get("height", "")) for bar in bars]
    assert tops[0] == pytest.approx(zero, abs=0.06)
    assert tops[1] == pytest.approx(zero - heights[1], abs=0.11)
    assert heights == pytest.approx([heights[1] * 0.05 / 0.212, heights[1], 0], abs=0.11)
    assert {"-5%", "+21.2%", "0%"} <= set(written(svg()))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ("Forecasts week by week", "50% quantile held", "As promised", "Oct 10", "74%")),
        ("zh_CN", ("逐周预测", "50% 分位数实际覆盖", "应有覆盖", "10月10日", "74%")),
    ],
)
def test_the_words_in_the_picture_are_the_readers(code: str, words: tuple[str, ...]) -> None:
    assert set(words) <= set(written(svg(code)))
    shown = pixels(png(a_chart(), code))
    assert shown.shape == (SIZE[1] * 1.5, SIZE[0] * 1.5, 3)
    assert (shown[:, -6:] == 255).all()  # nothing runs into the right edge
    inside = [float(found.get("x", LEFT)) for found in parsed(svg(code)).iter() if found.tag.endswith("text")]
    assert all(0 < x < SIZE[0] for x in inside)
    assert max(inside) > RIGHT


def test_the_words_for_who_cannot_see_it_tell_the_same() -> None:
    said = told(score_words(a_chart()), "en")
    assert said.startswith("Forecasts of 4 weeks: the 50% quantile held between 58% and 64%; the 80% quantile")
    assert said.endswith("units foretold between -5% and 21.2% off.")
    assert told(score_words(a_chart()), "zh_CN").startswith("4 周的预测：50% 分位数覆盖了 58% 至 64%")


def test_a_picture_comes_back_from_the_outbox_as_it_went_in() -> None:
    assert decode(encode(a_chart())) == a_chart()


def test_a_chart_refuses_weeks_with_other_quantiles_than_its_own() -> None:
    with pytest.raises(ValueError, match="one share per level"):
        ScoreChart(LEVELS, (ScoreWeek(MONDAY, (None,), None),))


async def test_a_card_of_two_weeks_carries_its_picture_and_one_of_a_single_week_none() -> None:
    week, before = CARD.forecasts
    (chart,) = (block for block in scorecard_card(CARD).blocks if isinstance(block, Chart))
    assert isinstance(chart.of, ScoreChart)
    assert [each.monday for each in chart.of.weeks] == [before.week, week.week]
    assert chart.of.weeks[1].held == (Decimal("0.728"), Decimal("0.75"), None)
    assert chart.of.weeks[0].bias == Decimal("-0.034")
    shown = await drawn(Message(_("x"), (chart,)), "zh_CN")
    assert shown.blocks == (Image(png(chart.of, "zh_CN"), chart.alt),)
    assert score_block(replace(CARD, forecasts=(week,))) is None
    nothing = replace(before, score=replace(SCORE, series=0, coverage=(Coverage(0.5, 0, 0),)))
    assert score_block(replace(CARD, forecasts=(week, nothing))) is None
