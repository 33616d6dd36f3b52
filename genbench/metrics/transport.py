"""Exact optimal transport between two sets of points, by POT's network simplex.

The simplex gets only few of the n·m pairs. An optimal plan has mass on a pair (i, j) only if its reduced cost ‖xᵢ −
yⱼ‖² − uᵢ − vⱼ is 0, where u and v are the optimal dual potentials. So the simplex gets the pairs whose reduced cost is
small under the potentials of half of the points. If another pair has a reduced cost below 0 under the resulting
potentials, that pair is added and the simplex runs again. When no such pair is left, the plan is optimal among all n·m
pairs. This is column generation from coarse to fine, as in Schmitzer (2016), "A sparse multiscale algorithm for dense
optimal transport".
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genbench.core.errors import GenbenchError
from genbench.core.types import Array
from genbench.metrics.discrepancy import squared_distances

__all__ = ["Transport", "transport"]

Pairs = NDArray[np.int64]  # i·m + j of a point i of x and a point j of y

# None of these changes the result; they trade time and memory, and are chosen by hand.
MAX_ITERATIONS = 10_000_000  # of the simplex: far more than it needs, so that only an endless loop ends here
LARGEST_DENSE = 2_500  # points; the cost matrix and the solver's copies of it take 250 MB
NEIGHBOURS = 10  # pairs of each point of either set in the first round: more rounds against larger ones
ADDED = 64  # pairs of a point of x that a later round adds at most: the same
DIRECTIONS = 8  # along which all mass can always be moved, in order; one would do
BLOCK = 64  # rows of reduced costs at a time, which stay in the cache


class Transport(NamedTuple):
    """The cost of an optimal plan, and the dual potentials that prove it."""

    cost: float  # E ‖X − Y‖² under the plan
    u: Array  # [n]
    v: Array  # [m]


def transport(x: Array, y: Array, max_iterations: int = MAX_ITERATIONS) -> Transport:
    """Return the optimal transport of points x [n, d] to points y [m, d] at cost ‖x − y‖².

    All points of a set have equal weight. It is exact up to rounding: no reduced cost is below −8 (n + m) ε diameter²,
    with ε = 2.2e-16.

    Raises:
        GenbenchError: the solver did not reach the optimum. For an unbounded or unfinished problem, POT itself gives a
            warning and a number; for NaN that number is 0, a perfect score.
    """
    n, m = len(x), len(y)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise GenbenchError(f"optimal transport of {n} to {m} points is not solved: a coordinate is not finite")
    if max(n, m) <= LARGEST_DENSE:
        return _simplex(n, m, squared_distances(x, y), max_iterations)
    rng = np.random.default_rng(0)
    half_x, half_y = (points[rng.permutation(len(points))[: (len(points) + 1) // 2]] for points in (x, y))
    u = _least(x, half_y, transport(half_x, half_y, max_iterations).v)
    v = _least(y, x, u)
    pairs = _first_pairs(x, y, u, v)
    radius = max(np.square(points - y.mean(axis=0)).sum(axis=1).max() for points in (x, y))
    rounding = 8 * (n + m) * np.finfo(float).eps * 4 * radius
    while True:
        found = _simplex(n, m, _costs(x, y, pairs), max_iterations)
        below = np.setdiff1d(_pairs_below(x, y, found.u, found.v, -rounding), pairs)
        if len(below) == 0:
            return found
        pairs = np.union1d(pairs, below)


def _simplex(n: int, m: int, costs: Any, max_iterations: int) -> Transport:
    """Solve for costs [n, m], dense or with a sparse matrix's pairs only."""
    import ot

    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is in the log
        cost, log = ot.emd2(a, b, costs, numItermax=max_iterations, log=True)
    if log["warning"] is not None or not np.isfinite(cost):
        reason = log["warning"] or f"the cost is {cost}"
        raise GenbenchError(f"optimal transport of {n} to {m} points is not solved: {reason}")
    return Transport(float(cost), log["u"], log["v"])


def _costs(x: Array, y: Array, pairs: Pairs) -> Any:
    """Return the sparse matrix [n, m] of the squared distances of pairs."""
    from scipy.sparse import coo_array

    i, j = np.divmod(pairs, len(y))
    return coo_array((np.square(x[i] - y[j]).sum(axis=1), (i, j)), shape=(len(x), len(y)))


def _first_pairs(x: Array, y: Array, u: Array, v: Array) -> Pairs:
    """Return pairs i·m + j, sorted: of small reduced cost for each point of either set, and enough to move all mass."""
    n, m = len(x), len(y)
    nearest_y, nearest_x = _smallest(x, y, v), _smallest(y, x, u)  # [n, k], [m, k]
    pairs = [(np.arange(n)[:, None] * m + nearest_y).ravel(), (nearest_x * m + np.arange(m)[:, None]).ravel()]
    cuts = np.union1d(np.arange(n) * m, np.arange(m) * n)  # of n·m units of mass: where a point's share begins
    directions = np.random.default_rng(0).standard_normal((DIRECTIONS, x.shape[1]))
    pairs += [np.argsort(x @ along)[cuts // m] * m + np.argsort(y @ along)[cuts // n] for along in directions]
    return np.unique(np.concatenate(pairs))


def _reduced(x: Array, y: Array, v: Array) -> Iterator[tuple[int, Array]]:
    """Yield the first row and the values ‖xᵢ − yⱼ‖² − vⱼ [b, m] of one block of rows after the other.

    Each block is one product of matrices, v included: passes over the values are what a round spends its time on.
    """
    origin = y.mean(axis=0)
    x, y = x - origin, y - origin
    left = np.column_stack([-2 * x, np.square(x).sum(axis=1), np.ones(len(x))])  # (n, d + 2)
    right = np.column_stack([y, np.ones(len(y)), np.square(y).sum(axis=1) - v]).T  # (d + 2, m)
    for i in range(0, len(x), BLOCK):
        yield i, left[i : i + BLOCK] @ right


def _least(x: Array, y: Array, v: Array) -> Array:
    """Return the c-transform minⱼ ‖xᵢ − yⱼ‖² − vⱼ [n]: the largest u that leaves no reduced cost below 0."""
    return np.concatenate([values.min(axis=1) for _, values in _reduced(x, y, v)])


def _smallest(x: Array, y: Array, v: Array) -> NDArray[np.int64]:
    """Return for each point of x the indices [n, k] of the points of y with the smallest reduced costs."""
    k = min(NEIGHBOURS, len(y) - 1)
    # a copy, for a view keeps the whole block alive
    return np.concatenate([np.argpartition(values, k, axis=1)[:, :k].copy() for _, values in _reduced(x, y, v)])


def _pairs_below(x: Array, y: Array, u: Array, v: Array, bound: float) -> Pairs:
    """Return the pairs i·m + j whose reduced cost is below a bound, for each i the smallest of them."""
    found: list[Pairs] = [np.zeros(0, dtype=np.int64)]
    k = min(ADDED, len(y) - 1)
    for first, values in _reduced(x, y, v):
        rows = first + np.flatnonzero(values.min(axis=1) - u[first : first + len(values)] < bound)
        costs = values[rows - first] - u[rows, None]
        columns = np.argpartition(costs, k, axis=1)[:, :k]
        below = np.take_along_axis(costs, columns, axis=1) < bound
        found.append((rows[:, None] * len(y) + columns)[below])
    return np.concatenate(found)
