"""The settings of video rooms: every fault at once, each with its key and its remedy, and no secret in any."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import settings
from bot.errors import SettingsError
from bot.settings.rooms import NEEDED
from tests.rooms.kit import AGORA_PAGE, APP_ID, CERTIFICATE, PRIVATE_PEM

AGORA = f'provider = "agora"\nagora_app_id = "{APP_ID}"\nagora_certificate = "{CERTIFICATE}"\n'
JITSI = 'provider = "jitsi"\njitsi_url = "https://meet.example.com"\njitsi_app_id = "acme"\n'
LIVEKIT = 'provider = "livekit"\nlivekit_url = "wss://x"\nlivekit_key = "k"\nlivekit_secret = "s"\n'


def loaded(folder: Path, text: str) -> settings.Settings:
    file = folder / "stocktide.toml"
    file.write_text(f"[rooms]\n{text}", encoding="utf-8")
    return settings.load(file, {})


def faults(folder: Path, text: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        loaded(folder, text)
    return {fault.where: f"{fault.problem} {fault.remedy}" for fault in caught.value.faults}


@pytest.mark.parametrize("provider", sorted(NEEDED))
def test_every_key_that_a_provider_lacks_is_named_with_what_to_write(tmp_path: Path, provider: str) -> None:
    missing = {f"rooms.{name}" for name in NEEDED[provider] if name != "livekit_page"}
    if provider == "jitsi":
        missing.add("rooms.jitsi_secret")
    if not missing:
        assert loaded(tmp_path, f'provider = "{provider}"').rooms.provider == provider
        return
    found = faults(tmp_path, f'provider = "{provider}"')
    assert set(found) == missing
    assert all("write: " in text or "give " in text for text in found.values())


def test_another_provider_may_be_set_up_by_half(tmp_path: Path) -> None:
    assert loaded(tmp_path, 'zoom_host = "ops@acme.example"').rooms.provider == "embedded"


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ("https://video.example.com/?token={token}", "before the #"),
        ("https://video.example.com/?token={token}#token={token}", "before the #"),
        ("https://video.example.com/#uid={uid}", "once"),
        ("http://video.example.com/#{token}", "not an https address"),
        ("https://{channel}.example.com/#{token}", "not an https address"),
        ("https://video.example.com/?secret={certificate}#{token}", "in braces"),
        ("https://video.example.com/?x={#{token}", "in braces"),
        ("//video.example.com/#{token}", "not an https address"),
    ],
)
def test_a_page_that_would_give_a_token_away_is_refused(tmp_path: Path, page: str, problem: str) -> None:
    assert problem in faults(tmp_path, f'{AGORA}agora_page = "{page}"')["rooms.agora_page"]


def test_good_pages_are_taken(tmp_path: Path) -> None:
    assert loaded(tmp_path, f'{AGORA}agora_page = "{AGORA_PAGE}"').rooms.agora_page == AGORA_PAGE
    assert loaded(tmp_path, f'{AGORA}agora_page = "http://127.0.0.1:8080/#{{token}}"').rooms.provider == "agora"
    assert loaded(tmp_path, LIVEKIT).rooms.livekit_page.startswith("https://meet.livekit.io/")
    assert loaded(tmp_path, f'{LIVEKIT}livekit_page = "https://video.example.com/#{{token}}"').rooms.livekit_url


def test_a_livekit_page_without_a_token_is_refused(tmp_path: Path) -> None:
    assert set(faults(tmp_path, f'{LIVEKIT}livekit_page = "https://video.example.com/"')) == {"rooms.livekit_page"}


def test_a_certificate_that_is_none_is_refused_without_being_repeated(tmp_path: Path) -> None:
    text = (
        f'provider = "agora"\nagora_app_id = "{APP_ID}"\nagora_certificate = "canary-77"\nagora_page = "{AGORA_PAGE}"'
    )
    found = faults(tmp_path, text)
    assert set(found) == {"rooms.agora_certificate"}
    assert "canary-77" not in str(found)


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ("", "rooms.jitsi_secret"),
        ('jitsi_key_id = "4f4910"', "rooms.jitsi_private_key"),
        (f'jitsi_private_key = """{PRIVATE_PEM}"""', "rooms.jitsi_key_id"),
        ('jitsi_key_id = "4f"\njitsi_private_key = "canary"', "rooms.jitsi_private_key"),
        (f'jitsi_secret = "x"\njitsi_key_id = "4f"\njitsi_private_key = """{PRIVATE_PEM}"""', "rooms.jitsi_secret"),
    ],
    ids=["nothing", "no key", "no key id", "a broken key", "both"],  # a fresh key would name each worker's tests anew
)
def test_jitsi_needs_a_secret_or_a_key_and_not_both(tmp_path: Path, more: str, where: str) -> None:
    found = faults(tmp_path, JITSI + more)
    assert set(found) == {where}
    assert "canary" not in str(found)


def test_a_mesh_is_small_and_a_relay_needs_its_secret(tmp_path: Path) -> None:
    found = faults(tmp_path, 'cap = 7\nturn_urls = ["turn:turn.example.com:3478"]')
    assert set(found) == {"rooms.cap", "rooms.turn_secret"}
    assert set(faults(tmp_path, 'turn_secret = "x"')) == {"rooms.turn_urls"}
    assert loaded(tmp_path, 'cap = 7\njanus_url = "http://127.0.0.1:8088/janus"').rooms.cap == 7


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("turn_urls", '["https://turn.example.com"]'),
        ("stun_urls", '["turn:stun.example.com"]'),
        ("janus_url", '"janus"'),
        ("livekit_url", '"x.livekit.cloud"'),
        ("jitsi_url", '"https://meet.example.com?x=1"'),
        ("slack_team", '"acme"'),
        ("slack_channel", '"#ops"'),
        ("agora_app_id", '"acme"'),
        ("provider", '"teams"'),
        ("minutes", "1"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(tmp_path: Path, key: str, value: str) -> None:
    (where,) = faults(tmp_path, f"{key} = {value}")
    assert where.startswith(f"rooms.{key}")


def test_every_secret_of_the_rooms_is_among_those_that_logs_hide() -> None:
    endings = ("_secret", "_certificate", "_private_key", "_admin_key")
    secret = [name.removeprefix("rooms.") for name, *_ in settings.described() if name.endswith(endings)]
    secret = [name for name in secret if "." not in name]
    assert len(secret) == 7
    given = settings.given(rooms={name: f"canary-{name}" for name in secret})
    assert {f"canary-{name}" for name in secret} <= set(given.secrets())
    assert "canary" not in repr(given)


def test_nothing_is_recorded_unless_it_is_asked_for() -> None:
    assert settings.given().rooms.recording is False
