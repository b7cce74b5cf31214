"""Sentences of what was set aside are told from their English text, whatever stands in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import setaside
from bot.domain.setaside import text_of, words_of
from bot.words import Words

PLACED = (setaside.NO_LOCATION, setaside.NO_PLACE, setaside.NO_PLACE_OF_ORDER)


@given(value=st.text() | st.sampled_from(["{sku}", "it names no place", "the place 'x' is not known yet", "a\nb"]))
def test_a_sentence_is_told_from_its_text_with_what_stands_in_it(value: str) -> None:
    assert words_of(text_of(setaside.NO_PRODUCT, sku=value)) == Words(setaside.NO_PRODUCT.msgid, {"sku": value})
    for words in PLACED:
        assert words_of(text_of(words, place=value)) == Words(words.msgid, {"place": value})


@pytest.mark.parametrize("words", [setaside.NAMELESS, setaside.FUTURE])
def test_a_sentence_without_a_value_is_told_from_its_text(words: Words) -> None:
    assert words_of(text_of(words)) == Words(words.msgid, {})


@pytest.mark.parametrize("text", ["", "401 the key was withdrawn", "location: it names no place", "it names no place."])
def test_what_others_say_is_no_sentence_of_ours(text: str) -> None:
    assert words_of(text) is None
