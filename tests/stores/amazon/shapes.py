"""Requests and answers held against the models of the package `amzn-sp-api`, which Amazon publishes.

A request is put together once more by that package's own client, which refuses parameters it does not know and asks
for those that must be there; an answer is built of its classes, whose setters check what is needed and allowed.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


class Misshapen(Exception):
    """What Amazon would not take, or never says."""


@dataclass(frozen=True)
class Shape:
    """What the package would send, and the model that it would read the answer with."""

    method: str
    path: str
    query: Mapping[str, Any]
    answer: str
    models: Any


class _Client:
    """Stands in for the package's own: tells what a call would have been."""

    client_side_validation = True

    def select_header_accept(self, accepts: list[str]) -> str:
        return accepts[0]

    def select_header_content_type(self, kinds: list[str]) -> str:
        return kinds[0]

    def call_api(
        self,
        path: str,
        method: str,
        path_params: Mapping[str, Any],
        query: list[tuple[str, Any]],
        *_: Any,
        **given: Any,
    ) -> Shape:
        filled = re.sub(r"\{(\w+)\}", lambda found: str(path_params[found[1]]), path)
        return Shape(method, filled, dict(query), given["response_type"], _loaded(given["api_models_module"]))


def asked(where: str, path: Mapping[str, str], query: Mapping[str, str], body: object = None, model: str = "") -> Shape:
    """The shape of a request; `where` is `module:Class.method` of the package, `model` that of its body."""
    module, _, rest = where.partition(":")
    owner, _, method = rest.partition(".")
    found = _loaded(f"spapi.api.{module}")
    call = getattr(getattr(found, owner)(_Client()), f"{method}_with_http_info")
    given: dict[str, Any] = {_snake(name): value for name, value in {**path, **query}.items()}
    if "marketplace_ids" in given:
        given["marketplace_ids"] = given["marketplace_ids"].split(",")
    given |= {name: int(given[name]) for name in ("page_size", "max_results_per_page") if name in given}
    if model:
        given["body"] = body
    try:
        shape: Shape = call(**given)
        if model:
            built(model, body, shape.models)
    except (TypeError, ValueError) as error:
        raise Misshapen(str(error)) from error
    return shape


def built(kind: str, told: Any, models: Any) -> Any:
    """What is told, as the model of that name; Misshapen where it is none."""
    if match := re.fullmatch(r"List\[(.*)\]", kind):
        if not isinstance(told, list):
            raise Misshapen(f"{told!r} is no list")
        return [built(match[1], each, models) for each in told]
    if match := re.fullmatch(r"Dict\[str, (.*)\]", kind):
        return {name: built(match[1], each, models) for name, each in told.items()}
    if kind in _PLAIN:
        if not _PLAIN[kind](told):
            raise Misshapen(f"{told!r} is no {kind}")
        return told
    model = getattr(models, kind)
    if not model.swagger_types:
        if told not in {value for name, value in vars(model).items() if name.isupper()}:
            raise Misshapen(f"{told!r} is no {kind}")
        return told
    attributes = {json: name for name, json in model.attribute_map.items()}
    if not isinstance(told, dict) or (unknown := told.keys() - attributes.keys()):
        raise Misshapen(f"{kind} has no {unknown if isinstance(told, dict) else told!r}")
    given = {
        attributes[json]: built(model.swagger_types[attributes[json]], each, models) for json, each in told.items()
    }
    try:
        return model(**given)
    except ValueError as error:
        raise Misshapen(f"{kind}: {error}") from error


def _loaded(name: str) -> Any:
    """A module of the package; its own beginning would load every API that there is, which takes seconds."""
    if "spapi" not in sys.modules:
        spec = importlib.util.find_spec("spapi")
        assert spec is not None
        package = type(sys)("spapi")
        package.__path__ = list(spec.submodule_search_locations or ())
        sys.modules["spapi"] = package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its patterns are no raw strings
        return importlib.import_module(name)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _aware(told: Any) -> bool:
    return isinstance(told, str) and datetime.fromisoformat(told).tzinfo is not None


_PLAIN: Mapping[str, Any] = {
    "str": lambda told: isinstance(told, str),
    "int": lambda told: isinstance(told, int) and not isinstance(told, bool),
    "bool": lambda told: isinstance(told, bool),
    "object": lambda told: told is not None,
    "datetime": _aware,
    "date": lambda told: isinstance(told, str) and bool(date.fromisoformat(told)),
}
