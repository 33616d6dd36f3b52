"""Scores of a table, each with its interval and its quotient by the oracle's score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from genbench.contracts.metric import METRICS, MetricCard
from genbench.contracts.model import LIKELIHOODS
from genbench.core.types import Array
from genbench.statistics.intervals import Method, mean_intervals, ratio_intervals
from genbench.storage.evaluation import Flag
from genbench.storage.studies import Tuned

__all__ = ["Cell", "Row", "card_of", "column_order", "fill_cells", "finite", "set_floors", "sort_key"]

Verdict = Literal["best", "as good", "open", "worse"]


# What a row has for figures, tests and notes, and does not show as plain data.
HIDDEN = ("place", "values", "draws", "nested", "standard_errors", "samples", "budgets", "versions", "machines", "dim")


@dataclass
class Cell:
    """One metric of one row."""

    mean: float  # over seeds; infinite if one of them is
    low: float | None  # 95 % interval of the mean over seeds; None with fewer than two
    high: float | None
    floor: float | None = None  # the oracle's mean on the same dataset
    ratio: float | None = None  # mean / floor with its 95 % interval, for metrics where that means something
    ratio_low: float | None = None
    ratio_high: float | None = None
    verdict: Verdict | None = None  # on a model that competes, see `genbench.analysis.verdicts`
    worse_by: tuple[float | None, float | None] | None = None  # than the best of the others, simultaneous 95 %
    scale: Literal["quotient", "difference"] | None = None  # of `worse_by`
    standard_error: float | None = None  # of one seed's score, by its test points or sets; root mean square over seeds

    @property
    def best(self) -> bool:
        """Whether it leads, or is as good as the leader."""
        return self.verdict in ("best", "as good")

    @property
    def tie(self) -> bool:
        """Whether it is as good as the leader."""
        return self.verdict == "as good"

    @property
    def relative(self) -> float:
        """The quotient by the oracle's score, or the mean if there is no oracle."""
        return self.mean if self.ratio is None else self.ratio


@dataclass
class Row:
    """One model on one dataset.

    `place` is the heading of its table, and `task` the task of its scores.
    """

    model: str
    dataset: str
    task: str
    place: str
    family: str
    role: str
    likelihood: str
    seeds: int
    failed: int
    statuses: dict[str, int]
    metrics: dict[str, Cell | None]
    cost: dict[str, float | None]
    flags: list[Flag]
    values: dict[str, dict[int, float]] = field(default_factory=dict, repr=False)  # metric -> seed -> value
    draws: dict[str, list[list[float]]] = field(default_factory=dict, repr=False)  # oracle: metric -> seed -> draw
    nested: dict[str, list[list[list[float]]]] = field(default_factory=dict, repr=False)  # metric -> seed -> training
    standard_errors: dict[str, float] = field(default_factory=dict, repr=False)
    samples: int = 0
    dim: int | None = None  # coordinates of a sample; None where that is not recorded
    budgets: tuple[str, ...] = ()  # of its trials
    versions: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)  # of each library, over the trials
    machines: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)  # processor, device, threads
    tuned: Tuned | None = None  # how its parameters were found, where they were

    def public(self) -> dict[str, Any]:
        """Return the row as plain data."""
        row = {name: value for name, value in vars(self).items() if name not in HIDDEN}
        row["metrics"] = {
            name: cell and asdict(cell) | {"best": cell.best, "tie": cell.tie} for name, cell in self.metrics.items()
        }
        tuned = self.tuned and self.tuned.model_dump(mode="json")
        return row | {"flags": [flag.model_dump() for flag in self.flags], "tuned": tuned}


def card_of(name: str) -> MetricCard:
    """Return the card of a metric.

    A metric of a plugin that is not loaded now is treated as a distance.
    """
    cards: dict[str, MetricCard] = METRICS.cards
    return cards.get(name) or MetricCard(name, "", None, label=name)


def column_order(name: str) -> tuple[int, str]:
    """Return the key by which columns of metrics are sorted."""
    return card_of(name).order, name


def sort_key(row: Row, metric: str | None) -> tuple[int, int, float]:
    """Return the key by which a row is sorted within its table.

    Rows without a score are last, kinds of likelihood are separate, and the best row is first. Infinite scores of both
    signs come after all finite ones: a density that is infinite at a test point is not good.
    """
    cell = row.metrics.get(metric) if metric else None
    if cell is None or metric is None:
        return (1, 0, 0.0)
    card = card_of(metric)
    kind = LIKELIHOODS.index(row.likelihood) if card.by_likelihood else 0
    signed = -cell.mean if card.higher_is_better else cell.mean
    return (0, kind, signed if np.isfinite(signed) else np.inf)


def fill_cells(rows: Sequence[Row], method: Method = "auto") -> None:
    """Set the cells of every row: mean and interval over seeds, for each metric.

    With an infinite value the mean is infinite and has no interval; infinities of both signs have no mean.
    """
    by_size: dict[int, list[tuple[Row, str]]] = defaultdict(list)
    for row in rows:
        row.metrics = dict.fromkeys(row.values)
        for name, values in row.values.items():
            if values:
                by_size[len(values)].append((row, name))
    for places in by_size.values():
        ends = mean_intervals(_stack([row.values[name] for row, name in places]), method)
        for (row, name), mean, low, high in zip(places, *ends, strict=True):
            error = row.standard_errors.get(name) if np.isfinite(mean) else None
            if not np.isnan(mean):
                row.metrics[name] = Cell(mean=float(mean), low=finite(low), high=finite(high), standard_error=error)


def set_floors(rows: Sequence[Row]) -> None:
    """Set the oracle's mean beside every score of one dataset, and the quotient.

    The quotient has an interval.
    """
    oracle = next((row for row in rows if row.role == "oracle"), None)
    if oracle is None:
        return
    groups: dict[tuple[int, int], list[tuple[Row, str, Cell]]] = defaultdict(list)  # by the numbers of seeds
    for row in rows:
        for name, cell in row.metrics.items():
            floor = oracle.metrics.get(name)
            if cell and floor:
                cell.floor = floor.mean
                if card_of(name).ratio and 0 < floor.mean < np.inf and np.isfinite(cell.mean):
                    groups[len(row.values[name]), len(oracle.values[name])].append((row, name, cell))
    for places in groups.values():
        values = _stack([row.values[name] for row, name, _ in places])
        floors = _stack([oracle.values[name] for _, name, _ in places])
        ends = ratio_intervals(values, floors)
        for (row, _, cell), low, high in zip(places, *ends[1:], strict=True):
            assert cell.floor
            cell.ratio = cell.mean / cell.floor
            if row is not oracle:
                cell.ratio_low, cell.ratio_high = finite(low), finite(high)


def _stack(values: Sequence[Mapping[int, float]]) -> Array:
    return np.array([list(by_seed.values()) for by_seed in values], dtype=np.float64)


def finite(value: float) -> float | None:
    """Return a number, or None for NaN and infinity, which mean that an end is missing."""
    return float(value) if np.isfinite(value) else None
