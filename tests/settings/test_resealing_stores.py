"""The stores of a settings file: one added, its secrets replaced, and a file that takes neither left as it is."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from bot import settings
from bot.errors import SettingsError
from bot.settings.resealing import add_store, replace_secrets
from bot.settings.sealing import key_file
from tests.settings.conftest import CLEAR

NONE: dict[str, str] = {}


def test_a_store_is_added_at_the_end_with_its_secrets_sealed(file: Path) -> None:
    fields = {
        "kind": "woocommerce", "url": "https://b.example.com", "user": "ck_2", "private": True,
        "locations": ["UK", "DE"], "options": {"sold": 'a "b"', "x y": "1"},
        "secret": "cs_hush_2", "hook_secret": "hook-hush",
    }  # fmt: skip
    assert add_store(file, NONE, "b", fields) == key_file(file)
    text = file.read_text()
    assert text.startswith(CLEAR + "\n[stores.connected.b]\n")
    assert "hush_2" not in text
    store = settings.load(file, NONE).stores.connected["b"]
    assert store.model_dump(exclude={"secret", "hook_secret", "hook_secret_before", "token", "locations"}) == {
        key: fields[key] for key in ("kind", "url", "user", "private", "options")
    }
    assert store.locations == ("UK", "DE")
    assert (store.secret.get_secret_value(), store.hook_secret.get_secret_value()) == ("cs_hush_2", "hook-hush")
    with pytest.raises(SettingsError, match="is there already"):
        add_store(file, NONE, "b", fields)


@pytest.mark.parametrize("text", ["", "# nothing", "[web]\r\nport = 1\r\n"])
def test_a_store_is_added_to_any_file_and_needs_no_secret(tmp_path: Path, text: str) -> None:
    file = tmp_path / "stocktide.toml"
    file.write_bytes(text.encode())
    assert add_store(file, NONE, "files", {"kind": "files"}) is None
    assert settings.load(file, NONE).stores.connected["files"].kind == "files"
    assert file.read_bytes().decode().startswith(text)
    assert ("\n" in file.read_bytes().decode().replace("\r\n", "")) != ("\r\n" in text)
    assert not key_file(file).exists()


def test_a_file_that_takes_no_table_is_left_and_the_table_shown_sealed(tmp_path: Path) -> None:
    file = tmp_path / "stocktide.toml"
    file.write_text("[stores]\nconnected = { a = { kind = 'local' } }\n")
    with pytest.raises(SettingsError) as caught:
        add_store(file, NONE, "b", {"kind": "local", "token": "hush"})
    assert "[stores.connected.b]" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert file.read_text() == "[stores]\nconnected = { a = { kind = 'local' } }\n"


def test_a_secret_of_a_store_is_replaced_where_it_stands_and_one_that_was_not_there_is_added(file: Path) -> None:
    assert replace_secrets(file, NONE, "my shop", {"secret": "cs_new", "hook_secret": "hook-new"}) == key_file(file)
    text = file.read_text()
    assert "cs_new" not in text
    assert "hook-new" not in text
    assert "cs_hush" not in text
    store = settings.load(file, NONE).stores.connected["my shop"]
    assert (store.secret.get_secret_value(), store.hook_secret.get_secret_value()) == ("cs_new", "hook-new")
    kept = [line for line in text.splitlines() if "secret = " not in line or "signing" in line]
    assert kept == [line for line in CLEAR.splitlines() if not line.startswith("secret")]
    assert replace_secrets(file, NONE, "my shop", {"hook_secret": "hook-newer"}) is None
    assert settings.load(file, NONE).stores.connected["my shop"].hook_secret.get_secret_value() == "hook-newer"


@pytest.mark.parametrize("name", ["other", "inline"])
def test_a_store_whose_secrets_cannot_be_set_in_the_file_is_told_and_the_file_left(tmp_path: Path, name: str) -> None:
    file = tmp_path / "stocktide.toml"
    before = "[stores]\nconnected = { inline = { kind = 'local' } }\n"
    file.write_text(before)
    with pytest.raises(SettingsError, match=f"stores.connected.{name}") as caught:
        replace_secrets(file, NONE, name, {"token": "hush"})
    assert "hush" not in str(caught.value)
    assert file.read_text() == before


def test_a_secret_that_the_environment_gives_is_not_replaced_in_vain(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = file.read_text()
    monkeypatch.setenv("STOCKTIDE_STORES__CONNECTED", '{"my shop": {"secret": "x"}}')
    with pytest.raises(SettingsError, match="would mean something else"):
        replace_secrets(file, NONE, "my shop", {"secret": "y"})
    assert file.read_text() == before


def test_a_file_that_another_command_holds_for_long_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "stocktide.toml"
    file.write_text("[stores.connected.shop]\nkind = 'local'\n")
    monkeypatch.setattr("bot.settings.filing._PATIENCE", 0.0)
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with pytest.raises(SettingsError, match="is being changed by another command"):
            replace_secrets(file, {}, "shop", {"token": "canary"})
    finally:
        os.close(held)
    assert "canary" not in file.read_text()
    replace_secrets(file, {}, "shop", {"token": "canary"})
    assert settings.load(file, {}).stores.connected["shop"].token.get_secret_value() == "canary"
