"""Cards: pure functions from views to messages. Short, aligned, figures with units, the next step in one line."""

from bot.chat.cards.books import audit_card, head_card, rates_missing_card
from bot.chat.cards.cases import burst_card, case_card, cases_card, snoozed_card, stale_card
from bot.chat.cards.digest import digest_card, home_card
from bot.chat.cards.offers import offer_note, offered_card
from bot.chat.cards.options import bought_card, lot_card, options_card
from bot.chat.cards.orders import arrives_form, progress_card, receive_form, received_card
from bot.chat.cards.people import (
    answer_back_card,
    board_card,
    code_card,
    command_card,
    confirm_link_card,
    help_card,
    linked_card,
    member_card,
    topics_card,
    who_card,
)
from bot.chat.cards.plain import (
    apology_card,
    notice_card,
    refusal_card,
    unknown_card,
    welcome_card,
    zone_card,
    zone_question,
)
from bot.chat.cards.requestlists import more_requests_card, requests_card
from bot.chat.cards.requests import decided_card, request_card
from bot.chat.cards.scorecard import scorecard_card
from bot.chat.cards.stock import stock_card
from bot.chat.cards.turnover import turnover_card
from bot.chat.cards.why import reckoning_card, why_card

__all__ = [
    "answer_back_card",
    "apology_card",
    "arrives_form",
    "audit_card",
    "board_card",
    "bought_card",
    "burst_card",
    "case_card",
    "cases_card",
    "code_card",
    "command_card",
    "confirm_link_card",
    "decided_card",
    "digest_card",
    "head_card",
    "help_card",
    "home_card",
    "linked_card",
    "lot_card",
    "member_card",
    "more_requests_card",
    "notice_card",
    "offer_note",
    "offered_card",
    "options_card",
    "progress_card",
    "rates_missing_card",
    "receive_form",
    "received_card",
    "reckoning_card",
    "refusal_card",
    "request_card",
    "requests_card",
    "scorecard_card",
    "snoozed_card",
    "stale_card",
    "stock_card",
    "topics_card",
    "turnover_card",
    "unknown_card",
    "welcome_card",
    "who_card",
    "why_card",
    "zone_card",
    "zone_question",
]
