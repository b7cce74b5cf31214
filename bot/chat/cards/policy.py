"""The policy in words and tables, its versions, who may decide a request and why, delegations and authenticators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.chat.cards import labels
from bot.chat.cards.votes import reason_words
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
    Image,
    Inline,
    Instant,
    Message,
    Number,
    Paragraph,
    Span,
    Table,
    Text,
)
from bot.domain.approval import Objection
from bot.domain.explaining import Explanation, RuleLine, RuleName
from bot.domain.money import Money
from bot.domain.policy import Band, Policy, VersionView
from bot.words import Words, _, n_

MAX_LISTED = 15  # things that a version loosens

VERSION_STATES: Mapping[str, Words] = {
    "proposed": _("waits for a second administrator"),
    "active": _("in force"),
    "replaced": _("replaced"),
    "refused": _("turned down"),
}

RULES: Mapping[RuleName, Words] = {
    "state": _("It waits for a decision"),
    "role": _("The role may decide this kind"),
    "scope": _("The role reaches the place, supplier and store"),
    "forbidden": _("The policy allows it at all"),
    "requester": _("Requested by somebody else"),
    "editor": _("Last changed by somebody else"),
    "vote": _("Has not approved it yet, in person or by delegate"),
    "limit": _("Limit per request"),
    "day": _("Limit per day, with what was approved before"),
    "month": _("Limit per month, with what was approved before"),
    "delegation": _("Stands in for"),
}

OBJECTIONS: Mapping[Objection, Words] = {
    "stranger": _("is no member"),
    "role": _("has a role that decides nothing of this kind"),
    "scope": _("has a role that does not reach there"),
    "forbidden": _("nobody may approve it as it is"),
    "own": _("asked for it"),
    "editor": _("changed it last"),
    "spoken": _("has approved it already, or somebody did in their place"),
    "no_limit": _("has no limit in that currency"),
    "over_limit": _("has a lower limit per request"),
    "over_day": _("has approved too much today"),
    "over_month": _("has approved too much this month"),
}


def policy_card(version: int, policy: Policy, proposed: Sequence[VersionView] = (), *, admin: bool = False) -> Message:
    """The policy in force; what waits for a second administrator, with buttons for administrators."""
    title = _("The policy, version {number}", number=version)
    blocks: list[Block] = [
        Heading(title),
        Table((Column(_("Total")), Column(_("Who must approve"))), tuple(_band(policy, band) for band in policy.bands)),
        *_limits(policy),
        Paragraph(Bold(_("Two people, whatever the total:"))),
        Bullets(_careful(policy)),
        Facts(_facts(policy)),
    ]
    for each in proposed[:3]:
        blocks += _proposed(each, admin=admin)
    blocks.append(Footnote(_("Who may decide one request, and why: {example}", example=Code("policy R-12"))))
    return Message(title, tuple(blocks))


def _band(policy: Policy, band: Band) -> tuple[Inline, ...]:
    if band.up_to is None:
        ends = [each.up_to for each in policy.bands if each.up_to is not None]
        total: Inline = _("above {money}", money=_money(max(ends), policy.currency)) if ends else _("any")
    else:
        total = _("up to {money}", money=_money(band.up_to, policy.currency))
    if band.people > 1:
        who = n_(
            "{count} person, neither the requester nor who changed it last",
            "{count} people, neither the requester nor who changed it last",
            band.people,
        )
    elif band.requester and policy.self_approval:
        who = _("1 person, who may be the requester")
    else:
        who = _("1 person, not the requester")
    return total, who


def _limits(policy: Policy) -> list[Block]:
    columns = (
        Column(_("Role")),
        Column(_("Per request"), "end"),
        Column(_("Within 24 hours"), "end"),
        Column(_("Within 30 days"), "end"),
    )
    rows = tuple(
        (
            labels.ROLES.get(each.role, Text(each.role)),
            _money(each.per_request, each.currency),
            labels.NONE if each.per_day is None else _money(each.per_day, each.currency),
            labels.NONE if each.per_month is None else _money(each.per_month, each.currency),
        )
        for each in policy.limits[:20]
    )
    if not rows:
        return [Paragraph(_("No role has a limit yet, so nobody may approve anything."))]
    return [Table(columns, rows)]


def _careful(policy: Policy) -> tuple[Inline, ...]:
    return (
        _("a supplier that is new: nothing ordered yet, added within {days} days", days=policy.new_supplier_days),
        _("more than {times} times the mean need of 90 days", times=Number(policy.quantity_over, 1)),
        _("a price more than {share} over the route's quote", share=Number(policy.price_over, 1, share=True)),
        _("an exchange rate older than {hours} hours", hours=policy.rate_hours),
        _(
            "a promotion of more than {share} of the catalogue, or below cost",
            share=Number(policy.catalogue_share, 1, share=True),
        ),
    )


def _facts(policy: Policy) -> tuple[tuple[Words, Inline], ...]:
    step_up: Inline = _("off")
    if policy.step_up_above is not None:
        step_up = _money(policy.step_up_above, policy.currency)
    return (
        (_("One-time code above"), step_up),
        (_("Orders to one supplier are counted together for"), labels.days(policy.split_days)),
        (_("Purchases lapse after"), _hours(policy.purchase_hours)),
        (_("Transfers lapse after"), _hours(policy.transfer_hours)),
        (_("Promotions lapse after"), _hours(policy.promotion_hours)),
        (_("Deepest discount"), Number(policy.deepest_discount, 1, share=True)),
        (_("Least markup on cost of a promotion"), Number(policy.least_margin, 1, share=True)),
        (_("Products in one promotion"), Number(policy.promotion_skus)),
        (_("Delegations last"), labels.days(policy.delegation_days)),
        (_("Others are asked after"), _minutes(policy.wait_minutes)),
        (_("Urgent: others are asked after"), _minutes(policy.urgent_wait_minutes)),
    )


def _hours(hours: int) -> Words:
    return n_("{count} hour", "{count} hours", hours)


def _minutes(minutes: int) -> Words:
    return n_("{count} minute", "{count} minutes", minutes)


def _money(minor: int, currency: str) -> Inline:
    return Amount(Money.of_minor(minor, currency))


def _proposed(version: VersionView, *, admin: bool) -> list[Block]:
    words = _(
        "Version {number}, proposed by {who}, {at}, waits for a second administrator. It loosens:",
        number=version.number,
        who=Text(version.proposed_by or "Stocktide"),
        at=Instant(version.proposed_at),
    )
    items: tuple[Inline, ...] = tuple(Code(each) for each in version.loosens[:MAX_LISTED])
    if len(version.loosens) > MAX_LISTED:
        items = (*items, _("and {count} more", count=len(version.loosens) - MAX_LISTED))
    blocks: list[Block] = [Paragraph(words), Bullets(items)]
    if admin:
        number = str(version.number)
        confirm = Action(_("Confirm version {number}", number=number), "policy", ("confirm", number), style="primary")
        refuse = Action(_("Reject"), "policy", ("refuse", number), style="danger")
        blocks.append(Actions((confirm, refuse)))
    return blocks


def version_card(version: VersionView) -> Message:
    """What became of a version, as an answer."""
    words = _(
        "Version {number} of the policy: {state}.",
        number=version.number,
        state=VERSION_STATES.get(version.state, Text(version.state)),
    )
    if version.state == "proposed":
        return Message(words, (Paragraph(words), *_proposed(version, admin=False)))
    return Message(words, (Paragraph(words), Actions((Action(_("The policy"), "policy"),))))


def history_card(versions: Sequence[VersionView]) -> Message:
    """The last versions, newest first."""
    title = _("Versions of the policy")
    columns = (
        Column(_("Version")),
        Column(_("State")),
        Column(_("Proposed and confirmed by")),
        Column(_("When")),
        Column(_("Note")),
    )
    rows = tuple(
        (
            Text(str(each.number)),
            VERSION_STATES.get(each.state, Text(each.state)),
            Text(each.proposed_by + (f" + {each.decided_by}" if each.decided_by else "") or "Stocktide"),
            Instant(each.proposed_at),
            Text(each.note or "–"),
        )
        for each in versions[:20]
    )
    if not rows:
        return Message(title, (Heading(title), Paragraph(_("The settings' own policy is in force; none was written."))))
    return Message(title, (Heading(title), Table(columns, rows)))


def explanation_card(found: Explanation) -> Message:
    """Whether somebody may approve a request, rule by rule."""
    verdict = _verdict(found)
    title = _("{request} and {name}", request=Text(found.request), name=Text(found.member))
    blocks: list[Block] = [
        Heading(
            Span((title, Text(" · "), Badge(_("may approve"), "good") if found.may else Badge(_("may not"), "bad")))
        ),
        Paragraph(verdict),
        Table(
            (Column(_("Rule")), Column(_("Met")), Column(_("Amount of limit"))),
            tuple(_rule(line) for line in found.rules),
        ),
        Paragraph(
            _(
                "{money} needs {needs}; {given} given so far.",
                money=Amount(found.total),
                needs=n_("{count} approval", "{count} approvals", found.needs),
                given=found.given,
            )
        ),
    ]
    if found.reasons:
        own = found.currency
        blocks.append(Bullets(tuple(reason_words(each, found.total.currency, own) for each in found.reasons[:10])))
    able: Inline = Text(", ".join(found.able)) if found.able else _("nobody")
    blocks.append(Paragraph(_("By their own authority it can be approved by: {names}", names=able)))
    if found.offered:
        blocks.append(Footnote(_("Already asked: {names}", names=Text(", ".join(found.offered)))))
    return Message(verdict, tuple(blocks))


def _verdict(found: Explanation) -> Words:
    name, request = Text(found.member), Code(found.request)
    if found.may and found.in_place_of:
        principal = Text(found.in_place_of)
        return _(
            "{name} may approve {request} in the place of {principal}.", name=name, request=request, principal=principal
        )
    if found.may:
        return _("{name} may approve {request}.", name=name, request=request)
    if found.objection is None:
        state = labels.REQUEST_STATES.get(found.state, (Text(found.state), "plain"))[0]  # type: ignore[call-overload]  # any text
        return _("{request} cannot be decided any more, or not yet: {state}.", request=request, state=state)
    why = OBJECTIONS[found.objection]
    return _("{name} may not approve {request}: {why}.", name=name, request=request, why=why)


def _rule(line: RuleLine) -> tuple[Inline, ...]:
    rule: Inline = RULES[line.rule]
    if line.name:
        rule = Span((rule, Text(" "), Text(line.name)))
    figures: Inline = labels.NONE
    if line.most is not None and line.found is not None:
        figures = _("{found} of {most}", found=Amount(line.found), most=Amount(line.most))
    elif line.rule == "limit":
        figures = _("no limit in this currency")
    return rule, Badge(_("yes"), "good") if line.fits else Badge(_("no"), "bad"), figures


def delegation_card(
    given: tuple[str, datetime, datetime] | None, taken: Sequence[tuple[str, datetime, datetime]], days: int
) -> Message:
    """Whom one has named (name, from, until), and in whose place one stands."""
    title = _("Delegation")
    lines: list[Inline] = []
    if given is not None:
        name, start, end = given
        lines.append(
            _(
                "{name} stands in for you from {start} until {end}.",
                name=Text(name),
                start=Instant(start),
                end=Instant(end),
            )
        )
    lines += [
        _("You stand in for {name} from {start} until {end}.", name=Text(name), start=Instant(start), end=Instant(end))
        for name, start, end in taken
    ]
    blocks: list[Block] = (
        [Bullets(tuple(lines))] if lines else [Paragraph(_("Nobody stands in for you, nor you for anybody."))]
    )
    if given is not None:
        blocks.append(Actions((Action(_("End it now"), "delegate", ("off",), style="danger"),)))
    hint = _(
        "Name somebody with {example}, for {days} days at most. The lower of both limits holds; it cannot be "
        "passed on.",
        example=Code("delegate Greta until 2011-12-01"),
        days=days,
    )
    return Message(title, (Heading(title), *blocks, Footnote(hint)))


def enrolment_card(secret: str, link: str, png: bytes) -> Message:
    """A new authenticator: the picture to scan, or the secret to type."""
    title = _("Your authenticator")
    how = _("Scan this with an authenticator app, or open the link on your phone, or type the secret.")
    confirm = _("Then send me the code it shows: {example}", example=Code("authenticator 123456"))
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    blocks: tuple[Block, ...] = (
        Heading(title),
        Paragraph(how),
        Image(png, _("A QR code with your secret")),
        Facts(((_("Secret"), Code(spaced)), (_("Link"), Code(link)))),
        Paragraph(Bold(confirm)),
        Footnote(_("Whoever sees this can make your codes: show it to nobody, and delete this message afterwards.")),
    )
    return Message(title, blocks)
