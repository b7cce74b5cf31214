"""A settings file changed in place: its layout kept, its secrets sealed, its key replaced, killed at each step."""

from __future__ import annotations

import os
import re
import tomllib
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import settings
from bot.errors import SettingsError
from bot.settings import resealing
from bot.settings.filing import quoted, with_values
from bot.settings.resealing import keys_to_seal, rotate, seal_file
from bot.settings.sealing import Keys, Place, find_keys, key_file, key_text, new_key
from tests.settings.conftest import CLEAR

NONE: dict[str, str] = {}
SECRETS = {
    "slack.bot_token": "xoxb-hush-1",
    "slack.signing_secret": "sign-hush",
    "stores.connected.my shop.secret": "cs_hush",
}
_POINTS = ("open", "fsync", "replace", "unlink")  # what lies on the disk is otherwise after each
posix = pytest.mark.skipif(os.name != "posix", reason="modes, owners and forks are of systems that have them")


def secrets(file: Path, keys: Keys | None = None) -> set[str]:
    """The secrets that the file gives, without the keys."""
    loaded = settings.load(file, NONE, keys)
    known = find_keys(file, NONE)
    return set(loaded.secrets()) - set(known.texts if known else ())


def held(file: Path) -> tuple[str, ...]:
    found = find_keys(file, NONE)
    assert found is not None
    return found.texts


def test_every_secret_in_clear_is_sealed_and_all_else_stays_byte_for_byte(file: Path) -> None:
    before = settings.load(file, NONE).model_dump()
    names, made = seal_file(file, NONE)
    assert (set(names), made) == (set(SECRETS), key_file(file))
    text = file.read_text(encoding="utf-8")
    assert "hush" not in text
    expected = CLEAR.replace("'sign-hush'", '"sign-hush"')
    assert _unsealed(text, Keys(held(file))) == expected
    assert settings.load(file, NONE).model_dump() == before


def _unsealed(text: str, keys: Keys) -> str:
    return re.sub(r"sealed:[\w=-]+", lambda found: keys.unseal("", found[0]), text)


def test_sealing_a_file_twice_changes_nothing(file: Path) -> None:
    seal_file(file, NONE)
    text, keys = file.read_bytes(), key_file(file).read_bytes()
    assert seal_file(file, NONE) == ((), None)
    assert (file.read_bytes(), key_file(file).read_bytes()) == (text, keys)


def test_a_file_without_secrets_gets_no_key(tmp_path: Path) -> None:
    file = tmp_path / "stocktide.toml"
    file.write_text("[web]\nport = 1\n")
    assert seal_file(file, NONE) == ((), None)
    assert list(tmp_path.iterdir()) == [file]


LAYOUTS = [
    pytest.param('slack = { bot_token = "xoxb-a", app_token = "xapp-a" }', id="in one line"),
    pytest.param("slack.bot_token = 'xoxb-a'\nslack.\"app_token\"='xapp-a'", id="dotted, with quoted keys"),
    pytest.param('stores.connected.a.secret = """\n"a" # b\n"""\n[mail]\npassword = "a # b"', id="several lines"),
    pytest.param("stores = { connected = { 'a' = { secret = 'it''' } } }".replace("'''", "'"), id="tables in tables"),
    pytest.param('# token = "a"\n[stores.connected."a"]\ntoken = "a"\nsecret = "a"\nuser = "a"', id="the same text"),
    pytest.param(
        "[stores.connected.a]\r\ntoken = '''x''y'''\r\nsecret = \"\"\"z\"\"\"\"\"\r\n", id="quotes at the end"
    ),
    pytest.param('[stores.connected.a]\ntoken = "\\u0068 \\"q\\" \\\\"\nsecret = """b\\\n   c"""', id="escapes"),
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_secrets_are_found_in_any_layout(tmp_path: Path, text: str) -> None:
    file = tmp_path / "stocktide.toml"
    if "slack" in text:
        text += "\n"
    file.write_bytes(text.encode())
    before = settings.load(file, NONE).model_dump()
    names, _ = seal_file(file, NONE)
    after = file.read_bytes().decode()
    assert len(names) == len(re.findall('"sealed:[^"]+"', after))
    assert settings.load(file, NONE).model_dump() == before
    assert all("sealed:" in str(_at(tomllib.loads(after), name)) for name in names)
    assert after.count("\r\n") == text.count("\r\n")


def _at(data: Any, name: str) -> Any:
    for key in name.split("."):
        data = data[key]
    return data


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1), min_size=1, max_size=4),
    st.sampled_from(["  # a 'comment' of \"ours\"\n", "\n\n", "\r\n", "\n[x.y]\n"]),
)
def test_all_but_the_wanted_values_stays(values: list[str], between: str) -> None:
    lines = [f"k{number} = {quoted(value)}" for number, value in enumerate(values)]
    text = f"{lines[0]}{between}[t]\n" + "\n".join(lines[1:])
    wanted: dict[Place, str] = {("t", f"k{number}"): value for number, value in enumerate(values) if number}
    changed = with_values(text, wanted, lambda value: f"<{value}>")
    assert changed == f"{lines[0]}{between}[t]\n" + "\n".join(
        f"k{number} = {quoted(f'<{value}>')}" for number, value in enumerate(values) if number
    )


