"""The words in which a decision is refused: which limit, who can, and what became of the request meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from bot.chat.nodes import Amount, Code, Inline, Instant, Text
from bot.domain.approval import Objection
from bot.domain.money import Money
from bot.domain.views import RequestView
from bot.errors import AlreadyDecided, Refusal, StaleButton
from bot.storage.requests import RequestRow
from bot.words import Words, _

_NAMED = 3  # people named as able to approve


def objection_words(found: Objection, held: RequestRow, role: str, limit: int | None, able: Sequence[str]) -> Words:
    """Why a person may not decide `held`, and who may; `limit` is theirs in the request's currency."""
    request, who = Code(f"R-{held.id}"), _who(able)
    match found:
        case "stranger":
            return _(
                "I do not know you as a member, so {request} stays as it is. {command} joins you to your member. {who}",
                request=request,
                command=Code("link"),
                who=who,
            )
        case "role":
            return _("The role {role} may not decide {request}. {who}", role=Code(role), request=request, who=who)
        case "own":
            return _(
                "You asked for {request} yourself, so somebody else must approve it. {who}", request=request, who=who
            )
        case "no_limit":
            return _(
                "The role {role} has no limit in {currency}, so it may not approve {request} ({total}). {who}",
                role=Code(role),
                currency=Text(held.total.currency),
                request=request,
                total=Amount(held.total),
                who=who,
            )
        case "over_limit":
            return _(
                "{request} is {total}; the role {role} may approve up to {limit}. {who}",
                request=request,
                total=Amount(held.total),
                role=Code(role),
                limit=Amount(Money.of_minor(limit or 0, held.total.currency)),
                who=who,
            )


def settled_words(held: RequestRow, view: RequestView) -> Refusal:
    """What to say of a request that cannot be decided any more, or not as it was shown."""
    request: Inline = Code(f"R-{held.id}")
    match held.state:
        case "rejected":
            return _decided(_("{request} was already rejected by {who}, {when}.", **_by(request, view)), view)
        case "approved" | "executing" | "done" | "failed":
            return _decided(_("{request} was already approved by {who}, {when}.", **_by(request, view)), view)
        case "expired":
            return StaleButton(_("{request} has lapsed; nobody decided in time.", request=request))
        case "cancelled":
            return StaleButton(_("{request} was cancelled: its case is over.", request=request))
        case "draft":
            return StaleButton(_("{request} is only a draft; there is nothing to decide yet.", request=request))
        case "pending":
            return StaleButton(
                _("{request} has changed since it was shown; look at it again before deciding.", request=request)
            )


def _decided(words: Words, view: RequestView) -> Refusal:
    return AlreadyDecided(words, view.decided_by, view.decided_at or view.created_at)


def _by(request: Inline, view: RequestView) -> dict[str, object]:
    return {
        "request": request,
        "who": Text(view.decided_by),
        "when": Instant(view.decided_at or view.created_at),
    }


def _who(able: Sequence[str]) -> Words:
    """Who may approve, by name."""
    if not able:
        return _("Nobody's limit reaches that far yet; an administrator can raise one.")
    names = Text(", ".join(able[:_NAMED]) + (" ..." if len(able) > _NAMED else ""))
    return _("It can be approved by {names}.", names=names)
