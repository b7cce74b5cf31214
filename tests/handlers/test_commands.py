import re
from datetime import timedelta
from typing import get_args

import pytest

from bot.chat.command import Command
from bot.chat.incoming import ConversationKind
from bot.chat.parsing import grammar
from bot.chat.router import Answer
from bot.language import language
from bot.storage import tables
from handlers import ALIASES, COMMANDS
from handlers.help import EXAMPLES
from tests.handlers.conftest import CANDLE, CLOCK, LANTERN, Office, button, buttons, text


async def case_of(office: Office, kind: str, sku: str) -> int:
    return int((await office.shop.unresolved())[kind, sku].id)


async def test_stock_shows_each_figure_and_leads_to_the_request(office: Office) -> None:
    answer = await office.ask("/stock 85123a")
    told = text(answer)
    assert not answer.refused, told
    assert "85123A WHITE HANGING HEART T-LIGHT HOLDER" in told
    assert "On hand: 30 units" in told
    assert "Sold today: 7 units" in told
    assert "Stock-out risk" in told
    assert "Next: look at R-" in told
    opened = await office.press(button(answer, "requests"))
    assert "waiting for approval" in text(opened)


async def test_stock_at_one_place_is_asked_for_by_its_country_in_either_language(office: Office) -> None:
    for line in ("stock 85123A UK", "stock 85123A united kingdom", "库存 85123A 英国", "stock white hanging heart GB"):
        answer = await office.ask(line)
        assert not answer.refused, line
        assert "United Kingdom" in text(answer)


async def test_a_mistyped_sku_gets_the_three_nearest_as_buttons_and_a_press_answers(office: Office) -> None:
    answer = await office.ask("stock 85132A")
    assert answer.refused
    nearest = [each.arguments[0] for each in buttons(answer)]
    assert len(nearest) == 3
    assert nearest[0] == LANTERN
    assert not (await office.press(buttons(answer)[0])).refused


async def test_part_of_a_name_finds_a_product_and_an_ambiguous_one_offers_the_best(office: Office) -> None:
    assert "22423" in text(await office.ask("alarm bakelike"))
    answer = await office.ask("stock hanging heart")
    assert {each.arguments[0] for each in buttons(answer)} == {LANTERN, CANDLE}


async def test_restock_and_slow_list_what_their_names_say(office: Office) -> None:
    restock, slow = await office.ask("restock"), await office.ask("slow")
    assert LANTERN in text(restock)
    assert CLOCK not in text(restock)
    assert CLOCK in text(slow)
    assert LANTERN not in text(slow)
    assert "all is well" in text(await office.ask("restock DE"))


async def test_turnover_answers_for_a_place_a_product_and_everything(office: Office) -> None:
    everything = text(await office.ask("turnover"))
    assert "UK" in everything
    assert "DE" in everything
    assert "Turnover" in text(await office.ask("turnover UK"))
    assert "Turnover" in text(await office.ask("turnover 85123A"))
    assert "Turnover" in text(await office.ask("turnover alarm clock"))


async def test_cases_lead_to_why_and_why_to_the_stored_reckoning(office: Office) -> None:
    listed = await office.ask("cases")
    assert LANTERN in text(listed)
    case = await case_of(office, "stockout_risk", LANTERN)
    told = text(await office.ask(f"why C-{case}"))
    assert "Velocity, units a day" in told
    assert "Reorder point" in told
    assert "w7 = " in told
    assert (await office.press(button(listed, "why"))).refused is False


async def test_an_unknown_case_or_request_is_refused_kindly(office: Office) -> None:
    for line in ("why C-999", "snooze C-999 1d", "approve R-999", "requests R-999"):
        answer = await office.ask(line)
        assert answer.refused
        assert "There is no" in text(answer), line


async def test_a_snoozed_case_says_until_when_and_a_viewer_may_not_snooze(office: Office) -> None:
    case = await case_of(office, "stockout_risk", LANTERN)
    refused = await office.ask(f"snooze C-{case} 3d", name="Vic")
    assert refused.refused
    assert (await office.shop.cases.get(case)).snoozed_until is None
    answer = await office.ask(f"snooze C-{case} 3d", name="Maria")
    assert "stays silent until Nov 24, 2011" in text(answer)
    assert (await office.shop.cases.get(case)).snoozed_until == office.shop.clock.now() + timedelta(days=3)


