"""The morning digest, and the home page that shows the same at any hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.chat.cards import labels
from bot.chat.cards.charts import chart_block
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
    Badge,
    Block,
    Bold,
    Bullets,
    Code,
    Day,
    Divider,
    Footnote,
    Heading,
    Inline,
    Instant,
    Message,
    Number,
    Paragraph,
    Span,
    Text,
)
from bot.domain.views import CaseView, DigestView, RequestView, TurnoverLine
from bot.words import Words, _, n_

SHOWN = 5  # of each list; the rest is counted and a press away


def digest_card(digest: DigestView) -> Message:
    """One member's morning: what waits for them first, then risks, arrivals, slow stock and the turn of stock."""
    title = _("Good morning, {name}", name=Text(digest.member.name))
    blocks: list[Block] = [Heading(title), Paragraph(_dated(digest))]
    blocks += _sections(digest)
    blocks.append(
        Footnote(_("Digest at another time: {time}; none: {off}", time=Code("digest 08:30"), off=Code("digest off")))
    )
    return Message(_summary(digest), tuple(blocks))


def home_card(digest: DigestView) -> Message:
    """The member's own board, at the moment of looking."""
    title = _("Your board, {name}", name=Text(digest.member.name))
    buttons = (
        Action(_("What to restock"), "restock", style="primary"),
        Action(_("Open cases"), "cases"),
        Action(_("Requests"), "requests"),
        Action(_("Slow stock"), "slow"),
        Action(_("Turnover"), "turnover"),
        Action(_("Who is awake"), "who"),
        Action(_("My settings"), "me"),
        labels.board_button("overview"),
    )
    return Message(title, (Heading(title), Actions(buttons), *_sections(digest)))


def _summary(digest: DigestView) -> Words:
    return _(
        "{decide} · {risks}",
        decide=_waiting(digest.to_decide_total),
        risks=n_("{count} new case", "{count} new cases", _opened(digest)),
    )


def _opened(digest: DigestView) -> int:
    return max(digest.opened_total, len(digest.opened))


def _waiting(total: int) -> Words:
    return n_("{count} request waits for you", "{count} requests wait for you", total)


def _dated(digest: DigestView) -> Inline:
    parts: list[Inline] = [Day(digest.local_date)]
    if digest.late:
        parts += [Text("  "), Badge(_("sent late"), "warn")]
    if digest.merged_dates:
        parts += [Text(" · "), _("stands in for {days} as well", days=_dates(digest.merged_dates))]
    return Span(tuple(parts))


def _dates(days: Sequence[date]) -> Inline:
    return labels.listing([Day(day) for day in days])


def _sections(digest: DigestView) -> list[Block]:
    return [
        *_changes(digest),
        *_to_decide(digest),
        *_risks(digest),
        *_arrivals(digest),
        *_slow(digest),
        *_turnover(digest.turnover, digest.turnover_before),
    ]


def _changes(digest: DigestView) -> list[Block]:
    words = _(
        "Since {at}: {opened}, {resolved}.",
        at=Instant(digest.since),
        opened=n_("{count} new case", "{count} new cases", _opened(digest)),
        resolved=n_("{count} solved", "{count} solved", digest.resolved),
    )
    blocks: list[Block] = [Paragraph(words)]
    if digest.opened:
        blocks += _listed([_case(case) for case in digest.opened], _opened(digest))
    return blocks


def _to_decide(digest: DigestView) -> list[Block]:
    if not digest.to_decide_total:
        return [Paragraph(_("Nothing waits for your decision."))]
    blocks: list[Block] = [Divider(), Heading(_waiting(digest.to_decide_total))]
    for request in digest.to_decide[:3]:
        blocks += [Paragraph(_request(request)), Actions(_decide(request))]
    more = digest.to_decide_total - min(3, len(digest.to_decide))
    if more > 0:
        label = n_("See {count} more", "See {count} more", more)
        blocks.append(Actions((Action(label, "requests"),)))
    return blocks


