"""Sentences that the database keeps are said in each reader's language later; older rows hold plain text."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.cards.stores import checks_card
from bot.chat.codec import decode_message, encode
from bot.chat.nodes import Bullets, Message, Span
from bot.errors import Declined, Unanswered, Unreached, why
from bot.language import language
from bot.words import Words, _, joined, kept, n_, told, verbatim

CHINESE = language("zh_CN")
VALUES = st.dictionaries(st.sampled_from(["said", "status", "name"]), st.text(max_size=20) | st.integers(), max_size=3)


@settings(max_examples=30)
@given(msgid=st.text(max_size=30), values=VALUES, inner=VALUES)
def test_what_is_kept_is_the_same_sentence_again(
    msgid: str, values: dict[str, object], inner: dict[str, object]
) -> None:
    words = Words(msgid, {**values, "why": Words("because of {said}", inner)})
    assert told(kept(words)) == words


@settings(max_examples=30)
@given(text=st.text(max_size=40) | st.sampled_from(['{"msgid": ', '{"msgid": 1}', '{"msgid": "a", "values": 3}']))
def test_plain_text_of_before_is_shown_as_it_is(text: str) -> None:
    assert CHINESE.say(told(text)) == str(told(text)) == (text if text != '{"msgid": 1}' else "1")


def test_a_sentence_is_said_in_each_language_with_the_store_s_own_text_as_it_came() -> None:
    row = kept(_("made, but it cannot be read back: {error}", error=_("the store says: {said}", said="Nope {error}")))
    assert CHINESE.say(told(row)) == "已创建，但无法读回确认：店铺答复：Nope {error}"
    assert str(told(row)) == "made, but it cannot be read back: the store says: Nope {error}"


def test_numbers_are_grouped_and_plurals_kept() -> None:
    row = kept(n_("{count} variant to name", "{count} variants to name", 1_234))
    assert str(told(row)) == language("en").say(told(row)) == "1,234 variants to name"
    assert CHINESE.say(told(row)) == "1,234 个待确认的商品"


def test_a_long_text_of_others_is_cut_before_it_is_kept_and_stays_a_sentence() -> None:
    said = told(kept(_("the store says: {said}", said="x" * 5_000)))
    assert CHINESE.say(said) == "店铺答复：" + "x" * 300


def test_what_a_check_found_may_stand_in_a_message_whatever_its_values_are() -> None:
    found = _("{path} cannot be used", path=Path("/srv/in"))
    card = checks_card(
        "drop",
        [
            (
                _("{name} folder", name="drop"),
                "fail",
                found,
                _("{price} instead of {struck}", price=Decimal("9.50"), struck=12.5),
            )
        ],
    )
    assert decode_message(json.loads(json.dumps(encode(card)))) == card
    assert "/srv/in 无法使用" in str([CHINESE.say(part) for part in _sentences(card)])


def _sentences(card: Message) -> list[Words]:
    return [
        part
        for block in card.blocks
        if isinstance(block, Bullets)
        for item in block.items
        if isinstance(item, Span)
        for part in item.parts
        if isinstance(part, Words)
    ]


def test_several_faults_are_one_sentence() -> None:
    parts = [_("the answer is no JSON"), verbatim("Nope"), _("an answer without data")]
    assert str(joined(parts)) == "the answer is no JSON; Nope; an answer without data"
    assert CHINESE.say(joined(parts)) == "返回内容不是 JSON；Nope；返回内容没有数据"
    assert str(joined([])) == ""


@pytest.mark.parametrize("kind", [Unreached, Declined, Unanswered])
def test_an_error_of_which_nothing_is_known_says_so_in_both_languages(
    kind: type[Unreached | Declined | Unanswered],
) -> None:
    assert str(kind()) == str(kind().said)
    assert CHINESE.say(kind().said) != str(kind())


def test_an_error_s_code_is_for_programs_and_no_part_of_what_people_read() -> None:
    error = Declined(_("the shop has the code {code} already", code="MAY"), code="code_taken")
    assert str(error) == "code_taken: the shop has the code MAY already"
    assert CHINESE.say(error.said) == "店铺已有优惠码 MAY"


def test_an_error_of_another_kind_is_quoted_inside_a_sentence_of_ours() -> None:
    assert CHINESE.say(why(KeyError("sku"))) == "出错：KeyError: 'sku'"
