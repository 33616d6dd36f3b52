"""The table and its statistics, computed from the records of a store."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from genbench.errors import GenbenchError, nearest
from genbench.metric import MetricCard
from genbench.model import LIKELIHOODS
from genbench.record import Cost, TrialRecord
from genbench.registry import REGISTRY, discover

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Cell", "Leaderboard", "Row", "interval"]

LEVEL = 0.95
COSTS = tuple(Cost.model_fields)


@dataclass
class Cell:
    """One metric of one row.

    Attributes:
        mean: mean over seeds.
        low, high: 95 % interval of the mean (Student's t over seeds); None with fewer than two seeds.
        floor: the oracle's mean on the same dataset.
        ratio: mean / floor, for metrics where that means something.
        best: whether it is the best of the models, or cannot be told apart from it by a paired t-test at 5 %.
    """

    mean: float
    low: float | None
    high: float | None
    floor: float | None = None
    ratio: float | None = None
    best: bool = False


@dataclass
class Row:
    """One model on one dataset."""

    model: str
    dataset: str
    family: str
    role: str
    likelihood: str
    seeds: int
    failed: int
    statuses: dict[str, int]
    metrics: dict[str, Cell | None]
    cost: dict[str, float | None]
    flags: list[str]
    values: dict[str, dict[int, float]] = field(default_factory=dict, repr=False)  # metric -> seed -> value

    def public(self) -> dict[str, Any]:
        """Return the row as plain data."""
        row = asdict(self)
        del row["values"]
        return row


@dataclass
class Leaderboard:
    """Rows by dataset, then by the metric that it is sorted by, best first; failures last."""

    rows: list[Row]
    sort: str | None
    metrics: list[str]

    @classmethod
    def of(cls, trials: Sequence[TrialRecord], sort: str | None = None) -> Leaderboard:
        """Return the leaderboard of some trials, sorted by `sort`, or by the first metric that all models have.

        Raises:
            GenbenchError: no trial has the metric.
        """
        discover(groups=("metrics",))
        groups: dict[tuple[str, str], list[TrialRecord]] = defaultdict(list)
        for trial in trials:
            groups[trial.dataset, trial.model].append(trial)
        rows = [_row(group) for group in groups.values()]
        names = sorted({name for row in rows for name in row.metrics}, key=_order)
        if sort is not None and sort not in names:
            raise GenbenchError(f"no metric '{sort}' in this run{nearest(sort, names)}")
        sort = sort or _default_sort(rows, names)
        for dataset in dict.fromkeys(row.dataset for row in rows):
            here = [row for row in rows if row.dataset == dataset]
            for name in names:
                _set_floor(here, name)
                _mark_best(here, name)
        datasets = list(dict.fromkeys(row.dataset for row in rows))
        rows.sort(key=lambda row: (datasets.index(row.dataset), *_rank(row, sort)))
        return cls(rows, sort, names)

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as plain data: model, dataset, seeds, failed, likelihood, metrics, cost."""
        return [row.public() for row in self.rows]

    def frame(self) -> pd.DataFrame:
        """Return one row a model and dataset: `<metric>_mean`, `_low`, `_high`, `_floor`, `_ratio`, and costs."""
        import pandas as pd

        return pd.DataFrame([_flat(row, self.metrics) for row in self.rows])

    def _repr_html_(self) -> str:
        return str(self.frame().to_html())


def interval(values: Iterable[float]) -> tuple[float, float | None, float | None]:
    """Return the mean of independent values and the ends of its 95 % interval by Student's t.

    >>> interval([1.0, 2.0, 3.0])
    (2.0, -0.484..., 4.484...)
    """
    x = np.asarray(list(values), dtype=np.float64)
    mean = float(x.mean())
    if len(x) < 2:
        return mean, None, None
    from scipy.special import stdtrit

    half = float(stdtrit(len(x) - 1, 0.5 + LEVEL / 2) * x.std(ddof=1) / np.sqrt(len(x)))
    return mean, mean - half, mean + half


def _row(trials: list[TrialRecord]) -> Row:
    first, fine = trials[0], [t for t in trials if t.status == "ok"]
    names = {name for t in trials for name in t.metrics}
    values = {name: {t.seed: v for t in fine if (v := t.metrics.get(name)) is not None} for name in names}
    statuses = Counter(str(t.status) for t in trials)
    return Row(
        model=first.model,
        dataset=first.dataset,
        family=first.family,
        role=first.role,
        likelihood=(fine or trials)[0].likelihood,
        seeds=len(fine),
        failed=len(trials) - len(fine),
        statuses=dict(statuses),
        metrics={name: Cell(*interval(by_seed.values())) if by_seed else None for name, by_seed in values.items()},
        cost={name: _mean([getattr(t.cost, name) for t in fine]) for name in COSTS},
        flags=[f"seed {t.seed}: {flag}" for t in fine for flag in t.flags],
        values=values,
    )


def _set_floor(rows: list[Row], name: str) -> None:
    """Put the oracle's mean beside every score of a dataset."""
    oracle = next((row.metrics.get(name) for row in rows if row.role == "oracle"), None)
    if oracle is None:
        return
    for row in rows:
        cell = row.metrics.get(name)
        if cell:
            cell.floor = oracle.mean
            cell.ratio = cell.mean / oracle.mean if _card(name).ratio and oracle.mean > 0 else None


def _mark_best(rows: list[Row], name: str) -> None:
    """Mark the best model of a dataset and those that a paired t-test over seeds cannot tell from it.

    Controls do not compete. Where likelihood kinds must not be mixed, each has a best of its own. One seed marks none.
    """
    card = _card(name)
    competing = [row for row in rows if row.role == "model" and len(row.values.get(name, {})) > 1]
    for kind in {row.likelihood for row in competing} if card.by_likelihood else {None}:
        group = [row for row in competing if kind is None or row.likelihood == kind]
        if len(group) < 2 and kind is None:
            continue
        sign = -1 if card.higher_is_better else 1
        best = min(group, key=lambda row: sign * row.metrics[name].mean)  # type: ignore[union-attr]
        for row in group:
            cell = row.metrics[name]
            assert cell is not None
            cell.best = row is best or _cannot_tell(best.values[name], row.values[name])


def _cannot_tell(a: dict[int, float], b: dict[int, float]) -> bool:
    """Whether the 95 % interval of the mean paired difference holds 0; seeds that only one of them has do not count."""
    differences = [b[seed] - a[seed] for seed in a.keys() & b.keys()]
    _, low, high = interval(differences) if differences else (0.0, None, None)
    return low is None or high is None or low <= 0 <= high


def _rank(row: Row, sort: str | None) -> tuple[int, int, float]:
    """Return the key that sorts a row within its dataset: without a score last, likelihood kinds apart, best first."""
    cell = row.metrics.get(sort) if sort else None
    if cell is None or sort is None:
        return (1, 0, 0.0)
    card = _card(sort)
    kind = LIKELIHOODS.index(row.likelihood) if card.by_likelihood else 0
    return (0, kind, -cell.mean if card.higher_is_better else cell.mean)


def _default_sort(rows: list[Row], names: list[str]) -> str | None:
    alive = [row for row in rows if row.seeds]
    return next((name for name in names if all(row.metrics.get(name) for row in alive)), names[0] if names else None)


def _card(name: str) -> MetricCard:
    """Return the card of a metric; one of a plugin that is not loaded now is taken for a distance."""
    cards: dict[str, MetricCard] = REGISTRY["metrics"].cards
    return cards.get(name) or MetricCard(name, "", None, label=name)


def _order(name: str) -> tuple[int, str]:
    return (_card(name).order, name)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _flat(row: Row, metrics: list[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {
        name: getattr(row, name) for name in ("model", "dataset", "family", "likelihood", "seeds", "failed")
    }
    for name in metrics:
        cell = row.metrics.get(name)
        for part in ("mean", "low", "high", "floor", "ratio"):
            flat[f"{name}_{part}"] = getattr(cell, part) if cell else None
    return flat | row.cost
