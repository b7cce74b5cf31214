"""Connected stores: how far they are read, what they call, what waits for a person; and kits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote

from bot.chat.nodes import (
    Action,
    Actions,
    Badge,
    Block,
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
    Number,
    Paragraph,
    Span,
    Table,
    Text,
    Tone,
)
from bot.chat.paging import PAGE_SIZE, page_blocks, page_of
from bot.domain.setaside import words_of
from bot.domain.storeviews import KindState, KitView, StoreState, Unsure
from bot.words import Words, _, n_, plain, told

KINDS: Mapping[str, Words] = {
    "products": _("products"),
    "stock": _("stock"),
    "orders": _("orders"),
    "returns": _("returns"),
    "inbounds": _("goods on their way"),
    "ages": _("ages of stock"),
    "offers": _("suppliers' offers"),
}
_VERDICTS: Mapping[str, tuple[Words, Tone]] = {
    "ok": (_("works"), "good"),
    "warn": (_("look at it"), "warn"),
    "fail": (_("does not work"), "bad"),
}


def stores_card(states: Sequence[StoreState], calls: Mapping[str, Mapping[str, int]]) -> Message:
    """Every connected store: how it is read, and what waits for somebody."""
    title = _("Connected stores")
    if not states:
        return Message(
            _("No store is connected."),
            (
                Paragraph(_("No store is connected.")),
                Footnote(
                    _(
                        "An administrator connects one: {chat} here, or {command} at the terminal.",
                        chat=Code("stores add"),
                        command=Code("stocktide stores add"),
                    )
                ),
            ),
        )
    blocks: list[Block] = [Heading(title)]
    for state in states:
        blocks += [Facts(((_("Store"), Text(state.store)), *_facts(state, calls.get(state.store, {}))))]
    buttons = [
        Action(_("{store}: what waits", store=Text(state.store)), "stores", (state.store, "waiting"))
        for state in states
        if _waits(state)
    ]
    return Message(title, (*blocks, *([Actions(tuple(buttons[:5]))] if buttons else [])))


_UNSAID = _(
    "Write no secret in a chat: one that was written here is no secret any more, so make a new one in the store."
)


def adding_card() -> Message:
    """How a store is connected where no page is open to the asker, and what to do about a secret that was written."""
    words = _(
        "An administrator connects one on the board, which {chat} leads to, or at the terminal: {command}",
        chat=Code("stores add"), command=Code("stocktide stores add NAME"),
    )  # fmt: skip
    return Message(words, (Paragraph(words), Footnote(_UNSAID)))


def connecting_card(url: str, minutes: int) -> Message:
    """A link to the page for stores and secrets, for the asker alone."""
    words = _("The page for stores and their secrets")
    told = n_(
        "It opens once, for you alone, within {count} minute.",
        "It opens once, for you alone, within {count} minutes.",
        minutes,
    )
    return Message(words, (Paragraph(Link(_("Open the page"), url)), Footnote(told), Footnote(_UNSAID)))


def leading_card() -> Message:
    """What a group sees in place of the link."""
    words = _("I have sent you the link in private.")
    return Message(words, (Paragraph(words), Footnote(_UNSAID)))


def store_card(state: StoreState, calls: Mapping[str, int]) -> Message:
    """One store: each kind of fact with its last reading, its calls, and what waits for somebody."""
    title = _("Store {store}", store=Text(state.store))
    rows = tuple(
        (KINDS.get(kind.kind, Text(kind.kind)), _read_at(kind), Number(kind.facts), Number(kind.changed))
        for kind in state.kinds
    )
    blocks: list[Block] = [Heading(title)]
    if rows:
        columns = (Column(_("What")), Column(_("Read")), Column(_("Told"), "end"), Column(_("News"), "end"))
        blocks.append(Table(columns, rows))
    blocks += [
        Paragraph(
            _("{kind} cannot be read: {error}", kind=KINDS.get(kind.kind, Text(kind.kind)), error=told(kind.error))
        )
        for kind in state.kinds
        if kind.error
    ]
    blocks.append(Facts(_facts(state, calls)))
    buttons = [Action(_("Read it now"), "stores", (state.store, "read"))]
    if _waits(state):
        buttons.append(Action(_("What waits"), "stores", (state.store, "waiting"), style="primary"))
    return Message(title, (*blocks, Actions(tuple(buttons))))


def _facts(state: StoreState, calls: Mapping[str, int]) -> tuple[tuple[Words, Inline], ...]:
    read = [kind.read_at for kind in state.kinds if kind.read_at is not None and not kind.error]
    broken = [kind for kind in state.kinds if kind.error]
    if broken:
        last: Inline = Badge(_("cannot be read"), "bad")
    else:
        last = Instant(min(read)) if read else _("never")
    facts: list[tuple[Words, Inline]] = [(_("Last read"), last)]
    if state.calls is not None:
        facts.append((_("Its calls"), _called(state, calls)))
    waiting = [
        words
        for count, words in (
            (state.unsure, n_("{count} variant to name", "{count} variants to name", state.unsure)),
            (state.homeless, n_("{count} place to name", "{count} places to name", state.homeless)),
            (state.faults, n_("{count} record set aside", "{count} records set aside", state.faults)),
        )
        if count
    ]
    facts.append((_("Waits for you"), _listed(waiting) if waiting else _("nothing")))
    return tuple(facts)


def _called(state: StoreState, calls: Mapping[str, int]) -> Inline:
    assert state.calls is not None  # noqa: S101  # asked by who knows
    if state.calls.since is None:
        return Span((Badge(_("none come"), "bad"), Text(" "), told(state.calls.error)))
    done, missed = calls.get("done", 0), state.missed
    parts = [n_("{count} in a day", "{count} in a day", done)]
    if waiting := calls.get("new", 0):
        parts.append(n_("{count} being followed", "{count} being followed", waiting))
    if failed := calls.get("failed", 0):
        parts.append(n_("{count} given up", "{count} given up", failed))
    if missed:
        parts.append(n_("{count} change that none had told", "{count} changes that none had told", missed))
    return _listed(parts)


def _listed(words: Sequence[Words]) -> Inline:
    parts: list[Inline] = []
    for each in words:
        parts += [Text(" · "), each] if parts else [each]
    return Span(tuple(parts))


def _waits(state: StoreState) -> bool:
    return bool(state.unsure or state.homeless or state.faults)


def _read_at(kind: KindState) -> Inline:
    if kind.error:
        return Badge(_("cannot be read"), "bad")
    return Instant(kind.read_at) if kind.read_at is not None else _("never")


def waiting_card(store: str, unsure: Unsure, page: int, line: tuple[str, ...], *, said: bool = False) -> Message:
    """What of a store waits for somebody, page by page: a button says yes, another says that it is none of ours.

    `said`: it follows something that was said of one of them.
    """
    items: list[tuple[Block, ...]] = [_variant(store, *variant) for variant in unsure.codes]
    items += [_place(store, *place) for place in unsure.places]
    items += [
        (
            Paragraph(
                _(
                    "Set aside, {kind} {subject}: {problem}",
                    kind=KINDS.get(kind, Text(kind)),
                    subject=Code(subject),
                    problem=words_of(problem),
                )
            ),
        )
        for kind, subject, problem in unsure.faults
    ]
    title = _("What waits in {store}", store=Text(store))
    if not items:
        done = _(
            "Nothing in {store} waits for you. What was set aside is read again with the next reading.",
            store=Text(store),
        )
        return Message(done, (Paragraph(done), Actions((Action(_("Read it now"), "stores", (store, "read")),))))
    part = page_of(items, page, size=5)
    blocks = [block for item in part.items for block in item]
    head: list[Block] = [Heading(title)]
    if said:
        head.append(Paragraph(_("Noted. What was set aside for want of it is read again with the next reading.")))
    return Message(title, (*head, *blocks, *page_blocks(part, line)))


def _variant(store: str, code: str, sku: str, name: str, ours: str, score: int) -> tuple[Block, ...]:
    no = Action(_("None of ours"), "stores", (store, "product", code))
    if not ours:
        which = _(
            "Which product is {sku} ({name})? Write {command}",
            sku=Code(sku or code), name=Text(name or "–"), command=Code(f"stores {store} product {quote(code)} SKU"),
        )  # fmt: skip
        return Paragraph(which), Actions((no,))
    question = _(
        "Is {sku} ({name}) our {ours}? {score}% alike",
        sku=Code(sku or code), name=Text(name), ours=Code(ours), score=score,
    )  # fmt: skip
    yes = Action(_("Yes, it is {ours}", ours=Text(ours)), "stores", (store, "product", code, ours), style="primary")
    return Paragraph(question), Actions((yes, no))


def _place(store: str, place: str, name: str) -> tuple[Block, ...]:
    question = _(
        "Which location is {name}? Write {command}",
        name=Text(name or place), command=Code(f"stores {store} place {quote(place)} ..."),
    )  # fmt: skip
    return Paragraph(question), Actions((Action(_("None of ours"), "stores", (store, "place", place)),))


def checks_card(store: str, checks: Sequence[tuple[Words, str, Words, Words | None]]) -> Message:
    """What trying a store found, see `checks_list`."""
    title = _("Store {store}", store=Text(store))
    return Message(title, (Heading(title), checks_list(checks)))


def checks_list(checks: Sequence[tuple[Words, str, Words, Words | None]]) -> Bullets:
    """A line for each finding: (what, ok | warn | fail, what was found, what to do)."""
    lines: list[Inline] = []
    for what, verdict, found, do in checks:
        label, tone = _VERDICTS.get(verdict, _VERDICTS["warn"])
        about = {"what": plain(what), "found": plain(found)}
        if do is None:
            line = _("{what}: {found}.", **about)
        else:
            line = _("{what}: {found}. To do: {do}.", **about, do=plain(do))
        lines.append(Span((Badge(label, tone), Text(" "), line)))
    return Bullets(tuple(lines))


def kit_card(kit: KitView) -> Message:
    """What a product consists of."""
    if not kit.parts:
        words = _("{sku} {name} is sold as itself.", sku=Code(kit.sku), name=Text(kit.name))
        example = Code(f"kit {kit.sku} 2x85123A 1x22423")
        return Message(words, (Paragraph(words), Footnote(_("To make it a set: {example}", example=example))))
    title = _("Selling one {sku} takes from the shelf", sku=Code(kit.sku))
    columns = (Column(_("Units"), "end"), Column(_("SKU")), Column(_("Name")))
    rows = tuple((Number(units), Code(sku), Text(name)) for sku, name, units in kit.parts[:PAGE_SIZE])
    rest = len(kit.parts) - PAGE_SIZE
    more = (Footnote(n_("and {count} more part", "and {count} more parts", rest)),) if rest > 0 else ()
    off = Action(_("It is no set"), "kit", (kit.sku, "off"))
    return Message(title, (Heading(title), Table(columns, rows), *more, Actions((off,))))
