"""What cards say in words of their own: reasons one by one, what a promotion gives away, lists in both languages."""

from __future__ import annotations

import pytest

from bot.chat.cards import labels
from bot.chat.cards.requests import request_card
from bot.chat.cards.votes import MAX_REASONS, vote_blocks
from bot.chat.nodes import Bullets, Facts, Message, Paragraph
from tests.chat import test_promotion_cards as promotions
from tests.chat import views
from tests.chat.test_cards import said


@pytest.mark.parametrize("count", [1, MAX_REASONS, MAX_REASONS + 2])
def test_each_reason_for_two_people_is_a_line_of_its_own_and_the_rest_is_counted(count: int) -> None:
    reasons = [{"kind": "new_supplier", "facts": {}}] * count
    badge, listed, *_rest = vote_blocks(views.a_request(needs=2, detail={"reasons": reasons}))
    assert isinstance(badge, Paragraph)
    assert isinstance(listed, Bullets)
    assert len(listed.items) == min(count, MAX_REASONS + 1)
    told = said(Message(labels.ROLES["viewer"], (listed,)))
    assert ("and 2 more reasons" in told) == (count > MAX_REASONS)


def test_a_promotion_says_what_it_gives_away_and_each_price_once() -> None:
    card = request_card(promotions.request())
    names = [pair[0].msgid for block in card.blocks if isinstance(block, Facts) for pair in block.pairs]
    assert "Given away at most" in names
    assert not {"Total", "Discount", "Price now", "Clearance price"} & set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("code", "told"), [("en", "viewer, auditor"), ("zh_CN", "只读成员、审计")])
def test_a_list_is_parted_as_the_language_parts_it(code: str, told: str) -> None:
    roles = labels.listing([labels.ROLES["viewer"], labels.ROLES["auditor"]])
    assert told in said(Message(labels.ROLES["viewer"], (Paragraph(roles),)), code)
