"""Growth of scores and seconds with dimension and number of training points.

It is given by exponents with intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from genbench.analysis.run_data import RunData
from genbench.core.types import Array
from genbench.storage.records import TrialRecord

__all__ = ["AXES", "COSTS", "Axis", "Exponent", "Line", "exponents", "line_of"]

Axis = Literal["dim", "train"]

AXES: dict[Axis, str] = {"dim": "dimension", "train": "training points"}
COSTS = ("train_seconds", "sample_seconds")
FEWEST = 4  # points of a line, by hand: two degrees of freedom for its interval
LEVEL = 0.95


@dataclass(frozen=True)
class Line:
    """The scores of a model along one axis, all seeds together: places x [k], values y [k]."""

    x: Array
    y: Array


@dataclass(frozen=True)
class Exponent:
    """The exponent of y ∝ x^slope, with a 95 % interval.

    It comes from least squares on logarithms, and the interval from Student's t.

    Attributes:
        dropped: points that are not positive, such as a KL smaller than its error. They are not used in the fit.
    """

    model: str
    dataset: str
    quantity: str
    axis: Axis
    slope: float
    low: float
    high: float
    points: int
    dropped: int


def line_of(trials: Iterable[TrialRecord], quantity: str, axis: Axis) -> Line:
    """Return the finite values of a quantity along an axis.

    All other settings are those of the trial itself.
    """
    found = [
        (row[axis], row[quantity])
        for trial in trials
        for row in _along(trial, axis)
        if math.isfinite(row.get(quantity, math.nan))
    ]
    return Line(*np.array(sorted(found), dtype=np.float64).reshape(-1, 2).T)


def exponents(run: RunData) -> list[Exponent]:
    """Return the exponents of each model and dataset, for each quantity and axis.

    The run is one of `--task scaling`. A line with fewer than four positive points has no exponent.
    """
    groups: dict[tuple[str, str], list[TrialRecord]] = {}
    for trial in run.trials:
        if trial.scaling and trial.role != "oracle":
            groups.setdefault((trial.model, trial.dataset), []).append(trial)
    found = []
    for (model, dataset), trials in groups.items():
        known = dict.fromkeys(name for t in trials for row in t.scaling for name in row if name not in AXES)
        for quantity in known:
            for axis in AXES:
                line = line_of(trials, quantity, axis)
                fine = line.y > 0
                if fine.sum() >= FEWEST and len(set(line.x[fine])) >= FEWEST:
                    slope = _slope(np.log(line.x[fine]), np.log(line.y[fine]))
                    counts = int(fine.sum()), int((~fine).sum())
                    found.append(Exponent(model, dataset, quantity, axis, *slope, *counts))
    return found


def _along(trial: TrialRecord, axis: Axis) -> list[dict[str, float]]:
    """Return the rows that differ from the trial itself along one axis alone."""
    own = {"train": trial.spec.protocol.train, "dim": trial.dim}
    fixed = next(other for other in AXES if other != axis)
    return [row for row in trial.scaling if row[fixed] == own[fixed]]


def _slope(x: Array, y: Array) -> tuple[float, float, float]:
    from scipy.stats import linregress, t

    fit = linregress(x, y)
    half = float(t.ppf((1 + LEVEL) / 2, len(x) - 2) * fit.stderr)
    return float(fit.slope), float(fit.slope) - half, float(fit.slope) + half
