"""The property of the data on which a model fails, by its distance.

The distance is relative to that of a control.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genbench.analysis.run_data import RunData
from genbench.analysis.scores import Row
from genbench.contracts.dataset import DATASETS
from genbench.core.registry import discover

__all__ = ["METRICS", "Left", "left_over"]

METRICS = ("kl", "typicality")  # in nats: the second for models without a density
LEAST = 1e-3  # share that is told from none, by hand: KL near 0 may be below it by its error


@dataclass(frozen=True)
class Left:
    """The score of a model on the datasets that test a property, relative to a control.

    Attributes:
        share: its score divided by that of the best control with a density, as a geometric mean over datasets; 1 means
            not better.
        metric: the name of the metric.
        datasets: number of these datasets.
        failed: number of these datasets on which it has no score.
    """

    model: str
    test: str
    share: float
    metric: str
    datasets: int
    failed: int


def left_over(run: RunData) -> list[Left]:
    """Return the relative scores of each model for each property.

    They are in the order of models and properties in the leaderboard. Only datasets count whose plugin states the
    property that they test, and on which a control with a density has a finite score.
    """
    discover(groups=("datasets",))
    tests = {t.place: card.tests for t in run.trials if (card := DATASETS.cards.get(t.spec.dataset_name))}
    by_place: dict[str, list[Row]] = {}
    for row in run.leaderboard().rows:
        if tests.get(row.place):
            by_place.setdefault(row.place, []).append(row)
    shares: dict[tuple[str, str, str], list[float | None]] = {}
    for place, rows in by_place.items():
        for row in (row for row in rows if row.role == "model"):
            metric = METRICS[0] if row.likelihood != "none" else METRICS[1]
            # one that repeats the training points has no density, and by its samples it is nearly the truth
            simple = [other for other in rows if other.role == "control" and other.likelihood != "none"]
            controls = [found for other in simple if (found := _score(other, metric))]
            if controls:
                own = _score(row, metric)
                share = None if own is None else max(own / min(controls), LEAST)
                shares.setdefault((row.model, tests[place], metric), []).append(share)
    return [
        Left(
            model,
            test,
            float(np.exp(np.mean(np.log(known)))) if (known := [s for s in its if s is not None]) else np.nan,
            metric,
            len(its),
            len(its) - len(known),
        )
        for (model, test, metric), its in shares.items()
    ]


def _score(row: Row, metric: str) -> float | None:
    """Return a row's mean score, or None where there is none, or none that is finite."""
    cell = row.metrics.get(metric)
    return float(cell.mean) if cell is not None and np.isfinite(cell.mean) else None
