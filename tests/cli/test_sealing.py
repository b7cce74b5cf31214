"""`stocktide secrets` and `stocktide stores add`."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path
from typing import get_args

import pytest
import sqlalchemy
from typer.testing import CliRunner

from bot import settings
from bot.bootstrap import outward
from bot.bootstrap.trying import trial_of
from bot.cli import connecting, sealing
from bot.cli.app import app
from bot.ports import Check, SystemClock
from bot.sandbox.serving import Serving
from bot.settings import StorePart
from bot.settings.resealing import SECRETS as STORE_SECRETS
from bot.settings.sealing import Keys, new_key
from bot.storage.database import Database
from bot.stores import FEEDS, SECRETS, STORES
from bot.words import verbatim
from tests.cli.terminal import stocktide
from tests.stores.woocommerce.server import shop_app
from tests.stores.woocommerce.shop import KEY, WooShop

CLEAR = """[slack]
bot_token = "xoxb-canary-1"  # ours
signing_secret = "canary-2"
"""


@pytest.fixture
def file(home: Path) -> Path:
    """A settings file with two secrets in clear."""
    written = home / "stocktide.toml"
    written.write_text(CLEAR)
    return written


@pytest.fixture
def seated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at the terminal."""
    for module in (sealing, connecting):
        monkeypatch.setattr(module, "at_terminal", lambda: True)


def typed(*words: str, answers: str = "") -> tuple[int, str, str]:
    """What a command says to who types the answers: its end, standard output and standard error."""
    ran = CliRunner().invoke(app, list(words), input=answers)
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran.exit_code, ran.stdout, ran.stderr


def test_a_piped_secret_is_sealed_by_a_key_made_for_it(home: Path) -> None:
    code, told, why = typed("secrets", "seal", answers="canary\nof two lines\n")
    assert code == 0, why
    assert "Made the key stocktide.key" in why
    assert stat.S_IMODE((home / "stocktide.key").stat().st_mode) == 0o600
    (home / "stocktide.toml").write_text(f'[mail]\npassword = "{told.strip()}"\n')
    assert settings.load(home / "stocktide.toml", {}).mail.password.get_secret_value() == "canary\nof two lines"
    assert "canary" not in told + why


@pytest.mark.usefixtures("seated")
def test_a_secret_is_asked_for_and_not_shown(home: Path) -> None:
    code, told, asked = typed("secrets", "seal", answers="canary\n")
    assert code == 0
    assert "Secret:" in told + asked
    assert told.splitlines()[-1].startswith("sealed:")
    assert "canary" not in asked + told
    key = (home / "stocktide.key").read_bytes()
    assert typed("secrets", "seal", answers="canary\n")[0] == 0
    assert (home / "stocktide.key").read_bytes() == key


@pytest.mark.parametrize(("secret", "said"), [("", "nothing to seal"), ("sealed:gAAA", "sealed already")])
def test_what_needs_no_sealing_is_refused_and_makes_no_key(home: Path, secret: str, said: str) -> None:
    code, told, why = typed("secrets", "seal", answers=secret)
    assert (code, told) == (2, "")
    assert said in why
    assert list(home.iterdir()) == []


def test_a_file_is_sealed_in_place_and_every_setting_named(file: Path) -> None:
    ran = stocktide("secrets", "seal-file")
    assert ran.code == 0, ran.err
    assert "Sealed 2 secrets in stocktide.toml: slack.bot_token, slack.signing_secret" in ran.out
    assert "Made the key stocktide.key" in ran.err
    text = file.read_text()
    assert "canary" not in text + ran.out + ran.err
    assert "  # ours\n" in text
    assert "No secret stands in clear" in stocktide("secrets", "seal-file").out


def test_a_key_is_replaced(file: Path) -> None:
    stocktide("secrets", "seal-file")
    before = (file.with_name("stocktide.key").read_text(), file.read_text())
    ran = stocktide("secrets", "rotate")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Sealed 2 secrets in stocktide.toml anew.\nThe new key stands alone in stocktide.key.")
    after = (file.with_name("stocktide.key").read_text(), file.read_text())
    assert not {*before} & {*after}
    assert settings.load(file, {}).slack.bot_token.get_secret_value() == "xoxb-canary-1"