def test_a_value_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(SettingsError, match=r"mail\.password: is not found") as caught:
        with_values(file.read_text(), {("mail", "password"): "hush"}, str.upper)
    assert "hush" not in str(caught.value)


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o400])
def test_the_file_keeps_its_mode_and_the_key_is_its_owners_alone(file: Path, mode: int) -> None:
    file.chmod(mode)
    seal_file(file, NONE)
    assert file.stat().st_mode & 0o777 == mode
    assert key_file(file).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root gives files to others")
def test_file_and_key_belong_to_whom_the_file_belonged(file: Path) -> None:
    os.chown(file, 4711, 4712)
    seal_file(file, NONE)
    rotate(file, NONE)
    assert {(each.stat().st_uid, each.stat().st_gid) for each in (file, key_file(file))} == {(4711, 4712)}


@posix
def test_a_file_behind_a_link_is_changed_where_it_lies(file: Path) -> None:
    real = file.with_name("real.toml")
    file.rename(real)
    file.symlink_to(real)
    seal_file(file, NONE)
    assert file.is_symlink()
    assert "hush" not in real.read_text()
    assert secrets(file) == set(SECRETS.values())


def test_a_file_that_somebody_changes_meanwhile_is_left_to_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def meanwhile(then: settings.Settings, now: settings.Settings) -> bool:
        file.write_text(CLEAR + "# theirs\n")
        return then.model_dump() == now.model_dump()

    monkeypatch.setattr(resealing, "_same", meanwhile)
    with pytest.raises(SettingsError, match="changed by somebody meanwhile"):
        seal_file(file, NONE)
    assert file.read_text() == CLEAR + "# theirs\n"
    assert not file.with_name("stocktide.toml.new").exists()


def test_what_would_mean_something_else_is_not_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resealing, "with_values", lambda text, *_: text.replace("ck_1", "ck_2"))
    with pytest.raises(SettingsError, match="would mean something else"):
        seal_file(file, NONE)
    assert file.read_text() == CLEAR


@posix
def test_a_folder_that_takes_no_file_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = os.open

    def refuse(path: Path, flags: int, *more: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied")
        return plain(path, flags, *more)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SettingsError, match="cannot be written: Permission denied"):
        seal_file(file, NONE)
    monkeypatch.undo()
    assert file.read_text() == CLEAR


def test_no_key_is_made_where_one_is_missed(file: Path) -> None:
    file.write_text(f'[mail]\npassword = "{Keys([new_key()]).seal("hush")}"\n')
    with pytest.raises(SettingsError, match="put the key back"):
        keys_to_seal(file, NONE)
    assert not key_file(file).exists()


def test_rotation_seals_all_anew_by_one_new_key(file: Path) -> None:
    seal_file(file, NONE)
    (old,) = held(file)
    with file.open("a") as more:
        more.write(f'# token = "{Keys([old]).seal("old-hush")}", not sealed:yet\n')
    before = file.read_text()
    assert rotate(file, NONE) == resealing.Rotated(4, ())
    (new,) = held(file)
    assert new != old
    assert _unsealed(file.read_text().replace("sealed:yet", ""), Keys([new])) == _unsealed(
        before.replace("sealed:yet", ""), Keys([old])
    )
    with pytest.raises(SettingsError, match="another key"):
        settings.load(file, NONE, Keys([old]))


