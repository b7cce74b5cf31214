"""Calls that cost money: what is asked of a person where nobody can tell, what fails, and what a halt stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.chat.cards import labels
from bot.chat.nodes import (
    Action,
    Actions,
    Amount,
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
    Mention,
    Message,
    Paragraph,
    Span,
    Table,
    Text,
    Tone,
)
from bot.chat.paging import page_blocks
from bot.domain.effects import HALT_TOPICS, Answered, EffectState, EffectTopic, EffectView, HaltTopic, HaltView
from bot.domain.views import Page, RequestView
from bot.words import Words, _, n_, told

STATES: Mapping[EffectState, tuple[Words, Tone]] = {
    "pending": (_("waiting to be sent"), "plain"),
    "sending": (_("sent, not confirmed"), "warn"),
    "done": (_("done"), "good"),
    "failed": (_("failed"), "bad"),
    "halted": (_("nobody can tell"), "bad"),
    "cancelled": (_("cancelled"), "plain"),
}
TOPICS: Mapping[EffectTopic, Words] = {
    "purchases": _("purchases"),
    "promotions": _("promotions"),
    "restores": _("restoring prices"),
}
_KINDS: Mapping[str, Words] = {
    "order.send": _("Send the order"),
    "price.read": _("Read the price"),
    "price.set": _("Lower the price"),
    "price.restore": _("Restore the price"),
    "discount.grant": _("Make the discount"),
    "discount.withdraw": _("Withdraw the discount"),
}


def effect_code(effect_id: int, attempt: int | None = None) -> str:
    """A call as one writes it; a button adds the attempt that it was shown with."""
    return f"E-{effect_id}" + (f"@{attempt}" if attempt is not None else "")


def effect_card(effect: EffectView) -> Message:
    """One call: what was asked of whom and when, what is known of it, and who is to say or has said what happened."""
    label, tone = STATES[effect.state]
    title = _("{what} {effect}", what=_what(effect), effect=Text(effect_code(effect.id)))
    blocks: list[Block] = [
        Heading(Span((title, Text(" · "), Badge(label, tone)))),
        Facts(_facts(effect)),
        Paragraph(_situation(effect)),
    ]
    if effect.answered is not None:
        blocks.append(Paragraph(answer_line(effect, effect.answered)))
    if effect.state == "halted":
        blocks.append(Actions(_buttons(effect)))
    elif effect.request_id is not None:
        code = labels.request_code(effect.request_id)
        blocks.append(Actions((Action(_("Open {request}", request=Text(code)), "requests", (code,)),)))
    blocks.append(Footnote(_("Its key with the other side: {key}", key=Code(effect.key))))
    return Message(_summary(effect), tuple(blocks), subject=f"effect:{effect.id}")


def _what(effect: EffectView) -> Inline:
    return _KINDS.get(effect.kind, Text(effect.kind))


def _summary(effect: EffectView) -> Words:
    return _(
        "{what} {effect}: {state}",
        what=_what(effect),
        effect=Text(effect_code(effect.id)),
        state=STATES[effect.state][0],
    )


def _facts(effect: EffectView) -> tuple[tuple[Words, Inline], ...]:
    pairs: list[tuple[Words, Inline]] = []
    if effect.request_id is not None and effect.request_kind is not None:
        kind = labels.REQUEST_KINDS[effect.request_kind]
        request = Text(f" {labels.request_code(effect.request_id)}")
        pairs.append((_("For"), Span((kind, request))))
    if effect.whom:
        pairs.append((_("Asked of"), Text(effect.whom)))
    if effect.total is not None:
        pairs.append((_("Total"), Bold(Amount(effect.total))))
    if effect.begun_at is not None:
        pairs.append((_("Sent"), Instant(effect.begun_at)))
    elif effect.state == "pending":
        pairs.append((_("Due"), Instant(effect.due_at)))
    if effect.attempts > 1:
        pairs.append((_("Attempts"), Text(str(effect.attempts))))
    if effect.error:
        pairs.append((_("What went wrong"), told(effect.error)))
    return tuple(pairs) or ((_("Planned"), Instant(effect.created_at)),)


def _situation(effect: EffectView) -> Words:
    match effect.state:
        case "halted":
            return _(
                "It was sent and no answer came, and the other side cannot tell me whether it happened. "
                "I send nothing again by myself. Ask them, then press what is true."
            )
        case "sending" if effect.error:
            return _("No answer came. I am finding out whether it happened, and send nothing before I know.")
        case "sending":
            return _("It is on its way.")
        case "pending" if effect.attempts:
            return _("It certainly has not happened yet. I try again, {at}.", at=Instant(effect.due_at))
        case "pending":
            return _("It has not been sent yet.")
        case "failed":
            return _("It did not happen, and I do not try again.")
        case "cancelled":
            return _("It was called off before it was sent.")
        case "done":
            return _("It happened.")


def _buttons(effect: EffectView) -> tuple[Action, ...]:
    shown = effect_code(effect.id, effect.attempts)
    found = [
        Action(_("It happened"), "effect", (shown, "done"), style="primary"),
        Action(_("It did not happen: send again"), "effect", (shown, "again"), style="danger"),
        Action(_("It did not happen: drop it"), "effect", (shown, "drop")),
    ]
    if effect.request_id is not None:
        code = labels.request_code(effect.request_id)
        found.append(Action(_("Open {request}", request=Text(code)), "requests", (code,)))
    return tuple(found)


def answer_line(effect: EffectView, answered: Answered) -> Words:
    """Who said what of a call, when and where."""
    who: Inline = Text(answered.name or "–")
    if answered.member_id is not None:
        who = Mention(answered.member_id, answered.name)
    places = {
        "effect": Bold(Text(effect_code(effect.id))),
        "who": who,
        "at": Instant(answered.at),
        "platform": labels.platform_name(answered.platform),
    }
    said = _SAID[answered.verdict](**places)
    return _("{said} Note: {note}", said=said, note=Text(answered.note)) if answered.note else said


def _said_done(**places: Inline) -> Words:
    return _("{who} said that {effect} happened, {at}, from {platform}.", **places)


def _said_again(**places: Inline) -> Words:
    return _("{who} said that {effect} did not happen and is to be sent, {at}, from {platform}.", **places)


def _said_drop(**places: Inline) -> Words:
    return _("{who} said that {effect} did not happen and is to be left, {at}, from {platform}.", **places)


_SAID = {"done": _said_done, "again": _said_again, "drop": _said_drop}


def answered_card(effect: EffectView, *, already: bool = False) -> Message:
    """The answer to who said what happened."""
    said = answer_line(effect, effect.answered) if effect.answered else _summary(effect)
    blocks: list[Block] = [Paragraph(said)]
    if already:
        blocks.append(Footnote(_("You had said so before; nothing was done twice.")))
    return Message(said, tuple(blocks))


def effects_card(page: Page, line: tuple[str, ...]) -> Message:
    """The calls that wait for a person's word, and those that keep failing."""
    effects: tuple[EffectView, ...] = page.items
    if not effects:
        words = _("No call waits for a person, and none is failing.")
        return Message(words, (Paragraph(words), Actions((Action(_("Kill switches"), "halt"),))))
    title = n_("{count} call is in doubt or failing", "{count} calls are in doubt or failing", page.total)
    columns = (Column(_("Call")), Column(_("What")), Column(_("For")), Column(_("Asked of")), Column(_("State")))
    buttons = tuple(Action(Words(effect_code(each.id)), "effect", (effect_code(each.id),)) for each in effects)
    blocks: list[Block] = [
        Heading(title),
        Table(columns, tuple(_row(each) for each in effects)),
        Actions(buttons),
    ]
    return Message(title, (*blocks, *page_blocks(page, line)))