def test_old_keys_stay_while_the_environment_needs_them(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stocktide("secrets", "seal-file")
    (key,) = [line for line in file.with_name("stocktide.key").read_text().splitlines() if not line.startswith("#")]
    monkeypatch.setenv("STOCKTIDE_MAIL__PASSWORD", Keys([key]).seal("canary"))
    ran = stocktide("secrets", "rotate")
    assert ran.code == 1
    assert "The old keys stay" in ran.err
    assert "mail.password" in ran.err
    assert key in file.with_name("stocktide.key").read_text()
    assert key not in ran.out + ran.err


def test_a_key_for_the_environment_is_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = (stocktide("secrets", "key").out.strip() for _ in range(2))
    assert old != new
    monkeypatch.setenv("STOCKTIDE_KEY", old)
    assert stocktide("secrets", "seal-file").code == 0
    assert "holds one key only" in stocktide("secrets", "rotate").err
    monkeypatch.setenv("STOCKTIDE_KEY", f"{new},{old}")
    assert "leave the first key alone in STOCKTIDE_KEY" in stocktide("secrets", "rotate").out
    monkeypatch.setenv("STOCKTIDE_KEY", new)
    assert stocktide("--config", str(file), "secrets", "seal-file").code == 0
    assert not file.with_name("stocktide.key").exists()


@pytest.mark.parametrize("words", [("seal-file",), ("rotate",)], ids=" ".join)
def test_a_file_that_is_not_there_is_one_line(home: Path, words: tuple[str, ...]) -> None:
    ran = stocktide("--config", "none.toml", "secrets", *words)
    assert ran.code == 2
    assert "none.toml: there is no such file" in ran.err
    assert list(home.iterdir()) == []


def test_a_key_that_others_may_read_stops_every_command(file: Path) -> None:
    stocktide("secrets", "seal-file")
    file.with_name("stocktide.key").chmod(0o644)
    ran = stocktide("check")
    assert ran.code == 2
    assert "chmod 600 stocktide.key" in ran.err


def text_of(file: Path) -> str:
    return file.read_text(encoding="utf-8")


async def connect(*options: str, answers: str) -> tuple[int, str, str, WooShop]:
    """`stores add` of a WooCommerce shop on loopback."""
    shop = WooShop(SystemClock())
    serving = Serving(shop_app(shop))
    words = ("stores", "add", "shop", "--kind", "woocommerce", "--url", serving.bind(), "--user", KEY, "--private")
    await serving.start()
    try:
        ran = await asyncio.to_thread(typed, *words, *options, answers=answers)
    finally:
        await serving.stop()
    return *ran, shop


@pytest.mark.usefixtures("seated")
async def test_a_store_is_asked_for_its_secrets_tried_and_written_down_sealed(file: Path) -> None:
    code, told, asked, shop = await connect(
        "--location", "UK", "--option", "sold=shipped", answers="cs_of-the-shop\n\n"
    )  # fmt: skip
    assert code == 0, asked
    assert "Consumer secret (cs_...)" in asked
    assert "store shop" in told
    assert "ok" in told.split()
    assert told.endswith("Added shop to stocktide.toml. Next: stocktide stores sync shop\n")
    assert shop.token not in text_of(file) + told + asked
    assert text_of(file).startswith(CLEAR)
    store = settings.load(file, {}).stores.connected["shop"]
    assert (store.secret.get_secret_value(), store.hook_secret.get_secret_value()) == (shop.token, "")
    assert (store.locations, store.options, store.private) == (("UK",), {"sold": "shipped"}, True)
    assert file.with_name("stocktide.key").exists()


async def test_a_secret_comes_by_standard_input_where_nobody_sits(file: Path) -> None:
    code, _, why, shop = await connect(
        "--secret-stdin", "--hook-secret-stdin", answers="cs_of-the-shop\nhook-canary\n"
    )  # fmt: skip
    assert code == 0, why
    store = settings.load(file, {}).stores.connected["shop"]
    assert (store.secret.get_secret_value(), store.hook_secret.get_secret_value()) == (shop.token, "hook-canary")


async def test_a_store_that_refuses_is_told_and_not_written_down(file: Path) -> None:
    code, told, why, _ = await connect("--secret-stdin", answers="cs_canary\n")
    assert code == 1
    assert "fail" in told
    assert "Nothing was written" in why
    assert "canary" not in told + why
    assert text_of(file) == CLEAR
    assert not file.with_name("stocktide.key").exists()


def test_secrets_of_a_store_are_replaced_once_they_were_tried(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    words = ("stores", "add", "drop", "--kind", "files", "--url", folder.as_uri(), "--option", "stock=stock*")
    code, _, why = typed(*words, "--secret-stdin", "--untried", answers="canary-old\n")
    assert code == 0, why
    before = settings.load(file, {}).stores.connected["drop"]
    code, _, why = typed("stores", "secrets", "drop", "--secret-stdin", answers="canary-new\n")
    assert (code, "Nothing was written" in why) == (1, True)
    assert settings.load(file, {}).stores.connected["drop"] == before
    folder.mkdir()
    code, told, why = typed("stores", "secrets", "drop", "--secret-stdin", answers="canary-new\n")
    assert code == 0, why
    assert "Replaced secret of drop" in told
    assert "canary-new" not in text_of(file) + told + why
    after = settings.load(file, {}).stores.connected["drop"]
    assert after == before.model_copy(update={"secret": after.secret})
    assert after.secret.get_secret_value() == "canary-new"


@pytest.mark.parametrize(("name", "said"), [("shop", "no secret is taken: --token-stdin"), ("web", "called web: shop")])
def test_secrets_that_nobody_gives_or_of_no_store_change_nothing(file: Path, name: str, said: str) -> None:
    file.write_text(CLEAR + "[stores.connected.shop]\nkind = 'local'\n")
    before = text_of(file)
    ran = stocktide("stores", "secrets", name)
    assert ran.code != 0
    assert said in ran.err
    assert text_of(file) == before


def test_a_store_is_written_down_untried_where_that_is_asked_for(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outward, "FEEDS", {})
    code, told, why = typed("stores", "add", "demo", "--kind", "local", "--url", "http://127.0.0.1:1", "--untried")
    assert code == 0, why
    assert "no secret is taken: --token-stdin" in why
    assert "Next: stocktide check" in told
    assert settings.load(file, {}).stores.connected["demo"].kind == "local"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("my shop", "--kind", "local"), "letters, digits"),
        (("shop", "--kind", "ebay"), "ebay is not a kind of store: write amazon, files, local"),
        (("shop", "--kind", "local", "--option", "sold"), "write an option as KEY=VALUE"),
        (("shop", "--kind", "local", "--url", "nowhere", "--untried"), "stores.connected.shop.url"),
        (("shop", "--kind", "local", "--token", "canary"), "No such option"),
    ],
)
def test_a_store_that_cannot_be_is_refused_and_the_file_left(file: Path, words: tuple[str, ...], said: str) -> None:
    ran = stocktide("stores", "add", *words)
    assert ran.code == 2
    assert said in ran.err
    assert file.read_text() == CLEAR


