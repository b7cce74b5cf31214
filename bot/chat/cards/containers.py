"""The containers of an order: how many, how full the last one is, and what was done to fill it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Literal

from bot.chat.nodes import Inline, Number, Text
from bot.domain.containers import container_of, stowage_of
from bot.domain.views import RequestView
from bot.words import Words, _, n_

_NAMED = 5  # products by their codes; of more the others are dots
_BY: Mapping[Literal["volume", "weight"], Words] = {"volume": _("by volume"), "weight": _("by weight")}


def container_facts(request: RequestView) -> list[tuple[Words, Inline]]:
    """The containers that the order as it stands takes; nothing where that cannot be said."""
    container, stowage = container_of(request.detail), stowage_of(request.detail, _lines(request))
    if container is None or stowage is None:
        return []
    box = Text(container.name) if container.name else _("container")
    share = Number(Decimal(str(round(stowage.share, 4))), 0, share=True)
    named: dict[str, object] = {"count": stowage.count, "container": box, "share": share, "by": _BY[stowage.by]}
    words = (
        _("{count} × {container}, {share} full {by}", **named)
        if stowage.count == 1
        else _("{count} × {container}, the last one {share} full {by}", **named)
    )
    return [(_("Containers"), words)]


def container_notes(request: RequestView) -> list[Words]:
    """What was brought forward or left out for the containers' sake, and why nothing could be."""
    found: list[Words] = []
    differ = request.detail.get("containers_differ")
    if isinstance(differ, list):
        names = Text(", ".join(map(str, differ)))
        found.append(_("Its routes name different containers ({names}), so none is filled.", names=names))
    container = container_of(request.detail)
    if container is None:
        return found
    if unknown := [line.sku for line in request.lines if "volume_cm3" not in line.detail]:
        skus = Text(skus_listed(unknown))
        words = _(
            "How full its containers are is unknown, and none is filled: no volume is known of {skus}.", skus=skus
        )
        return [*found, words]
    unweighed = [line.sku for line in request.lines if "weight_g" not in line.detail]
    if container.weight_g and unweighed:
        skus = Text(skus_listed(unweighed))
        found.append(_("Only the volume of its containers is counted: no weight is known of {skus}.", skus=skus))
    if brought := sum(min(line.detail.get("brought", 0), line.quantity) for line in request.lines):
        found.append(
            n_(
                "{count} unit is brought forward to fill the container, of what runs out next.",
                "{count} units are brought forward to fill the container, of what runs out next.",
                brought,
            )
        )
    if left := request.detail["container"].get("left", 0):
        found.append(
            n_(
                "{count} unit that can wait is left to a later order: another container would go nearly empty.",
                "{count} units that can wait are left to a later order: another container would go nearly empty.",
                left,
            )
        )
    return found


def _lines(request: RequestView) -> list[tuple[int, Mapping[str, object]]]:
    return [(line.quantity, line.detail) for line in request.lines]


def skus_listed(skus: Collection[str]) -> str:
    """The first of some SKUs, with dots where there are more."""
    return ", ".join(list(skus)[:_NAMED]) + (" ..." if len(skus) > _NAMED else "")
