"""Quality against cost as vector graphics of a page. Points are links with labels."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from genbench.analysis.scores import Row, card_of
from genbench.display import formatting
from genbench.plotting.ranges import comparable
from genbench.plotting.ticks import overlap
from genbench.report.links import Links

__all__ = [
    "BOTTOM",
    "HEIGHT",
    "LEFT",
    "LETTER",
    "RIGHT",
    "TOP",
    "WIDTH",
    "Point",
    "Scatter",
    "even_numbers",
    "scatters",
]

WIDTH, HEIGHT = 460, 320  # two lie beside each other on a page
LEFT, BOTTOM, RIGHT, TOP = 58, 44, 14, 14  # margins
LETTER, BOLD, LINE = 6.4, 7.4, 12  # width of a letter of a name, of one in bold, and height
COSTS = {
    "seconds of training": lambda cost: cost["train_seconds"],
    "seconds for 1,000 samples": lambda cost: 1000 / cost["samples_per_second"] if cost["samples_per_second"] else None,
    "network evaluations a sample": lambda cost: cost["nfe"],
    "parameters": lambda cost: cost["parameters"],
}

Place = Callable[[float], float]


@dataclass(frozen=True)
class Point:
    """A model: position, number of its family, text of the label, and position of its name."""

    model: str
    href: str
    x: float
    y: float
    family: int
    says: tuple[str, str]  # in two lines
    label: tuple[float, float] | None  # left end of the name, on its line
    tip: tuple[float, float]  # left end of the first of the two lines


@dataclass(frozen=True)
class Scatter:
    """One drawing: points, ticks, labels, the oracle's height, and models outside the axes.

    Ticks have a position and a text.
    """

    x_label: str
    y_label: str
    points: list[Point]
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    oracle: float | None
    families: list[tuple[int, str]]
    beyond: str = ""


def scatters(rows: Sequence[Row], metric: str | None, links: Links) -> list[Scatter]:
    """Return a drawing for each kind of cost, with the models of a table that have a score.

    The score is that of the metric.
    """
    if metric is None:
        return []
    scored = [row for row in rows if row.role == "model" and row.metrics.get(metric)]
    near = comparable(np.array([_score(row, metric) for row in scored]))
    alive = [row for row, inside in zip(scored, near, strict=True) if inside]
    beyond = ", ".join(row.model for row, inside in zip(scored, near, strict=True) if not inside)
    families = {name: i for i, name in enumerate(dict.fromkeys(row.family for row in rows if row.role == "model"))}
    oracle = next((row for row in rows if row.role == "oracle" and _finite(row, metric)), None)
    found = []
    for label, cost in COSTS.items():
        known = [(row, x, _score(row, metric)) for row in alive if (x := cost(row.cost))]
        if len({x for _, x, _ in known}) > 1:
            floor = _score(oracle, metric) if oracle else None
            found.append(replace(_scatter(label, metric, known, floor, families, links), beyond=beyond))
    return found


def _scatter(
    label: str,
    metric: str,
    known: Sequence[tuple[Row, float, float]],
    floor: float | None,
    families: dict[str, int],
    links: Links,
) -> Scatter:
    heights = [y for _, _, y in known] + ([floor] if floor is not None else [])
    across, x_ticks = _axis([x for _, x, _ in known], LEFT, WIDTH - RIGHT)
    up, y_ticks = _axis(heights, HEIGHT - BOTTOM, TOP)
    places = [(across(x), up(y)) for _, x, y in known]
    names = _names([row.model for row, _, _ in known], places)
    points = []
    for (row, x, y), (px, py), name in zip(known, places, names, strict=True):
        cell = row.metrics[metric]
        quotient = f"{y:.2f} × oracle, " if cell and cell.ratio is not None else ""
        says = (
            f"{row.model}: {formatting.label(metric)} {formatting.value(row, metric, cell)}",
            f"{quotient}{formatting.amount(x)} {label}",
        )
        width = BOLD * max(map(len, says))
        tip = (max(4.0, min(px - width / 2, WIDTH - width)), py - 30 if py > TOP + 40 else py + 24)
        href, family = links.link(row.place, row.model), families[row.family]
        points.append(Point(model=row.model, href=href, x=px, y=py, family=family, says=says, label=name, tip=tip))
    relative = any((cell := row.metrics[metric]) and cell.ratio is not None for row, _, _ in known)
    unit = "× oracle" if relative else card_of(metric).unit
    better = "higher" if card_of(metric).higher_is_better else "lower"
    y_label = formatting.label(metric) + (f", {unit}" if unit else "") + f" ({better} is better)"
    used = {row.family for row, _, _ in known}
    shown = [(i, name) for name, i in families.items() if name in used]
    height = None if floor is None else up(floor)
    return Scatter(label, y_label, points, x_ticks=x_ticks, y_ticks=y_ticks, oracle=height, families=shown)


def _finite(row: Row, metric: str) -> bool:
    """Whether a row has a finite score."""
    cell = row.metrics.get(metric)
    return cell is not None and math.isfinite(cell.relative)


def _score(row: Row, metric: str) -> float:
    """Return a row's score, divided by the oracle's if it has a quotient."""
    cell = row.metrics[metric]
    assert cell
    return cell.relative


def _axis(values: Sequence[float], start: float, end: float) -> tuple[Place, list[tuple[float, str]]]:
    """Return the map from values to places between `start` and `end`, and ticks: logarithmic if all are positive."""
    logarithmic = min(values) > 0
    forth: Place = math.log10 if logarithmic else float
    low, high = forth(min(values)), forth(max(values))
    room = 0.08 * (high - low) or 0.2 * (abs(high) or 1.0)
    low, high = low - room, high + room

    def place(value: float) -> float:
        return start + (forth(value) - low) / (high - low) * (end - start)

    ticks: list[float] = []
    if logarithmic:
        candidates = [m * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
        ticks = [v for v in candidates if low <= math.log10(v) <= high]
        if len(ticks) > 7:
            powers = [v for v in ticks if f"{v:e}".startswith("1")]
            ticks = powers[:: -(-len(powers) // 7)]
    if len(ticks) < 2:
        ticks = even_numbers(10**low, 10**high) if logarithmic else even_numbers(low, high)
    return place, [(place(v), f"{v:,.0f}" if abs(v) >= 1000 else f"{v:.6g}") for v in ticks]


def even_numbers(low: float, high: float) -> list[float]:
    """Return two to seven round numbers at equal distances between two numbers."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next(m for m in (1, 2, 5, 10, 20) if (high - low) / (m * step) <= 6)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _names(models: Sequence[str], places: Sequence[tuple[float, float]]) -> list[tuple[float, float] | None]:
    """Return the left end of each name beside its point, where it covers no other; None without room."""
    taken = [(x - 6, y - 6, x + 6, y + 6) for x, y in places]
    names: list[tuple[float, float] | None] = []
    for model, (x, y) in zip(models, places, strict=True):
        width, found = LETTER * len(model), None
        for dx, dy in ((9, 4), (-9 - width, 4), (-width / 2, -9), (-width / 2, 18), (8, -8), (8, 15)):
            box = (x + dx, y + dy - LINE + 2, x + dx + width, y + dy + 2)
            inside = box[0] > LEFT and box[2] < WIDTH and box[1] > 0 and box[3] < HEIGHT - BOTTOM
            if inside and not any(overlap(box, other) for other in taken):
                taken.append(box)
                found = (x + dx, y + dy)
                break
        names.append(found)
    return names
