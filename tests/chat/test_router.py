import logging
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.arguments import CaseRef, ClockTime, Lapse, RequestRef, Rest
from bot.chat.nodes import Action, Actions, Message
from bot.chat.router import Answer
from bot.language import language
from bot.words import Words
from tests.chat.shop import PLACES, PRODUCTS, Recorder, call, router

HEART, RED, CAKE, FLAG = PRODUCTS
UK, DE = PLACES


async def ran(text: str, **origin: Any) -> tuple[Answer, list[tuple[str, dict[str, Any]]]]:
    recorder = Recorder()
    answer = await router(recorder).run(call(**origin), text)
    return answer, recorder.calls


def buttons(message: Message) -> list[Action]:
    return [button for block in message.blocks if isinstance(block, Actions) for button in block.buttons]


def text_of(message: Message) -> str:
    return language("en").say(message.summary, str)


@pytest.mark.parametrize(
    "line",
    [
        "stock 85123A",
        "/stock 85123a",
        "/Stock@stocktide_bot 85123A",
        "STOCK  85123A",
        "stocktide stock 85123A",
        "/stocktide stock 85123A",
        "stock “85123A”",
        "ｓｔｏｃｋ　８５１２３Ａ",
        "库存 85123A",
        "库存85123A",
        "库存：85123A。",
        "85123A",
        "white hanging heart",
        "stock white heart",
    ],
)
async def test_one_product_is_found_however_it_is_asked_for(line: str) -> None:
    answer, calls = await ran(line)
    assert calls == [("stock", {"sku": HEART, "location": None})]
    assert not answer.refused


@pytest.mark.parametrize(
    ("line", "sku", "place"),
    [
        ("stock 85123A UK", HEART, UK),
        ("stock 85123A united kingdom", HEART, UK),
        ("stock white hanging heart germany", HEART, DE),
        ("stock regency cakestand 3 tier de", CAKE, DE),
        ("stock UK 1", FLAG, None),
        ("stock UK 1 UK", FLAG, UK),
        ('stock "UK 1" DE', FLAG, DE),
    ],
)
async def test_a_name_takes_as_many_words_as_leave_the_location_readable(line: str, sku: Any, place: Any) -> None:
    _answer, calls = await ran(line)
    assert calls == [("stock", {"sku": sku, "location": place})]


@pytest.mark.parametrize(
    ("line", "name", "arguments"),
    [
        ("restock", "restock", {"location": None}),
        ("补货 de", "restock", {"location": DE}),
        ("turnover uk", "turnover", {"what": UK}),
        ("turnover 22423", "turnover", {"what": CAKE}),
        ("snooze c-12 3 days", "snooze", {"case": CaseRef(12), "length": Lapse(timedelta(days=3))}),
        ("snooze C12 ３天", "snooze", {"case": CaseRef(12), "length": Lapse(timedelta(days=3))}),
        ("approve R-7", "approve", {"request": RequestRef(7), "comment": None}),
        ("approve r7 fine, go “ahead”！", "approve", {"request": RequestRef(7), "comment": Rest("fine, go “ahead”！")}),
        ("digest", "digest", {"when": None}),
        ("digest off", "digest", {"when": "off"}),
        ("digest 关闭", "digest", {"when": "off"}),
        ("digest 8：30", "digest", {"when": ClockTime(time(8, 30))}),
        ("digest 8:30 pm", "digest", {"when": ClockTime(time(20, 30))}),
        ("link AB-CD", "link", {"code": "AB-CD"}),
    ],
)
async def test_arguments_are_parsed_from_the_annotations(line: str, name: str, arguments: dict[str, Any]) -> None:
    answer, calls = await ran(line)
    assert not answer.refused, text_of(answer.message)
    assert calls == [(name, arguments)]


async def test_an_empty_line_is_a_call_for_help() -> None:
    for line in ("", "   ", "/", "stocktide", "？"):
        _answer, calls = await ran(line)
        assert calls in ([("help", {"name": None})], []), line


async def test_a_mistyped_code_is_answered_with_the_nearest_and_the_rest_of_the_line_kept() -> None:
    answer, calls = await ran("stock 85132A uk")
    assert not calls
    assert answer.refused
    assert answer.private
    assert [(button.command, button.arguments) for button in buttons(answer.message)] == [
        ("stock", ("85123A", "uk")),
        ("stock", ("85123B", "uk")),
        ("stock", ("22423", "uk")),
    ]


async def test_pressing_a_nearest_match_runs_the_line_that_was_meant() -> None:
    answer, _calls = await ran("stock 85132A uk")
    recorder = Recorder()
    button = buttons(answer.message)[0]
    await router(recorder).press(call(), button.command, button.arguments)
    assert recorder.calls == [("stock", {"sku": HEART, "location": UK})]


async def test_a_name_of_several_products_offers_them() -> None:
    answer, _calls = await ran("stock hanging heart")
    assert text_of(answer.message) == "2 products match hanging heart."
    assert [button.arguments for button in buttons(answer.message)] == [("85123A",), ("85123B",)]


