"""Slack's mrkdwn and dates: what a text really holds, and how each reader sees it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.slack import dates, mrkdwn
from tests.sandbox.conftest import Town

NOON = 1321876800  # 2011-11-21 12:00 UTC
NOW = datetime(2011, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hi <@U1>", [("text", "hi "), ("user", "U1")]),
        ("<#C1|stock> <!channel>", [("channel", "C1"), ("text", " "), ("broadcast", "channel")]),
        ("<!subteam^S1>", [("usergroup", "S1")]),
        ("see <https://x.y/?a=1&amp;b=2|this>", [("text", "see "), ("link", "https://x.y/?a=1&b=2")]),
        ("&lt;!channel&gt; &amp; more", [("text", "<!channel> & more")]),
        ("`<!here>`", [("broadcast", "here")]),
        (f"<!date^{NOON}^{{time}}^https://x.y|noon>", [("date", "https://x.y")]),
        ("<!date^soon^{time}|noon>", [("text", "noon")]),
        (":wave: 12:30:45", [("emoji", "wave"), ("text", " 12:30:45")]),
    ],
)
def test_a_text_holds_what_it_really_holds(text: str, found: list[tuple[str, str]]) -> None:
    pieces = mrkdwn.parse(text)
    assert [(p.kind, p.text if p.kind == "text" else p.target) for p in pieces] == found


def test_emphasis_nests_and_leaves_products_alone() -> None:
    pieces = mrkdwn.parse("*bold _both_* a*b*c snake_case_name `x*y*` ~gone~")
    assert [(p.text, sorted(p.styles)) for p in pieces] == [
        ("bold ", ["bold"]),
        ("both", ["bold", "italic"]),
        (" a*b*c snake_case_name ", []),
        ("x*y*", ["code"]),
        (" ", []),
        ("gone", ["strike"]),
    ]


@given(st.text())
def test_an_escaped_name_never_becomes_markup_that_acts(name: str) -> None:
    escaped = name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    kinds = {piece.kind for piece in mrkdwn.parse(f"Only {escaped} left")}
    assert kinds <= {"text", "emoji"}


@pytest.mark.parametrize(
    ("template", "zone", "locale", "shown"),
    [
        ("{time}", "Asia/Shanghai", "en-US", "8:00 PM"),
        ("{time}", "Asia/Shanghai", "zh-CN", "20:00"),
        ("{date_short} {time}", "America/Chicago", "en-US", "Nov 21, 2011 6:00 AM"),
        ("{date_num} {time_secs}", "Europe/Berlin", "de-DE", "2011-11-21 13:00:00"),
        ("{date_long}", "Asia/Bangkok", "en-US", "Monday, November 21, 2011"),
        ("{date_short_pretty}", "Asia/Bangkok", "en-US", "today"),
        ("{date_short_pretty}", "Pacific/Kiritimati", "en-US", "today"),
        ("{ago}", "Etc/UTC", "en-US", "just now"),
    ],
)
def test_a_date_is_shown_in_the_readers_zone(template: str, zone: str, locale: str, shown: str) -> None:
    assert dates.show(NOON, template, zone, locale, NOW) == shown


def test_yesterday_and_tomorrow_are_the_readers_own() -> None:
    late = NOON + 11 * 3600  # 23:00 UTC: tomorrow in Berlin already
    assert dates.show(late, "{date_pretty}", "Etc/UTC", "en-US", NOW) == "today"
    assert dates.show(late, "{date_pretty}", "Europe/Berlin", "en-US", NOW) == "tomorrow"
    assert dates.show(NOON - 86_400, "{date_pretty}", "Etc/UTC", "en-US", NOW) == "yesterday"
    assert dates.show(NOON - 7_200, "{ago}", "Etc/UTC", "en-US", NOW) == "2 hours ago"


async def test_one_message_shows_each_reader_their_own_time(town: Town) -> None:
    text = f"Lands <!date^{NOON}^{{date_short}} {{time}}|21 Nov 12:00 UTC>, says <@{town.mei.id}>"
    await town.web().chat_postMessage(channel=town.channel.id, text=text)
    (message,) = town.channel.messages
    slack = town.sandbox.slack
    assert slack.text_for("Asia/Shanghai", message) == "Lands Nov 21, 2011 8:00 PM, says @mei"
    assert slack.text_for("America/Chicago", message) == "Lands Nov 21, 2011 6:00 AM, says @mei"
    assert [piece.kind for piece in slack.pieces(message)] == ["text", "date", "text", "user"]
