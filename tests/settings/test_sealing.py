"""Sealed secrets: opened when settings are read, and refused in words where they cannot be."""

from __future__ import annotations

import io
import logging
import os
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot import logs, settings
from bot.errors import SettingsError
from bot.settings.sealing import MARK, Keys, find_keys, key_file, key_text, new_key

KEYS = Keys([new_key()])
SEALED = KEYS.seal("xoxb-hush-9")
posix = pytest.mark.skipif(os.name != "posix", reason="modes are of systems that have them")


def keep(settings_file: Path, *keys: str, mode: int = 0o600) -> Path:
    """A key file beside the settings."""
    file = key_file(settings_file)
    file.write_text(key_text(keys), encoding="utf-8")
    file.chmod(mode)
    return file


def write(folder: Path, text: str) -> Path:
    file = folder / "stocktide.toml"
    file.write_text(text, encoding="utf-8")
    return file


def faults(file: Path, **environment: str) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(file, environment)
    assert "hush" not in str(caught.value)
    return {fault.where: f"{fault.problem} ({fault.remedy})" for fault in caught.value.faults}


@given(st.text())
def test_any_text_sealed_and_unsealed_is_itself(text: str) -> None:
    assert KEYS.unseal("here", KEYS.seal(text)) == text


@given(st.text())
def test_a_sealed_text_is_of_letters_that_stand_in_any_file_and_never_the_same_twice(text: str) -> None:
    first, second = KEYS.seal(text), KEYS.seal(text)
    assert first != second
    assert first.startswith(MARK)
    assert first.isascii()
    assert not set(first) & set("\"'\\ \n#,")


@given(st.data())
def test_any_change_of_a_sealed_text_is_refused(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(SEALED)))
    end = data.draw(st.integers(start, min(len(SEALED), start + 3)))
    changed = SEALED[:start] + data.draw(st.text(max_size=3)) + SEALED[end:]
    assume(changed != SEALED)
    with pytest.raises(SettingsError, match=r"here: (is damaged|was sealed with another key, or changed since)"):
        KEYS.unseal("here", changed)


def test_letters_that_base64_overlooks_are_changes_too() -> None:
    for changed in (SEALED + "\n", SEALED + "=", SEALED[:30] + "!" + SEALED[30:], SEALED.rstrip("=")):
        with pytest.raises(SettingsError, match="is damaged"):
            KEYS.unseal("here", changed)


def test_the_first_key_seals_and_each_opens() -> None:
    old, new = new_key(), new_key()
    both = Keys([new, old])
    assert both.unseal("here", Keys([old]).seal("hush")) == "hush"
    assert Keys([new]).unseal("here", both.seal("hush")) == "hush"
    with pytest.raises(SettingsError, match="another key"):
        Keys([old]).unseal("here", both.seal("hush"))


def test_sealed_secrets_of_every_part_are_opened(tmp_path: Path) -> None:
    seal = KEYS.seal
    text = f"""
        [slack]
        bot_token = "{seal("xoxb-hush-1")}"
        signing_secret = "in-clear"
        [mail]
        password = "{seal("mail-hush")}"
        [rooms]
        turn_urls = ["turn:turn.example.com:5349"]
        turn_secret = "{seal("turn-hush")}"
        [stores.connected."a.b"]
        hook_secret = "{seal("hook-hush")}"
    """
    file = write(tmp_path, text)
    keep(file, *KEYS.texts)
    loaded = settings.load(file, {})
    assert loaded.slack.bot_token.get_secret_value() == "xoxb-hush-1"
    assert loaded.mail.password.get_secret_value() == "mail-hush"
    assert loaded.stores.connected["a.b"].hook_secret.get_secret_value() == "hook-hush"
    told = {"xoxb-hush-1", "in-clear", "mail-hush", "turn-hush", "hook-hush"}
    assert set(loaded.secrets()) == told | set(KEYS.texts)
    assert loaded.rooms.most == settings.Settings().rooms.most  # what was not written down still was not


def test_sealed_values_of_the_environment_are_opened_by_its_key(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOCKTIDE_KEY", f"{new_key()}, {KEYS.texts[0]}")
    monkeypatch.setenv("STOCKTIDE_SLACK__BOT_TOKEN", SEALED)
    monkeypatch.setenv("STOCKTIDE_CONFIG", str(file))  # names the file; it overrides nothing
    assert settings.load(file).slack.bot_token.get_secret_value() == "xoxb-hush-9"


def test_a_key_of_the_environment_comes_before_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, f'[telegram]\nwebhook_secret = "{SEALED}"')
    keep(file, *KEYS.texts)
    assert "another key" in faults(file, STOCKTIDE_KEY=new_key())["telegram.webhook_secret"]


def test_without_a_key_every_sealed_setting_is_named_with_what_to_do(tmp_path: Path) -> None:
    file = write(tmp_path, f'[slack]\nbot_token = "{SEALED}"\n[mail]\npassword = "{SEALED}"')
    found = faults(file)
    assert set(found) == {"slack.bot_token", "mail.password"}
    assert f"put the key into {key_file(file)} or STOCKTIDE_KEY" in found["mail.password"]
    key_file(file).write_text("# nothing yet\n")
    key_file(file).chmod(0o600)
    assert faults(file) == found


