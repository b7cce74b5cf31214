"""Sentences of what was set aside are known again: those kept as such, and by its English text what was kept before."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import setaside
from bot.domain.setaside import words_of
from bot.words import Words, kept, verbatim

PLACED = (setaside.no_location, setaside.no_place, setaside.no_place_of_order)


@given(value=st.text() | st.sampled_from(["{sku}", "it names no place", "the place 'x' is not known yet", "a\nb"]))
def test_a_sentence_is_told_from_its_text_with_what_stands_in_it(value: str) -> None:
    for make in (setaside.no_product, setaside.no_rate, *PLACED):
        assert words_of(str(make(value))) == make(value)


@pytest.mark.parametrize("words", [setaside.NAMELESS, setaside.FUTURE])
def test_a_sentence_without_a_value_is_told_from_its_text(words: Words) -> None:
    assert words_of(str(words)) == words


@pytest.mark.parametrize("make", [setaside.no_product, *PLACED])
def test_a_sentence_that_was_kept_is_the_same_again(make: Callable[[str], Words]) -> None:
    assert words_of(kept(make("{sku} 'x'"))) == make("{sku} 'x'")


@pytest.mark.parametrize("text", ["", "401 the key was withdrawn", "location: it names no place", "it names no place."])
def test_what_others_say_stands_for_itself(text: str) -> None:
    assert words_of(text) == verbatim(text)
