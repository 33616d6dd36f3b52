"""Comparison of models over datasets by ranks: tests of Friedman and Nemenyi."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genbench.core.types import Array

__all__ = ["MIN_DATASETS", "MIN_MODELS", "Ranks", "cliques", "critical_difference", "iman_davenport", "ranked"]

# Chosen by hand; χ² is accurate from about 10 datasets and 5 models on (Demšar 2006, §3.2.2).
MIN_DATASETS = 5
MIN_MODELS = 3


@dataclass(frozen=True)
class Ranks:
    """The ranks of models over datasets, and their tests (Demšar 2006).

    Attributes:
        average: average rank of each model [k]; 1 is best, and ties have their mean rank.
        datasets: number of datasets.
        statistic, p: Friedman's χ² (corrected for ties) and its p-value; None if there is no test, see `reason`.
        critical_difference: smallest significant difference of average ranks (Nemenyi), or None.
        cliques: the largest groups of models that do not differ significantly, as indices, best first.
        reason: why there is no test.
    """

    average: Array
    datasets: int
    statistic: float | None = None
    p: float | None = None
    critical_difference: float | None = None
    cliques: tuple[tuple[int, ...], ...] = ()
    reason: str = ""

    @classmethod
    def of(cls, scores: Array, alpha: float = 0.05) -> Ranks:
        """Return the ranks of scores [datasets, models]; lower is better.

        NaN is a failure and worse than any score.
        """
        ranks = ranked(scores)
        n, k = ranks.shape
        average = ranks.mean(axis=0) if n else np.full(k, np.nan)
        if n < MIN_DATASETS:
            return cls(average, n, reason=f"{n} datasets are too few for a rank test; it needs {MIN_DATASETS}")
        if k < MIN_MODELS:
            return cls(average, n, reason=f"{k} models are too few for a rank test; it needs {MIN_MODELS}")
        statistic, p = _friedman(ranks)
        cd = critical_difference(k, n, alpha)
        return cls(average, n, statistic, p, cd, cliques(average, cd))


def iman_davenport(statistic: float, k: int, n: int) -> tuple[float, float]:
    """Return F = (N − 1) χ² / (N (k − 1) − χ²) and its p-value (Iman and Davenport 1980).

    There are k models and N datasets. Friedman's χ² is conservative; this is less so.
    """
    from scipy.stats import f

    rest = n * (k - 1) - statistic
    value = (n - 1) * statistic / rest if rest > 0 else np.inf
    return float(value), float(f.sf(value, k - 1, (k - 1) * (n - 1)))


def critical_difference(k: int, n: int, alpha: float = 0.05) -> float:
    """Return Nemenyi's critical difference q_α √(k (k + 1) / 6 N).

    There are k models and N datasets; q_α is the quantile of the studentised range, divided by √2.
    """
    from scipy.stats import studentized_range

    q = studentized_range.isf(alpha, k, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(k * (k + 1) / (6 * n)))


def cliques(average: Array, width: float) -> tuple[tuple[int, ...], ...]:
    """Return the largest groups of models whose average ranks span less than `width`.

    A group has two or more models; the best group is the first.
    """
    order = np.argsort(average, kind="stable")
    ranks = average[order]
    ends = np.searchsorted(ranks, ranks + width, side="left")  # first model too far from the i-th
    found, reached = [], 0
    for start, end in enumerate(ends):
        if end > reached and end - start > 1:
            found.append(tuple(int(model) for model in order[start:end]))
        reached = max(reached, end)
    return tuple(found)


def ranked(scores: Array) -> Array:
    """Return the ranks of scores [datasets, models] on each dataset.

    1 is the lowest score, NaN is last, and ties have their mean rank.
    """
    from scipy.stats import rankdata

    scores = np.asarray(scores, dtype=np.float64)
    return np.asarray(rankdata(np.where(np.isnan(scores), np.inf, scores), axis=1), dtype=np.float64)


def _friedman(ranks: Array) -> tuple[float, float]:
    from scipy.stats import friedmanchisquare

    if np.ptp(ranks) == 0:  # every model alike on every dataset
        return 0.0, 1.0
    statistic, p = friedmanchisquare(*ranks.T)
    return float(statistic), float(p)