async def test_a_request_is_approved_once_and_the_second_person_is_told(office: Office) -> None:
    waiting = await office.ask("requests")
    assert "1 request waits for approval" in text(waiting)
    card = await office.press(button(waiting, "requests"))
    approve = button(card, "approve")
    answer = await office.press(approve, platform="telegram")
    told = text(answer)
    assert "approved by Lin Wei" in told
    assert "from Telegram" in told
    assert "Next the order goes out to the supplier" in told
    assert answer.private
    again = await office.press(approve, platform="telegram")
    assert "nothing was done twice" in text(again)
    rows = await office.shop.requested()
    assert [row.state for row in rows].count("approved") == 1


async def test_a_stranger_pressing_approve_is_told_and_nothing_is_done(office: Office) -> None:
    card = await office.press(button(await office.ask("requests"), "requests"))
    for name in ("Nobody", "Vic"):
        answer = await office.press(button(card, "approve"), name=name)
        assert answer.refused
        assert answer.private
    assert {row.state for row in await office.shop.requested()} <= {"pending", "draft"}


async def test_a_rejection_keeps_its_comment(office: Office) -> None:
    request = next(row for row in await office.shop.requested() if row.state == "pending")
    answer = await office.ask(f"reject R-{request.id} 太贵了，先等等")
    assert not answer.refused, text(answer)
    assert "太贵了，先等等" in text(await office.ask(f"requests R-{request.id}"))


async def test_a_button_of_an_older_version_of_a_request_is_refused(office: Office) -> None:
    request = next(row for row in await office.shop.requested() if row.state == "pending")
    answer = await office.ask(f"approve R-{request.id}@{request.version + 1}")
    assert answer.refused
    assert "changed since it was shown" in text(answer)


async def test_the_digest_is_shown_moved_and_turned_off(office: Office) -> None:
    assert "Good morning, Lin Wei" in text(await office.ask("digest"))
    assert "Good morning, Lin Wei" in text(await office.ask("digest now"))
    assert "08:30" in text(await office.ask("digest 8:30"))
    assert (await office.services.members.get(office.shop.members["Lin Wei"])).digest_at is not None
    assert "No more digests" in text(await office.ask("digest 关闭"))
    assert (await office.services.members.get(office.shop.members["Lin Wei"])).digest_at is None


@pytest.mark.parametrize(
    ("line", "field", "value"),
    [
        ("me zone Asia/Shanghai", "zone", "Asia/Shanghai"),
        ("me language zh", "language", "zh_CN"),
        ("me 语言 中文", "language", "zh_CN"),
        ("me hours 10:00 19:30", "working_from", "10:00:00"),
        ("me hours 10:00-19:30", "working_to", "19:30:00"),
        ("me hours 上午10点 到 晚上7点", "working_to", "19:00:00"),
        ("me country cn", "country", "CN"),
        ("me country none", "country", ""),
        ("me days 23456", "workdays", "23456"),
    ],
)
async def test_me_sets_what_it_is_told(office: Office, line: str, field: str, value: str) -> None:
    answer = await office.ask(line)
    assert not answer.refused, text(answer)
    assert answer.private
    member = await office.services.members.get(office.shop.members["Lin Wei"])
    assert str(getattr(member, field)) == value


@pytest.mark.parametrize(
    "line",
    ["me zone Mars/Olympus", "me zone ../../etc/passwd", "me language klingon", "me hours 9", "me hours a b",
     "me country Narnia", "me days 89", "me days", "me dance", "digest 25:00", "digest tomorrow"],
)  # fmt: skip
async def test_me_and_digest_refuse_what_makes_no_sense_with_the_usage_line(office: Office, line: str) -> None:
    answer = await office.ask(line)
    assert answer.refused
    assert not answer.reference
    assert "Write it so:" in text(answer)


async def test_who_tells_each_local_time(office: Office) -> None:
    told = text(await office.ask("who"))
    assert "Vic" in told
    assert "Mon 16:00 Bangkok" in told
    assert "at work" in told


