"""What is filled in is read the same from a window, a conversation and a typed line."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.arguments import Rest
from bot.chat.codec import decode, decode_window, encode
from bot.chat.filling import filled, pairs, read_value
from bot.chat.forms import Choice, Field, FieldKind, Form, Window
from bot.chat.nodes import Message, Paragraph, Text
from bot.chat.parsing import Line
from bot.errors import BadArgument
from bot.words import _

CHOICES = (Choice("sea", _("by sea")), Choice("air", Text("Luftfracht")))


def field(kind: FieldKind, value: str = "", *, required: bool = True) -> Field:
    """A field of a kind."""
    return Field("q", _("Quantity"), kind, value, CHOICES if kind == "choice" else (), required)


def form(*fields: Field) -> Form:
    """A form of these fields."""
    return Form(_("Edit"), Text(""), fields, "edit", ("R-12@3",), _("Save"))


@pytest.mark.parametrize(
    ("kind", "typed", "read"),
    [
        ("whole", "240", "240"),
        ("whole", " 1,000 ", "1000"),
        ("whole", "1 000", "1000"),
        ("whole", "1\u00a0000\u00a0000", "1000000"),
        ("whole", "1'000", "1000"),
        ("whole", "１，０００", "1000"),
        ("whole", "٣٤", "34"),
        ("whole", "007", "7"),
        ("day", "2011-12-20", "2011-12-20"),
        ("day", "2011/1/2", "2011-01-02"),
        ("day", "2011.1.2", "2011-01-02"),
        ("day", "2011年12月20日", "2011-12-20"),
        ("day", "２０１１－１２－２０", "2011-12-20"),
        ("choice", "air", "air"),
        ("choice", "AIR", "air"),
        ("choice", "By Sea", "sea"),
        ("choice", "海运", "sea"),
        ("choice", "luftfracht", "air"),
        ("code", "123 456", "123456"),
        ("code", "１２３－４５６", "123456"),
        ("code", "12345678", "12345678"),
        ("money", " £1,234.50 ", "£1,234.50"),
        ("text", " a = b\r\nc\x00d ", "a = b\nc d"),
    ],
)
def test_a_value_is_read_however_it_is_written(kind: FieldKind, typed: str, read: str) -> None:
    assert read_value(field(kind), typed) == read


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("whole", "1.000"),  # one in London, a thousand in Berlin
        ("whole", "12,00"),
        ("whole", "1,000 000"),
        ("whole", "-1"),
        ("whole", "1e3"),
        ("whole", "240 units"),
        ("whole", "9" * 10),
        ("day", "20.12.2011"),
        ("day", "03/04/2011"),
        ("day", "2011-02-30"),
        ("day", "2011-1/2"),
        ("day", "tomorrow"),
        ("choice", "rocket"),
        ("code", "12345"),
        ("code", "123456789"),
        ("code", "12345a"),
        ("money", "plenty"),
        ("money", "1" * 41),
        ("text", "x" * 3_001),
        *((kind, blank) for kind in ("whole", "day", "choice", "code", "money", "text") for blank in ("", "  \n")),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused(kind: FieldKind, typed: str) -> None:
    with pytest.raises(BadArgument):
        read_value(field(kind), typed)


def test_a_refused_code_is_not_repeated() -> None:
    with pytest.raises(BadArgument) as refused:
        read_value(field("code"), "12345a")
    assert "12345a" not in repr(refused.value.words)


@pytest.mark.parametrize("kind", ["whole", "day", "choice", "code", "money", "text"])
def test_what_is_not_needed_may_be_empty(kind: FieldKind) -> None:
    assert read_value(field(kind, required=False), " ") == ""


def test_only_what_has_a_value_and_changed_is_handed_on() -> None:
    asked = form(
        Field("quantity", _("Quantity"), "whole", "240"),
        Field("note", _("Note"), "text", "kept", required=False),
        Field("day", _("Day"), "day", "2011-12-20", required=False),
        Field("supplier", _("Supplier"), "text", required=False),
    )
    values = {"quantity": "240", "note": "kept", "day": "2011/12/21", "supplier": "", "stranger": "x"}
    assert filled(asked, values) == ("quantity=240", "day=2011-12-21")


@given(
    st.dictionaries(
        st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.text(min_size=1, max_size=60), min_size=1, max_size=4
    )
)
def test_any_text_stays_in_its_own_field(values: dict[str, str]) -> None:
    asked = form(*(Field(name, Text(name), "text", required=False) for name in values))
    words = filled(asked, values)
    line = Line.pressed(("R-12@3", *words))
    found = pairs(Rest(line.rest(1) if words else "", line.words()[1:]))
    assert set(found) <= set(values)
    assert found == {name: read for name, value in values.items() if (read := read_value(asked.fields[0], value))}


@given(st.dates(min_value=date(1000, 1, 1)))
def test_every_day_is_read_back(on: date) -> None:
    assert read_value(field("day"), on.isoformat()) == on.isoformat()
    assert read_value(field("day"), f"{on.year}年{on.month}月{on.day}日") == on.isoformat()


@given(st.integers(0, 10**9))
def test_every_number_is_read_back_with_separators_and_without(number: int) -> None:
    assert read_value(field("whole"), str(number)) == read_value(field("whole"), f"{number:,}") == str(number)


@given(st.sampled_from(["whole", "day", "choice", "code", "money", "text"]), st.text(max_size=80))
def test_any_line_is_read_or_refused(kind: FieldKind, typed: str) -> None:
    try:
        read = read_value(field(kind, required=False), typed)
    except BadArgument:
        return
    assert read_value(field(kind, required=False), read) == read


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("quantity=240", {"quantity": "240"}),
        ("quantity = 240 mode=air", {"quantity": "240", "mode": "air"}),
        ('note="two words" quantity=5', {"note": "two words", "quantity": "5"}),
        ("note=“two words”", {"note": "two words"}),
        ("ｑｕａｎｔｉｔｙ＝５", {"quantity": "５"}),
        ("85123A=300", {"85123a": "300"}),
        ("note=", {"note": ""}),
    ],
)
def test_typed_pairs_are_read(typed: str, found: dict[str, str]) -> None:
    assert pairs(Rest(typed)) == found


@pytest.mark.parametrize(
    "rest", [Rest("240"), Rest("quantity=5 240"), Rest("a=1 A=2"), Rest("x", ("x",)), Rest("=", ("=5",))]
)
def test_what_is_no_pair_is_refused(rest: Rest) -> None:
    with pytest.raises(BadArgument):
        pairs(rest)


def test_nothing_typed_is_no_pair() -> None:
    assert pairs(None) == {}


def test_a_window_is_written_down_and_read_back() -> None:
    window = Window(form(field("choice", "sea"), *_more()), "tok3n", Message(_("Late"), (Paragraph(_("Late")),)))
    assert decode_window(encode(window)) == window
    with pytest.raises(TypeError):
        decode_window(encode(window.late))
    shown: Any = decode(encode(window.form))
    assert shown == window.form


def _more() -> tuple[Field, ...]:
    return (Field("note", Text("Note"), "text", required=False, hint=_("Anything")),)
