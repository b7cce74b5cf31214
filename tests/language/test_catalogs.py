import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message

from bot.language import LANGUAGES, language, nearest_language
from bot.words import Words, _, n_
from deploy import messages

pytestmark = pytest.mark.xdist_group("sentences")  # collecting them takes seconds
PLACE = re.compile(r"\{(\w+)\}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
WORD = re.compile(r"[A-Za-z]{2,}")
# Sentences that are the same in Chinese: names, and codes of the trade.
SAME = {"SKU"}


@pytest.fixture(scope="module")
def sentences() -> Catalog:
    return messages.template()


CATALOGS = list(messages.catalogs())


def ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def test_there_is_a_catalog_for_every_language_but_that_of_the_sources() -> None:
    assert {path.parent.parent.name for path, _catalog in CATALOGS} == set(LANGUAGES) - {"en"}


def test_no_sentence_is_marked_where_it_is_not_collected(sentences: Catalog) -> None:
    assert messages.uncollected(sentences) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("_('Product')", []),
        ("f\"{name}: {say(_('Product'))}\"", [1]),
        ("f\"{name}: {n_('{count} day', '{count} days', 2)}\"", [1]),
        ("say(f'{name}')\n_('A sentence that no catalog holds.')", [2]),
    ],
)
def test_a_sentence_that_is_not_collected_is_found(source: str, lines: list[int], sentences: Catalog) -> None:
    assert messages.lost(source, sentences) == lines


@pytest.mark.parametrize(
    ("path", "catalog"), CATALOGS, ids=lambda value: value.parts[-3] if isinstance(value, Path) else ""
)
def test_no_sentence_is_left_untranslated_or_guessed(path: Path, catalog: Catalog, sentences: Catalog) -> None:
    assert messages.missing(catalog, sentences) == [], f"run `python -m deploy.messages` and translate in {path}"


@pytest.mark.parametrize(
    ("path", "catalog"), CATALOGS, ids=lambda value: value.parts[-3] if isinstance(value, Path) else ""
)
def test_no_catalog_holds_a_sentence_that_nobody_says(path: Path, catalog: Catalog, sentences: Catalog) -> None:
    gone = [message.id for message in catalog if message.id and ids(message)[0] not in sentences]
    assert gone == [], f"run `python -m deploy.messages` to drop them from {path}"


@pytest.mark.parametrize(("_path", "catalog"), CATALOGS, ids=["zh_CN"])
def test_a_translation_has_the_places_of_its_sentence_and_no_others(_path: Path, catalog: Catalog) -> None:
    for message in catalog:
        if message.id:
            wanted = {place for each in ids(message) for place in PLACE.findall(each)}
            for string in strings(message):
                found = PLACE.findall(string)
                assert set(found) - {"count"} == wanted - {"count"}, message.id
                assert set(found) <= wanted, message.id


@pytest.mark.parametrize(("_path", "catalog"), CATALOGS, ids=["zh_CN"])
def test_a_chinese_sentence_is_chinese(_path: Path, catalog: Catalog) -> None:
    for message in catalog:
        for name, string in zip(ids(message), strings(message), strict=False):
            if name and WORD.search(PLACE.sub("", name)) and name not in SAME:
                assert CHINESE.search(string) or not WORD.search(PLACE.sub("", string)), name


def test_whatever_a_connector_says_is_said_in_chinese(sentences: Catalog) -> None:
    said = [
        message
        for message in sentences
        if message.id and any(name.startswith(("bot/stores/", "bot/suppliers/")) for name, _line in message.locations)
    ]
    assert len(said) > 300
    for message in said:
        name = ids(message)[0]
        filled = language("zh_CN").say(Words(name, dict.fromkeys(PLACE.findall(name), "7")))
        assert CHINESE.search(filled), name
        assert not PLACE.search(filled), filled


@pytest.mark.parametrize(("_path", "catalog"), CATALOGS, ids=["zh_CN"])
def test_chinese_sentences_use_chinese_punctuation(_path: Path, catalog: Catalog) -> None:
    for message in catalog:
        for string in strings(message):
            if message.id and CHINESE.search(string):
                assert not re.search(r"[\u4e00-\u9fff][,;?!:]|[,;?!][\u4e00-\u9fff]|[\u4e00-\u9fff]\.$", string), string


@pytest.mark.parametrize(
    ("tag", "code"),
    [("zh", "zh_CN"), ("zh-Hans-CN", "zh_CN"), ("zh_TW", "zh_CN"), ("en-US", "en"), ("de", "en"), ("", "en")],
)
def test_every_tag_has_a_nearest_language(tag: str, code: str) -> None:
    assert nearest_language(tag) == code


def test_a_value_is_never_translated_nor_taken_for_a_place() -> None:
    assert (
        language("zh_CN").say(_("No product matches {query}.", query="{query} Stock"))
        == "没有找到与 {query} Stock 匹配的商品。"
    )
    assert language("en").say(Words("{a}", {})) == "{a}"


def test_plural_forms_follow_the_language() -> None:
    for count, english in ((0, "0 days"), (1, "1 day"), (2, "2 days"), (1200, "1,200 days")):
        words = n_("{count} day", "{count} days", count)
        assert language("en").say(words) == english
        assert language("zh_CN").say(words) == english.split()[0] + " 天"