def test_every_kind_of_the_settings_is_asked_for_secrets_that_a_store_has() -> None:
    assert set(SECRETS) == set(get_args(StorePart.model_fields["kind"].annotation))
    assert {*STORES, *FEEDS} <= set(SECRETS)
    assert all(set(asked) <= set(STORE_SECRETS) for asked in SECRETS.values())


@pytest.mark.usefixtures("seated")
@pytest.mark.parametrize(
    ("kind", "said"),
    [("amazon", "Refresh token (Atzr|...)"), ("tryton", "Password of Tryton's user"), ("sql", "Password of the")],
)
def test_a_kind_calls_its_secrets_by_their_own_names(file: Path, kind: str, said: str) -> None:
    url = {"sql": "postgresql+psycopg://db.example.com/erp"}.get(kind, "https://erp.example.com/production")
    answers = "shh\n" * len(SECRETS[kind])
    options = ("--option", "marketplaces=DE") if kind == "amazon" else ()
    words = ("stores", "add", "erp", "--kind", kind, "--url", url, "--untried", *options)
    code, _, asked = typed(*words, answers=answers)
    assert code == 0, asked
    assert said in asked
    assert "Password or secret" not in asked
    store = settings.load(file, {}).stores.connected["erp"]
    assert {name for name in STORE_SECRETS if getattr(store, name).get_secret_value()} == set(SECRETS[kind])


