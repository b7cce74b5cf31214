"""The words in which a decision is refused: which rule, who can, and what became of the request meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.chat.cards import labels
from bot.chat.cards.votes import reason_words
from bot.chat.nodes import Amount, Code, Inline, Instant, Text
from bot.domain.approval import Decider, Objection, Spent
from bot.domain.money import Money
from bot.domain.policy import Policy, Reason
from bot.domain.views import RequestView
from bot.errors import AlreadyDecided, Refusal, StaleButton
from bot.storage.requests import RequestRow
from bot.words import Words, _

_NAMED = 3  # people named as able to approve


def objection_words(
    found: Objection,
    held: RequestRow,
    who: Decider,
    policy: Policy,
    able: Sequence[str],
    forbidden: Sequence[Reason] = (),
) -> Words:
    """Why a person may not decide `held`, and who may (`able`, by name)."""
    request, others = Code(f"R-{held.id}"), _who(able)
    match found:
        case "stranger":
            return _(
                "I do not know you as a member, so {request} stays as it is. {command} joins you to your member. {who}",
                request=request,
                command=Code("link"),
                who=others,
            )
        case "role":
            role = labels.role_words(who.role)
            return _("The role {role} may not decide {request}. {who}", role=role, request=request, who=others)
        case "scope":
            return _(
                "{request} concerns a place, supplier or store that your role does not reach. {who}",
                request=request,
                who=others,
            )
        case "forbidden":
            why = reason_words(forbidden[0].plain(), held.total.currency, policy.currency)
            return _("Nobody may approve {request} as it is: {why} Edit it first.", request=request, why=why)
        case "own":
            return _(
                "You asked for {request} yourself, so somebody else must approve it. {who}",
                request=request,
                who=others,
            )
        case "editor":
            return _(
                "You changed {request} last, and it needs {count} other people. {who}",
                request=request,
                count=held.needs,
                who=others,
            )
        case "spoken":
            return _(
                "You, or somebody in your place, have approved {request} already; another person must approve it too. "
                "{who}",
                request=request,
                who=others,
            )
        case "no_limit":
            return _(
                "The role {role} has no limit in {currency}, so it may not approve {request} ({total}). {who}",
                role=labels.role_words(who.role),
                currency=Text(held.total.currency),
                request=request,
                total=Amount(held.total),
                who=others,
            )
        case _:
            return _beyond(found, held, who, policy, others)


def _beyond(found: Objection, held: RequestRow, who: Decider, policy: Policy, others: Words) -> Words:
    currency = held.total.currency
    limit = policy.limit(who.role, currency)
    spent = who.spent.get(currency, Spent())
    request, role = Code(f"R-{held.id}"), labels.role_words(who.role)
    match found:
        case "over_day":
            return _(
                "You approved {spent} within 24 hours; with {request} ({total}) that would pass the {limit} a day of "
                "the role {role}. {who}",
                spent=Amount(Money.of_minor(spent.day, currency)),
                request=request,
                total=Amount(held.total),
                limit=_amount(limit.per_day if limit else None, currency),
                role=role,
                who=others,
            )
        case "over_month":
            return _(
                "You approved {spent} within 30 days; with {request} ({total}) that would pass the {limit} a month of "
                "the role {role}. {who}",
                spent=Amount(Money.of_minor(spent.month, currency)),
                request=request,
                total=Amount(held.total),
                limit=_amount(limit.per_month if limit else None, currency),
                role=role,
                who=others,
            )
        case _:
            return _(
                "{request} is {total}; the role {role} may approve up to {limit}. {who}",
                request=request,
                total=Amount(held.total),
                role=role,
                limit=_amount(limit.per_request if limit else None, currency),
                who=others,
            )


def _amount(minor: int | None, currency: str) -> Amount:
    return Amount(Money.of_minor(minor or 0, currency))


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
            return StaleButton(_("{request} was cancelled.", request=request))
        case "draft":
            return StaleButton(_("{request} is only a draft; there is nothing to decide yet.", request=request))
        case "pending":
            return StaleButton(
                _("{request} has changed since it was shown; look at it again before deciding.", request=request)
            )


def reopened_words(held: RequestRow) -> StaleButton:
    """What to say where the policy or a rate is another one than what was shown."""
    return StaleButton(
        _(
            "The policy or the exchange rate changed since {request} was shown, so it needs approval again. Look at it "
            "before deciding.",
            request=Code(f"R-{held.id}"),
        )
    )


def missing_proof_words(held: RequestRow, *, of_total: bool) -> Words:
    """What to say where the restated total (or else the supplier) is another one."""
    request = Code(f"R-{held.id}")
    if of_total:
        return _("That is not the total of {request}; look at it again, and restate it as it stands.", request=request)
    return _("That is not the supplier of {request}; give its code or whole name.", request=request)


def _decided(words: Words, view: RequestView) -> Refusal:
    return AlreadyDecided(words, view.decided_by, view.decided_at or view.created_at)


def _by(request: Inline, view: RequestView) -> dict[str, object]:
    at: datetime = view.decided_at or view.created_at
    return {"request": request, "who": Text(view.decided_by), "when": Instant(at)}


def _who(able: Sequence[str]) -> Words:
    """Who may approve, by name."""
    if not able:
        return _("Nobody's limit reaches that far yet; an administrator can raise one.")
    names = Text(", ".join(able[:_NAMED]) + (" ..." if len(able) > _NAMED else ""))
    return _("It can be approved by {names}.", names=names)
