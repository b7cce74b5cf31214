"""What becomes of rows: good ones are facts, the others are named, and nothing is taken twice."""

from __future__ import annotations

from typing import Any

from bot.domain.setaside import words_of
from bot.language import language
from tests.web_api.conftest import AT, NOW, Site, count, inbound, order

LEVELS = (
    "SELECT p.sku, l.code, s.on_hand, s.committed, s.source FROM stock_levels s JOIN products p ON p.id = s.product_id "
    "JOIN locations l ON l.id = s.location_id ORDER BY 1, 2"
)
SALES = "SELECT external_id, code, quantity, amount_minor, currency, kind FROM sales ORDER BY external_id"
BATCH = 10_000


async def test_an_order_sent_again_in_another_form_replaces_its_lines(site: Site) -> None:
    first = await site.send("sales", order("7", returns=[{"id": "r", "line": "a", "quantity": 1, "at": AT}]))
    assert (first.status_code, first.json()) == (200, {"received": 1, "changed": 1, "faults": []})
    assert await site.rows(SALES) == [
        ("7/a", "MUG", 2, 2500, "GBP", "sale"),
        ("7/a/return/r", "MUG", -1, -1250, "GBP", "return"),
    ]
    line = {"id": "b", "sku": "cup", "quantity": 3, "amount": {"amount": "9.9", "currency": "EUR"}, "location": "DE"}
    again = await site.send("sales", order("7", line))
    assert again.json() == {"received": 1, "changed": 1, "faults": []}
    assert await site.rows(SALES) == [("7/b", "CUP", 3, 990, "EUR", "sale")]
    assert (await site.send("sales", order("7", line))).json()["changed"] == 0


async def test_stock_purchase_orders_and_products_are_the_facts_of_a_store_named_after_the_source(site: Site) -> None:
    assert (await site.send("stock", count(on_hand=5, committed=2), count("CUP", 0))).status_code == 200
    assert await site.rows(LEVELS) == [("CUP", "UK", 0, 0, "store:api:erp"), ("MUG", "UK", 5, 2, "store:api:erp")]
    arrived = inbound("PO-2", received_at=AT)
    assert (await site.send("purchase-orders", inbound(), arrived)).json()["changed"] == 2
    assert await site.rows("SELECT external_id, quantity FROM stock_movements") == [("inbound:PO-2", 60)]
    assert (await site.send("products", {"sku": "MUG", "name": "Mug", "price": "3.5"})).json()["changed"] == 1
    assert await site.rows("SELECT name, unit_price_minor FROM products WHERE sku = 'MUG'") == [("Mug", 350)]


async def test_good_rows_are_kept_and_the_others_are_named_with_row_field_and_problem(site: Site) -> None:
    answer = await site.send(
        "stock", count("A"), count("B", on_hand=1.5), count("C", location="XX"), count("D", colour="red"), 7,
        count("E", as_of="2026-11-20T09:30:00Z"), count("F", as_of="2026-11-20T08:30:00"),
    )  # fmt: skip
    assert answer.status_code == 207
    told = answer.json()
    assert (told["received"], told["changed"]) == (7, 1)
    assert [(f["row"], f["field"], f["problem"]) for f in told["faults"]] == [
        (1, "on_hand", "should be a valid integer"),
        (2, "location", "we have no location 'XX'; ours are DE, UK"),
        (3, "colour", "there is no such field"),
        (4, "", "should be a valid dictionary or instance of StockRow"),
        (5, "as_of", "lies in the future"),
        (6, "as_of", "should be an instant with an offset, such as 2026-11-20T09:30:00+08:00"),
    ]
    assert await site.rows(LEVELS) == [("A", "UK", 5, 0, "store:api:erp")]
    aside = "SELECT kind, subject, problem FROM store_faults ORDER BY subject"
    told = {subject: words_of(problem) for _, subject, problem in await site.rows(aside)}
    assert str(told["C@XX"]) == "location: we have no location 'XX'; ours are DE, UK"
    assert language("zh_CN").say(told["C@XX"]) == "字段 location：没有地点 'XX'；现有地点是 DE, UK"
    await site.send("stock", count("B", on_hand=1))
    assert "B@UK" not in {subject for _, subject, _ in await site.rows(aside)}


