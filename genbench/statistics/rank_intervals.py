"""Simultaneous intervals of ranks (Mogstad et al. 2024).

They follow from how many models are certainly better and how many certainly worse. Of the k(k − 1) hypotheses "i is not
worse than j", a step-down test rejects those that are false, with a family-wise error of at most α (Romano and Wolf
2005). If it makes no error, at least as many models are better than model i as there are j than which i was found
worse, and at least as many are worse as were found worse than i. That gives an interval of its rank, and all intervals
hold together with probability 1 − α (Mogstad, Romano, Shaikh and Wilhelm 2024, "Inference for ranks", section 3; Klein,
Wright and Wieczorek 2020 without steps).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from genbench.core.types import Array
from genbench.statistics.best import ALPHA, WithBest
from genbench.statistics.moderated import DRAWS

__all__ = ["found_worse", "rank_intervals"]


def rank_intervals(found: WithBest, blocks: int, alpha: float = ALPHA) -> tuple[Array, Array]:
    """Return the first and the last rank that each of k models may have, [k] each; 1 is best.

    Args:
        found: the models' means, each over `blocks` scores, and their estimated variances.
        alpha: probability with which any of the intervals may be wrong.
    """
    k = len(found.mean)
    if found.spread is None:
        return np.ones(k, dtype=np.int64), np.full(k, k)
    errors = (_normals(k) * found.spread.draws / np.sqrt(blocks)).T
    worse = found_worse(found.mean, found.spread.variance / blocks, errors, alpha)
    return 1 + worse.sum(axis=1), k - worse.sum(axis=0)


def found_worse(mean: Array, variance: Array, draws: Array, alpha: float = ALPHA) -> Array:
    """Return whether the i-th model is worse than the j-th, [k, k].

    With probability 1 − α no entry is wrong.

    Args:
        mean, variance: estimates of the means, of which smaller is better, and their approximate variances [k].
        draws: draws of the errors of the means [k, draws].
    """
    k = len(mean)
    scale = np.sqrt(variance[:, None] + variance)
    behind = (mean[:, None] - mean) / scale
    worse, left = np.zeros((k, k), dtype=bool), ~np.eye(k, dtype=bool)
    while True:
        most = np.full(draws.shape[1], -np.inf)  # how far luck alone puts one model behind another, of those left
        for i in range(k):
            if left[i].any():
                luck = (draws[i] - draws[left[i]]) / scale[i, left[i], None]
                np.maximum(most, luck.max(axis=0), out=most)
        rejected = left & (behind > np.quantile(most, 1 - alpha))
        if not rejected.any():
            return worse
        worse |= rejected
        left &= ~rejected  # with fewer hypotheses left, the next step asks for less


@lru_cache(maxsize=16)
def _normals(k: int) -> Array:
    return np.asarray(np.random.default_rng([6, k]).standard_normal((DRAWS, k), dtype=np.float32))
