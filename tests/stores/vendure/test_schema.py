"""Every operation that is sent is one of a real store's schema."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import FieldNode, NoDeprecatedCustomRule, OperationDefinitionNode, parse, validate, validate_schema

from bot.stores.vendure.queries import OPERATIONS
from tests.stores.shopify.reduce_schema import asked
from tests.stores.vendure.strict import SCHEMA

HERE = Path(__file__).parent


def test_the_reduced_schema_is_a_schema() -> None:
    assert validate_schema(SCHEMA) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_valid_and_asks_nothing_that_is_deprecated(name: str) -> None:
    document = parse(OPERATIONS[name])
    assert validate(SCHEMA, document) == []
    assert validate(SCHEMA, document, [NoDeprecatedCustomRule]) == []
    (definition,) = document.definitions
    assert isinstance(definition, OperationDefinitionNode)
    assert definition.name is not None
    assert definition.name.value == name


@pytest.mark.parametrize(
    "wrong",
    [
        "{ orders { items { totalPrice } } }",
        "{ orders(options: {filter: {placed: {isNull: false}}}) { totalItems } }",
        "query ($id: Int!) { productVariant(id: $id) { id } }",
        "mutation { updateProductVariants(input: [{price: 1}]) { id } }",
    ],
)
def test_an_operation_that_is_none_would_be_noticed(wrong: str) -> None:
    assert validate(SCHEMA, parse(wrong))


def test_no_operation_asks_for_a_person() -> None:
    fields = asked(SCHEMA, OPERATIONS.values())
    assert fields["Customer"] == {"id"}
    personal = {"shippingAddress", "billingAddress", "couponCodes", "customFields"}
    assert fields["Order"] & personal == set()
    assert "administrator" not in fields["HistoryEntry"]


def test_only_operations_of_prices_need_the_plugin() -> None:
    for name, text in OPERATIONS.items():
        assert ("stocktidePrices" in text) == (name in {"Price", "PriceOf", "Written"})


@pytest.mark.parametrize("name", ["Variants", "Orders", "Places"])
def test_a_list_is_one_field_so_that_it_is_walked_by_its_only_answer(name: str) -> None:
    (definition,) = parse(OPERATIONS[name]).definitions
    assert isinstance(definition, OperationDefinitionNode)
    assert [isinstance(field, FieldNode) for field in definition.selection_set.selections] == [True]


def test_the_packages_of_the_real_store_name_no_host() -> None:
    lock = (HERE / "server" / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
    assert '"version": "3.7.3"' in lock