async def test_a_batch_of_which_nothing_could_be_taken_is_no_success(quick: Site) -> None:
    answer = await quick.send("sales", order("1", location="XX"), order("2", location=None))
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    told = answer.json()
    assert (told["type"], told["received"], told["changed"]) == ("/api/v1#rows", 2, 0)
    assert [(f["row"], f["field"]) for f in told["faults"]] == [(0, "location"), (1, "location")]


def line(**more: Any) -> dict[str, Any]:
    return {"lines": [{"id": "a", "sku": "MUG", "quantity": 1, "amount": "1", **more}]}


# Each spoils an order in one way; the field that is named.
SPOILED: tuple[tuple[dict[str, Any], str], ...] = (
    (line(amount=2.5), "lines[0].amount"),
    (line(amount="2.505"), "lines[0].amount"),
    (line(amount={"amount": "2.50", "currency": "XQX"}), "lines[0].amount"),
    (line(amount={"amount": "2.50", "currency": "JPY"}), "lines[0].amount"),
    (line(amount="٢"), "lines[0].amount"),
    (line(quantity=-1), "lines[0].quantity"),
    (line(quantity=True), "lines[0].quantity"),
    (line(quantity=1.5), "lines[0].quantity"),
    (line(quantity="1"), "lines[0].quantity"),
    (line(quantity=2**70), "lines[0].quantity"),
    (line(sku="\t"), "lines[0].sku"),
    (line(sku="x\u2028y"), "lines[0].sku"),
    (line(location="XX"), "lines[0].location"),
    (line(nme="Mug"), "lines[0].nme"),
    ({"lines": [*line()["lines"], *line()["lines"]]}, ""),
    ({"returns": [{"id": "r", "line": "z", "quantity": 1, "at": AT}]}, ""),
    ({"returns": [{"id": "r", "line": "a", "quantity": 1, "at": "2026-11-21T09:00:00Z"}]}, "returns[0].at"),
    ({"placed_at": "2026-02-30T09:00:00Z"}, "placed_at"),
    ({"placed_at": "0001-01-01T00:00:00+14:00"}, "placed_at"),
    ({"placed_at": 1763600000}, "placed_at"),
    ({"customer": "Lin Wei <lin@example.com>"}, "customer"),
    ({"id": "\u0000"}, "id"),
    ({"id": "\ud800"}, "id"),
    ({"\ud800": 1}, ""),
    ({"location": None}, "location"),
)


async def test_a_row_that_cannot_be_is_named_by_its_field_and_nothing_of_it_is_kept(site: Site) -> None:
    told = (await site.send("sales", *(order(str(n)) | more for n, (more, _) in enumerate(SPOILED)))).json()
    assert [(f["row"], f["field"]) for f in told["faults"]] == [(n, field) for n, (_, field) in enumerate(SPOILED)]
    assert await site.rows(SALES) == []
    kept = str(await site.rows("SELECT * FROM store_faults"))
    assert "Lin Wei" not in kept
    assert "example.com" not in kept


async def test_of_rows_that_state_the_same_the_last_one_is_taken(quick: Site) -> None:
    told = (await quick.send("stock", count("mug", 5), count("MUG", 7.0), count("CUP", 1))).json()
    assert told["faults"] == [{"row": 0, "field": "", "problem": "row 1 states the same anew; that one was taken"}]
    assert [row[2] for row in await quick.rows(LEVELS)] == [1, 7]
    assert await quick.rows("SELECT * FROM store_faults") == []


