"""The books: the audit log's head and its state, and exchange rates."""

from __future__ import annotations

from datetime import date, datetime

from bot.chat.nodes import (
    Action,
    Actions,
    Badge,
    Block,
    Code,
    Day,
    Facts,
    Footnote,
    Heading,
    Inline,
    Instant,
    Message,
    Number,
    Paragraph,
)
from bot.words import Words, _, n_, plain

FAULTS: dict[str, Words] = {
    "edited": _("an entry was edited"),
    "unchained": _("an entry was deleted, inserted or moved"),
    "cut": _("its end is missing"),
    "rewritten": _("it differs from a head that was posted"),
    "absent": _("the hash asked for is not in it"),
}


def head_card(on: date, entries: int, head: str, fault: str, broken_at: int | None) -> Message:
    """The day's head of the audit log: whoever keeps this message can prove that nothing before it was changed."""
    title = _("Audit log, {day}", day=Day(on))
    if fault:
        words = _("The audit log is broken at entry {number}: {fault}.", number=broken_at or 0, fault=FAULTS[fault])
        return Message(words, (Heading(title), Paragraph(Badge(words, "bad")), _count(entries)))
    hint = _("Keep this message: the hash covers every entry so far, so none of them can be changed unseen.")
    return Message(
        _("Audit log: {entries}, whole", entries=_entries(entries)),
        (Heading(title), _count(entries), Paragraph(Code(head)), Footnote(hint)),
    )


def audit_card(
    entries: int, head: str, checked: tuple[datetime, int, str] | None, posted: tuple[date, int] | None
) -> Message:
    """The state of the audit log; `checked` is when it was walked last, over how many entries, and the fault found."""
    title = _("Audit log")
    found: Inline = _("never")
    if checked is not None:
        at, count, fault = checked
        verdict = Badge(FAULTS[fault], "bad") if fault else Badge(_("whole"), "good")
        found = _("{at}: {verdict}, {entries}", at=Instant(at), verdict=verdict, entries=_entries(count))
    pairs: list[tuple[Words, Inline]] = [
        (_("Entries"), Number(entries)),
        (_("Head"), Code(head)),
        (_("Verified last"), found),
    ]
    if posted is not None:
        on, count = posted
        where = _("{day}: {entries}", day=Day(on), entries=_entries(count))
        pairs.append((_("Head posted last"), where))
    blocks: list[Block] = [
        Heading(title),
        Facts(tuple(pairs)),
        Actions((Action(_("Verify now"), "audit", ("verify",)),)),
        Footnote(_("Export: {line}", line=Code("stocktide audit export"))),
    ]
    return Message(title, tuple(blocks))


def _count(entries: int) -> Block:
    return Paragraph(_entries(entries))


def _entries(count: int) -> Words:
    return n_("{count} entry", "{count} entries", count)


def rates_missing_card(newest: datetime | None, problem: Words) -> Message:
    """No exchange rates could be had; `newest` is when the last ones were stated."""
    title = _("No new exchange rates")
    known: Inline = _("The last ones were stated {at}.", at=Instant(newest)) if newest else _("There are none so far.")
    note = _("While rates are older than 24 hours, what is paid in another currency needs two approvers.")
    return Message(title, (Heading(title), Paragraph(plain(problem)), Paragraph(known), Footnote(note)))
