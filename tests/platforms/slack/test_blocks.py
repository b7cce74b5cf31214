"""The renderer: every node, every limit, and names that try to be markup."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from slack_sdk.models.views import View

from bot.chat import nodes
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
    Badge,
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
from bot.platforms.slack.blocks import Rendered, render, render_home, render_line
from bot.ports import Reader
from bot.words import Words, _
from tests.platforms.slack.limits import assert_limits, rows_of

Json = dict[str, Any]

BERLIN = Reader("en", ZoneInfo("Europe/Berlin"), {7: "U2147483697"})
NINE = datetime(2011, 11, 21, 9, tzinfo=UTC)


def said(*blocks: nodes.Block, reader: Reader = BERLIN) -> list[Json]:
    return render(Message(_("Summary"), blocks), reader).blocks


def test_a_paragraph_is_rich_text_in_which_every_leaf_keeps_its_kind() -> None:
    sentence = _("{sku} runs out {when}, {who} knows; see {more}.")
    values = {"sku": Code("85123A"), "when": Instant(NINE), "who": Mention(7, "Anna"), "more": Bold(Text("<b>"))}
    (block,) = said(Paragraph(Words(sentence.msgid, values)))
    assert block["type"] == "rich_text"
    assert block["elements"][0]["elements"] == [
        {"type": "text", "text": "85123A", "style": {"code": True}},
        {"type": "text", "text": " runs out "},
        {
            "type": "date",
            "timestamp": 1321866000,
            "format": "{date_short_pretty} {time}",
            "fallback": "Nov 21, 2011, 10:00:00\u202fAM Europe/Berlin",
        },
        {"type": "text", "text": ", "},
        {"type": "user", "user_id": "U2147483697"},
        {"type": "text", "text": " knows; see "},
        {"type": "text", "text": "<b>", "style": {"bold": True}},
        {"type": "text", "text": "."},
    ]


def test_a_member_without_an_identity_here_is_named_and_not_pinged() -> None:
    (block,) = said(Paragraph(Mention(8, "Bo <@U1>")))
    assert block["elements"][0]["elements"] == [{"type": "text", "text": "Bo <@U1>"}]


def test_figures_and_dates_are_written_in_the_readers_language() -> None:
    line = Span((Number(1234567), Text(" "), Amount(Money(Decimal("12.50"), "GBP")), Text(" "), Day(date(2011, 12, 1))))
    share = Span((Text(" "), Number(Decimal("0.125"), 1, share=True)))
    english = said(Paragraph(Span((line, share))))
    chinese = said(Paragraph(Span((line, share))), reader=Reader("zh_CN", ZoneInfo("Asia/Shanghai")))
    assert (
        "".join(part["text"] for part in english[0]["elements"][0]["elements"]) == "1,234,567 £12.50 Dec 1, 2011 12.5%"
    )
    assert (
        "".join(part["text"] for part in chinese[0]["elements"][0]["elements"])
        == "1,234,567 £12.50 2011年12月1日 12.5%"
    )


def test_a_badge_shows_its_tone_as_a_dot() -> None:
    (block,) = said(Heading(Badge(_("Late"), "bad")))
    assert block == {"type": "header", "text": {"type": "plain_text", "text": "🔴 Late", "emoji": False}}


def test_a_heading_names_the_zone_because_plain_text_has_no_date_tokens() -> None:
    (block,) = said(Heading(Instant(NINE, "time")))
    assert block["text"]["text"] == "10:00\u202fAM Europe/Berlin"


def test_small_print_lets_each_reader_see_their_own_time_and_escapes_names() -> None:
    (block,) = said(Footnote(Span((Text("As of "), Instant(NINE, "time"), Text(" <!channel> & co")))))
    assert block["elements"] == [
        {
            "type": "mrkdwn",
            "text": "As of <!date^1321866000^{time}|10:00\u202fAM Europe/Berlin> &lt;!channel&gt; &amp; co",
            "verbatim": True,
        }
    ]


def test_small_print_with_a_name_that_slack_would_format_is_plain_text() -> None:
    for name in ("*SALE*", "set_of_3_", ":fire:", "> x", "`x`"):
        (block,) = said(Footnote(Text(name)))
        assert block["elements"] == [{"type": "plain_text", "text": name, "emoji": False}]


def test_markup_does_not_arise_where_our_words_meet_a_name() -> None:
    (block,) = said(Footnote(_("Note:{name}:", name=Text("fire"))))
    assert block["elements"][0]["type"] == "plain_text"


def test_facts_are_a_grid_of_fields() -> None:
    (block,) = said(Facts(((_("On hand"), Number(1200)), (_("SKU"), Code("85123A")))))
    assert [field["text"] for field in block["fields"]] == ["*On hand*\n1,200", "*SKU*\n`85123A`"]


def test_more_facts_than_fit_say_how_many_are_left_out() -> None:
    first, second = said(Facts(tuple((_("Fact"), Number(index)) for index in range(25))))
    assert [len(first["fields"]), len(second["fields"])] == [10, 10]
    assert second["fields"][-1]["text"] == "*… and 6 more*"


def test_facts_become_lines_where_the_grids_would_take_too_many_blocks() -> None:
    many = Facts(tuple((_("Fact"), Number(index)) for index in range(20)))
    blocks = said(*[many] * 30)
    assert len(blocks) == 30
    assert {block["type"] for block in blocks} == {"rich_text"}


def test_a_link_cannot_end_early() -> None:
    link = Link(Text("a|b>c"), "https://x.example/?q=a|b>c&d=<e> f")
    (rich,) = said(Paragraph(link))
    (small,) = said(Footnote(link))
    address = "https://x.example/?q=a%7Cb%3Ec&d=%3Ce%3E%20f"
    assert rich["elements"][0]["elements"] == [{"type": "link", "url": address, "text": "a|b>c"}]
    assert small["elements"][0]["text"] == f"<{address.replace('&', '&amp;')}|a|b&gt;c>"


_X = Text("x")


def table(rows: int = 3, cell: nodes.Inline = _X, columns: int = 3) -> Table:
    return Table(
        tuple(Column(_("Title"), "end") for _column in range(columns)), tuple((cell,) * columns for _ in range(rows))
    )


def test_the_first_table_is_a_table_block_and_the_others_are_lists() -> None:
    first, second = said(table(cell=Number(5)), table(cell=Instant(NINE)))
    assert first["column_settings"] == [{"align": "right", "is_wrapped": False}] * 3
    assert len(first["rows"]) == 4
    assert first["rows"][1] == [{"type": "raw_text", "text": "5"}] * 3
    header, rows = second["elements"]
    assert [part["text"] for part in header["elements"]] == ["Title", " · ", "Title", " · ", "Title"]
    assert [len(row["elements"]) for row in rows["elements"]] == [5, 5, 5]


def test_a_home_page_has_no_table_block() -> None:
    view = render_home(Message(_("Board"), (table(rows=20),)), BERLIN)
    (block,) = view["blocks"]
    assert block["type"] == "rich_text"
    assert len(block["elements"][1]["elements"]) == 20
    View(**view).validate_json()


def test_buttons_have_ids_of_their_own_and_carry_the_token() -> None:
    yes = Action(_("Approve"), "approve", ("R-1",), style="primary", token="b7Qx")
    no = Action(_("Reject"), "reject", ("R-1",), style="danger", token="c8Rz")
    first, second = said(Actions((yes, no)), Actions((yes,)))
    assert first["elements"][0] == {
        "type": "button",
        "action_id": "stocktide:0",
        "text": {"type": "plain_text", "text": "Approve", "emoji": False},
        "value": "b7Qx",
        "style": "primary",
    }
    assert first["elements"][1]["style"] == "danger"
    assert second["elements"][0]["action_id"] == "stocktide:2"


def test_a_token_is_refused_rather_than_cut() -> None:
    with pytest.raises(PayloadRefused):
        said(Actions((Action(_("Go"), "go", token="x" * 2001),)))


def test_pictures_refer_to_their_files_and_without_one_say_what_they_show() -> None:
    message = Message(_("S"), (Image(b"1", _("Sales by day")), Divider(), Image(b"2", _("Cover"))))
    first, divider, second = render(message, BERLIN, ("F0123456789",)).blocks
    assert first == {"type": "image", "slack_file": {"id": "F0123456789"}, "alt_text": "Sales by day"}
    assert divider == {"type": "divider"}
    assert second["elements"][0]["text"] == "Cover"


def test_a_long_list_says_how_many_items_are_left_out() -> None:
    (block,) = said(Bullets(tuple(Text(f"item {index} " + "x" * 200) for index in range(40))))
    items = [item["elements"][0]["text"] for item in block["elements"][0]["elements"]]
    assert len(items) < 40
    assert items[-1] == f"… and {40 - len(items) + 1} more"


def test_a_short_list_is_whole() -> None:
    (block,) = said(Bullets(tuple(Text(f"item {index}") for index in range(12))))
    assert len(block["elements"][0]["elements"]) == 12


def test_a_long_cell_ends_in_an_ellipsis() -> None:
    (block,) = said(table(cell=Text("a" * 4000)))
    shown = block["rows"][1][0]["text"]
    assert shown.endswith("…")
    assert len(shown) == 300


def test_the_summary_is_escaped_and_stands_alone_where_nothing_else_is_said() -> None:
    rendered = render(Message(_("Hello {name}", name=Text("<!channel>")), (Paragraph(Text("")),)), BERLIN)
    assert rendered.text == "Hello &lt;!channel&gt;"
    assert rendered.blocks[0]["elements"][0]["elements"][0]["text"] == "Hello <!channel>"


def test_a_message_that_says_nothing_is_a_dash() -> None:
    rendered = render(Message(_("{name}", name=""), (Heading(Span(())),)), BERLIN)
    assert rendered.text == "–"
    assert rendered.blocks[0]["elements"][0]["elements"] == [{"type": "text", "text": "–"}]


def test_one_line_is_rendered_for_a_notice() -> None:
    assert render_line(_("Already approved"), BERLIN) == Rendered(
        "Already approved",
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "Already approved"}]}],
            }
        ],
    )


@pytest.mark.parametrize(
    ("other", "times"),
    [
        (Facts(((_("&" * 50), Text("&" * 4000)),) * 20), 27),
        (Facts(((_("&" * 50), Text("&" * 4000)),) * 20), 23),
        (Footnote(Text("&" * 4000)), 27),
        (Heading(Text("&" * 4000)), 27),
        (Bullets((Text("&" * 4000),) * 100), 27),
        (Actions((Action(_("&" * 90), "go", token="x" * 64),) * 12), 27),
    ],
    ids=["lines", "grids", "small print", "headings", "lists", "buttons"],
)
def test_the_largest_message_of_all_is_still_written_and_keeps_every_row(other: nodes.Block, times: int) -> None:
    big = table(rows=20, cell=Text("&" * 4000), columns=8)
    rendered = render(Message(_("&" * 900), (big, big, big, *[other] * times)), BERLIN)
    assert_limits(rendered)
    assert rows_of(rendered.blocks) == 60


def test_the_cells_of_a_table_stay_below_slacks_own_sum() -> None:
    rendered = render(Message(_("S"), (table(rows=20, cell=Text("a" * 70), columns=8),)), BERLIN)
    assert_limits(rendered)
    assert rendered.blocks[0]["rows"][20][7]["text"].endswith("a…")
