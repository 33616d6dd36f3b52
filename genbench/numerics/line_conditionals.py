"""The exact conditional distribution of one coordinate of the plane given the other.

It is computed by quadrature along a line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genbench.core.types import Array

__all__ = ["LineConditionals", "conditional_of"]

GRID, ROUNDS = 1_501, 4  # by hand: points along a line, and how often the grid closes in on the mass
LEFT_OUT = 1e-9  # by hand: mass at either end that a round leaves out


@dataclass(frozen=True)
class LineConditionals:
    """Distribution functions of m conditionals, each on its own even grid.

    Attributes:
        grid: positions along the free coordinate, [m, g].
        cdf: the distribution function at these positions, [m, g]; from 0 to 1.
    """

    grid: Array
    cdf: Array

    def quantiles(self, u: Array) -> Array:
        """Return the quantiles [m, n] at levels u [m, n] in (0, 1)."""
        rows = zip(u, self.cdf, self.grid, strict=True)
        return np.stack([np.interp(levels, cdf, grid) for levels, cdf, grid in rows])

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """Return n draws from each conditional, [m, n]."""
        return self.quantiles(rng.random((len(self.grid), n)))

    def w1(self, draws: Array) -> Array:
        """Return the 1-Wasserstein distance between draws and the exact conditional, [m].

        There are n draws [m, n] for each row. W1 = ∫ |F_n⁻¹(u) − F⁻¹(u)| du, where each step of F_n⁻¹ is compared with
        F⁻¹ at eight levels inside it.
        """
        n, parts = draws.shape[1], 8
        levels = (np.arange(n * parts) + 0.5) / (n * parts)
        exact = self.quantiles(np.broadcast_to(levels, (len(draws), n * parts)))
        gaps: Array = np.abs(np.repeat(np.sort(draws, axis=1), parts, axis=1) - exact).mean(axis=1)
        return gaps


def conditional_of(log_prob: Callable[[Array], Array], reference: Array, x: Array, known: int) -> LineConditionals:
    """Return p(x_free | x_known) at points x [m, 2]; coordinate `known` (0 or 1) is given.

    A grid over the whole range of the density is narrowed in rounds to the part of the line with the mass, because a
    conditional may be 10,000 times narrower than the data. The integral is computed by the trapezoid rule.

    Args:
        log_prob: log p [n] of points [n, 2].
        reference: points [k, 2] of that density, which show its range.
    """
    reach = reference[:, 1 - known]
    margin = 0.5 * (reach.max() - reach.min())
    low, high = (np.full(len(x), end) for end in (reach.min() - margin, reach.max() + margin))
    for _ in range(ROUNDS):
        grid = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, GRID)  # (m, g)
        points = np.empty((*grid.shape, 2))
        points[..., known], points[..., 1 - known] = x[:, known, None], grid
        log_p = log_prob(points.reshape(-1, 2)).reshape(grid.shape)
        p = np.exp(log_p - log_p.max(axis=1, keepdims=True))
        cdf = np.concatenate([np.zeros((len(x), 1)), np.cumsum(p[:, 1:] + p[:, :-1], axis=1)], axis=1)
        cdf /= cdf[:, -1:]
        first = np.maximum((cdf > LEFT_OUT).argmax(axis=1) - 2, 0)
        last = np.minimum((cdf > 1 - LEFT_OUT).argmax(axis=1) + 2, GRID - 1)
        rows = np.arange(len(x))
        low, high = grid[rows, first], grid[rows, last]
    return LineConditionals(grid, cdf)
