"""Which lines share an order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.combining import Piece, combine

pieces = st.lists(st.builds(Piece, st.sampled_from("abc"), st.integers(0, 50)), max_size=120)


def test_lines_of_one_way_share_an_order_with_the_costliest_first() -> None:
    found = combine([Piece("sea", 5), Piece("air", 9), Piece("sea", 7)])
    assert found == [(2, 0), (1,)]


def test_what_is_left_over_goes_into_a_further_order() -> None:
    found = combine([Piece("sea", number) for number in range(5)], most=2)
    assert found == [(4, 3), (2, 1), (0,)]


def test_pennies_make_no_order_but_join_one() -> None:
    assert combine([Piece("sea", 1), Piece("sea", 2)], least_minor=10) == []
    assert combine([Piece("sea", 1), Piece("sea", 12)], least_minor=10) == [(1, 0)]
    assert combine([Piece("sea", 12), Piece("sea", 1)], least_minor=10, most=1) == [(0,)]


@given(pieces, st.integers(0, 60), st.integers(1, 9))
def test_every_need_worth_an_order_is_in_exactly_one_that_holds(given_: list[Piece], least: int, most: int) -> None:
    orders = combine(given_, least, most)
    placed = [number for order in orders for number in order]
    assert len(placed) == len(set(placed))
    worth = {number for number, piece in enumerate(given_) if piece.money_minor >= least}
    assert worth <= set(placed)
    for order in orders:
        assert 1 <= len(order) <= most
        assert len({given_[number].group for number in order}) == 1
        assert order[0] in worth
        money = [given_[number].money_minor for number in order]
        assert money == sorted(money, reverse=True)
    at_risk = [sum(given_[number].money_minor for number in order) for order in orders]
    assert at_risk == sorted(at_risk, reverse=True)
    # no order more than the needs that are worth one ask for
    for group in {piece.group for piece in given_}:
        mine = sum(given_[order[0]].group == group for order in orders)
        need = sum(given_[number].group == group for number in worth)
        assert mine == -(-need // most)
