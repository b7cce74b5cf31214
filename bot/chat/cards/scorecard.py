"""The weekly scorecard: what was foretold against what came, and what somebody might change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from bot.chat.cards import labels
from bot.chat.cards.charts import score_block
from bot.chat.nodes import (
    Action,
    Actions,
    Block,
    Bold,
    Bullets,
    Code,
    Column,
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
    Table,
    Text,
)
from bot.domain.hindsight import AlertScore, Coverage, Waits
from bot.domain.scorecard import (
    AlertsView,
    ForecastWeek,
    Lacking,
    Latency,
    LeadTime,
    Proposal,
    Scorecard,
    TurnPoint,
)
from bot.words import Words, _, n_

FEW = 20  # with fewer, a share is told as two numbers


def scorecard_card(card: Scorecard) -> Message:
    """The card; each part says how much it rests on, or what is lacking."""
    first, last = Day(card.week), Day(card.week + timedelta(days=6))
    title = _("Scorecard of the week from {first} to {last}", first=first, last=last)
    blocks: list[Block] = [Heading(title)]
    blocks += _forecasts(card)
    blocks += [Divider(), *_alerts(card.alerts)]
    blocks += [Divider(), *_lead_times(card)]
    blocks += [Divider(), *_latency(card.latency)]
    blocks += [Divider(), *_turnover(card.turnover, card.turnover_days)]
    blocks += [Divider(), *_proposals(card.proposals, card.lacking)]
    blocks.append(Footnote(_("As of {at}.", at=Instant(card.as_of))))
    blocks.append(Actions((Action(_("Turnover"), "turnover"), Action(_("Open cases"), "cases"))))
    return Message(title, tuple(blocks))


def _forecasts(card: Scorecard) -> list[Block]:
    judged = next((week for week in card.forecasts if week.week == card.week), None)
    if judged is None or not judged.score.series:
        return [Paragraph(_("Forecasts: none was on record for this week, or nothing could be judged."))]
    blocks: list[Block] = [Paragraph(Span((Bold(_("Forecasts")), Text(": "), _bias(judged))))]
    blocks.append(Table(_COVERAGE, tuple(_covered(judged))))
    notes: list[Inline] = []
    if judged.score.skill is not None:
        notes.append(_skill(judged.score.skill))
    earlier = [week for week in card.forecasts if week.week != card.week and week.score.bias is not None]
    if earlier:
        lines = [_off(week.score.bias or 0.0) for week in earlier]
        notes.append(_("Weeks before, newest first: {weeks}.", weeks=labels.listing(lines)))
    notes.append(_left_out(judged))
    if judged.replayed:
        notes.append(_("Made afterwards, of the facts known when the week began; from now on each week's is kept."))
    picture = score_block(card)
    return [*blocks, *([] if picture is None else [picture]), *(Footnote(note) for note in notes)]


_COVERAGE = (
    Column(_("Quantile")),
    Column(_("Should hold"), "end"),
    Column(_("Held"), "end"),
    Column(_("Series"), "end"),
)


def _bias(week: ForecastWeek) -> Inline:
    figures = {"forecast": Number(round(week.score.forecast)), "sold": Number(week.score.sold)}
    if week.score.bias is None:
        return _("{forecast} units foretold, none sold.", **figures)
    return _("{forecast} units foretold, {sold} sold: {off}.", off=Bold(_off(week.score.bias)), **figures)


def _off(bias: float) -> Inline:
    share = _percent(abs(bias))
    if round(bias, 3) == 0:
        return _("no bias")
    return _("{share} too high", share=share) if bias > 0 else _("{share} too low", share=share)


def _covered(week: ForecastWeek) -> list[tuple[Inline, ...]]:
    rows: list[tuple[Inline, ...]] = []
    for part in (*week.score.coverage, *week.score.service):
        name = (
            _("service level of {abc}", abc=part.abc) if part.abc else _("{share} quantile", share=_percent(part.level))
        )
        rows.append((name, _percent(part.level), _held(part), Number(part.of)))
    return rows


def _held(part: Coverage) -> Inline:
    return _ratio(part.within, part.of)


def _skill(skill: float) -> Words:
    share = _percent(abs(skill))
    if skill >= 0:
        return _("Its quantiles lose {share} less than the mean day of four weeks (pinball loss).", share=share)
    return _("Its quantiles lose {share} more than the mean day of four weeks (pinball loss).", share=share)


def _left_out(week: ForecastWeek) -> Words:
    return _(
        "Left out: {empty} out of stock, {silent} without fresh facts.",
        empty=n_("{count} series", "{count} series", week.empty),
        silent=n_("{count} series", "{count} series", week.silent),
    )


def _alerts(view: AlertsView | None) -> list[Block]:
    if view is None or not (view.score.judged or view.score.ordered or view.score.late or view.score.stockouts):
        return [Paragraph(_("Alerts: of none has the day passed that it foretold."))]
    score = view.score
    title = n_("Stock-out alerts of the last {count} week", "Stock-out alerts of the last {count} weeks", view.weeks)
    lines: list[Inline] = []
    if score.judged:
        lines.append(
            _(
                "{right} of those whose day has passed came true: {came} ran out, {averted} were averted by goods that"
                " came first; {false} were false.",
                right=Bold(_ratio(score.right, score.judged)),
                came=Number(score.came),
                averted=Number(score.averted),
                false=Number(score.false),
            )
        )
    if score.stockouts:
        lines.append(
            _(
                "{told} of the stock-outs that came were told before.",
                told=Bold(_ratio(score.foretold, score.stockouts)),
            )
        )
    if score.ordered or score.late:
        lines.append(_aside(score))
    blocks: list[Block] = [Paragraph(Bold(title)), Bullets(tuple(lines))]
    if view.replayed:
        blocks.append(
            Footnote(_("Reckoned as weekly scans of the facts of then would have told: the watch is new here."))
        )
    return blocks


def _aside(score: AlertScore) -> Words:
    return _(
        "Not counted: {ordered} where the stock lasted until what was ordered comes, {late} told when the shelf was"
        " empty already.",
        ordered=Number(score.ordered),
        late=Number(score.late),
    )


def _lead_times(card: Scorecard) -> list[Block]:
    if not card.ways:
        return [Paragraph(_("Lead times: nothing has arrived yet that tells of them."))]
    if not card.worst:
        words = n_(
            "Lead times: nothing takes longer than stated ({count} way of buying).",
            "Lead times: nothing takes longer than stated ({count} ways of buying).",
            card.ways,
        )
        return [Paragraph(words)]
    return [
        Paragraph(Bold(_("Lead times, furthest from what is stated"))),
        Bullets(tuple(_way(way) for way in card.worst)),
    ]


def _way(way: LeadTime) -> Inline:
    return _(
        "{way}: {mean} over {deliveries}, {stated} stated",
        way=_named(way),
        mean=Bold(_("{days} days", days=Number(_decimal(way.mean), 1))),
        deliveries=n_("{count} delivery", "{count} deliveries", way.deliveries),
        stated=labels.days(_decimal(way.stated)),
    )


def _named(way: LeadTime) -> Inline:
    mode = labels.MODES.get(way.mode, Text(way.mode))
    return _("{supplier} to {place} {mode}", supplier=Text(way.supplier), place=Text(way.place), mode=mode)


def _latency(latency: Latency) -> list[Block]:
    columns = (
        Column(_("Hours until")),
        Column(_("Median"), "end"),
        Column(_("Nine of ten within"), "end"),
        Column(_("Count"), "end"),
        Column(_("Week before"), "end"),
    )
    rows = (
        (_("a request is decided"), latency.decisions, latency.decisions_before),
        (_("a case is acted on"), latency.actions, latency.actions_before),
    )
    return [Table(columns, tuple(_waited(*row) for row in rows))]


def _waited(name: Words, now: Waits, before: Waits) -> tuple[Inline, ...]:
    earlier: Inline = labels.NONE
    if before.count:
        earlier = Span((_hours(before.median), Text(" / "), _hours(before.p90), Text(f" ({before.count})")))
    return name, _hours(now.median), _hours(now.p90), Number(now.count), earlier


def _hours(value: float | None) -> Inline:
    return labels.NONE if value is None else Number(_decimal(value), 0 if value >= 10 else 1)


_AGO = {
    0: _("now"),
    1: _("a week ago"),
    4: _("4 weeks ago"),
    13: _("13 weeks ago"),
}


def _turnover(points: Sequence[TurnPoint], period: int) -> list[Block]:
    known = [point for point in points if point.days is not None]
    if not known:
        return [Paragraph(_("Turnover: no sales or no cost is known yet."))]
    parts = [Span((_AGO[point.weeks_ago], Text(" "), Bold(Number(_decimal(point.days or 0.0), 1)))) for point in known]
    title = n_("Days of inventory, over {count} day", "Days of inventory, over {count} days", period)
    return [Paragraph(Span((Bold(title), Text(": "), labels.listing(parts, _("; ")))))]


def _proposals(proposals: Sequence[Proposal], lacking: Sequence[Lacking]) -> list[Block]:
    blocks: list[Block] = []
    if proposals:
        blocks.append(Paragraph(Bold(_("Proposals: nothing changes until you change it"))))
        blocks.append(Bullets(tuple(_proposal(each) for each in proposals)))
    else:
        blocks.append(Paragraph(_("Nothing is proposed.")))
    if lacking:
        lines = labels.listing([_lacking(each) for each in lacking], _("; "))
        blocks.append(Footnote(_("Not enough yet: {what}.", what=lines)))
    return blocks


def _proposal(proposal: Proposal) -> Inline:
    change = {"was": _percent(proposal.was), "to": Bold(_percent(proposal.to))}
    setting = Code("watch.service_levels")
    if proposal.kind == "raise_level":
        return _(
            "Raise the service level of class {abc} from {was} to {to}: demand stayed within it in {held} of weeks."
            " Set {setting} in the settings file.",
            abc=proposal.subject,
            held=_ratio(proposal.count, proposal.of),
            setting=setting,
            **change,
        )
    if proposal.kind == "lower_level":
        return _(
            "Lower the service level of class {abc} from {was} to {to}: {false} of its alerts were false, and its"
            " level holds. Set {setting} in the settings file.",
            abc=proposal.subject,
            false=_ratio(proposal.count, proposal.of),
            setting=setting,
            **change,
        )
    if proposal.kind == "lead_time" and proposal.way is not None:
        return _(
            "State {to} in place of {was} for {way}: that is the mean of {deliveries}. Set {column} in the file of"
            " suppliers and import it.",
            to=Bold(labels.days(_decimal(proposal.to))),
            was=labels.days(_decimal(proposal.was)),
            way=_named(proposal.way),
            deliveries=n_("{count} delivery", "{count} deliveries", proposal.of),
            column=Code("lead_time_days"),
        )
    return _(
        "Decide sooner: a tenth of {decisions} took {was} hours or more. Name somebody for your hours away with"
        " {delegate}, or have the digest earlier with {digest}.",
        decisions=n_("{count} decision", "{count} decisions", proposal.of),
        was=Bold(_hours(proposal.was)),
        delegate=Code("delegate NAME until DATE"),
        digest=Code("digest 08:00"),
    )


_LACKING: dict[str, Words] = {
    "weeks": _("weeks of forecasts"),
    "coverage": _("series for coverage"),
    "alerts": _("alerts"),
    "lead_time": _("deliveries of one way of buying"),
    "decisions": _("decisions"),
}


def _lacking(lacking: Lacking) -> Inline:
    return _(
        "{what}: {have} of {need} needed",
        what=_LACKING[lacking.kind],
        have=Number(lacking.have),
        need=Number(lacking.need),
    )


def _ratio(count: int, of: int) -> Inline:
    """A share of many as a percentage with its numbers, of few as the numbers alone."""
    numbers = _("{count} of {of}", count=Number(count), of=Number(of))
    if of < FEW:
        return numbers
    return _("{share} ({numbers})", share=_percent(count / of), numbers=numbers)


def _percent(share: float) -> Number:
    return Number(Decimal(str(round(share, 3))), 1, share=True)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 1)))