def test_rotation_keeps_old_keys_that_the_environment_needs(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seal_file(file, NONE)
    (old,) = held(file)
    monkeypatch.setenv("STOCKTIDE_MAIL__PASSWORD", Keys([old]).seal("mail-hush"))
    rotated = rotate(file, NONE)
    assert [fault.where for fault in rotated.kept] == ["mail.password"]
    assert held(file)[1:] == (old,)
    assert "mail-hush" in settings.load(file, NONE).secrets()
    assert set(SECRETS.values()) <= set(settings.load(file, {}).secrets())


def test_keys_of_the_environment_rotate_by_their_first(file: Path) -> None:
    old, new = new_key(), new_key()
    seal_file(file, {"STOCKTIDE_KEY": old})
    with pytest.raises(SettingsError, match="holds one key only"):
        rotate(file, {"STOCKTIDE_KEY": old})
    assert rotate(file, {"STOCKTIDE_KEY": f"{new},{old}"}).kept == ()
    assert set(SECRETS.values()) <= set(settings.load(file, {"STOCKTIDE_KEY": new}).secrets())
    assert not key_file(file).exists()


def test_without_a_key_there_is_nothing_to_rotate(file: Path) -> None:
    with pytest.raises(SettingsError, match="there is no key yet"):
        rotate(file, NONE)


def forked() -> int:
    """A process of its own, from here on; newer Pythons warn of threads, of which it uses none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def killed(work: Callable[[], object], step: int) -> bool:
    """Do the work in a process of its own that dies before its n-th touch of a file; whether it got so far."""
    child = forked()
    if child == 0:
        left = step
        try:
            for name in _POINTS:
                setattr(os, name, _deadly(getattr(os, name), lambda: left))

            def count() -> None:
                nonlocal left
                left -= 1

            _deadly.count = count  # type: ignore[attr-defined]
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def _deadly(plain: Callable[..., Any], left: Callable[[], int]) -> Callable[..., Any]:
    def touch(*arguments: Any, **named: Any) -> Any:
        if left() == 0:
            os._exit(9)
        _deadly.count()  # type: ignore[attr-defined]
        return plain(*arguments, **named)

    return touch


@posix
def test_a_rotation_killed_at_any_step_leaves_a_file_and_keys_that_load(file: Path) -> None:
    seal_file(file, NONE)
    key_file(file).write_text(key_text([new_key(), *held(file)]))  # as an earlier one left them that was killed
    begun = {each: each.read_bytes() for each in (file, key_file(file))}
    steps, reached = 0, set()
    while True:
        for each, content in begun.items():
            each.write_bytes(content)
        died = killed(lambda: rotate(file, NONE), steps)
        assert secrets(file) == set(SECRETS.values())
        reached.add((len(held(file)), file.read_bytes() != begun[file]))
        if not died:
            break
        steps += 1
    assert reached == {(2, False), (3, False), (3, True), (1, True)}  # keys, and whether the file was changed
    assert steps > 8
    assert rotate(file, NONE).kept == ()
    assert secrets(file, Keys(held(file))) == set(SECRETS.values())


@posix
def test_sealing_killed_at_any_step_leaves_a_file_that_loads(file: Path) -> None:
    steps = 0
    while True:
        file.write_text(CLEAR)
        key_file(file).unlink(missing_ok=True)
        died = killed(lambda: seal_file(file, NONE), steps)
        assert secrets(file) == set(SECRETS.values())
        if not died:
            break
        steps += 1
    assert steps > 4
    assert "hush" not in file.read_text()


def meanwhile(file: Path, times: int) -> list[int]:
    """How processes end that rotate the keys of one file at once."""
    children = []
    for _ in range(times):
        child = forked()
        if child == 0:
            code = 1
            try:
                rotate(file, NONE)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


@posix
def test_rotations_at_once_wait_for_each_other(file: Path) -> None:
    seal_file(file, NONE)
    assert meanwhile(file, 4) == [0] * 4
    assert len(held(file)) == 1
    assert secrets(file) == set(SECRETS.values())


@posix
def test_rotations_at_once_would_get_into_each_others_way_without_a_lock(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal_file(file, NONE)
    monkeypatch.setattr(resealing, "alone", lambda _: nullcontext())
    assert any(any(meanwhile(file, 4)) or len(held(file)) > 1 for _ in range(20))