def _row(effect: EffectView) -> tuple[Inline, ...]:
    label, tone = STATES[effect.state]
    return (
        Code(effect_code(effect.id)),
        _what(effect),
        Text(labels.request_code(effect.request_id)) if effect.request_id is not None else labels.NONE,
        Text(effect.whom) if effect.whom else labels.NONE,
        Badge(label, tone),
    )


def halts_card(halts: Sequence[HaltView], under_way: Sequence[int] = ()) -> Message:
    """What is stopped now, by whom and why, and the switches; `under_way` had begun before and goes on."""
    thrown = {halt.topic for halt in halts}
    if not halts:
        title = _("Nothing is halted.")
        blocks: list[Block] = [Paragraph(title)]
    else:
        title = _("Halted: {topics}", topics=_topics([halt.topic for halt in halts]))
        blocks = [Heading(title), Bullets(tuple(halt_line(halt) for halt in halts)), Paragraph(_still(thrown))]
    blocks += _under_way(under_way)
    buttons = [
        Action(_("Halt {topic}", topic=TOPICS[topic]), "halt", (topic,), style="danger")
        for topic in HALT_TOPICS
        if topic not in thrown
    ]
    buttons += [
        Action(_("Resume {topic}", topic=TOPICS[topic]), "resume", (topic,)) for topic in HALT_TOPICS if topic in thrown
    ]
    return Message(title, (*blocks, *_stop_all(thrown), Actions(tuple(buttons))))


