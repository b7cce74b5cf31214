"""Every operation that is sent is one of Shopify's own schema of that date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from graphql import NoDeprecatedCustomRule, parse, validate, validate_schema

from bot.stores.shopify.queries import API_VERSION, MORE, OPERATIONS, more
from tests.stores.shopify.reduce_schema import asked
from tests.stores.shopify.server import SCHEMA

HERE = Path(__file__).parent


def test_the_reduced_schema_is_a_schema() -> None:
    assert validate_schema(SCHEMA) == []
    assert (HERE / "admin.graphql").stat().st_size < 300_000


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_valid_and_asks_nothing_that_is_deprecated(name: str) -> None:
    document = parse(OPERATIONS[name])
    assert validate(SCHEMA, document) == []
    assert validate(SCHEMA, document, [NoDeprecatedCustomRule]) == []
    assert [definition.name.value for definition in document.definitions] == [name]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong",
    [
        "{ orders(first: 1) { nodes { total } } }",
        "{ orders(first: 1, sortKey: CHANGED_AT) { nodes { id } } }",
        "query ($id: Int!) { order(id: $id) { id } }",
        "mutation { webhookSubscriptionCreate(topic: MADE, webhookSubscription: {}) { userErrors { message } } }",
    ],
)
def test_an_operation_that_is_none_would_be_noticed(wrong: str) -> None:
    assert validate(SCHEMA, parse(wrong))


def test_what_is_deprecated_would_be_noticed() -> None:
    document = parse("{ orders(first: 1) { nodes { riskLevel } } }")
    assert validate(SCHEMA, document) == []
    assert validate(SCHEMA, document, [NoDeprecatedCustomRule])


def test_no_operation_changes_counts() -> None:
    """Such a one needs `changeFromQuantity` from 2026-04 on; what lies there is read, and moved by transfers alone."""
    written = [field for text in OPERATIONS.values() for field in re.findall(r"\binventory\w+(?=\()", text)]
    assert {"inventoryTransferCreate", "inventoryTransferCreateAsReadyToShip"} <= set(written)
    assert not [field for field in written if field.endswith(("Quantities", "OnHandQuantities", "Adjust", "Activate"))]


def test_no_operation_asks_for_a_person() -> None:
    fields = asked(SCHEMA, OPERATIONS.values())
    assert fields["Customer"] == {"id"}
    assert fields["LocationAddress"] == {"countryCode"}
    personal = {
        "email",
        "phone",
        "shippingAddress",
        "billingAddress",
        "displayAddress",
        "note",
        "customAttributes",
        "clientIp",
    }
    assert fields["Order"] & personal == set()


def test_each_list_inside_of_a_record_goes_on_by_an_operation_of_its_own() -> None:
    assert {more(owner, field) for owner, field in MORE} <= set(OPERATIONS)


def test_the_version_is_the_one_of_the_schema() -> None:
    readme = (HERE / "README.md").read_text(encoding="utf-8")
    assert f"version **{API_VERSION}**" in readme
    assert f"admin_{API_VERSION}.json.gz" in readme
