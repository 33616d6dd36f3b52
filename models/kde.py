"""Kernel density estimation with a Gaussian kernel."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from genbench.contracts.model import Model, register_model
from genbench.core.search_ranges import LogRange
from genbench.core.types import Array, Positive

__all__ = ["KDE"]

NARROWEST, WIDEST = 1e-3, 3.0  # by hand: bandwidths to choose from, in standardised units
MOST, LEAST = 1_000, 250  # by hand: points that choose the bandwidth; 100 are too few
PAIRS = 100_000_000  # of them and the points around them, at most; by hand: 0.8 GB
# Nominal seconds of a pair, and more of each of its coordinates: measured on one core of the reference machine, with
# the dozen bandwidths that are tried.
PAIR, COORDINATE = 90e-9, 1e-9
BLOCK = 500_000  # by hand: pairs of points at a time: 4 MB, which the cache holds
NEGLIGIBLE = -700.0  # exp of less is subnormal, 20 times slower, and nothing beside the largest term, which is 1


@register_model(
    "kde",
    family="classic",
    likelihood="exact",
    paper="Parzen 1962; Habbema et al. 1974",
    kinds=("points", "table", "image", "series"),
)
class KDE(Model):
    """A Gaussian around every training point; the leave-one-out likelihood selects its width.

    Args:
        bandwidth: standard deviation of the kernel in standardised units; None selects it by the likelihood.
    """

    def __init__(self, bandwidth: Annotated[Positive | None, LogRange(0.01, 1)] = None) -> None:
        self.bandwidth = bandwidth

    def fit(self, x: Array) -> None:
        self.shape, self.points = x.shape[1:], x.reshape(len(x), -1)  # (n, d)
        self.width = self._best_width() if self.bandwidth is None else self.bandwidth

    def sample(self, n: int) -> Array:
        """Draw a training point, then a point of its kernel."""
        centres = self.points[np.random.randint(len(self.points), size=n)]
        x: Array = centres + self.width * np.random.standard_normal(centres.shape)
        return x.reshape(n, *self.shape)

    def log_prob(self, x: Array) -> Array:
        """Return log p(x) = log (1/n) Σᵢ N(x; xᵢ, h²I), computed in blocks of x."""
        x = x.reshape(len(x), -1)
        n, d = self.points.shape
        left = np.column_stack([x, np.full(len(x), -0.5)])  # (b, d + 1)
        right = np.vstack([self.points.T, np.square(self.points).sum(axis=1)]) / self.width**2  # (d + 1, n)
        sums = [_log_sum_exp(block @ right) for block in _blocks(left, max(1, BLOCK // n))]
        norm = 0.5 * np.square(x).sum(axis=1) / self.width**2  # −‖x − xᵢ‖²/2h² = (⟨x, xᵢ⟩ − ‖xᵢ‖²/2 − ‖x‖²/2) / h²
        log_p: Array = np.concatenate(sums) - norm - np.log(n) - d * np.log(self.width) - 0.5 * d * np.log(2 * np.pi)
        return log_p

    def score_at(self, x: Array) -> Array:
        """Return ∇ log p(x) = (Σᵢ wᵢ xᵢ − x) / h², with wᵢ ∝ N(x; xᵢ, h²I), in blocks of x."""
        from scipy.special import softmax

        flat = x.reshape(len(x), -1)
        half = 0.5 * np.square(self.points).sum(axis=1)
        means = [
            softmax((block @ self.points.T - half) / self.width**2, axis=1) @ self.points
            for block in _blocks(flat, max(1, BLOCK // len(self.points)))
        ]
        return ((np.concatenate(means) - flat) / self.width**2).reshape(x.shape)

    def conditional_sample(self, x: Array, known: NDArray[np.bool_]) -> Array:
        """Draw the unknown coordinates given the known ones.

        A training point is drawn with the weight N(x_known; x_i, h²I), then the rest from its kernel.
        """
        flat, mask = x.reshape(len(x), -1).copy(), known.ravel()
        points = self.points[:, mask]
        given, which = np.unique(flat[:, mask], axis=0, return_inverse=True)  # many draws for each are asked at once
        half = 0.5 * np.square(points).sum(axis=1)
        chosen = np.empty(len(x), dtype=int)
        for k, value in enumerate(given):
            logits = (points @ value - half) / self.width**2  # (n,), up to a constant
            weights = np.cumsum(np.exp(logits - logits.max()))
            mine = np.flatnonzero(which.ravel() == k)
            chosen[mine] = np.searchsorted(weights, weights[-1] * np.random.random(len(mine)), side="right")
        centre = self.points[np.ix_(chosen, ~mask)]
        flat[:, ~mask] = centre + self.width * np.random.standard_normal(centre.shape)
        return flat.reshape(x.shape)

    def _best_width(self) -> float:
        """Return the h with the highest leave-one-out likelihood of 1,000 training points (Habbema et al. 1974).

        By as many pairs of points as the budget pays for: first fewer points choose, then among fewer others. The best
        h of m points is scaled to n of them by (m / n)^(1 / (d + 4)), the rate at which it falls for a smooth density
        (Scott 2015, section 6.3).
        """
        from scipy.optimize import minimize_scalar
        from scipy.spatial.distance import cdist

        n, d = self.points.shape
        if n == 1:
            return 1.0
        pairs = min(PAIRS, round(self.budget_seconds / (PAIR + COORDINATE * d)))
        order = np.random.permutation(n)
        chosen = order[: int(np.clip(pairs // n, LEAST, MOST))]
        points = self.points
        if (m := max(pairs // len(chosen), MOST)) < n:
            points, chosen = points[order[:m]], np.arange(len(chosen))
        squared = cdist(points[chosen], points, "sqeuclidean")  # (chosen, m)
        squared[np.arange(len(chosen)), chosen] = np.inf  # leave itself out
        nearest = squared.min(axis=1, keepdims=True)
        squared -= nearest

        def loss(log_h: float) -> float:
            scale = -0.5 * np.exp(-2 * log_h)
            blocks = _blocks(squared, max(1, BLOCK // len(points)))
            sums = [np.exp(np.maximum(scale * block, NEGLIGIBLE)).sum(axis=1) for block in blocks]
            return float(d * log_h - (scale * nearest[:, 0] + np.log(np.concatenate(sums))).mean())

        bounds = (np.log(NARROWEST), np.log(WIDEST))
        best = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 0.02}).x
        return float(np.exp(best) * (len(points) / n) ** (1 / (d + 4)))


def _log_sum_exp(a: Array) -> Array:
    """Return log Σⱼ exp aᵢⱼ of each row of a [b, n]; writes over a."""
    peak = a.max(axis=1, keepdims=True)
    a -= peak
    np.maximum(a, NEGLIGIBLE, out=a)
    log_sum: Array = np.log(np.exp(a, out=a).sum(axis=1)) + peak[:, 0]
    return log_sum


def _blocks(x: Array, rows: int) -> list[Array]:
    return [x[i : i + rows] for i in range(0, len(x), rows)]
