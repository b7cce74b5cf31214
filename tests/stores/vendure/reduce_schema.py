"""Reduce a real store's introspection to the types that our operations reach, and write it as SDL.

make test-stores                                          # installs the store's packages
python -m tests.stores.vendure.reduce_schema              # starts the store, asks it, and writes admin.graphql
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from graphql import build_client_schema, get_introspection_query, print_schema

from bot.stores.vendure.queries import OPERATIONS
from tests.stores.shopify.reduce_schema import asked, reduce
from tests.stores.vendure.real import RealStore, started

TARGET = Path(__file__).parent / "admin.graphql"


async def reduced(url: str) -> str:
    """The SDL of the types that our operations reach in a running store."""
    store = RealStore(url)
    told, _ = await store.admin(get_introspection_query(descriptions=False))
    await store.close()
    schema = build_client_schema(told)
    small: Any = reduce(told["__schema"], asked(schema, OPERATIONS.values()))
    for root in small["types"]:
        if root["name"] in {"Query", "Mutation"}:  # of the roots only what is asked
            chosen = asked(schema, OPERATIONS.values())[root["name"]]
            root["fields"] = [field for field in root["fields"] if field["name"] in chosen]
    return print_schema(build_client_schema({"__schema": small})) + "\n"


def main() -> None:
    """Write the reduced schema."""
    with started() as url:
        TARGET.write_text(asyncio.run(reduced(url)), encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()
