"""Sliced 2-Wasserstein distance. It is cheap, so it uses all samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.types import Array

__all__ = ["directions", "sliced_w2", "sliced_wasserstein"]

Projections = NDArray[Any]
BLOCK = 10  # directions at a time: 50,000 points take 4 MB; chosen by hand
SINGLE = 1e30  # by hand: coordinates beyond are left in double precision; single precision ends at 3e38


@register_metric("sliced_w2", family="distance", label="sliced W2", unit="data units", order=10, main=True)
def sliced_w2(evidence: Evidence) -> float:
    """Sliced 2-Wasserstein distance between all samples and the reference.

    It is in the data's units (Bonneel et al. 2015). All models of a seed are projected on the same directions.
    """
    d = evidence.samples.shape[1]
    return sliced_wasserstein(
        evidence.samples, evidence.reference, directions(d, evidence.protocol.projections, evidence.rng("sliced_w2"))
    )


def directions(d: int, count: int, rng: np.random.Generator) -> Array:
    """Return random unit vectors [count, d], the directions of projection.

    In the plane they are evenly spaced from a random start, which makes the mean over them a quadrature; in higher
    dimensions they are independent and uniform on the sphere; a line has only one.
    """
    if d == 1:
        return np.ones((1, 1))
    if d == 2:
        angle = np.pi * (np.arange(count) + rng.random()) / count  # a direction and its opposite are one
        return np.column_stack([np.cos(angle), np.sin(angle)])
    normal = rng.standard_normal((count, d))
    unit: Array = normal / np.linalg.norm(normal, axis=1, keepdims=True)
    return unit


def sliced_wasserstein(x: Array, y: Array, theta: Array) -> float:
    """Return SW₂(x, y) = √ mean over θ of W₂²(⟨x, θ⟩, ⟨y, θ⟩).

    x is [n, d], y is [m, d], and the unit vectors θ are [p, d]. Projections are sorted in single precision, which takes
    half the time. The origin is the mean of y, so that rounding errors are proportional to the spread of the data and
    average out over the points.
    """
    origin = y.mean(axis=0)
    x, y = x - origin, y - origin
    parts: list[Projections] = [x.T, y.T, theta]
    if max(np.abs(x).max(), np.abs(y).max()) < SINGLE:
        parts = [part.astype(np.float32) for part in parts]
    u, v, t = parts
    costs = [_costs_1d(t[i : i + BLOCK] @ u, t[i : i + BLOCK] @ v) for i in range(0, len(t), BLOCK)]
    return float(np.sqrt(np.concatenate(costs).mean()))


def _costs_1d(u: Projections, v: Projections) -> Array:
    """Return W₂² of each pair of rows u [p, n] and v [p, m]: on a line the optimal plan keeps the order."""
    if u.shape == v.shape:
        u.sort(axis=1)
        v.sort(axis=1)
        costs: Array = np.square(np.subtract(u, v, dtype=np.float64)).mean(axis=1)
        return costs
    from ot import emd2_1d

    pairs = zip(u.astype(np.float64), v.astype(np.float64), strict=True)
    return np.array([emd2_1d(a, b) for a, b in pairs])
