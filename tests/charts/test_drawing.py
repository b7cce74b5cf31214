"""The drawing holds everything that is promised, in both languages, and says the same in words."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.charts import drawing
from bot.charts.drawing import drawn, png
from bot.charts.stock import BOTTOM, LEFT, RIGHT, SIZE, TITLE, TOP, draw, draw_untitled, plot_of
from bot.chat.cards.charts import chart_block, chart_words
from bot.chat.codec import decode, encode
from bot.chat.nodes import Heading, Image, Message, Text
from bot.domain.chart import Arrival, ChartEvent, StockChart
from bot.language import LANGUAGES, language
from bot.words import _
from tests.charts.kit import HOSTILE, TODAY, a_chart, of_kind, parsed, pixels, told, written

ENGLISH = language("en")


def svg(code: str = "en", **changes: Any) -> str:
    return draw(a_chart(**changes), language(code), "label")


def x_of(chart: StockChart, days: int) -> float:
    return plot_of(chart).days.start(chart.today + timedelta(days=days))


def test_every_promised_element_is_drawn_once_for_each_of_its_kind() -> None:
    counts = {
        kind: len(of_kind(svg(), kind))
        for kind in ("stock-area", "today", "reorder", "fan", "fan-middle", "arrival", "late", "stockout")
    }
    assert counts.pop("stock-area") == 2  # the uncounted day parts it
    assert counts.pop("arrival") == counts.pop("late") == 2  # its mark, and the legend's
    assert counts.pop("fan") == 2
    assert set(counts.values()) == {1}
    assert len(of_kind(svg(), "empty")) == 2 + 1  # four days in a row, one alone, the legend
    assert len(of_kind(svg(), "event")) == 1 + 1
    assert len(of_kind(svg(), "sales")) == sum(day % 12 > 0 for day in range(90)) + 1


def test_what_a_chart_has_not_is_neither_drawn_nor_in_its_legend() -> None:
    bare = svg(
        empty=(False,) * 90, fan=(), arrivals=(), events=(), reorder_point=None, stockout_on=None, sales=(0,) * 90
    )
    for kind in ("empty", "fan", "fan-middle", "arrival", "late", "event", "reorder", "stockout"):
        assert of_kind(bare, kind) == []
    assert not {"No stock", "Promotion", "Arrival", "Overdue"} & set(written(bare))


def test_spans_marks_and_lines_stand_at_their_days_and_units() -> None:
    chart = a_chart()
    plot, shown = plot_of(chart), svg()
    span = of_kind(shown, "empty")[0]
    assert float(span.attrib["x"]) == pytest.approx(x_of(chart, 20 - 90), abs=0.06)
    assert float(span.attrib["width"]) == pytest.approx(4 * plot.days.width, abs=0.06)
    (reorder,) = of_kind(shown, "reorder")
    assert float(reorder.attrib["y1"]) == pytest.approx(plot.stock.at(120), abs=0.06)
    (mark,) = of_kind(shown, "stockout")
    assert float(mark.attrib["cx"]) == pytest.approx(x_of(chart, 9) + plot.days.width / 2, abs=0.06)
    (today,) = of_kind(shown, "today")
    assert float(today.attrib["x1"]) == pytest.approx(x_of(chart, 0), abs=0.06)
    late, coming = of_kind(shown, "late")[0], of_kind(shown, "arrival")[0]
    assert _tip(late) == pytest.approx(x_of(chart, 0) + plot.days.width / 2, abs=0.06)  # the overdue stand at today
    assert _tip(coming) == pytest.approx(x_of(chart, 12) + plot.days.width / 2, abs=0.06)


def _tip(triangle: Any) -> float:
    return float(triangle.attrib["points"].split()[-1].split(",")[0])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("en", ("Reorder point 120", "Out of stock Nov 30", "+24", "+240", "Units in stock", "Promotion", "R-5")),
        ("zh_CN", ("11月30日", "+24", "+240", "促销", "缺货", "R-5", "逾期未到")),
    ],
)
def test_the_words_are_the_readers(code: str, words: tuple[str, ...]) -> None:
    said = " | ".join(written(svg(code)))
    for word in words:
        assert word in said
    assert ("Stock" in said, "Sold" in said) == ((True, True) if code == "en" else (False, False))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("whole", [draw, draw_untitled])
def test_no_name_can_break_out_of_the_drawing(hostile: str, whole: Any) -> None:
    events = (ChartEvent(TODAY - timedelta(days=40), TODAY, hostile),)
    chart = a_chart(sku=hostile, name=hostile, place=hostile, events=events)
    root = parsed(whole(chart, ENGLISH, told(chart_words(chart), "en")))
    kinds = {found.tag.rpartition("}")[2] for found in root.iter()}
    assert kinds <= {"svg", "rect", "line", "polyline", "polygon", "circle", "text"}
    assert all(not name.startswith("on") for found in root.iter() for name in found.attrib)


def test_a_long_name_and_a_long_place_share_the_title_and_stay_inside() -> None:
    title = next(text for text in written(svg(name="茶壶" * 150, place="Lager " * 60)))
    assert title.startswith("85123A")
    assert title.count("…") == 2
    shown = pixels(png(a_chart(name="茶壶" * 150, place="Lager " * 60), "en"))
    assert (shown[:, -6:] == 255).all()  # nothing runs into the right edge


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_picture_is_a_png_of_its_size_with_the_letters_of_the_language(code: str) -> None:
    chart = a_chart()
    shown = pixels(png(chart, code))
    assert shown.shape == (SIZE[1] * 1.5, SIZE[0] * 1.5, 3)
    speech = language(code)
    silent = draw(chart, speech, "")
    for text in sorted(set(written(silent)), key=len, reverse=True):
        silent = silent.replace(f">{text}<", "><")
    differing = (pixels(drawing.rendered(silent)) != shown).any(axis=2)
    assert differing.sum() > 3_000
    legend = differing[round(372 * 1.5) :]
    assert legend.sum() > 800  # Chinese or English, the legend is written


def test_the_languages_differ_in_the_picture_and_the_same_chart_is_drawn_once() -> None:
    assert png(a_chart(), "en") != png(a_chart(), "zh_CN")
    before = png.cache_info().hits
    assert png(a_chart(), "en") is png(a_chart(), "en")
    assert png.cache_info().hits > before


def test_the_board_draws_the_same_without_the_title() -> None:
    whole, untitled = draw(a_chart(), ENGLISH, "x"), draw_untitled(a_chart(), ENGLISH, "x")
    assert parsed(untitled).get("viewBox") == f"0 {TITLE} {SIZE[0]} {SIZE[1] - TITLE}"
    assert set(written(untitled)) == set(written(whole)) - {"85123A  WHITE HANGING HEART – United Kingdom"}


UNITS = st.integers(0, 10_000_000)


@st.composite
def charts(draw_one: st.DrawFn) -> StockChart:
    days = draw_one(st.integers(1, 90))
    column = st.lists(UNITS, min_size=days, max_size=days)
    ahead = draw_one(st.lists(st.tuples(UNITS, UNITS, UNITS), max_size=60))
    when = st.integers(-100, 100).map(lambda shift: TODAY + timedelta(days=shift))
    return StockChart(
        sku=draw_one(st.text(max_size=20)),
        name=draw_one(st.text(max_size=40)),
        code="UK",
        place=draw_one(st.text(max_size=20)),
        today=TODAY,
        stock=tuple(draw_one(st.lists(st.none() | UNITS, min_size=days, max_size=days))),
        sales=tuple(draw_one(column)),
        empty=tuple(draw_one(st.lists(st.booleans(), min_size=days, max_size=days))),
        fan=tuple((low, middle, high) for low, middle, high in map(sorted, ahead)),
        arrivals=tuple(draw_one(st.lists(st.builds(Arrival, UNITS, when, st.booleans()), max_size=8))),
        events=tuple(ChartEvent(min(pair), max(pair), "R-1") for pair in draw_one(st.lists(st.tuples(when, when)))),
        reorder_point=draw_one(st.none() | UNITS),
        stockout_on=draw_one(st.none() | when),
    )


@settings(max_examples=40)
@given(charts(), st.sampled_from(LANGUAGES))
def test_any_chart_is_drawn_inside_its_frame(chart: StockChart, code: str) -> None:
    shown = draw(chart, language(code), told(chart_words(chart), code))
    for found in parsed(shown).iter():
        for name in ("x", "x1", "x2", "cx"):
            assert -0.1 <= float(found.get(name, "0")) <= SIZE[0]
        if found.get("class") in {"stock", "fan", "fan-middle", "stock-area"} and "points" in found.attrib:
            for point in found.attrib["points"].split():
                x, y = map(float, point.split(","))
                assert LEFT - 0.1 <= x <= RIGHT + 0.1
                assert TOP - 0.1 <= y <= BOTTOM + 0.1


@settings(max_examples=40)
@given(charts())
def test_a_chart_comes_back_from_the_outbox_as_it_went_in(chart: StockChart) -> None:
    assert decode(encode(chart_block(chart))) == chart_block(chart)


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        (
            "en",
            ("85123A at United Kingdom", "last 90 days", "stock between 0 and 900, 10 at the last close",
             "477 units sold", "5 days without stock", "reorder point 120", "24 units on Nov 18, 2011",
             "240 units on Dec 3, 2011", "promotion R-5 from Oct 22, 2011 to Nov 1, 2011", "out of stock Nov 30, 2011",
             "expected on Dec 18, 2011: 0 to 33 left"),
        ),
        ("zh_CN", ("85123A", "900", "477", "120", "2011年11月30日", "2011年12月3日", "R-5", "240", "33")),
    ],
)  # fmt: skip
def test_the_words_for_who_cannot_see_it_tell_the_same_facts(code: str, facts: tuple[str, ...]) -> None:
    said = told(chart_words(a_chart()), code)
    for fact in facts:
        assert fact in said


def test_the_words_leave_out_what_the_chart_has_not() -> None:
    bare = a_chart(
        stock=(None,) * 90, empty=(False,) * 90, fan=(), arrivals=(), events=(), reorder_point=None, stockout_on=None
    )
    assert told(chart_words(bare), "en") == "85123A at United Kingdom, last 90 days: 477 units sold."


async def test_a_message_gets_its_pictures_in_the_readers_language_and_keeps_the_rest() -> None:
    block = chart_block(a_chart())
    message = Message(_("x"), (Heading(Text("x")), block))
    shown = await drawn(message, "zh_CN")
    assert shown.blocks == (Heading(Text("x")), Image(png(a_chart(), "zh_CN"), block.alt))
    plain = Message(_("x"), (Heading(Text("x")),))
    assert await drawn(plain, "en") is plain


def test_a_chart_refuses_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="as many days"):
        a_chart(sales=(1,))
    with pytest.raises(ValueError, match="at least one"):
        a_chart(stock=(), sales=(), empty=())


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_empty_spans_are_the_days_without_stock_in_runs(empty: list[bool]) -> None:
    size = len(empty)
    chart = a_chart(stock=(1,) * size, sales=(0,) * size, empty=tuple(empty))
    days = [
        first + timedelta(days=number)
        for first, last in chart.empty_spans()
        for number in range((last - first).days + 1)
    ]
    assert days == [chart.first_day + timedelta(days=at) for at in np.flatnonzero(empty).tolist()]
    ends = chart.empty_spans()
    assert all(after[0] - before[1] > timedelta(days=1) for before, after in pairwise(ends))
