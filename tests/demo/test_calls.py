"""Calls and login buttons on the demo's page: shown, kept up to date, and leading where they should."""

from __future__ import annotations

import pytest
from playwright.async_api import expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.telegram.desk import Sent
from tests.demo.viewing import Looker, last

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.asyncio(loop_scope="session"),
]


async def test_a_call_shows_its_title_its_people_and_the_way_in_until_it_is_over(looker: Looker) -> None:
    sandbox, cast = looker.played.sandbox, looker.played.cast
    web = AsyncWebClient(sandbox.slack.world.bot_token, base_url=sandbox.slack_base_url, retry_handlers=[])
    url, host = f"{sandbox.url}/rooms/k1", cast.people[0].slack.id
    call = (await web.calls_add(external_unique_id="k1", join_url=url, created_by=host, title="Tea <b>"))["call"]["id"]
    page = await looker.open("jonas")
    block = {"type": "call", "call_id": call}
    await web.chat_postMessage(channel=cast.channel.id, text="Tea", blocks=[block])
    shown = last(page, "slack").locator(".call")
    await expect(shown).to_contain_text("Tea <b>")
    await expect(shown).to_contain_text("Nobody is there yet.")
    await expect(shown.locator("a")).to_have_attribute("href", url)
    await web.calls_participants_add(id=call, users=[{"external_id": "m7", "display_name": "Wang"}, {"slack_id": host}])
    await expect(shown).to_contain_text(f"Wang, {cast.people[0].slack.real_name}")
    await web.calls_end(id=call)
    await expect(shown).to_contain_text("This call has ended.")
    await expect(shown.locator("a")).to_have_count(0)


async def test_a_login_button_opens_an_address_signed_for_the_viewer(looker: Looker) -> None:
    telegram, group = looker.played.sandbox.telegram, looker.played.cast.group
    # On this machine, so that the browser asks nobody else; Telegram itself would insist on https.
    url = f"{looker.played.sandbox.url}/page/words.js?to=/rooms/k1"
    keyboard = {"inline_keyboard": [[{"text": "Join", "login_url": {"url": url}}]]}
    page = await looker.open("jonas")
    telegram.desk.post(group, telegram.bot.id, Sent("Tea", keyboard=keyboard))
    telegram.pulse.beat()
    async with page.context.expect_page() as opened:
        await last(page, "telegram").locator(".keyboard button", has_text="Join").click()
    found = await opened.value
    jonas = next(person for person in looker.played.cast.people if person.key == "jonas")
    assert found.url.startswith(f"{url}&id={jonas.telegram.id}&")
    assert "hash=" in found.url
