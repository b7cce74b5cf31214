"""Who has said what on a request, how many more must, and why so many."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

from bot.chat.forms import Field, Form
from bot.chat.nodes import (
    Amount,
    Badge,
    Block,
    Bold,
    Bullets,
    Code,
    Footnote,
    Inline,
    Instant,
    Mention,
    Message,
    Number,
    Paragraph,
    Span,
    Text,
    Tone,
)
from bot.domain.money import Money
from bot.domain.policy import FORBIDDING
from bot.domain.views import RequestView, VoteView
from bot.words import Words, _, n_

MAX_REASONS = 5  # said one by one; the rest is counted


def vote_blocks(request: RequestView) -> tuple[Block, ...]:
    """The blocks that a request's card shows of it: nothing where one person decides alone and for themselves."""
    approved = [vote for vote in request.votes if vote.verdict == "approve"]
    if request.needs < 2 and not any(vote.for_whom for vote in approved):
        return _forbidden(request)
    blocks: list[Block] = [Paragraph(_count(request, len(approved))), *_people(request)]
    if approved:
        blocks.append(Bullets(tuple(vote_line(vote) for vote in approved)))
    return (*blocks, *_forbidden(request))


def _count(request: RequestView, given: int) -> Inline:
    tone: Tone = "good" if given >= request.needs else "warn"
    return Badge(_("{given} of {needs} approvals", given=given, needs=request.needs), tone)


def _people(request: RequestView) -> list[Block]:
    """Why more than one person, while it still waits."""
    reasons = reasons_of(request)
    if request.state != "pending" or not reasons or request.needs < 2:
        return []
    items = tuple(reasons[:MAX_REASONS])
    if len(reasons) > MAX_REASONS:
        items = (*items, n_("and {count} more reason", "and {count} more reasons", len(reasons) - MAX_REASONS))
    return [Bullets(items)]


def vote_line(vote: VoteView) -> Words:
    """One approval: who, in whose place, and when."""
    who, when = Mention(vote.member_id, vote.name), Instant(vote.at)
    if vote.for_whom:
        return _("{who} for {principal}, {when}", who=who, principal=Text(vote.for_whom), when=when)
    return _("{who}, {when}", who=who, when=when)


def _forbidden(request: RequestView) -> tuple[Block, ...]:
    """What keeps everybody from approving it, where something does."""
    found = [item for item in _items(request) if item.get("kind") in FORBIDDING]
    if request.state != "pending" or not found:
        return ()
    why = reason_words(found[0], request.total.currency, _policy_currency(request))
    return (Paragraph(Span((Badge(_("cannot be approved"), "bad"), Text(" "), why))),)


def reasons_of(request: RequestView) -> list[Words]:
    """Why a request needs more than one person, one sentence each."""
    own = _policy_currency(request)
    return [reason_words(item, request.total.currency, own) for item in _items(request)]


def _items(request: RequestView) -> list[Mapping[str, object]]:
    found = request.detail.get("reasons")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _policy_currency(request: RequestView) -> str:
    shown = request.detail.get("shown")
    return str(shown.get("currency") or "") if isinstance(shown, Mapping) else ""