def _request(request: RequestView) -> Inline:
    units = labels.units(sum(line.quantity for line in request.lines))
    first = request.lines[0] if request.lines else None
    what: Inline = labels.product(first.sku, first.name) if first else labels.NONE
    words = _(
        "{request}: {units} of {product} to {place}, {money}",
        request=Bold(Text(labels.request_code(request.id))),
        units=units,
        product=what,
        place=Text(request.location),
        money=Bold(Amount(request.total)),
    )
    if request.expires_at is None:
        return words
    return Span((words, Text(" · "), _("expires {at}", at=Instant(request.expires_at))))


def _decide(request: RequestView) -> tuple[Action, ...]:
    """The buttons name their request: on Telegram all buttons stand together below the message."""
    code, shown = labels.request_code(request.id), labels.request_code(request.id, request.version)
    found = [
        Action(_("Approve {request}", request=code), "approve", (shown,), style="primary"),
        Action(_("Reject {request}", request=code), "reject", (shown,), style="danger"),
    ]
    if request.case_id is not None:
        case = labels.case_code(request.case_id)
        found.append(Action(_("Why? {case}", case=case), "why", (case,)))
    return tuple(found)


def _risks(digest: DigestView) -> list[Block]:
    if not digest.risks:
        return [Paragraph(_("Nothing is about to run out."))]
    title = _("Stock-out risks: {money}", money=Amount(digest.risks_total))
    lines = [_case(case) for case in digest.risks]
    picture = [chart_block(digest.chart)] if digest.chart is not None else []
    button = Actions((Action(_("What to restock"), "restock"), labels.board_button("overview")))
    return [Divider(), Heading(title), *_listed(lines, len(lines)), *picture, button]


def _case(case: CaseView) -> Inline:
    about: Inline = Code(case.sku) if case.sku else Text(case.name)
    parts: list[Inline] = [about, Text(f" {case.location}" if case.location else "")]
    if case.kind != "stockout_risk":
        parts += [Text(" · "), labels.KINDS[case.kind][0]]
    elif case.days_of_cover is not None:
        parts += [Text(" · "), _("{days} left", days=labels.days(case.days_of_cover))]
    return Span((*parts, Text(" · "), Bold(Amount(case.money_at_risk))))


def _listed(lines: Sequence[Inline], total: int) -> list[Block]:
    shown = tuple(lines[:SHOWN])
    if total > len(shown):
        shown += (n_("and {count} more", "and {count} more", total - len(shown)),)
    return [Bullets(shown)]


def _arrivals(digest: DigestView) -> list[Block]:
    if not digest.arrivals:
        return []
    lines = [
        _("{sku} at {place}: {arrival}", sku=Code(sku), place=Text(place), arrival=labels.arrival(coming))
        for sku, place, coming in digest.arrivals
    ]
    return [Divider(), Heading(_("Arriving")), *_listed(lines, len(lines))]


def _slow(digest: DigestView) -> list[Block]:
    if not digest.slow:
        return []
    title = _("Slow stock: {money} tied up", money=Amount(digest.slow_total))
    lines = [_case(case) for case in digest.slow]
    return [Divider(), Heading(title), *_listed(lines, len(lines)), Actions((Action(_("Slow stock"), "slow"),))]


def _turnover(now: TurnoverLine | None, before: TurnoverLine | None) -> list[Block]:
    if now is None or now.days_of_inventory is None or now.turnover is None:
        return []
    words = _(
        "Stock turns {turns} times in {window} days: {days} of inventory",
        turns=Number(now.turnover, 2),
        window=now.days,
        days=labels.days(now.days_of_inventory),
    )
    parts: list[Inline] = [words]
    if before is not None and before.days_of_inventory is not None:
        change = round(now.days_of_inventory) - round(before.days_of_inventory)
        parts += [Text(" · "), _trend(change)]
    return [Divider(), Paragraph(Span(tuple(parts)))]


def _trend(change: int) -> Inline:
    if change == 0:
        return _("as a month ago")
    if change < 0:
        return Badge(n_("{count} day faster than a month ago", "{count} days faster than a month ago", -change), "good")
    return Badge(n_("{count} day slower than a month ago", "{count} days slower than a month ago", change), "warn")
