"""People: oneself, who is awake, linking two platforms, topics and help."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.chat.cards import labels
from bot.chat.nodes import (
    Action,
    Actions,
    Badge,
    Block,
    Bold,
    Bullets,
    Code,
    Column,
    Facts,
    Footnote,
    Heading,
    Inline,
    Instant,
    Link,
    Message,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.chat.paging import page_blocks
from bot.domain.views import MemberView, Page, Topic
from bot.words import Words, _, n_

WEEKDAYS: tuple[Words, ...] = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}


def member_card(member: MemberView, *, changed: Words | None = None) -> Message:
    """What I know of a person, and how each thing is changed."""
    title = _("{name}, {role}", name=Text(member.name), role=labels.ROLES.get(member.role, Text(member.role)))
    zone: Inline = Text(member.zone)
    if not member.zone_known:
        zone = Span((zone, Text("  "), Badge(_("assumed"), "warn")))
    pairs: tuple[tuple[Words, Inline], ...] = (
        (_("Time zone"), zone),
        (_("Language"), Text(LANGUAGES.get(member.language, member.language))),
        (_("Working hours"), _hours(member)),
        (_("Holidays of"), Text(member.country) if member.country else _("no country")),
        (_("Digest"), clock(member.digest_at) if member.digest_at else _("off")),
        (_("Linked"), Text(", ".join(labels.PLATFORMS.get(each, each) for each in member.platforms) or "–")),
    )
    blocks: list[Block] = [Heading(title)]
    if changed is not None:
        blocks.insert(0, Paragraph(changed))
    blocks += [Facts(pairs), Paragraph(_presence(member)), Footnote(_how())]
    buttons = [_language_button(member)]
    if len(member.platforms) < 2:
        buttons.append(Action(_("Link another platform"), "link"))
    if not member.zone_known:
        buttons.insert(0, Action(_("Set my time zone"), "me", ("zone",), style="primary"))
    blocks.insert(-1, Actions(tuple(buttons)))
    return Message(changed or title, tuple(blocks))


def _language_button(member: MemberView) -> Action:
    other = "en" if member.language == "zh_CN" else "zh"
    return Action(Words("中文" if other == "zh" else "English"), "me", ("language", other))


def _how() -> Words:
    return _(
        "Change: {zone} · {language} · {hours} · {country} · {days}",
        zone=Code("me zone Asia/Shanghai"),
        language=Code("me language zh"),
        hours=Code("me hours 09:00 18:00"),
        country=Code("me country CN"),
        days=Code("me days 12345"),
    )


def clock(at: time) -> Text:
    """A wall-clock time, as everywhere in the trade: 24 hours."""
    return Text(f"{at:%H:%M}")


def _hours(member: MemberView) -> Inline:
    days: list[Inline] = []
    for digit in member.workdays:
        days += [Text(" ")] if days else []
        days.append(WEEKDAYS[int(digit) - 1])
    return _(
        "{start}–{end}, {days}", start=clock(member.working_from), end=clock(member.working_to), days=Span(tuple(days))
    )


def _presence(member: MemberView) -> Inline:
    if member.awake:
        return Badge(_("at work"), "good")
    if member.awake_from is None:
        return Badge(_("away"), "plain")
    return Span((Badge(_("away"), "plain"), Text(" "), _("back {at}", at=Instant(member.awake_from))))


def who_card(page: Page, now: datetime, line: tuple[str, ...] = ("who",)) -> Message:
    """Who is at work now: each with the clock of their own place, and when they are back on the reader's clock."""
    members: tuple[MemberView, ...] = page.items
    title = _("Who is awake")
    columns = (Column(_("Name")), Column(_("Role")), Column(_("Their time")), Column(_("Now")), Column(_("Linked")))
    rows = tuple(_who_row(member, now) for member in members)
    if not rows:
        return Message(title, (Heading(title), Paragraph(_("I know nobody yet."))))
    return Message(title, (Heading(title), Table(columns, rows), *page_blocks(page, line)))


def _who_row(member: MemberView, now: datetime) -> tuple[Inline, ...]:
    local = now.astimezone(ZoneInfo(member.zone))
    city = member.zone.rpartition("/")[2].replace("_", " ")
    there = Span((WEEKDAYS[local.weekday()], Text(f" {local:%H:%M} {city}")))
    role = labels.ROLES.get(member.role, Text(member.role))
    linked = Text(", ".join(labels.PLATFORMS.get(each, each) for each in member.platforms) or "–")
    return Text(member.name), role, there, _presence(member), linked


