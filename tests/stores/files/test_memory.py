"""What is remembered of a place, whatever lies there and whenever one looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.ports import FileSeen
from bot.services.filefeeds import SETTLED, _Memory

START = datetime(2026, 11, 23, tzinfo=UTC)
LISTINGS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), max_size=3),
        st.integers(0, 120),
    ),
    max_size=12,
)


@given(LISTINGS)
def test_a_version_is_ready_only_after_it_lay_unchanged_and_is_taken_once(
    looks: list[tuple[dict[str, int], int]],
) -> None:
    memory, now = _Memory(), START
    since: dict[str, tuple[str, datetime]] = {}
    last: dict[str, str] = {}
    for found, seconds in looks:
        now += timedelta(seconds=seconds)
        listed = [FileSeen(name, size, f"v{size}") for name, size in found.items()]
        since = {one.name: since.get(one.name, ("", now)) for one in listed}
        for one in listed:
            if since[one.name][0] != one.stamp:
                since[one.name] = (one.stamp, now)
        memory = _Memory.of(memory.text())  # another process looks
        memory.forget(listed)
        for one in memory.meet(listed, now):
            assert now - since[one.name][1] >= SETTLED
            assert last.get(one.name) != one.stamp or one.name not in memory.taken
            memory.taken[one.name] = last[one.name] = one.stamp
            memory.seen.pop(one.name)
    assert _Memory.of(memory.text()) == memory
