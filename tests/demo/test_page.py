"""The demo's page as a person uses it, in a real browser, with the real bot behind it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from bot.cli.stage import Set
from tests.demo.viewing import Looker, last, look_as, say, waiting

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_command_typed_in_slack_is_answered_in_the_channel(looker: Looker) -> None:
    page = await looker.open("jonas")
    await say(page, "slack", "/stock 85123A")
    answer = last(page, "slack")
    await expect(answer).to_contain_text("On hand")
    await expect(answer.locator("h3, p").first).to_contain_text("85123A")
    await expect(answer.locator("table")).to_be_visible()


async def test_one_click_types_an_example(looker: Looker) -> None:
    page = await looker.open("jonas")
    await page.click("#telegram-try button:has-text('/who')")
    await expect(last(page, "telegram")).to_contain_text("Maria Alvarez")


async def test_a_mistyped_sku_is_offered_as_buttons_that_answer(looker: Looker) -> None:
    page = await looker.open("jonas")
    await page.click('#telegram-rooms [data-room="private"]')
    await say(page, "telegram", "/stock 85123Q")
    await expect(last(page, "telegram")).to_contain_text("No product matches")
    offered = last(page, "telegram").locator(".keyboard button")
    await expect(offered).to_have_count(3)
    await offered.filter(has_text="85123A").click()
    await expect(last(page, "telegram")).to_contain_text("Reorder at")


async def test_a_private_answer_in_a_group_is_pointed_at_and_marked_unread(looker: Looker) -> None:
    page = await looker.open("zhang")
    await say(page, "telegram", "/me")
    await expect(page.locator("#toast")).to_contain_text("Stocktide")
    mark = page.locator('#telegram-rooms [data-room="private"] .badge')
    await expect(mark).to_have_text("1")
    await expect(page.locator('[data-viewer="zhang"] .badge')).to_have_text("1")
    await page.click('#telegram-rooms [data-room="private"]')
    await expect(last(page, "telegram")).to_contain_text("Asia/")
    await expect(mark).to_have_count(0)


async def test_a_long_list_is_turned_in_place(looker: Looker) -> None:
    page = await looker.open("nok")
    await say(page, "telegram", "/cases")
    listed = last(page, "telegram")
    await expect(listed).to_contain_text("page 1 of")
    shown = await page.locator("#telegram-messages .bubble-row").count()
    await listed.locator("button", has_text="Next").click()
    await expect(listed).to_contain_text("page 2 of")
    await expect(listed.locator(".stamp")).to_contain_text("edited")
    assert await page.locator("#telegram-messages .bubble-row").count() == shown


@pytest.mark.parametrize(("pressed", "other"), [("telegram", "slack"), ("slack", "telegram")])
async def test_a_decision_on_one_side_locks_the_card_on_the_other(looker: Looker, pressed: str, other: str) -> None:
    page = await looker.open("petra")
    number, slack, telegram = await waiting(page, pressed)
    cards = {"slack": slack, "telegram": telegram}
    await expect(cards[other].locator("button", has_text="Approve")).to_have_count(1)
    last_word, name = "Petra", "Petra Vogel"
    await cards[pressed].locator("button", has_text="Approve").click()
    requests, asked = looker.played.application.services.requests, int(number.removeprefix("R-"))
    if (await requests.get(asked)).needs > 1:
        while not (await requests.get(asked)).votes:
            await page.wait_for_timeout(100)
        await look_as(page, "lin")
        last_word, name = "Lin", "Lin Wei"
        await cards[pressed].locator("button", has_text="Approve").click()
    for card in cards.values():
        await expect(card.locator("button", has_text="Approve")).to_have_count(0)
        await expect(card).to_contain_text(f"{number} approved by @{last_word}" if card is slack else name)
    await expect(cards[other]).to_contain_text(pressed.title())


async def test_a_press_is_answered_to_the_presser_in_their_zone(looker: Looker) -> None:
    page = await looker.open("petra")
    number, _slack, telegram = await waiting(page, "telegram")
    await telegram.locator("button", has_text="Reject").click()
    await expect(page.locator("#toast")).to_contain_text(f"{number} rejected by Petra Vogel")
    await expect(page.locator("#toast")).to_contain_text("(Berlin)")


async def test_whoever_may_not_approve_is_told_who_may(looker: Looker) -> None:
    page = await looker.open("jonas")
    _number, slack, telegram = await waiting(page, "telegram")
    await telegram.locator("button", has_text="Approve").click()
    await expect(page.locator("#toast")).to_contain_text("Petra Vogel")
    await expect(telegram.locator("button", has_text="Approve")).to_have_count(1)
    await slack.locator("button", has_text="Approve").click()
    refusal = last(page, "slack")
    await expect(refusal.locator(".only")).to_have_text("Only visible to you")
    await expect(refusal).to_be_in_viewport()  # it stands at the end, though the card was further up
    await expect(slack.locator("button", has_text="Approve")).to_have_count(1)
    await look_as(page, "maria")
    await expect(page.locator("#slack-messages .only")).to_have_count(0)


async def test_switching_the_viewer_changes_every_time_and_the_language(looker: Looker) -> None:
    page = await looker.open("jonas")
    times = page.locator(".scroll time")
    await times.first.wait_for()
    in_berlin = await times.all_inner_texts()
    days = [await page.inner_text("#day")]
    for viewer, hours in (("lin", 7), ("nok", 6), ("maria", -7)):
        await look_as(page, viewer)
        there = await times.all_inner_texts()
        assert len(there) >= len(in_berlin) - 1  # a private answer is for one person only
        assert not {text for text in there if ":" in text} & {text for text in in_berlin if ":" in text}
        assert (_hour(there[0]) - _hour(in_berlin[0])) % 24 == hours % 24
        days.append(await page.inner_text("#day"))
    assert days[1] != days[0], "Chinese dates"


async def test_a_chinese_viewer_reads_chinese(looker: Looker) -> None:
    page = await looker.open("lin")
    assert await page.get_attribute("html", "lang") == "zh-CN"
    assert await page.inner_text("#push-morning") == "到次日早晨"
    assert await page.inner_text('[data-room="home"]') == "主页"
    assert "销售数据是真实的" in await page.inner_text("#disclosure")
    assert "柏林" in await page.inner_text('[data-viewer="jonas"]')
    await page.click('#slack-rooms [data-room="direct"]')
    await say(page, "slack", "stock 85123A")
    await expect(last(page, "slack")).to_contain_text("可售天数")
    await page.click('#telegram-rooms [data-room="private"]')
    await say(page, "telegram", "/turnover")
    await expect(last(page, "telegram")).to_contain_text("周转")
    chrome = await page.inner_text("header, .story, .foot, .head")
    assert not re.search(r"Next|Send|Home|Viewer|edited", chrome)


async def test_the_home_tab_shows_ones_own_board_and_its_buttons_work(looker: Looker) -> None:
    page = await looker.open("petra")
    await page.click('[data-room="home"]')
    board = page.locator("#slack-messages .home")
    await expect(board).to_contain_text("Your board, Petra Vogel")
    await board.locator("button", has_text="Who is awake").click()
    await expect(board.or_(last(page, "slack"))).to_be_visible()
    await look_as(page, "lin")
    await expect(board).to_contain_text("Lin Wei")
    await expect(board).not_to_contain_text("Petra Vogel")


async def test_slack_itself_refuses_a_slash_command_it_does_not_know(looker: Looker) -> None:
    page = await looker.open("jonas")
    await say(page, "slack", "/who")
    await expect(page.locator("#toast")).to_contain_text("/stocktide who")
    assert "/who" in await page.inner_text("#toast")


async def test_what_was_typed_comes_back_and_focus_stays_while_others_write(looker: Looker, played: Set) -> None:
    page = await looker.open("jonas")
    await say(page, "telegram", "/who")
    await expect(last(page, "telegram")).to_contain_text("Maria Alvarez")
    await page.press("#telegram-input", "ArrowUp")
    assert await page.input_value("#telegram-input") == "/who"
    await page.locator("#telegram-messages .keyboard button").first.focus()
    held = await page.evaluate("document.activeElement.textContent")
    played.sandbox.telegram.say(played.cast.person("nok").telegram.id, played.cast.group.id, "hello everybody")
    await expect(page.locator("#telegram-messages")).to_contain_text("hello everybody")
    assert await page.evaluate("document.activeElement.textContent") == held


@pytest.mark.parametrize("side", ["slack", "telegram"])
async def test_the_answer_about_a_product_shows_its_picture(looker: Looker, side: str) -> None:
    page = await looker.open("jonas")
    await say(page, side, "/stock 85123A")
    picture = page.locator(f"#{side}-messages img").last
    await picture.wait_for()
    await page.wait_for_function(
        "image => image.complete && image.naturalWidth > 1000", arg=await picture.element_handle()
    )
    assert "85123A" in (await picture.get_attribute("alt") or "")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (390, "dark"), (768, "light"), (1280, "dark")])
async def test_nothing_sticks_out_of_a_screen_of_any_width(looker: Looker, width: int, scheme: str) -> None:
    page = await looker.open("jonas", width, 740, "dark" if scheme == "dark" else "light")
    await page.locator("#slack-messages .message").first.wait_for()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await expect(page.locator("#slack-send")).to_be_in_viewport()
    if width < 820:
        await expect(page.locator("#telegram-messages")).to_be_hidden()
        await page.click('#tabs [data-side="telegram"]')
        await expect(page.locator("#slack-messages")).to_be_hidden()
    await say(page, "telegram", "/stock 85123A")
    await expect(last(page, "telegram")).to_contain_text("Reorder at")
    await expect(last(page, "telegram").locator("button").last).to_be_in_viewport()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(looker: Looker, played: Set) -> None:
    page = await looker.open("jonas")
    answer = await page.request.get(played.sandbox.url + "/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"do": "dance"}, 400),
        ({"do": "say", "side": "telegram", "room": "nowhere", "text": "hi"}, 400),
        ({"do": "push", "by": "-60"}, 400),
        ({"do": "push", "by": "soon"}, 400),
        ({"do": "press", "side": "slack", "room": "C0", "message": "1.0", "button": "x"}, 410),
        ([], 400),
    ],
)
async def test_nonsense_to_the_page_is_refused_and_changes_nothing(
    looker: Looker, played: Set, body: object, status: int
) -> None:
    page = await looker.open("jonas")
    before = played.stage.clock.now()
    answer = await page.request.post(played.sandbox.url + "/page/act", data=body)
    assert answer.status == status
    assert (played.stage.clock.now() - before).total_seconds() < 30
    await expect(page.locator("#slack-messages")).to_be_visible()


def _hour(text: str) -> int:
    found = re.search(r"(\d\d):\d\d", text)
    assert found
    return int(found.group(1))
