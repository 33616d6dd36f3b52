"""Exact nearest neighbours, and balls around points, computed in blocks.

Blocks limit the memory. In few dimensions, a k-d tree finds the neighbours. In more, one matrix product gives all
distances of a block, with a rounding error of about ε (‖x‖² + ‖y‖²), which is larger than the distance of near copies.
A row in which that could change the result is computed again from differences of coordinates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from genbench.core.types import Array
from genbench.metrics.discrepancy import squared_distances

__all__ = ["ball_counts", "nearest", "neighbours", "radii"]

Indices = NDArray[np.int64]

TREE_DIMENSIONS = 8  # above, a k-d tree of 10,000 normal points is slower than products of matrices
ENTRIES = 2_000_000  # distances at a time: 16 MB; chosen by hand, as ROWS is: memory against calls
ROWS = 500  # points at a time, at most: the differences to their neighbours are [ROWS, k, d]
FEWEST_ROWS = 64  # points at a time, at least; by hand: 60 MB of distances to 120,000 points
CLOSED = 1 + 1e-12  # a ball holds the points on its sphere, however the last digit of a distance was rounded


def nearest(x: Array, y: Array) -> tuple[Array, Indices]:
    """Return the distance [n] from each point of x [n, d] to the nearest of y [m, d].

    The second result is the index of that point [n].
    """
    distances, indices = neighbours(x, y, 1)
    return distances[:, 0], indices[:, 0]


def radii(x: Array, k: int) -> Array:
    """Return the distance [n] from each point of x [n, d] to the k-th nearest other one.

    A copy counts as another point.

    Raises:
        ValueError: there are k points or fewer.
    """
    if len(x) <= k:
        raise ValueError(f"{len(x)} points have no {k}-th nearest other point; give at least {k + 1}")
    distances, _ = neighbours(x, x, k + 1)  # the point itself is one of them, at distance 0
    return distances[:, k]


def neighbours(x: Array, y: Array, k: int) -> tuple[Array, Indices]:
    """Return the k nearest points of y [m, d] to each point of x [n, d].

    The results are ascending distances [n, k], and indices [n, k].

    Raises:
        ValueError: y has fewer than k points.
    """
    if len(y) < k:
        raise ValueError(f"{len(y)} points have no {k} nearest; give at least {k}")
    if x.shape[1] <= TREE_DIMENSIONS:
        from scipy.spatial import cKDTree

        distances, indices = cKDTree(y).query(x, np.arange(1, k + 1))
        return distances, indices.astype(np.int64)
    distances, indices = np.empty((len(x), k)), np.empty((len(x), k), dtype=np.int64)
    for rows in _blocks(len(x), y):
        distances[rows], indices[rows] = _neighbours_of_block(x[rows], y, k)
    return distances, indices


def ball_counts(points: Array, centres: Array, radii: Array) -> tuple[Indices, Indices]:
    """Return the number of points [n, d] in each closed ball [m], and of balls at each point.

    Ball j has the centre centres[j] and the radius radii[j], with centres [m, d] and radii [m]. The second result is
    the number of balls that contain each point [n].
    """
    reach = radii * CLOSED
    per_ball, per_point = np.zeros(len(centres), dtype=np.int64), np.zeros(len(points), dtype=np.int64)
    if points.shape[1] <= TREE_DIMENSIONS:
        from scipy.spatial import cKDTree

        tree = cKDTree(points)
        for rows in _blocks(len(centres), points):
            held = tree.query_ball_point(centres[rows], reach[rows])  # lists of indices
            per_ball[rows] = [len(indices) for indices in held]
            per_point += np.bincount(np.concatenate(held).astype(np.int64), minlength=len(points))
        return per_ball, per_point
    for rows in _blocks(len(centres), points):
        inside = _inside(centres[rows], points, reach[rows])
        per_ball[rows] = inside.sum(axis=1)
        per_point += inside.sum(axis=0)
    return per_ball, per_point


def _neighbours_of_block(x: Array, y: Array, k: int) -> tuple[Array, Indices]:
    """Return what `neighbours` does: the matrix product names the nearest, differences of coordinates measure them."""
    squared = squared_distances(x, y)
    indices = _smallest(squared, k)
    reach = np.take_along_axis(squared, indices, axis=1).max(axis=1) + 2 * _rounding(x, y)
    unsure = (squared <= reach[:, None]).sum(axis=1) > k
    if unsure.any():
        indices[unsure] = _smallest(_by_differences(x[unsure], y), k)
    exact = np.square(x[:, None, :] - y[indices]).sum(axis=-1)  # (b, k)
    order = np.argsort(exact, axis=1, kind="stable")
    return np.sqrt(np.take_along_axis(exact, order, axis=1)), np.take_along_axis(indices, order, axis=1)


def _smallest(values: Array, k: int) -> Indices:
    """Return the places [b, k] of the k smallest values in each row [b, m], in any order."""
    if k == 1:
        return values.argmin(axis=1)[:, None]
    places: Indices = np.argpartition(values, k - 1, axis=1)[:, :k]
    return places


def _inside(centres: Array, points: Array, reach: Array) -> NDArray[np.bool_]:
    """Return which balls hold which points: [b, n]."""
    squared, limit, rounding = squared_distances(centres, points), np.square(reach), _rounding(centres, points)
    inside: NDArray[np.bool_] = squared <= (limit - rounding)[:, None]
    unsure = inside.sum(axis=1) < (squared <= (limit + rounding)[:, None]).sum(axis=1)
    if unsure.any():
        inside[unsure] = _by_differences(centres[unsure], points) <= limit[unsure, None]
    return inside


def _rounding(x: Array, y: Array) -> Array:
    """Return a bound [n] on the rounding error of `squared_distances(x, y)` in each row."""
    origin = y.mean(axis=0)
    norms = np.square(x - origin).sum(axis=1) + np.square(y - origin).sum(axis=1).max()
    bound: Array = 4 * (x.shape[1] + 4) * np.finfo(np.float64).eps * norms
    return bound


def _by_differences(x: Array, y: Array) -> Array:
    """Return ‖xᵢ − yⱼ‖² [n, m] without a matrix product: equal points are at distance 0."""
    from scipy.spatial.distance import cdist

    squared: Array = cdist(x, y, "sqeuclidean")
    return squared


def _blocks(n: int, y: Array) -> list[slice]:
    """Return slices of at most ROWS of n rows, with at most ENTRIES distances to the points y [m, d].

    With less than d rows at a time, or few, preparing y for their matrix product would take longer than the product.
    """
    m, d = y.shape
    size = min(ROWS, max(ENTRIES // max(m, 1), d, FEWEST_ROWS))
    return [slice(start, start + size) for start in range(0, n, size)]
