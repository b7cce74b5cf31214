"""Curves of fill rate against days of inventory: what a backtest's policies take for what they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bot.charts import svg
from bot.charts.scale import Linear, round_top
from bot.charts.svg import Point

WIDTH, HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 640.0, 62.0, 390.0
_LEAST = 0.7  # the fill rate at the foot of the picture
_STEPS = (0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
KINDS = 6  # of lines that can be told apart; further ones begin anew


@dataclass(frozen=True, slots=True)
class Curve:
    """A policy's (days of inventory, fill rate), from less stock to more."""

    name: str
    points: tuple[Point, ...]


def draw(curves: Sequence[Curve], targets: Sequence[float], bound: float, title: str) -> str:
    """An SVG; `bound` is the days of inventory of whoever knows the future."""
    top, step = round_top(_widest(curves, targets), 8)
    across = Linear(top, _LEFT, _RIGHT)
    parts = [svg.rect("paper", 0, 0, WIDTH, HEIGHT), svg.text(title, (_LEFT - 44, 28), kind="title")]
    parts += _grid(across, step, targets)
    for place, curve in enumerate(curves):
        parts += _line(curve, place, across)
    if bound < top:
        at = across.at(bound)
        parts.append(svg.line("today", (at, _TOP), (at, _BOTTOM)))
        parts.append(svg.text("knows the future", (at + 5, _TOP + 16)))
    label = f"{title}: " + ", ".join(curve.name for curve in curves)
    return svg.document(parts, (0, 0, WIDTH, HEIGHT), label)


def _widest(curves: Sequence[Curve], targets: Sequence[float]) -> float:
    """Twice the days that the middle curve takes for the middle target: dear curves may run out of the picture."""
    middle = sorted(targets)[len(targets) // 2]
    found = [next((days for days, fill in curve.points if fill >= middle), None) for curve in curves]
    reached = sorted(days for days in found if days is not None)
    return 2.0 * reached[len(reached) // 2] if reached else max(curve.points[-1][0] for curve in curves)


def _height(fill: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * (fill - _LEAST) / (1.0 - _LEAST)


def _grid(across: Linear, step: float, targets: Sequence[float]) -> list[str]:
    parts = []
    for fill in _STEPS:
        parts.append(svg.line("grid", (_LEFT, _height(fill)), (_RIGHT, _height(fill))))
        parts.append(svg.text(f"{fill:.0%}", (_LEFT - 8, _height(fill) + 4), "end"))
    parts += [svg.line("reorder", (_LEFT, _height(one)), (_RIGHT, _height(one))) for one in targets if one > _LEAST]
    for mark in range(int(across.top / step) + 1):
        at = across.at(mark * step)
        parts.append(svg.line("grid", (at, _TOP), (at, _BOTTOM)))
        parts.append(svg.text(f"{mark * step:,.0f}", (at, _BOTTOM + 18), "middle"))
    parts.append(svg.text("fill rate", (_LEFT - 44, _TOP - 12)))
    parts.append(svg.text("days of inventory", (_RIGHT, _BOTTOM + 38), "end"))
    return parts


def _line(curve: Curve, place: int, across: Linear) -> list[str]:
    kind = f"curve-{place % KINDS}"
    seen = _inside(curve.points, across.top)
    parts = [svg.polyline(f"curve {kind}", [(across.at(days), _height(fill)) for days, fill in seen])] if seen else []
    level = _TOP + 10 + 24 * place
    parts.append(svg.line(f"curve {kind}", (_RIGHT + 14, level), (_RIGHT + 36, level)))
    parts.append(svg.text(curve.name, (_RIGHT + 42, level + 4), kind="strong"))
    return parts


def _inside(points: Sequence[Point], top: float) -> list[Point]:
    """The part of a curve that lies in the picture, cut at its edges."""
    found: list[Point] = []
    for before, after in pairwise(points):
        if after[1] <= before[1] or after[1] < _LEAST or before[0] > top:
            continue
        slope = (after[0] - before[0]) / (after[1] - before[1])
        if before[1] < _LEAST:
            before = (before[0] + slope * (_LEAST - before[1]), _LEAST)  # noqa: PLW2901  # cut at the foot
        if after[0] > top:
            after = (top, before[1] + (top - before[0]) / slope) if slope > 0 else after  # noqa: PLW2901  # at the side
        found += [after] if found else [before, after]
    return found
