"""Whatever a message holds, Slack takes it, every row is there, and no name becomes markup."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.nodes import (
    Action,
    Actions,
    Badge,
    Bold,
    Bullets,
    Code,
    Column,
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
from bot.platforms.slack.blocks import Rendered, render, render_home
from bot.ports import Reader
from bot.words import _
from tests.platforms.slack.limits import assert_limits, assert_no_markup, rows_of

NINE = datetime(2011, 11, 21, 9, tzinfo=UTC)
HOSTILE = (
    "<!channel>",
    "<!everyone> & <@U1>",
    "<http://evil.example|x>",
    "https://evil.example",
    "*bold* _it_ ~no~ `code`",
    ":fire: x:100:y",
    "&lt;!here&gt;",
    "\u202egnp.exe\u2066",
    "\n> quote\n- list",
    "王" * 4000,
    "🚀" * 300,
    "&" * 4000,
    "a" * 4000,
    "",
    "  ",
    "\ud800",
)


leaf_text = st.sampled_from(HOSTILE) | st.text(max_size=60)
flat: st.SearchStrategy[Any] = st.one_of(
    leaf_text.map(Text),
    leaf_text.map(Code),
    st.builds(Mention, st.integers(6, 8), leaf_text),
    st.builds(Instant, st.just(NINE), st.sampled_from(["time", "date", "date_time"])),
    st.builds(Link, leaf_text.map(Text), leaf_text.map(lambda text: "https://x.example/" + text)),
    st.builds(Number, st.integers(-(10**12), 10**12)),
    leaf_text.map(lambda text: Badge(_("State {name}", name=text), "warn")),
)
inline = st.recursive(
    flat,
    lambda inner: st.one_of(
        inner.map(Bold),
        st.lists(inner, max_size=3).map(lambda parts: Span(tuple(parts))),
        st.builds(lambda a, b: _("{a} of {b}:", a=a, b=b), inner, leaf_text),
    ),
    max_leaves=4,
)
words = st.builds(lambda name: _("{name}", name=name), leaf_text) | st.just(_("Label"))
tables = st.builds(
    lambda columns, rows: Table(
        tuple(Column(title) for title in columns), tuple(tuple(r[: len(columns)]) for r in rows)
    ),
    st.lists(words, min_size=1, max_size=8),
    st.lists(st.lists(inline, min_size=8, max_size=8), max_size=20),
)
buttons = st.builds(
    Action, words, st.just("go"), style=st.sampled_from(["plain", "primary", "danger"]), token=st.text(max_size=64)
)
others = st.one_of(
    inline.map(Heading),
    inline.map(Paragraph),
    inline.map(Footnote),
    st.lists(inline, max_size=30).map(lambda items: Bullets(tuple(items))),
    st.lists(st.tuples(words, inline), max_size=22).map(lambda pairs: Facts(tuple(pairs))),
    st.builds(Image, st.just(b"png"), words),
    st.lists(buttons, min_size=1, max_size=12).map(lambda row: Actions(tuple(row))),
    st.just(Divider()),
)
messages = st.builds(
    lambda summary, some, rest: Message(summary, tuple((some + rest)[:30])),
    words,
    st.lists(tables, max_size=3),
    st.lists(others, min_size=1, max_size=27),
)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages, st.sampled_from(["en", "zh_CN"]), st.sampled_from([[], ["F0123456789"] * 30]))
def test_whatever_the_message_slacks_limits_hold_and_no_name_becomes_markup(
    message: Message, language: str, files: list[str]
) -> None:
    reader = Reader(language, ZoneInfo("Asia/Bangkok"), {7: "U2147483697", 8: "<!channel>"})
    rendered = render(message, reader, files)
    assert_limits(rendered)
    assert_no_markup(rendered)
    rows = sum(len(block.rows) for block in message.blocks if isinstance(block, Table))
    assert rows_of(rendered.blocks) == rows
    view = render_home(message, reader, files)
    assert not [block for block in view["blocks"] if block["type"] == "table"]
    assert rows_of(view["blocks"]) == rows
    assert_limits(Rendered("x", view["blocks"]), most=100)
