"""The scores of models on several datasets, on a scale for comparing and averaging."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from genbench.analysis.scores import Row, card_of
from genbench.core.types import Array
from genbench.statistics.ranks import ranked

__all__ = ["DatasetScores", "Scale", "scores_by_dataset"]

Scale = Literal["quotient", "difference", "rank"]

ALIKE = ("", "nats", "bits", "share of samples")  # units that mean the same on all datasets


@dataclass(frozen=True)
class DatasetScores:
    """The scores of k models on d datasets; smaller is better.

    Attributes:
        models: names of the models; those without a score on one of the datasets are `left_out`.
        values: means of logarithms, of scores or of ranks over the seeds that did not fail [k, d]; ∞ if all failed.
        broken: where a seed failed or has an infinite score [k, d].
        failures: number of these seeds over all datasets [k].
        scale: the meaning of a difference of two values.
        offsets: subtracted from values when they are shown: the logarithm of the oracle's score [d], or 0.
        flipped: whether the sign was changed, because higher scores are better.
        unit: the unit of the values when they are shown.
    """

    models: tuple[str, ...]
    datasets: tuple[str, ...]
    left_out: tuple[str, ...]
    values: Array
    broken: NDArray[np.bool_]
    failures: NDArray[np.int64]
    scale: Scale
    offsets: Array
    flipped: bool
    unit: str


def scores_by_dataset(rows: Sequence[Row], metric: str, datasets: Sequence[str]) -> DatasetScores:
    """Return the scores of the models that have a row on each of the datasets.

    If the metric's card says that scores are compared by quotients, and all are positive, values are logarithms. Their
    mean belongs to a geometric mean, and neither the unit nor the oracle's score changes a comparison. Other scores
    keep their value if their unit has the same meaning on all datasets, as nats and shares have. Data units do not have
    it: a dataset of large numbers would dominate the others. Then values are ranks on each dataset.
    """
    card = card_of(metric)
    by_model: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_model.setdefault(row.model, {})[row.dataset] = row
    known = {
        model: [of[dataset] for dataset in datasets]
        for model, of in by_model.items()
        if all(dataset in of and (of[dataset].values.get(metric) or not of[dataset].seeds) for dataset in datasets)
    }
    seeds = [[_finite(row, metric) for row in here] for here in known.values()]
    failures = np.array([[_failures(row, metric) for row in here] for here in known.values()], dtype=np.int64)
    failures = failures.reshape(len(known), len(datasets))
    positive = all(value > 0 for model in seeds for values in model for value in values)
    scale: Scale = "quotient" if card.logarithmic and positive else "difference" if card.unit in ALIKE else "rank"
    flipped = card.higher_is_better and scale == "difference"
    offsets, unit = np.zeros(len(datasets)), card.unit
    values = np.array([[_mean(one, scale) for one in model] for model in seeds]).reshape(failures.shape)
    values = np.where(np.isinf(values), np.inf, -values if card.higher_is_better else values)
    if scale == "rank":
        values, unit = ranked(np.where(failures > 0, np.nan, values).T).T, ""
    if scale == "quotient" and (floors := _floors(list(known.values()), metric)) is not None:
        offsets, unit = np.log(floors), "× oracle"
    return DatasetScores(
        models=tuple(known),
        datasets=tuple(datasets),
        left_out=tuple(model for model in by_model if model not in known),
        values=values,
        broken=failures > 0,
        failures=failures.sum(axis=1),
        scale=scale,
        offsets=offsets,
        flipped=flipped,
        unit=unit,
    )


def _finite(row: Row, metric: str) -> list[float]:
    return [value for value in row.values.get(metric, {}).values() if math.isfinite(value)]


def _failures(row: Row, metric: str) -> int:
    """Return how many seeds failed, have an infinite score, or have none where others have one."""
    return row.seeds + row.failed - len(_finite(row, metric))


def _mean(values: Sequence[float], scale: Scale) -> float:
    if not values:
        return math.inf
    return float(np.mean(np.log(values) if scale == "quotient" else values))


def _floors(known: Sequence[Sequence[Row]], metric: str) -> Array | None:
    """Return the oracle's score on each dataset; None unless there is a positive one on all."""
    floors = np.full(len(known[0]) if known else 0, np.nan)
    for i, here in enumerate(zip(*known, strict=True)):
        cell = next((cell for row in here if (cell := row.metrics.get(metric))), None)
        floors[i] = np.nan if cell is None or cell.floor is None else cell.floor
    return floors if bool((np.isfinite(floors) & (floors > 0)).all()) else None