def reason_words(reason: Mapping[str, object], currency: str, own: str) -> Words:
    """One reason as a sentence; money of lines is in the request's `currency`, that of bands in the organisation's."""
    facts = reason.get("facts")
    found: Mapping[str, object] = facts if isinstance(facts, Mapping) else {}
    home = own or currency
    match reason.get("kind"):
        case "band":
            return _("It is more than {money}.", money=_money(found.get("above_minor"), home))
        case "split":
            return _(
                "{count} orders to this supplier within {days} days come to {money}.",
                count=_whole(found.get("count")),
                days=_whole(found.get("days")),
                money=_money(found.get("sum_minor"), home),
            )
        case "new_supplier":
            return _("The supplier is new.")
        case "quantity":
            return _(
                "{quantity} of {product} is more than {times} times the mean need of 90 days ({need}).",
                quantity=_number(found.get("quantity")),
                product=Code(str(found.get("product", ""))),
                times=_number(found.get("times")),
                need=_number(found.get("need")),
            )
        case "price":
            return _(
                "{product} costs {cost}, the route's quote is {quote}.",
                product=Code(str(found.get("product", ""))),
                cost=_money(found.get("cost_minor"), currency),
                quote=_money(found.get("quote_minor"), currency),
            )
        case "rate_stale":
            return _(
                "The exchange rate is older than {hours} hours, or typed by hand.", hours=_whole(found.get("hours"))
            )
        case "rate_unknown":
            return _("There is no exchange rate for it.")
        case "others_unknown":
            return _("Another order to this supplier is in a currency without an exchange rate.")
        case _:
            return _of_promotion(reason.get("kind"), found, currency)


def _of_promotion(kind: object, found: Mapping[str, object], currency: str) -> Words:
    match kind:
        case "catalogue":
            return _(
                "It touches {share} of the catalogue; more than {most} needs two people.",
                share=_number(found.get("share"), share=True),
                most=_number(found.get("most"), share=True),
            )
        case "below_cost":
            return _(
                "The price {price} is below the cost {cost}.",
                price=_money(found.get("price_minor"), currency),
                cost=_money(found.get("cost_minor"), currency),
            )
        case "depth":
            return _(
                "The discount of {depth} is deeper than {most}.",
                depth=_number(found.get("depth"), share=True),
                most=_number(found.get("most"), share=True),
            )
        case "margin":
            return _(
                "The price {price} is below the floor of {floor}.",
                price=_money(found.get("price_minor"), currency),
                floor=_money(found.get("floor_minor"), currency),
            )
        case "sku_cap":
            return _(
                "It has {count} products, {most} is the most.",
                count=_whole(found.get("count")),
                most=_whole(found.get("most")),
            )
        case "no_end":
            return _("It has no price or no end.")
        case _:
            return _("The policy asks for more people.")


def _money(minor: object, currency: str) -> Inline:
    return Amount(Money.of_minor(minor, currency)) if isinstance(minor, int) else Text("–")


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _number(value: object, *, share: bool = False) -> Inline:
    try:
        return Number(Decimal(str(value)), 1, share=share)
    except InvalidOperation:
        return Text("–")


def voted_card(request: RequestView, missing: int, *, already: bool = False) -> Message:
    """The answer to who approved as one of several: what is still missing."""
    code = Bold(Text(f"R-{request.id}"))
    words = n_(
        "Your approval of {request} is noted; {count} more person must approve it.",
        "Your approval of {request} is noted; {count} more people must approve it.",
        missing,
        request=code,
    )
    blocks: list[Block] = [Paragraph(words), *vote_blocks(request)]
    if already:
        blocks.append(Footnote(_("You had decided so before; nothing was done twice.")))
    return Message(words, tuple(blocks))


def step_up_form(request: RequestView) -> Form:
    """Asks to restate what is about to be approved, with a one-time code; nothing is filled in beforehand."""
    shown = f"R-{request.id}@{request.version}"
    total = _("Total, as it stands on the card")
    if request.kind == "promotion":
        total = _("Given away at most, as it stands on the card")
    fields = [Field("total", total, "money", hint=_("For example 5,120.00"))]
    if request.supplier:
        fields.append(Field("supplier", _("Supplier, by code or name"), "text"))
    fields.append(Field("code", _("One-time code of your authenticator app"), "code"))
    intro = _(
        "{request} is {money}. To approve that much, restate it, and give a one-time code.",
        request=Text(f"R-{request.id}"),
        money=Amount(request.total),
    )
    return Form(
        _("Approve {request}", request=f"R-{request.id}"), intro, tuple(fields), "approve", (shown,), _("Approve")
    )