async def test_a_wrong_location_behind_a_right_code_is_what_is_complained_of() -> None:
    answer, _calls = await ran("stock 85123A ukk")
    assert text_of(answer.message) == "No location matches ukk."
    assert buttons(answer.message)[0].arguments == ("85123A", "UK")


async def test_a_name_with_a_slip_is_taken_for_a_name_and_not_for_a_location() -> None:
    answer, _calls = await ran("stock regency cakestnd 3 tier")
    assert text_of(answer.message) == "No product matches regency cakestnd 3 tier."


async def test_a_missing_argument_is_answered_with_the_usage_line() -> None:
    answer, _calls = await ran("snooze C-12")
    shown = repr(answer.message)
    assert "For how long" in shown
    assert "/stocktide snooze" in shown
    telegram, _calls = await ran("snooze C-12", platform="telegram")
    assert "Code(content='/snooze')" in repr(telegram.message)


async def test_a_word_too_many_is_named() -> None:
    answer, _calls = await ran("restock UK now please")
    assert answer.refused
    assert "No location matches" in text_of(answer.message)
    answer, _calls = await ran("link AB CD")
    assert "I cannot read" in text_of(answer.message)


async def test_a_mistyped_command_offers_the_nearest_with_its_arguments() -> None:
    answer, calls = await ran("restok UK")
    assert not calls
    assert ("restock", ("UK",)) in [(button.command, button.arguments) for button in buttons(answer.message)]


async def test_what_is_neither_command_nor_product_is_answered_with_help() -> None:
    answer, calls = await ran("good morning everybody")
    assert not calls
    assert answer.refused
    assert [button.command for button in buttons(answer.message)] == ["help"]


async def test_a_stranger_may_call_only_what_is_meant_for_strangers() -> None:
    answer, calls = await ran("approve R-7", member_id=0)
    assert not calls
    assert answer.refused
    assert "do not know you" in text_of(answer.message)
    _answer, calls = await ran("link ABCDE-23456", member_id=0)
    assert calls == [("link", {"code": "ABCDE-23456"})]


async def test_an_unexpected_error_becomes_an_apology_whose_reference_is_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="bot.chat.router"):
        answer, _calls = await ran("broken")
    assert answer.refused
    assert answer.reference in repr(answer.message)
    assert "RuntimeError" not in repr(answer.message)
    record = next(record for record in caplog.records if answer.reference in record.getMessage())
    assert record.exc_info is not None


async def test_a_refusal_is_a_card_for_the_asker_alone_and_an_entry_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="bot.chat.router"):
        answer, _calls = await ran("closed")
    assert answer.private
    assert text_of(answer.message) == "There is no such member."
    assert "NotAllowed" in caplog.text


async def test_an_answer_for_the_asker_is_private_and_one_for_the_room_is_not() -> None:
    assert (await ran("digest"))[0].private
    assert not (await ran("restock"))[0].private


async def test_the_invocation_knows_its_line_and_page_so_that_pages_can_be_turned() -> None:
    recorder = Recorder()
    await router(recorder).press(call(page=3), "restock", ("UK",))
    assert recorder.seen[0].line == ("restock", "UK")
    assert recorder.seen[0].page == 3


async def test_a_button_of_a_command_that_is_gone_is_refused() -> None:
    answer = await router(Recorder()).press(call(), "dance", ())
    assert answer.refused
    assert answer.command is None


async def test_a_product_whose_code_holds_a_space_travels_whole_in_a_button() -> None:
    recorder = Recorder()
    await router(recorder).press(call(), "stock", ("UK 1", "DE"))
    assert recorder.calls == [("stock", {"sku": FLAG, "location": DE})]


HOSTILE = st.one_of(
    st.text(max_size=700),
    st.lists(
        st.sampled_from(
            ["stock", "/", "@bot", "85123A", "UK", "“", '"', "approve", "R-1", "snooze", "C-9", "3d", "库存", "digest",
             "link", "<!channel>", "\u202e", "\x00", "\ud800", "turnover", "９９", "{name}", "8:3", "--", "me", "help"]
        ),
        max_size=14,
    ).map(" ".join),
)  # fmt: skip


@given(line=HOSTILE, member=st.sampled_from([0, 7]))
@settings(max_examples=150, deadline=None)
async def test_any_text_whatever_gets_a_message_that_can_be_said_in_both_languages(line: str, member: int) -> None:
    answer, _calls = await ran(line, member_id=member)
    assert isinstance(answer.message, Message)
    assert not answer.reference
    for code in ("en", "zh_CN"):
        assert isinstance(language(code).say(Words("{x}", {"x": answer.message.summary}), str), str)


@given(words=st.lists(st.text(max_size=40), max_size=6), name=st.sampled_from(["stock", "approve", "snooze", "link"]))
@settings(max_examples=80, deadline=None)
async def test_any_button_whatever_gets_a_message(words: list[str], name: str) -> None:
    answer = await router(Recorder()).press(call(), name, words)
    assert isinstance(answer.message, Message)
    assert not answer.reference
