"""Exact repeats among samples: a sampler that sets its own seed draws the same points."""

from __future__ import annotations

import numpy as np

from genbench.core.types import Array

__all__ = ["repeats"]

ALARM = 1e-6  # probability of a warning for samples that repeat as often as the data; trials are counted in thousands
UNSEEN = 3.0  # pairs: with 95 % probability not more are expected where none is seen (Poisson)
SINGLE = float(np.finfo(np.float32).eps)  # on a line, float32 numbers coincide by chance about so often


def repeats(samples: Array, data: Array) -> str | None:
    """Return a warning if samples [n, d] repeat more often than the data [m, d]; else None.

    Pairs of equal points are counted. Among the n(n − 1)/2 pairs of samples, the expected share of equal ones is that
    of the data, which may be discrete. Data without equal pairs may still have up to 3 by chance.
    """
    n, distinct, equal = _equal_pairs(samples)
    if not equal:
        return None
    from scipy.stats import poisson

    m, _, equal_data = _equal_pairs(data)
    pairs, pairs_data = n * (n - 1) / 2, m * (m - 1) / 2
    chance = (equal_data + UNSEEN + 3 * np.sqrt(equal_data)) / max(pairs_data, 1) + SINGLE * (samples.shape[1] == 1)
    if equal <= poisson.isf(ALARM, min(chance, 1) * pairs):
        return None
    return (
        f"{(n - distinct) / n:.2%} of the {n:,} samples repeat another one exactly ({distinct:,} are distinct), "
        "more than the data's points do: the sampler returns the same points again"
    )


def _equal_pairs(x: Array) -> tuple[int, int, float]:
    """Return the number of points of x [n, d], of distinct ones, and of pairs of equal ones."""
    rows = np.ascontiguousarray(x.reshape(len(x), -1) + 0.0)  # −0 and 0 are the same number
    counts = np.unique(rows.view(f"V{rows.itemsize * rows.shape[1]}"), return_counts=True)[1].astype(np.float64)
    return len(x), len(counts), float((counts * (counts - 1) / 2).sum())