def halt_line(halt: HaltView) -> Words:
    """Who halted what, when and why."""
    who = Mention(halt.member_id, halt.name)
    words = _("{topic} halted by {who}, {at}.", topic=TOPICS[halt.topic], who=who, at=Instant(halt.at))
    return _("{words} Reason: {reason}", words=words, reason=Text(halt.reason)) if halt.reason else words


def halt_blocks(request: RequestView) -> tuple[Block, ...]:
    """What a request's card says while calls of its kind are halted: one that is approved waits."""
    if not request.halted or request.state != "approved":
        return ()
    topic: HaltTopic = "promotions" if request.kind == "promotion" else "purchases"
    words = _("Halted: {topic}. What has not been sent waits until somebody resumes.", topic=TOPICS[topic])
    return (Paragraph(Badge(words, "bad")),)


def thrown_card(halts: Sequence[HaltView], under_way: Sequence[int]) -> Message:
    """The news that switches were thrown; `under_way` had begun before and cannot be called back."""
    topics = [halt.topic for halt in halts]
    title = _("Halted: {topics}", topics=_topics(topics))
    blocks: list[Block] = [
        Heading(Badge(title, "bad")),
        Bullets(tuple(halt_line(halt) for halt in halts)),
        Paragraph(_still(frozenset(topics))),
    ]
    if under_way:
        codes = Code(", ".join(effect_code(effect_id) for effect_id in under_way[:20]))
        blocks.append(
            Paragraph(
                n_(
                    "{count} call had begun before and cannot be called back: {calls}",
                    "{count} calls had begun before and cannot be called back: {calls}",
                    len(under_way),
                    calls=codes,
                )
            )
        )
    resume = tuple(Action(_("Resume {topic}", topic=TOPICS[topic]), "resume", (topic,)) for topic in topics)
    return Message(title, (*blocks, *_stop_all(frozenset(topics)), Actions(resume)))


def _under_way(under_way: Sequence[int]) -> list[Block]:
    if not under_way:
        return []
    words = n_(
        "{count} call had begun before and cannot be called back: {calls}",
        "{count} calls had begun before and cannot be called back: {calls}",
        len(under_way),
        calls=Code(", ".join(effect_code(effect_id) for effect_id in under_way[:20])),
    )
    return [Paragraph(words)]


def resumed_card(topics: Sequence[HaltTopic], member_id: int, name: str) -> Message:
    """The news that switches were taken back."""
    who = Mention(member_id, name)
    words = _("{topics} resumed by {who}: what waited is sent now.", topics=_topics(topics), who=who)
    return Message(words, (Paragraph(words),))


def _still(topics: frozenset[HaltTopic] | set[HaltTopic]) -> Words:
    """What goes on all the same."""
    if "promotions" in topics:
        return _(
            "Nothing of this kind is sent until somebody resumes. Requests can still be approved; they wait. "
            "Running promotions go on, and restoring a price or withdrawing a discount is never halted."
        )
    return _("Nothing of this kind is sent until somebody resumes. Requests can still be approved; they wait.")


def _stop_all(topics: frozenset[HaltTopic] | set[HaltTopic]) -> tuple[Block, ...]:
    if "promotions" not in topics:
        return ()
    return (Actions((Action(_("Stop all running promotions"), "stop", ("all",), style="danger"),)),)


def _topics(topics: Sequence[HaltTopic]) -> Inline:
    return labels.listing([TOPICS[topic] for topic in topics])