def code_card(code: str, expires_at: datetime) -> Message:
    """A one-time code, to be entered on the other platform."""
    title = _("Your code: {code}", code=Code(code))
    how = _(
        "On the other platform, send me {line}. I answer there with a second code, which you type here.",
        line=Code(f"link {code}"),
    )
    note = _(
        "It works once, until {at}. Give it to nobody, and type no code here that somebody sent you.",
        at=Instant(expires_at, "time"),
    )
    return Message(_("Your code to link another platform"), (Paragraph(title), Paragraph(how), Footnote(note)))


def answer_back_card(code: str, platform: str, expires_at: datetime) -> Message:
    """The second code, to be typed where the first one was got; the two are joined only then."""
    title = _("Your second code: {code}", code=Code(code))
    how = _(
        "Now send me {line} on {platform}, where you got the first code. Then both are you.",
        line=Code(f"link {code}"),
        platform=labels.platform_name(platform),
    )
    note = _(
        "It works once, until {at}. Did somebody else send you the first code? Then stop here, and tell them nothing.",
        at=Instant(expires_at, "time"),
    )
    return Message(_("Your second code to link another platform"), (Paragraph(title), Paragraph(how), Footnote(note)))


def confirm_link_card(code: str, name: str, platform: str, role: str) -> Message:
    """Asks before somebody else's identity would share one's authority."""
    title = _("Is {name} on {platform} really you?", name=Text(name), platform=labels.platform_name(platform))
    warning = _(
        "If you go on, that account acts as you, with your role ({role}). If somebody sent you this code, stop here.",
        role=labels.ROLES.get(role, Text(role)),
    )
    button = Action(_("Yes, that is me"), "link", (code, "yes"), style="danger")
    return Message(title, (Paragraph(Bold(title)), Paragraph(warning), Actions((button,))))


def linked_card(member: MemberView) -> Message:
    """Two identities have become one person."""
    words = _("Linked: you are {name} on {platforms}.", name=Text(member.name), platforms=_platforms(member))
    hint = _("What you set in one place holds in both.")
    return Message(words, (Paragraph(words), Footnote(hint), Actions((Action(_("My settings"), "me"),))))


def _platforms(member: MemberView) -> Inline:
    return Text(" + ".join(labels.PLATFORMS.get(each, each) for each in member.platforms))


def topics_card(topics: Sequence[tuple[Topic, str]], words: Words) -> Message:
    """What this conversation is told of, after a change said in `words`; each topic with its location, if limited."""
    names: tuple[Inline, ...] = tuple(_topic(topic, place) for topic, place in topics)
    blocks: list[Block] = [Paragraph(words)]
    if names:
        blocks += [Paragraph(_("This conversation is told of:")), Bullets(names)]
    else:
        blocks.append(Paragraph(_("This conversation is told of nothing by itself.")))
    told = {topic for topic, place in topics if not place}
    missing = [topic for topic in labels.TOPICS if topic not in told]
    if missing:
        blocks.append(Actions(tuple(_subscribe(topic) for topic in missing)))
    return Message(words, tuple(blocks))


def _topic(topic: Topic, place: str) -> Inline:
    parts: list[Inline] = [Code(topic), Text(" "), labels.TOPICS[topic]]
    if place:
        parts += [Text(" · "), Text(place)]
    return Span(tuple(parts))


def _subscribe(topic: Topic) -> Action:
    return Action(_("+ {topic}", topic=labels.TOPICS[topic]), "subscribe", (topic,))


def help_card(lines: Sequence[tuple[Inline, Words]]) -> Message:
    """Every command: how it is written, and what it does."""
    title = _("What I can do")
    items = tuple(Span((usage, Text(" – "), summary)) for usage, summary in lines)
    hint = _("A product's code alone, or part of its name, is enough as well.")
    buttons = (
        Action(_("What to restock"), "restock", style="primary"),
        Action(_("Open cases"), "cases"),
        Action(_("My settings"), "me"),
    )
    return Message(title, (Heading(title), Bullets(items), Footnote(hint), Actions(buttons)))


def command_card(usage: Inline, summary: Words, examples: Sequence[str]) -> Message:
    """One command: its usage, what it does, and examples."""
    blocks: list[Block] = [Paragraph(Bold(summary)), Paragraph(_("Write it so: {usage}", usage=usage))]
    if examples:
        blocks.append(Bullets(tuple(Code(example) for example in examples)))
    return Message(summary, tuple(blocks))


def board_card(url: str, minutes: int) -> Message:
    """A link to the board, for the asker alone."""
    words = _("Your board")
    told = n_(
        "It opens once, for you alone, within {count} minute.",
        "It opens once, for you alone, within {count} minutes.",
        minutes,
    )
    return Message(words, (Heading(words), Paragraph(Link(_("Open the board"), url)), Footnote(told)))
