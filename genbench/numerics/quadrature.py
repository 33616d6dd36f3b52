"""Sums and integrals of Gaussians, for the exact densities and entropies of datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from genbench.core.types import Array

__all__ = ["gauss_legendre", "log_gaussian_sum", "neighbourhoods", "normal_quantile", "planar_entropy"]

Indices = NDArray[np.intp]

NEGLIGIBLE = 45.0  # nats below the largest term at which a term is left out of a sum: e^-45 = 3e-20
BLOCK = 2**16  # by hand: points times terms that are small enough to be added up at once


def gauss_legendre(edges: Array, order: int = 16) -> tuple[Array, Array]:
    """Return nodes and weights of the composite Gauss-Legendre rule between panel edges.

    Both are [panels * order].
    """
    x, w = np.polynomial.legendre.leggauss(order)
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2  # (panels, 1)
    return (middle + half * x).ravel(), (half * w).ravel()


def normal_quantile(u: Array) -> Array:
    """Return Φ⁻¹(u), finite for every u in [0, 1)."""
    from scipy.special import ndtri

    return np.asarray(ndtri(np.maximum(u, 2.0**-54)))


def log_gaussian_sum(x: Array, centres: Array, log_weights: Array, std: float) -> Array:
    """Return log Σ_k w_k N(x; c_k, std² I) in nats, [n], for x [n, d] and centres [k, d].

    Terms that do not matter for a block of neighbouring points are left out, by bounds on their distances. So the cost
    per point does not grow with the number of distant centres. The result is finite however far x is from every centre.
    """
    from scipy.spatial.distance import cdist

    values = np.empty(len(x))
    for block, near in neighbourhoods(x, centres, log_weights, std):
        terms = cdist(x[block] / std, centres[near] / std, "sqeuclidean")  # (b, m)
        terms *= -0.5
        terms += log_weights[near]
        top = terms.max(axis=1, keepdims=True)
        terms -= top
        values[block] = np.log(np.exp(terms, out=terms).sum(axis=1)) + top[:, 0]
    return np.asarray(values - x.shape[1] * np.log(std * np.sqrt(2 * np.pi)))


def neighbourhoods(x: Array, centres: Array, log_weights: Array, std: float) -> Iterator[tuple[Indices, Indices]]:
    """Split points x [n, d] at medians into blocks of neighbours.

    Each block is yielded with the centres that matter for it. For all points of a bounding box, a term of the sum lies
    between its values at the nearest and at the farthest point of the box. A term does not matter for the box if its
    largest value there is negligible compared with the largest lower bound of all terms.
    """
    stack = [(np.arange(len(x)), np.arange(len(centres)))] if len(x) else []
    while stack:
        block, near = stack.pop()
        points = x[block]
        low, high = points.min(axis=0), points.max(axis=0)
        away, reach = np.abs(centres[near] - (low + high) / 2) / std, (high - low) / (2 * std)  # (m, d), (d,)
        most = log_weights[near] - 0.5 * (np.maximum(away - reach, 0) ** 2).sum(axis=1)
        least = log_weights[near] - 0.5 * ((away + reach) ** 2).sum(axis=1)
        near = near[most >= least.max() - NEGLIGIBLE]
        if len(block) <= 32 or len(block) * len(near) <= BLOCK:
            yield block, near
        else:
            order = np.argpartition(points[:, np.argmax(high - low)], len(block) // 2)
            stack += [(half, near) for half in np.split(block[order], [len(block) // 2])]


def planar_entropy(log_density: Callable[[Array], Array], centres: Array, std: float, steps_per_std: int = 3) -> float:
    """Return −∫ p log p dx in nats of a planar density made of Gaussians of one width.

    The density is a sum or an integral of them. The product trapezoid rule is used, which converges exponentially for a
    smooth density that decays: with three steps per standard deviation the error is below 1e-7. It covers the square
    tiles of side 8 std that contain a centre, and their neighbours, so that everything within 8 std of a centre is
    included.

    Args:
        log_density: maps points [n, 2] to log-densities [n] in nats.
        centres: means of the Gaussians [k, 2]; for a curve, points on it that are at most a few std apart.
        std: their standard deviation.
        steps_per_std: number of grid steps in one standard deviation.
    """
    side = 8 * steps_per_std
    neighbours = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    holding = np.unique(np.floor(centres / (8 * std)), axis=0)  # (h, 2)
    tiles = np.unique((holding[:, None] + neighbours).reshape(-1, 2), axis=0)
    offsets = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) + 0.5
    step, entropy = std / steps_per_std, 0.0
    for some in np.array_split(tiles, -(-len(tiles) // 64)):
        log_p = log_density(((some[:, None] * side + offsets) * step).reshape(-1, 2))
        entropy -= float((np.exp(log_p) * log_p).sum()) * step**2
    return entropy