async def test_an_order_whose_later_state_was_sent_is_refused_and_a_correction_without_an_instant_is_taken(
    quick: Site,
) -> None:
    def state(units: int, **more: str) -> dict[str, object]:
        return order("1", {"id": "a", "sku": "MUG", "quantity": units, "amount": "5.00"}, **more)

    units = "SELECT SUM(quantity) FROM sales"
    await quick.send("sales", state(5, changed_at="2026-11-19T12:00:00Z"))
    told = (await quick.send("sales", state(9, changed_at="2026-11-19T11:00:00Z"))).json()
    problem = "a state that changed later was sent before; that one stands"
    assert told["faults"] == [{"row": 0, "field": "changed_at", "problem": problem}]
    assert (await quick.rows(units), await quick.rows("SELECT * FROM store_faults")) == ([(5,)], [])
    assert (await quick.send("sales", state(2))).json()["faults"] == []
    assert await quick.rows(units) == [(2,)]


async def test_a_code_that_resembles_ours_waits_for_a_person_and_is_taken_when_sent_again(quick: Site) -> None:
    await quick.send("stock", count("AB-12"))
    second = await quick.app.services.api_keys.add("erp2", source="till")
    theirs = {"Authorization": f"Bearer {second}"}
    told = (
        await quick.send("sales", order("1", {"id": "a", "sku": "AB 12", "quantity": 1, "amount": "1"}), **theirs)
    ).json()
    assert told["faults"] == [
        {"row": 0, "field": "lines", "problem": "nobody has said yet which product AB 12 is"}
    ]  # fmt: skip
    stores = quick.app.services.stores
    assert [state.store for state in await stores.states()] == ["api:erp", "api:till"]
    assert [code[3] for code in (await stores.unsure("api:till")).codes] == ["AB-12"]
    await stores.product("api:till", "AB 12", "AB-12")
    answer = await quick.send(
        "sales", order("1", {"id": "a", "sku": "AB 12", "quantity": 1, "amount": "1"}), **theirs
    )  # fmt: skip
    assert answer.json()["faults"] == []
    assert [row[1] for row in await quick.rows(SALES)] == ["AB-12"]


async def test_stock_that_another_source_counts_is_refused_not_lost(quick: Site) -> None:
    await quick.send("stock", count())
    token = await quick.app.services.api_keys.add("till")
    told = (await quick.send("stock", count(), Authorization=f"Bearer {token}")).json()
    assert told["faults"] == [{"row": 0, "field": "location", "problem": "another source counts the stock of UK"}]


async def test_figures_stay_fresh_by_what_was_told_and_by_word_that_there_is_nothing_new(quick: Site) -> None:
    fresh = "SELECT kind, fresh_until, limit_hours FROM feeds"
    micros = int(NOW.timestamp()) * 1_000_000
    await quick.send("sales", order())
    ((kind, before, hours),) = await quick.rows(fresh)
    assert (kind, before, hours) == ("sales", micros - (32 * 60 + 30) * 60 * 10**6, 48)  # when the order was placed
    await quick.send("sales", order("2", location="XX"))
    assert (await quick.rows(fresh))[0][1] == before
    assert (await quick.send("sales")).json() == {"received": 0, "changed": 0, "faults": []}
    assert (await quick.rows(fresh))[0][1] == micros
    kinds = (await quick.app.services.stores.states())[0].kinds
    assert [(kind.kind, kind.facts) for kind in kinds] == [("orders", 0)]


async def test_a_batch_of_ten_thousand_rows_is_taken_and_one_more_is_refused(quick: Site) -> None:
    rows = [count(f"S{number}", number % 50) for number in range(BATCH)]
    answer = await quick.send("stock", *rows)
    assert answer.json() == {"received": BATCH, "changed": BATCH, "faults": []}
    assert (await quick.rows("SELECT count(*) FROM stock_levels"))[0][0] == BATCH
    more = await quick.send("stock", *rows, count())
    assert (more.status_code, more.json()["type"]) == (413, "/api/v1#too-large")