def test_another_key_and_damage_are_told_apart(tmp_path: Path) -> None:
    file = write(tmp_path, f'[slack]\nbot_token = "{SEALED}"\n[mail]\npassword = "{SEALED[:-9]}"')
    keep(file, new_key())
    found = faults(file)
    assert "was sealed with another key" in found["slack.bot_token"]
    assert "is damaged" in found["mail.password"]
    assert all("stocktide secrets seal" in text for text in found.values())


def test_what_was_opened_is_held_to_the_same_rules(tmp_path: Path) -> None:
    file = write(tmp_path, f'[slack]\nbot_token = "{KEYS.seal("xoxp-hush")}"\nsigning_secret = "s"')
    keep(file, *KEYS.texts)
    assert "does not begin with xoxb-" in faults(file)["slack.bot_token"]


def test_a_sealed_text_where_no_secret_belongs_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, f'[stores.connected.shop]\nuser = "{SEALED}"')
    keep(file, *KEYS.texts)
    assert faults(file) == {"stores.connected.shop.user": "is sealed, but is no secret (write it in clear)"}


@posix
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620, 0o602, 0o777])
def test_a_key_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = write(tmp_path, f'[mail]\npassword = "{SEALED}"')
    key = keep(file, *KEYS.texts, mode=mode)
    assert faults(file) == {str(key): f"is open to others (mode {mode:04o}) (chmod 600 {key})"}


@posix
def test_a_key_that_only_its_owner_reads_is_taken(tmp_path: Path) -> None:
    file = write(tmp_path, f'[mail]\npassword = "{SEALED}"')
    keep(file, *KEYS.texts, mode=0o400)
    assert settings.load(file, {}).mail.password.get_secret_value() == "xoxb-hush-9"


def test_what_is_no_key_is_told_by_its_line_and_not_shown(tmp_path: Path) -> None:
    file = write(tmp_path, f'[mail]\npassword = "{SEALED}"')
    key = keep(file, KEYS.texts[0], "hush-no-key", "zu kurz: hush")
    assert set(faults(file)) == {f"{key}:3", f"{key}:4"}
    assert set(faults(file, STOCKTIDE_KEY=f"{KEYS.texts[0]},hush")) == {"STOCKTIDE_KEY"}


def test_a_key_file_that_is_no_text_or_no_file_is_told(tmp_path: Path) -> None:
    file = write(tmp_path, f'[mail]\npassword = "{SEALED}"')
    key_file(file).write_bytes(b"\xff\xfe\x00")
    key_file(file).chmod(0o600)
    assert "it is not text" in faults(file)[str(key_file(file))]
    key_file(file).unlink()
    key_file(file).mkdir()
    assert "cannot be read" in faults(file)[str(key_file(file))]


def test_the_keys_are_looked_for_only_where_something_is_sealed(file: Path) -> None:
    keep(file, "no key at all", mode=0o644)
    assert settings.load(file, {}).slack.enabled


def test_no_key_is_ever_shown() -> None:
    keys = Keys([new_key()])
    assert keys.texts[0] not in f"{keys!r} {keys}"
    assert repr(keys) == "Keys(1)"


def test_settings_show_neither_secret_nor_key(tmp_path: Path) -> None:
    file = write(tmp_path, f'[mail]\npassword = "{SEALED}"')
    keep(file, *KEYS.texts)
    loaded = settings.load(file, {})
    for shown in (repr(loaded), str(loaded), str(loaded.model_dump()), loaded.model_dump_json()):
        assert "hush" not in shown
        assert KEYS.texts[0] not in shown


def test_logs_hide_what_was_opened_and_the_key_that_opened_it(tmp_path: Path) -> None:
    file = write(tmp_path, f'[mail]\npassword = "{SEALED}"')
    keep(file, *KEYS.texts)
    stream = io.StringIO()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    try:
        logs.set_up("INFO", "json", settings.load(file, {}).secrets(), stream)
        logging.getLogger("x").warning("with %s by %s", "xoxb-hush-9", KEYS.texts[0])
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert "with [hidden] by [hidden]" in stream.getvalue()


def test_a_mistyped_variable_of_the_key_is_reported(tmp_path: Path) -> None:
    assert "STOCKTIDE_KEY" in faults(write(tmp_path, ""), STOCKTIDE_KEYS="x")["STOCKTIDE_KEYS"]


def test_the_environment_alone_may_name_the_keys(tmp_path: Path) -> None:
    keys = find_keys(tmp_path / "none.toml", {"STOCKTIDE_KEY": KEYS.texts[0]})
    assert keys is not None
    assert keys.unseal("here", SEALED) == "xoxb-hush-9"
    assert find_keys(tmp_path / "none.toml", {"STOCKTIDE_KEY": " "}) is None