def test_a_place_of_files_is_tried_and_written_down(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "inbox"
    words = ("stores", "add", "drop", "--kind", "files", "--url", folder.as_uri(), "--option", "stock=stock*")
    ran = stocktide(*words)
    assert ran.code == 1, ran.out
    assert "Nothing was written" in ran.err
    folder.mkdir()
    wrong = stocktide(*words, "--option", "stok=s*")
    assert wrong.code == 2
    assert "stok" in wrong.err
    ran = stocktide(*words)
    assert ran.code == 0, ran.err
    assert "Next: stocktide stores sync drop" in ran.out
    assert settings.load(file, {}).stores.connected["drop"].kind == "files"


async def test_what_purchases_and_transfers_are_written_into_is_tried_too(monkeypatch: pytest.MonkeyPatch) -> None:
    class Books:
        def __init__(self, name: str) -> None:
            self.name = name

        async def check(self) -> tuple[Check, ...]:
            return (Check(verbatim(self.name), "fail", verbatim("it may not write")),)

    for made_by in ("BOOKS", "TRANSFERS"):
        monkeypatch.setattr(outward, made_by, {"local": lambda name, _part, what=made_by: Books(f"{what} {name}")})
    monkeypatch.setattr(outward, "STORES", {})
    lone = settings.parsed({"stores": {"connected": {"demo": {"kind": "local"}}}})
    assert [check.name for check in await trial_of(lone).check()] == ["BOOKS demo", "TRANSFERS demo"]


def test_a_store_that_the_next_start_could_not_read_is_not_written_down_untried(file: Path) -> None:
    ran = stocktide("stores", "add", "az", "--kind", "amazon", "--option", "marketplaces=XX", "--untried")
    assert ran.code == 2
    assert "names no marketplace of Amazon: XX" in ran.err
    assert file.read_text() == CLEAR


async def test_what_is_written_at_the_terminal_stands_in_the_audit_log(home: Path) -> None:
    file = home / "stocktide.toml"
    file.write_text('[database]\nurl = "sqlite+aiosqlite:///shop.db"\n')
    words = ("stores", "add", "demo", "--kind", "local", "--url", "http://127.0.0.1:1", "--untried", "--token-stdin")
    before = await asyncio.to_thread(typed, *words, answers="canary\n")
    assert before[0] == 0
    assert "The audit log has no entry of it" in before[2]
    assert (await asyncio.to_thread(stocktide, "migrate")).code == 0
    after = await asyncio.to_thread(typed, "stores", "secrets", "demo", "--token-stdin", "--untried", answers="new\n")
    assert after[0] == 0, after[2]
    assert "audit" not in after[2]
    database = Database("sqlite+aiosqlite:///shop.db")
    async with database.reading() as connection:
        rows = (await connection.execute(sqlalchemy.text("SELECT action, subject, data, platform FROM audit"))).all()
    await database.close()
    told = '{"secrets": ["token"], "untried": true}'
    assert [tuple(row) for row in rows] == [("store.secrets", "store:demo", told, "terminal")]


def test_a_name_that_is_taken_is_refused(file: Path) -> None:
    file.write_text(CLEAR + "[stores.connected.shop]\nkind = 'local'\n")
    ran = stocktide("stores", "add", "shop", "--kind", "local", "--untried")
    assert ran.code == 2
    assert "There is a store called shop already" in ran.err


def test_a_store_needs_a_file_to_stand_in(home: Path) -> None:
    ran = stocktide("stores", "add", "shop", "--kind", "local", "--untried")
    assert ran.code == 2
    assert "run `stocktide init`" in ran.err
    assert list(home.iterdir()) == []


def test_the_key_is_found_beside_whichever_file_is_chosen(home: Path) -> None:
    key = new_key()
    (home / "other.key").write_text(key)
    (home / "other.key").chmod(0o600)
    (home / "other.toml").write_text(f'[mail]\npassword = "{Keys([key]).seal("x")}"\n')
    assert "No secret stands in clear" in stocktide("-c", "other.toml", "secrets", "seal-file").out
