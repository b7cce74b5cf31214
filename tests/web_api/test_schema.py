"""The document and the server agree: schemathesis writes data that fits and data that does not, and checks answers."""

from __future__ import annotations

import asyncio
import copy
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from bot.web.api import allowance
from bot.web.api.document import document
from bot.web.api.kinds import KINDS
from tests.web_api.conftest import Site

# Rows that do not fit are named in a 207, or all of them in a 422.
_CHECKS = {
    "negative_data_rejection": {"expected-statuses": ["400", "401", "404", "405", "413", "415", "422", "207"]},
    "positive_data_acceptance": {"expected-statuses": ["200", "207"]},
}


EXAMPLES = 4  # of each operation and kind


def narrowed(found: dict[str, Any]) -> dict[str, Any]:
    """The document with what it cannot tell: which locations there are, that time has not gone on, and fewer rows."""
    schemas = copy.deepcopy(found)
    rows = [model for name, model in schemas["components"]["schemas"].items() if name.endswith("Row")]
    for model in rows:
        for name, field in model["properties"].items():
            for one in (field, *field.get("anyOf", [])):
                if name == "location" and one.get("type") == "string":
                    one["enum"] = ["UK", "DE"]
                if name in {"sku", "id", "line"}:
                    one["pattern"] = "^[A-D]{1,2}$"
                if one.get("format") == "date-time":
                    one["enum"] = ["2026-11-19T08:30:00+08:00", "2026-11-20T08:59:59.999999Z"]
                if one.get("format") == "date":
                    one["enum"] = ["2026-12-18"]
                if one.get("type") == "array":
                    one["maxItems"] = 1  # no two share an id
            if "anyOf" in field and name in {"amount", "price"}:
                _in_pounds(field)
    for path in schemas["paths"].values():
        if "post" in path:
            body = path["post"]["requestBody"]["content"]["application/json"]["schema"]
            body["properties"]["rows"]["maxItems"] = 3
    sale = schemas["components"]["schemas"]["SaleRow"]
    sale["required"].append("location")  # else each line names one
    sale["properties"]["location"] = {"enum": ["UK", "DE"]}
    del sale["properties"]["returns"]  # they name lines of the order
    return schemas


def _in_pounds(field: dict[str, Any]) -> None:
    for one in (field, *field["anyOf"]):
        for each in (one, *one.get("anyOf", [])):
            if each.get("type") == "string":
                each["pattern"] = r"^\d{1,6}\.\d\d$"
            if each.get("type") == "object":
                each["properties"]["amount"]["pattern"] = r"^\d{1,6}\.\d\d$"
                each["properties"]["currency"]["enum"] = ["GBP", "EUR"]


def attack(url: str, token: str, examples: int) -> Counter[tuple[str, str, int]]:
    """Every operation with data of both kinds; how often each status was answered.

    What fits is written first: odd codes of the other kind may make products that it would resemble.
    """
    config = SchemathesisConfig.from_dict({"checks": _CHECKS})
    seen: Counter[tuple[str, str, int]] = Counter()
    for mode, told in ((GenerationMode.POSITIVE, narrowed(document())), (GenerationMode.NEGATIVE, document())):
        schema = schemathesis.openapi.from_dict(told, config=config)
        for result in schema.get_all_operations():
            assert isinstance(result, Ok)
            operation = result.ok()
            sent = {"Authorization": f"Bearer {token}"} if operation.method == "post" else {}
            if mode.is_positive or operation.method == "post":  # a GET has nothing that could be sent wrongly
                for status in tried(operation, mode, url, sent, examples):
                    seen[operation.path, mode.value, status] += 1
    return seen


def tried(operation: Any, mode: GenerationMode, url: str, sent: dict[str, str], examples: int) -> list[int]:
    """One operation with data of one kind; the statuses."""
    statuses: list[int] = []

    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def run(case: Any) -> None:
        fresh = {"Idempotency-Key": str(uuid4())} if mode.is_positive else {}  # the key of another batch is refused
        statuses.append(case.call_and_validate(base_url=url, headers={**sent, **fresh}).status_code)

    run()
    return statuses


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> None:
    """No limit on how often."""
    monkeypatch.setattr(allowance, "BURST", 100_000)


@pytest.mark.usefixtures("generous")
async def test_data_that_fits_is_taken_and_data_that_does_not_is_refused(postgres_site: Site) -> None:
    seen = await asyncio.to_thread(attack, postgres_site.url, postgres_site.token, EXAMPLES)
    for kind in KINDS:
        path = f"/api/v1/{kind.scope}"
        assert seen[path, "positive", 200], seen
        assert any(seen[path, "negative", status] for status in (400, 422)), seen
    assert seen["/api/v1", "positive", 200]
    assert seen["/api/v1/openapi.json", "positive", 200]


async def test_the_served_document_is_the_generated_one_and_valid(quick: Site) -> None:
    served = (await quick.client.get("/api/v1/openapi.json")).json()
    assert served == document()
    assert served["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(served).validate()
