"""Settings: every fault at once, with its key and its remedy; secrets never shown."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from bot import settings
from bot.bootstrap.choices import service_settings
from bot.domain.calendar import events
from bot.errors import SettingsError
from bot.settings.calendar import EventKey
from deploy import settings_page


def write(folder: Path, text: str) -> Path:
    file = folder / "stocktide.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(write(folder, text), {})
    return {fault.where: f"{fault.problem} {fault.remedy}" for fault in caught.value.faults}


def test_without_a_file_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = settings.load(None, {})
    assert loaded.database.url.startswith("sqlite")
    assert not loaded.slack.enabled
    assert loaded.secrets() == ()


def test_every_fault_of_a_file_is_reported_at_once(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """
        [organisation]
        currency = "usd"
        zone = "Mars/Base"
        nmae = "x"
        [web]
        port = 99999
        [watch]
        service_levels = ["0.9", "2", "0.9"]
        """,
    )
    assert set(found) == {
        "organisation.currency",
        "organisation.zone",
        "organisation.nmae",
        "web.port",
        "watch.service_levels.1",
    }
    assert "did you mean organisation.name" in found["organisation.nmae"]
    assert "Asia/Shanghai" in found["organisation.zone"]


def test_the_calendar_takes_days_and_sizes_and_refuses_what_cannot_be(tmp_path: Path) -> None:
    text = """
        [calendar]
        uplifts = { prime_day = "2.5" }
        [[calendar.events]]
        key = "prime_day"
        first = 2027-07-13
        last = 2027-07-16
        source = "aboutamazon.com"
        """
    chosen = service_settings(settings.load(write(tmp_path, text), {})).calendar
    found = [event for event in events(date(2027, 1, 1), date(2027, 12, 31), chosen) if event.key == "prime_day"]
    assert [(event.first, event.last, event.uplift, event.expected) for event in found] == [
        (date(2027, 7, 13), date(2027, 7, 16), 2.5, False)
    ]
    wrong = text.replace("2027-07-16", "2027-07-01").replace("prime_day = ", "prime_dya = ")
    assert set(faults(tmp_path, wrong)) == {"calendar.events.0", "calendar.uplifts.prime_dya.[key]"}


def test_the_sizes_that_may_be_set_are_those_of_the_calendar() -> None:
    sized = {event.key for event in events(date(2026, 1, 1), date(2026, 12, 31)) if event.kind == "demand"}
    assert set(get_args(EventKey)) == sized


def test_settings_that_cannot_work_together_are_refused(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        """
        [slack]
        bot_token = "xoxp-wrong-kind"
        [telegram]
        token = "not-a-token"
        webhook_url = "https://bot.example"
        """,
    )
    assert set(found) == {"slack.bot_token", "slack.signing_secret", "telegram.token", "telegram.webhook_secret"}


def test_every_secret_of_a_store_is_kept_out_of_the_logs() -> None:
    keys = {"token": "t-hush", "secret": "s-hush", "hook_secret": "h-hush"}
    shop = {"kind": "woocommerce", "url": "https://shop.example.com", "user": "ck_1", **keys}
    assert set(keys.values()) <= set(settings.given(stores={"connected": {"shop": shop}}).secrets())


def test_a_fault_never_repeats_a_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        settings.load(write(tmp_path, '[slack]\nbot_token = "canary-5d1f"\n[web]\nport = "x"\n'), {})
    assert "canary-5d1f" not in str(caught.value)


def test_a_file_that_is_not_toml_names_the_line(tmp_path: Path) -> None:
    found = faults(tmp_path, "[slack\nbot_token = x")
    assert "line 1" in next(iter(found.values()))


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="stocktide init"):
        settings.load(tmp_path / "none.toml", {})


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKTIDE_ORGANISATION__CURRENCY", "CNY")
    loaded = settings.load(write(tmp_path, '[organisation]\ncurrency = "GBP"\nzone = "Europe/London"\n'))
    assert (loaded.organisation.currency, loaded.organisation.zone) == ("CNY", "Europe/London")


def test_a_mistyped_variable_is_reported_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="STOCKTIDE_SLACK__BOT_TOKEN"):
        settings.load(write(tmp_path, ""), {"STOCKTIDE_SLACK__BOT_TOKN": "x"})


def test_the_settings_page_is_current_and_describes_every_key() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()
    assert all(f"`{key}`" in settings_page.page() and text for key, _, _, text in settings.described())
