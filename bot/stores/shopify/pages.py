"""Pages of records: of a size that Shopify does not find too costly, completed, and with what is wrong set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.errors import Declined
from bot.ports import Fact, Fault
from bot.stores.saying import says
from bot.stores.shopify.client import Answer, Shop, TooCostly, Trouble
from bot.stores.shopify.queries import MORE, more
from bot.stores.shopify.reading import Node, shown, tail
from bot.words import _

# How many records are asked for at once, until Shopify finds it too costly.
_FIRST = {"Products": 25, "Items": 50, "Levels": 100, "Orders": 15, "Transfers": 10}

Read = Callable[[Node], Iterable[Fact | Fault]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page: its records with what is wrong with them, where it goes on ("" at its end), and its answer."""

    records: Sequence[tuple[dict[str, Any] | None, Trouble | None]]
    after: str
    answer: Answer

    def nodes(self) -> Iterator[Node]:
        """The records that came."""
        return (node for node, _ in self.records if node is not None)


class Pages:
    """Reads lists of a shop."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._first = dict(_FIRST)

    async def turn(self, operation: str, path: Sequence[str], **variables: object) -> Leaf:
        """A page of the list at the path; smaller and smaller while Shopify finds it too costly."""
        answer = await self._fitting(operation, variables)
        found: Any = answer.data
        for name in path:
            found = (found or {}).get(name)
        if found is None:  # what the list belongs to is gone
            return Leaf(_beside((), answer, (*path, "nodes")), "", answer)
        after = found["pageInfo"]["endCursor"] if found["pageInfo"]["hasNextPage"] else ""
        return Leaf(_beside(found["nodes"], answer, (*path, "nodes")), after, answer)

    async def _fitting(self, operation: str, variables: dict[str, object]) -> Answer:
        while True:
            try:
                return await self.shop.ask(operation, first=self._first[operation], **variables)
            except TooCostly:
                if self._first[operation] == 1:
                    raise
                self._first[operation] //= 2

    async def named(self, operation: str, field: str, **variables: object) -> Leaf:
        """One record, or a list of some, by id; what does not exist any more is left out."""
        answer = await self.shop.ask(operation, **variables)
        found = answer.data[field]
        if isinstance(found, list):
            records = _beside(found, answer, (field,))
        else:
            wrong = next(iter(answer.troubles), None)
            records = [(found, wrong)]
        return Leaf([(node, wrong) for node, wrong in records if node or wrong], "", answer)

    async def taken(self, leaf: Leaf, read: Read) -> tuple[tuple[Fact, ...], tuple[Fault, ...]]:
        """What a reader makes of the page's records, and what could not be read."""
        facts: list[Fact] = []
        faults: list[Fault] = []
        for index, (node, wrong) in enumerate(leaf.records):
            for found in await self._read(node, wrong, index, read):
                if isinstance(found, Fault):
                    faults.append(found)
                else:
                    facts.append(found)
        return tuple(facts), tuple(faults)

    async def _read(
        self, node: dict[str, Any] | None, wrong: Trouble | None, index: int, read: Read
    ) -> list[Fact | Fault]:
        if node is None or wrong is not None:
            where = tail(node["id"]) if node else f"record {index + 1} of a page"
            return [Fault(where, says(str(wrong)) if wrong else _("nothing came"), shown(node or {}))]
        try:
            await self._complete(node)
        except Declined as error:
            return [Fault(tail(node["id"]), error.said, shown(node))]
        return list(read(node))

    async def _complete(self, node: object) -> None:
        """Turn the pages of the lists inside of a record, and of the lists inside of those."""
        if isinstance(node, list):
            for each in node:
                await self._complete(each)
        if not isinstance(node, dict):
            return
        for field, value in node.items():
            turn = value.get("pageInfo") if isinstance(value, dict) else None
            owner = str(node.get("__typename", ""))
            while turn and turn["hasNextPage"] and (owner, field) in MORE:
                answer = await self.shop.ask(more(owner, field), id=node["id"], after=turn["endCursor"])
                rest = (answer.whole()["node"] or {}).get(field) or {"nodes": [], "pageInfo": {"hasNextPage": False}}
                value["nodes"].extend(rest["nodes"])
                turn = rest["pageInfo"]
            await self._complete(value)


def _beside(
    nodes: Sequence[dict[str, Any] | None], answer: Answer, path: tuple[str, ...]
) -> list[tuple[dict[str, Any] | None, Trouble | None]]:
    """Records with the trouble that stands in them; Declined where one stands elsewhere."""
    wrong: dict[str | int, Trouble] = {}
    for trouble in answer.troubles:
        if trouble.path[: len(path)] != path or len(trouble.path) == len(path):
            raise Declined(says(str(trouble)))
        wrong.setdefault(trouble.path[len(path)], trouble)
    return [(node, wrong.get(index)) for index, node in enumerate(nodes)]
