"""Permutation test of the squared maximum mean discrepancy."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.types import Array
from genbench.metrics.discrepancy import squared_distances
from genbench.metrics.mmd2 import gaussian_mixture_kernel, median_distance

__all__ = ["mmd2_p", "mmd2_permuted"]

POINTS = 1_000  # of each kind; chosen by hand: power against time, which grows with its square
PERMUTATIONS = 200  # chosen by hand: p in steps of 1/201, against time


@register_metric(
    "mmd2_p", family="two-sample test", label="MMD² p", higher_is_better=True, order=65, ratio=False, variant=True
)
def mmd2_p(evidence: Evidence) -> float:
    """p-value of the unbiased MMD² between samples and test points, by permutation.

    It is uniform for a perfect model. (1 + number of permutations with at least the observed MMD²) / (1 + permutations)
    is never 0 and rejects no more often than it says (Phipson & Smyth 2010). The bandwidth comes from test points that
    are not compared, if there are more.
    """
    x, y = evidence.samples[:POINTS], evidence.test[:POINTS]
    others = evidence.test[POINTS : 2 * POINTS]
    h = median_distance(others if len(others) >= POINTS // 2 else y)
    observed, *permuted = mmd2_permuted(x, y, h, PERMUTATIONS, evidence.rng("mmd2_p"))
    return float((1 + np.sum(np.array(permuted) >= observed)) / (1 + PERMUTATIONS))


def mmd2_permuted(x: Array, y: Array, h: float, permutations: int, rng: np.random.Generator) -> Array:
    """Return the unbiased MMD² [1 + permutations] of x [n, d] and y [m, d].

    The first is the observed one; the others are those of random relabellings of the union of x and y. With K the
    pooled kernel matrix without its diagonal and z [n + m] marking the points that count as x, the sum over pairs
    within x is z'Kz, and those between x and y and within y follow from z'K1 and 1'K1.
    """
    n, m = len(x), len(y)
    pool = np.concatenate([x, y])
    kernel = gaussian_mixture_kernel(h)(squared_distances(pool, pool))
    np.fill_diagonal(kernel, 0)
    z = np.zeros((n + m, 1 + permutations))
    z[:n, 0] = 1
    z[:, 1:] = rng.permuted(np.repeat(z[:, :1], permutations, axis=1), axis=0)
    row = kernel.sum(axis=1)
    xx = np.einsum("ip,ip->p", z, kernel @ z)
    xy = row @ z - xx
    yy = row.sum() - xx - 2 * xy
    values: Array = xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
    return values