async def test_a_conversation_subscribes_and_unsubscribes(office: Office) -> None:
    assert "Subscribed to stock-out risks" in text(await office.ask("subscribe restock"))
    assert "already" in text(await office.ask("subscribe 补货"))
    assert "surge" in text(await office.ask("subscribe surge UK"))
    refused = await office.ask("unsubscribe restock", name="Vic")
    assert refused.refused
    assert "Unsubscribed" in text(await office.ask("unsubscribe restock"))
    topics = await office.services.topics.of(office.call("Lin Wei", "slack", "group", 1).origin)
    assert topics == (("surge", "UK"),)


async def test_a_code_from_each_side_joins_both_platforms_and_each_is_for_the_asker_alone(office: Office) -> None:
    answer = await office.ask("link")
    assert answer.private
    there = await office.ask(f"link {code_of(answer)}", name="Somebody", platform="telegram", kind="direct")
    assert there.private
    back = await office.ask(f"link {code_of(there)}")
    assert "Is Somebody on Telegram really you?" in text(back)  # Lin Wei is an approver
    linked = await office.press(button(back, "link"))
    assert "Linked: you are Lin Wei on Slack + Telegram." in text(linked)
    assert (await office.ask("link", platform="telegram")).refused  # a group
    again = await office.ask(f"link {code_of(there)}")
    assert "wrong, used, or older" in text(again)


def code_of(answer: Answer) -> str:
    return re.search(r"link (\S{5}-\S{5})", text(answer))[1]  # type: ignore[index]  # it is there


async def test_help_shows_every_command_and_one_with_examples(office: Office) -> None:
    told = text(await office.ask("help", name="Nobody"))
    for command in COMMANDS:
        assert command.name in told
    assert "/stocktide turnover" in told
    assert "/stock SKU [LOCATION]" in told
    assert "me zone Asia/Shanghai" in text(await office.ask("help me"))
    assert "85123A" in text(await office.ask("帮助 库存"))
    assert (await office.ask("help dance")).refused


def test_every_command_has_arguments_that_a_line_can_be_read_into() -> None:
    for command in COMMANDS:
        for parameter in grammar(command.run):
            assert parameter.kinds or parameter.choices, f"{command.name} {parameter.name}"


def test_names_and_aliases_are_unique_and_lead_somewhere() -> None:
    names = [command.name for command in COMMANDS]
    assert len(names) == len(set(names))
    assert set(ALIASES.commands.values()) <= set(names)
    assert not set(ALIASES.commands) & set(names)
    assert ALIASES.bare in names
    assert set(EXAMPLES) <= set(names)


def test_the_short_commands_are_those_that_slack_gets_of_their_own() -> None:
    short = {command.name for command in COMMANDS if command.short}
    reading, deciding = {"stock", "restock", "slow", "digest", "board", "huddle"}, {"approve", "reject", "buy", "promo"}
    assert short == reading | deciding | {"halt", "resume", "stop"}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_summary_fits_a_menu_in_both_languages(command: Command) -> None:
    for code in ("en", "zh_CN"):
        assert 3 <= len(language(code).say(command.summary)) <= 100


async def test_every_example_of_the_help_is_understood(office: Office) -> None:
    for examples in EXAMPLES.values():
        for line in examples:
            answer = await office.ask(line)
            told = text(answer)
            assert not answer.reference, line
            assert "Write it so:" not in told or "code" in told, f"{line}: {told}"


async def test_every_answer_can_be_said_in_chinese(office: Office) -> None:
    for line in (
        "stock 85123A",
        "restock",
        "slow",
        "turnover",
        "cases",
        "why 1",
        "requests",
        "who",
        "me",
        "help",
        "digest",
    ):
        for kind in get_args(ConversationKind):
            answer = await office.ask(line, kind=kind)
            assert not answer.refused, line
            assert text(answer, "zh_CN")


async def test_a_line_that_asks_changes_nothing(office: Office) -> None:
    async def count() -> tuple[int, ...]:
        kinds = (tables.Case, tables.Request, tables.Outbox, tables.Member, tables.Identity, tables.Subscription)
        return tuple([len(await office.shop.all(kind)) for kind in kinds])

    before = await count()
    for line in ("stock 85123A", "restock", "cases", "why 1", "who", "me", "help", "requests", "turnover", "slow"):
        await office.ask(line)
    assert await count() == before
