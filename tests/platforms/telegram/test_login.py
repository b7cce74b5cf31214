"""Telegram's signed logins: the algorithm against a published example and another's code, and every way of cheating."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.platforms.telegram.login import sign, vouched

# The example that aiogram publishes with its tests.
TOKEN = "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"
EXAMPLE = {
    "id": "42",
    "first_name": "John",
    "last_name": "Smith",
    "username": "username",
    "photo_url": "https://t.me/i/userpic/320/picname.jpg",
    "auth_date": "1565810688",
    "hash": "c303db2b5a06fe41d23a9b14f7c545cfc11dcc7473c07c9c5034ae60062461ce",
}
THEN = datetime.fromtimestamp(1_565_810_688, UTC)

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
FIELDS = st.dictionaries(
    st.sampled_from(["first_name", "last_name", "username", "photo_url", "a_field_of_tomorrow"]), TEXTS
)


def signed(fields: dict[str, str], token: str = TOKEN) -> dict[str, str]:
    return {**fields, "hash": sign(fields, token)}


def test_the_published_example_is_vouched_for() -> None:
    assert vouched(EXAMPLE, TOKEN, THEN) == "42"


@pytest.mark.xdist_group("aiogram")
@given(FIELDS, st.integers(1, 2**53), st.text(string.ascii_letters + string.digits + ":_-", min_size=1, max_size=60))
def test_another_implementation_agrees(fields: dict[str, str], person: int, token: str) -> None:
    from aiogram.utils.auth_widget import check_signature  # noqa: PLC0415  # seconds to load

    data = signed({**fields, "id": str(person), "auth_date": "1565810688"}, token)
    assert check_signature(token, **data)
    assert vouched(data, token, THEN) == str(person)


@given(st.sampled_from(sorted(EXAMPLE)), st.data())
def test_any_changed_character_is_refused(name: str, data: st.DataObject) -> None:
    value = EXAMPLE[name]
    at = data.draw(st.integers(0, len(value) - 1))
    letter = data.draw(st.characters())
    assume(letter != value[at])
    changed = {**EXAMPLE, name: value[:at] + letter + value[at + 1 :]}
    assert vouched(changed, TOKEN, THEN) is None


@given(st.sampled_from(sorted(EXAMPLE)), st.text(min_size=1, max_size=5))
def test_anything_added_or_left_out_is_refused(name: str, more: str) -> None:
    assert vouched({**EXAMPLE, name: EXAMPLE[name] + more}, TOKEN, THEN) is None
    assert vouched({**EXAMPLE, name: more + EXAMPLE[name]}, TOKEN, THEN) is None
    assert vouched({**EXAMPLE, name: ""}, TOKEN, THEN) is None
    assert vouched({key: value for key, value in EXAMPLE.items() if key != name}, TOKEN, THEN) is None
    assert vouched({**EXAMPLE, more: "1"} if more not in EXAMPLE else {}, TOKEN, THEN) is None


@given(st.text(max_size=70))
def test_another_bots_token_opens_nothing(token: str) -> None:
    assume(token != TOKEN)
    assert vouched(EXAMPLE, token, THEN) is None
    assert vouched(signed({"id": "42", "auth_date": "1565810688"}, token), TOKEN, THEN) is None


@pytest.mark.parametrize(
    ("late", "person"),
    [
        (timedelta(0), "42"),
        (timedelta(minutes=5), "42"),
        (timedelta(minutes=5, microseconds=1), None),
        (timedelta(days=365), None),
        (timedelta(minutes=-1), "42"),
        (timedelta(minutes=-1, microseconds=-1), None),
        (timedelta(days=-365), None),
    ],
)
def test_a_signature_counts_for_five_minutes_and_for_one_before_as_telegrams_clock_may_be_ahead(
    late: timedelta, person: str | None
) -> None:
    assert vouched(EXAMPLE, TOKEN, THEN + late) == person


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "42"},
        {"auth_date": "1565810688"},
        {"id": "", "auth_date": "1565810688"},
        {"id": "042", "auth_date": "1565810688"},
        {"id": "-42", "auth_date": "1565810688"},
        {"id": "４２", "auth_date": "1565810688"},
        {"id": "42\n", "auth_date": "1565810688"},
        {"id": "42", "auth_date": "1565810688.0"},
        {"id": "42", "auth_date": "1e9"},
        {"id": "42", "auth_date": "9" * 30},
        {"id": "42", "auth_date": "1565810688", "First": "x"},
        {"id": "42", "auth_date": "1565810688", **{f"f{chr(97 + n // 26)}{chr(97 + n % 26)}": "" for n in range(40)}},
    ],
)
def test_a_good_signature_over_odd_fields_is_refused_too(fields: dict[str, str]) -> None:
    assert vouched(signed(fields), TOKEN, THEN) is None


def test_a_line_break_in_a_name_cannot_become_somebody_elses_id() -> None:
    eve = {"auth_date": "1565810688", "first_name": "Eve\nid=7\nlast_name=x", "id": "8"}
    forged = {"auth_date": "1565810688", "first_name": "Eve", "id": "7", "last_name": "x\nid=8"}
    assert sign(eve, TOKEN) == sign(forged, TOKEN)
    assert vouched(signed(eve), TOKEN, THEN) is None
    assert vouched(signed(forged), TOKEN, THEN) is None


@pytest.mark.parametrize("wrong", [EXAMPLE["hash"].upper(), EXAMPLE["hash"][:-1], f"{EXAMPLE['hash']} ", "é" * 64, ""])
def test_a_hash_is_read_in_one_way_only(wrong: str) -> None:
    assert vouched({**EXAMPLE, "hash": wrong}, TOKEN, THEN) is None
