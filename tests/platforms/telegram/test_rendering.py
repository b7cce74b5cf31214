"""The renderer: what a phone shows, and the limits that hold for whatever it is given."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from telegram import MessageEntity

from bot.chat.nodes import (
    MAX_ROWS,
    Action,
    Actions,
    Amount,
    Badge,
    Block,
    Bold,
    Bullets,
    Code,
    Column,
    Day,
    Divider,
    Facts,
    Footnote,
    Heading,
    Image,
    Inline,
    Instant,
    Link,
    Mention,
    Message,
    Number,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.domain.money import Money
from bot.errors import PayloadRefused
from bot.platforms.telegram.entities import MAX_ENTITIES, MAX_TEXT, Rendered, render, say
from bot.platforms.telegram.text import WORD_JOINER, clean, clip, clip_units, columns, units
from bot.ports import Reader
from bot.words import Words, _, n_
from tests.platforms.telegram.autolinks import autolinks

NOON = datetime(2011, 11, 21, 12, tzinfo=UTC)
READER = Reader("en", ZoneInfo("Europe/Berlin"), {7: "7012345678"})
SKU, NAME, UNITS = Column(_("SKU")), Column(_("Name")), Column(_("Units"), "end")


def message(*blocks: Block) -> Message:
    return Message(_("A summary"), blocks)


def piece(rendered: Rendered, entity: MessageEntity) -> str:
    raw = rendered.text.encode("utf-16-le")
    return raw[2 * entity.offset : 2 * (entity.offset + entity.length)].decode("utf-16-le")


def pieces(rendered: Rendered, kind: str) -> list[str]:
    return [piece(rendered, entity) for entity in rendered.entities if entity.type == kind]


def shown(rendered: Rendered) -> str:
    return rendered.text.replace(WORD_JOINER, "")


def test_words_and_their_values_keep_their_own_dress() -> None:
    rendered = render(
        message(
            Heading(_("{sku} runs out", sku=Code("85123A"))),
            Paragraph(_("{a} is {b}, {c}", a=Bold(Text("心 heart")), b=Number(1234), c=Badge(_("low"), "bad"))),
            Facts(((_("Cost"), Amount(Money.of_minor(1250, "GBP"))), (_("Arrives"), Day(date(2011, 12, 1))))),
            Bullets((Text("one"), n_("{count} unit", "{count} units", 2))),
            Divider(),
            Footnote(_("Share {share}", share=Number(Decimal("0.125"), 1, share=True))),
        ),
        READER,
    )  # fmt: skip
    assert shown(rendered) == (
        "85123A runs out\n心 heart is 1,234, 🔴 low\n\nCost: £12.50\nArrives: Dec 1, 2011\n\n• one\n• 2 units\n\n"
        "———\n\nShare 12.5%"
    )
    assert pieces(rendered, "code") == ["85123A"]
    assert pieces(rendered, "bold") == [" runs out", "心 heart", "Cost", "Arrives"]
    assert pieces(rendered, "italic") == ["Share 12.5%"]


def test_an_instant_is_each_readers_own_time_over_a_text_that_names_the_zone() -> None:
    for style, shape, text in (
        ("time", "t", "1:00\u202fPM (Berlin)"),
        ("date", "d", "Nov 21, 2011 (Berlin)"),
        ("date_time", "dt", "Nov 21, 2011 1:00\u202fPM (Berlin)"),
    ):
        rendered = render(message(Paragraph(_("At {at}", at=Instant(NOON, style)))), READER)  # type: ignore[arg-type]  # a loop over literals
        (entity,) = rendered.entities
        assert (entity.type, entity.date_time_format, entity.unix_time) == ("date_time", shape, NOON)
        assert piece(rendered, entity) == text


def test_the_fallback_is_in_the_readers_language_and_zone() -> None:
    rendered = render(message(Paragraph(Instant(NOON))), Reader("zh_CN", ZoneInfo("Asia/Shanghai")))
    assert rendered.text == "2011年11月21日 20:00 (上海)"


def test_two_equal_instants_side_by_side_stay_two() -> None:
    rendered = render(message(Paragraph(Span((Instant(NOON), Instant(NOON))))), READER)
    assert len(pieces(rendered, "date_time")) == 2


def test_a_mention_pings_whom_telegram_knows_and_names_the_others() -> None:
    rendered = render(message(Paragraph(_("{a} and {b}", a=Mention(7, "Lin"), b=Mention(8, "Ana")))), READER)
    (entity,) = rendered.entities
    assert entity.user is not None
    assert (entity.type, entity.user.id, piece(rendered, entity)) == ("text_mention", 7012345678, "Lin")
    assert rendered.text == "Lin and Ana"


def test_offsets_count_utf_16_units() -> None:
    rendered = render(message(Paragraph(_("{a}{b}", a=Text("👨‍👩‍👧‍👦 𝛙 "), b=Bold(Text("bold"))))), READER)
    (entity,) = rendered.entities
    assert (entity.offset, piece(rendered, entity)) == (15, "bold")


def test_a_narrow_plain_table_is_aligned_and_chinese_signs_take_two_columns() -> None:
    rows = ((Code("85123A"), Text("心形挂饰"), Number(6)), (Code("22423"), Text("Cakestand"), Number(1200)))
    rendered = render(message(Table((SKU, NAME, UNITS), rows)), READER)
    assert rendered.text.split("\n") == [
        "SKU     Name       Units",
        "────────────────────────",
        "85123A  心形挂饰       6",
        "22423   Cakestand  1,200",
    ]
    assert {columns(line) for line in rendered.text.split("\n")} == {24}
    assert [entity.type for entity in rendered.entities] == ["pre"]


def test_a_table_wider_than_a_phone_becomes_a_card_per_row() -> None:
    rows = ((Text("WHITE HANGING HEART T-LIGHT HOLDER"), Code("85123A"), Number(6)),)
    rendered = render(message(Table((NAME, SKU, UNITS), rows)), READER)
    assert rendered.text == "WHITE HANGING HEART T-LIGHT HOLDER\nSKU 85123A · Units 6"
    assert pieces(rendered, "bold") == ["WHITE HANGING HEART T-LIGHT HOLDER"]
    assert pieces(rendered, "code") == ["85123A"]


def test_a_table_with_times_or_links_keeps_them_alive_in_cards() -> None:
    rows = ((Text("A"), Instant(NOON, "date")), (Text("B"), Link(Text("see"), "https://x.example/b")))
    rendered = render(message(Table((NAME, UNITS), rows)), READER)
    assert [str(entity.type) for entity in rendered.entities] == ["bold", "date_time", "bold", "text_link"]


def test_a_full_page_of_wide_rows_fits_and_loses_none() -> None:
    names: list[str] = [f"{number:03d} " + "心形挂饰 very long name " * 8 for number in range(MAX_ROWS)]
    rows: tuple[tuple[Inline, ...], ...] = tuple(
        (Text(name), *(Text("value " * 9) for _column in range(6)), Instant(NOON)) for name in names
    )
    heads = tuple(Column(_("Column title")) for _column in range(8))
    rendered = render(message(Heading(_("All")), *(Table(heads, rows) for _table in range(3))), READER)
    assert units(rendered.text) <= MAX_TEXT
    for name in names:
        assert shown(rendered).count(name[:3]) == 3
    assert "…" in rendered.text


def test_a_long_paragraph_gives_way_before_a_table_row_does() -> None:
    rows = tuple((Text(f"row-{number}"), Number(number)) for number in range(MAX_ROWS))
    blocks = [Paragraph(Text("x" * 4000)) for _index in range(20)]
    rendered = render(message(*blocks, Table((NAME, UNITS), rows)), READER)
    assert units(rendered.text) <= MAX_TEXT
    assert all(f"row-{number} " in rendered.text for number in range(MAX_ROWS))


def test_decoration_goes_before_times_when_there_are_too_many_entities() -> None:
    facts = tuple((_("Label"), Instant(NOON)) for _index in range(20))
    rendered = render(message(*(Facts(facts) for _block in range(4))), READER)
    assert len(rendered.entities) <= MAX_ENTITIES
    assert len(pieces(rendered, "date_time")) == 80
    assert pieces(rendered, "bold") == []
    assert rendered.text.count("Label") == 80


def test_codes_that_must_give_up_their_dress_still_fit_and_stay_harmless() -> None:
    rendered = render(message(Bullets(tuple(Code("a." * 18) for _index in range(101)))), READER)
    assert units(rendered.text) <= MAX_TEXT
    assert rendered.text.count("•") == 101
    assert list(autolinks(rendered.text, rendered.entities)) == []


@pytest.mark.parametrize(
    "hostile",
    [
        "@someone", "/stock", "/stock@OtherBot", "#tag", "$USD", "http://evil.example/x", "evil.com",
        "www.evil.com/a?b#c",
        "me@evil.com", "tg://user?id=1", "4111 1111 1111 1111", "4111111111111111", "+1 (212) 555-0123", "1.2.3.4",
        "x@", "evil.", "a/b/@c", "пример.рф", "//evil.com", "мой@пример.рф", "<a href='http://evil.com'>x</a>",
        "[x](http://evil.com)", "**bold** __it__ `code` ||s||",
    ],
)  # fmt: skip
def test_a_name_becomes_no_link_mention_command_or_markup(hostile: str) -> None:
    label = Words("com {a}com {a}", {"a": hostile})
    rendered = render(message(Heading(Text(hostile)), Paragraph(label), Facts(((_("F"), Text(hostile)),))), READER)
    assert list(autolinks(rendered.text, rendered.entities)) == []
    assert {str(entity.type) for entity in rendered.entities} <= {"bold"}
    assert shown(rendered).startswith(hostile)


def test_a_leaf_does_not_complete_a_sign_of_ours() -> None:
    rendered = render(message(Paragraph(_("see /{a} and @{b} or www.{c}", a="stock", b="someone", c="evil"))), READER)
    assert list(autolinks(rendered.text, rendered.entities)) == []


@pytest.mark.parametrize(
    ("first", "second"), [("C-12", "85123A"), ("\u0661\u0662\u0663 ", "4111 1111"), ("(0) 0000", "- 85123")]
)
def test_two_leaves_side_by_side_make_no_number_between_them(first: str, second: str) -> None:
    rendered = render(message(Paragraph(_("{a}{b}", a=Text(first), b=Text(second)))), READER)
    assert list(autolinks(rendered.text, rendered.entities)) == []


def test_dates_figures_and_our_own_words_make_no_number_between_them() -> None:
    day, hundred, many = Day(date(2011, 12, 1)), Number(100), _("{a}{b}", a=Day(date(2011, 12, 1)), b=Number(100))
    three = _("{a} {b} ({c})", a=hundred, b=hundred, c=hundred)
    ours = _("{a} 365 24", a=hundred)
    for spoken in (Span((day, hundred)), many, three, ours, Span((Text(""), day, Text(""), hundred))):
        rendered = render(message(Paragraph(spoken)), READER)
        assert list(autolinks(rendered.text, rendered.entities)) == []


def test_the_scanner_of_these_tests_finds_what_telegram_would_link() -> None:
    text = "ask @someone or /stock about #tag at evil.com, me@evil.com, $USD, 4111 1111 1111 1111, tg://x"
    kinds = {kind for kind, _text in autolinks(text, ())}
    assert kinds == {"mention", "bot_command", "hashtag", "url", "email", "cashtag", "bank_card", "phone_number"}


def test_code_stays_exact_for_copying() -> None:
    rendered = render(message(Paragraph(Code("AB.12/34@5"))), READER)
    assert rendered.text == "AB.12/34@5"


def test_lines_controls_and_turned_writing_cannot_leave_a_leaf() -> None:
    rendered = render(message(Paragraph(Text("a\nb\tc\x00d\u202egnp.exe\ud800"))), READER)
    assert shown(rendered) == "a b c dgnp.exe\ufffd"


def test_a_heap_of_accents_is_kept_small() -> None:
    assert units(clean("z" + "\u0301" * 4000)) <= 10


def test_nothing_to_see_falls_back_to_the_summary() -> None:
    assert render(message(Paragraph(Text("\u200b\u200d "))), READER).text == "A summary"
    assert render(message(Image(b"png", _("A chart"))), READER).text == "A summary"


def test_buttons_stand_in_rows_that_a_phone_can_show() -> None:
    labels = ("Yes", "No", "Why?", "Approve and tell everyone", "Later", "x" * 300)
    actions = tuple(Action(Words(label), "c", token=f"t{index}") for index, label in enumerate(labels))
    rows = render(message(Actions(actions)), READER).keyboard
    assert [[button.text for button in row] for row in rows] == [
        ["Yes", "No", "Why?"], ["Approve and tell everyone"], ["Later"], ["x" * 35 + "…"],
    ]  # fmt: skip


@pytest.mark.parametrize("token", ["", "t" * 65, "心" * 22])
def test_a_token_that_cannot_travel_is_refused(token: str) -> None:
    with pytest.raises(PayloadRefused):
        render(message(Actions((Action(_("Go"), "go", token=token),))), READER)


def test_more_buttons_than_telegram_shows_are_refused() -> None:
    row = Actions(tuple(Action(_("Go"), "go", token="t") for _index in range(12)))
    with pytest.raises(PayloadRefused):
        render(message(*(row for _block in range(9))), READER)


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_cut_is_visible_and_keeps_to_its_columns(text: str, limit: int) -> None:
    cut = clip(text, limit)
    assert cut == text or cut.endswith("…")
    assert columns(cut) <= limit
    assert units(clip_units(text, limit)) <= limit


HOSTILE = st.one_of(
    st.sampled_from(
        [
            "<b>x</b>", "<a href='http://evil'>x</a>", "**x** _y_ `z`", "@someone", "/command", "http://evil",
            "https://evil.com/?q",
            "\u202eRTL\u202c", "\u2067אבג\u2069", "שלום עולם", "👨‍👩‍👧‍👦👩🏽‍🚀🇨🇳", "心形挂饰" * 30, "N" * 4000,
            "z" + "\u0301" * 500, "a.b.c.d",
            "4111111111111111", "\n\n\n", "", " ", "\u200b", "#x@y.zz", "x" + "\u200d\u2642" * 50,
            "@", ".", "/", "e.", "\ud83d",
        ]
    ),
    st.text(max_size=40),
    st.text(alphabet="@/#$.:ab1 心\u2060-+", max_size=30),
)  # fmt: skip

LEAVES: st.SearchStrategy[Inline] = st.one_of(
    HOSTILE.map(Text),
    HOSTILE.map(Code),
    HOSTILE.map(lambda text: Bold(Text(text))),
    HOSTILE.map(lambda text: Link(Text(text), "https://ours.example/x")),
    st.builds(Instant, st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))),  # noqa: DTZ001  # hypothesis wants naive bounds
    st.builds(Mention, st.integers(6, 8), HOSTILE),
    st.builds(Number, st.integers(-(10**9), 10**9)),
    st.just(Amount(Money.of_minor(123456, "JPY"))),
    st.just(Day(date(2011, 12, 1))),
    st.just(Badge(_("low"), "warn")),
)
INLINES: st.SearchStrategy[Inline] = st.one_of(
    LEAVES,
    st.lists(LEAVES, max_size=4).map(lambda parts: Span(tuple(parts))),
    st.builds(lambda a, b: _("Left {a}, right {b}", a=a, b=b), LEAVES, HOSTILE),
    LEAVES.map(Bold),
)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width, height = draw(st.integers(1, 8)), draw(st.integers(0, MAX_ROWS))
    some = draw(st.lists(INLINES, min_size=3, max_size=6))
    rows = tuple(
        (Text(f"r{row:02d}"), *(some[(row + column) % len(some)] for column in range(1, width)))
        for row in range(height)
    )
    return Table(tuple(Column(_("Title")) for _column in range(width)), rows)


BLOCKS: st.SearchStrategy[Block] = st.one_of(
    INLINES.map(Heading),
    INLINES.map(Paragraph),
    INLINES.map(Footnote),
    st.lists(INLINES, max_size=30).map(lambda items: Bullets(tuple(items))),
    st.lists(INLINES, max_size=20).map(lambda values: Facts(tuple((_("Label"), value) for value in values))),
    st.just(Divider()),
    st.builds(Image, st.just(b"png"), HOSTILE.map(lambda text: Words("{x}", {"x": text}))),
)


@given(st.lists(BLOCKS, max_size=12), st.lists(tables(), max_size=3), st.booleans(), st.sampled_from([MAX_TEXT, 1024]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_limits_hold_and_nothing_foreign_lives_in_any_message(
    blocks: list[Block],
    pages: list[Table],
    in_front: bool,  # noqa: FBT001  # drawn, not called
    limit: int,
) -> None:
    mixed = [*pages, *blocks] if in_front else [*blocks, *pages]
    rendered = render(message(*(mixed or [Divider()])), READER, limit)
    assert 1 <= units(rendered.text) <= limit
    assert rendered.text == rendered.text.strip()
    assert len(rendered.entities) <= MAX_ENTITIES
    check_entities(rendered)
    assert list(autolinks(rendered.text, rendered.entities)) == []
    if limit == MAX_TEXT:
        for row in range(MAX_ROWS):
            expected = sum(row < len(page.rows) for page in pages)
            assert len([1 for line in shown(rendered).split("\n") if begins_row(line, f"r{row:02d}")]) >= expected


def begins_row(line: str, key: str) -> bool:
    """A row's first cell may have been cut short, but it is there."""
    first = line.split(" ", maxsplit=1)[0]
    return first == key or (first.endswith("…") and key.startswith(first[:-1]))


def check_entities(rendered: Rendered) -> None:
    """Entities lie within the text, on signs' borders, nested or apart, and nothing overlaps with code."""
    total = units(rendered.text)
    spans = [(entity.offset, entity.offset + entity.length, str(entity.type)) for entity in rendered.entities]
    for entity, (start, end, _kind) in zip(rendered.entities, spans, strict=True):
        assert 0 <= start < end <= total
        piece(rendered, entity)  # raises where a border cuts a sign in two
        if entity.type == "text_mention":
            assert entity.user is not None
            assert entity.user.id == 7012345678
        if entity.type == "text_link":
            assert entity.url == "https://ours.example/x"
    for index, (start, end, kind) in enumerate(spans):
        for other_start, other_end, other in spans[index + 1 :]:
            if other_start >= end or other_end <= start:
                continue
            assert other_start >= start
            assert other_end <= end or (start == other_start)
            assert {kind, other} & {"bold", "italic"}
            assert not {kind, other} & {"code", "pre"}


@given(HOSTILE, st.integers(1, 200))
def test_plain_words_keep_to_their_length(text: str, limit: int) -> None:
    assert units(say(_("Already done by {who}.", who=Text(text)), READER, limit)) <= limit
