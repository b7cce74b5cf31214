"""What the font can write, and how much room it takes."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bot.charts.drawing import rendered
from bot.charts.lettering import clipped, legible, letters, visible, width
from bot.charts.svg import document, rect, text
from tests.charts.kit import covered, parsed, pixels

ANY = st.text(st.characters(), max_size=60)  # surrogates, controls and all


def test_the_font_has_every_letter_that_is_claimed() -> None:
    assert letters() - covered() == set()
    assert len(letters()) > 7_400


@pytest.mark.parametrize("letter", ["a", "é", "ß", "€", "茶", "壶", "缺", "货", "，", "か", "–", "→", "●"])
def test_a_letter_of_the_font_leaves_ink(letter: str) -> None:
    assert ink(letter).any()


@pytest.mark.parametrize("letter", ["\ue000", "š", "ش"])
def test_a_letter_that_the_font_lacks_would_leave_none(letter: str) -> None:
    assert not ink(letter).any()
    assert ink(legible(letter)).any()


def ink(letter: str) -> NDArray[np.bool_]:
    """Where a single letter leaves ink; what the font lacks is not replaced first."""
    svg = document([rect("paper", 0, 0, 30, 30), text("§", (4, 20))], (0, 0, 30, 30), "").replace("§", letter)
    dark: NDArray[np.bool_] = pixels(rendered(svg)).min(axis=2) < 128
    return dark


@given(ANY)
def test_what_is_written_has_nothing_but_letters_of_the_font(said: str) -> None:
    assert set(legible(said)) <= letters()


@given(ANY)
def test_what_is_legible_stays_as_it_is(said: str) -> None:
    assert legible(legible(said)) == legible(said)


@given(st.text(st.sampled_from(sorted(letters())), max_size=40))
def test_what_the_font_has_is_not_touched(said: str) -> None:
    assert legible(said) == unicodedata.normalize("NFC", said)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Škoda Łódź œuvre", "Skoda Lódz oeuvre"),
        ("cafe\u0301", "café"),
        ("❤\ufe0f", "·"),
        ("a\u202eb\x00c\u2028d", "abcd"),
        ("ﬁn", "fin"),
        ("شاي", "···"),
    ],
)
def test_what_the_font_lacks_is_written_as_near_as_can_be(said: str, shown: str) -> None:
    assert legible(said) == shown


@given(ANY, st.floats(8, 24), st.floats(0, 400))
def test_a_clipped_text_keeps_to_its_room_and_to_its_beginning(said: str, size: float, room: float) -> None:
    cut = clipped(said, size, room)
    assert width(cut, size) <= max(room, width("…", size)) + 1e-6
    if cut != said:
        assert cut.endswith("…")
        assert said.startswith(cut[:-1])
        assert width(said, size) > room


@given(ANY, ANY)
def test_a_longer_text_is_never_narrower(one: str, other: str) -> None:
    assert width(one + other, 13) >= width(one, 13)


@pytest.mark.parametrize(
    "said", ["Expected stock, 8 of 10 cases", "预计库存（10 种情况中的 8 种）", "Reorder point 5,100"]
)
def test_the_width_told_is_about_the_width_drawn(said: str) -> None:
    columns = np.flatnonzero(strip(said).any(axis=0))
    assert (columns[-1] - columns[0]) / 1.5 == pytest.approx(width(said, 13), rel=0.15)


def strip(said: str) -> NDArray[np.bool_]:
    svg = document([rect("paper", 0, 0, 400, 30), text(said, (4, 20))], (0, 0, 400, 30), "")
    dark: NDArray[np.bool_] = pixels(rendered(svg)).min(axis=2) < 160
    return dark


@given(ANY)
def test_no_label_can_break_the_xml_around_it(said: str) -> None:
    assert parsed(document([text(said, (0, 0))], (0, 0, 1, 1), said)).get("aria-label") is not None
    assert visible(visible(said)) == visible(said)
