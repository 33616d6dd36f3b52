"""Independent axes: a linear change of units that makes coordinates nearly independent."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from genbench.core.types import Array

__all__ = ["IndependentAxes"]

POINTS = 50_000  # by hand: of 64 rotated coordinates as many give each axis to a thousandth, in a second
STEPS = 60  # by hand: a subspace that is Gaussian has no axes to find, and never converges
TOLERANCE = 1e-3  # by hand: change of an axis in the last step, as 1 − |cos|
LEAST_VARIANCE = 1e-10  # share of the largest variance: below it the covariance has no inverse in single precision
PAIRED = 5_000  # points that decide which coordinates belong together; by hand: a dependence of 5 % is seen


@dataclass(frozen=True)
class IndependentAxes:
    """The map z = W (x − mean), with W from independent component analysis.

    log p(x) = log p(z) + log |det W|. The covariance of z is the identity. Of all W with this covariance, it is the one
    whose coordinates are the least Gaussian, by the contrast log cosh (FastICA; Hyvärinen 1999, section IV). If x = A s
    with independent s, of which one at most is Gaussian, then z is s, up to order, sign and scale.

    Coordinates that still depend on each other are paired, the strongest dependence first. The two of pair k are at
    places k and k + ⌈d / 2⌉, so that each half of the coordinates says as much as possible about the other half.

    Attributes:
        mean: mean of the points [d].
        unmixing, mixing: W and its inverse, [d, d].
    """

    mean: Array
    unmixing: Array
    mixing: Array

    @classmethod
    def fit(cls, x: Array) -> IndependentAxes | None:
        """Return the map for points x [n, d].

        It is None if their covariance has no inverse, or if d is 1.
        """
        n, d = x.shape
        mean, deviation = x.mean(axis=0), x.std(axis=0)
        if d < 2 or n <= 2 * d or not (deviation > 0).all():
            return None
        z = (x - mean) / deviation
        variances = np.linalg.eigvalsh(z.T @ z / n)
        if variances[0] < LEAST_VARIANCE * variances[-1]:
            return None
        unmixing = _unmixing(z[:POINTS])
        unmixing = unmixing[_in_pairs(z[:PAIRED] @ unmixing.T)] / deviation
        return cls.of(mean, unmixing)

    @classmethod
    def of(cls, mean: Array, unmixing: Array) -> IndependentAxes | None:
        """Return the map with a mean [d] and a matrix W [d, d]; None if W has no inverse."""
        try:
            mixing: Array = np.asarray(np.linalg.inv(unmixing), dtype=np.float64)
        except np.linalg.LinAlgError:
            return None
        return cls(mean, unmixing, mixing) if np.isfinite(mixing).all() else None

    def forward(self, x: Array) -> Array:
        """Return z [..., d] of points x [..., d]."""
        return (x - self.mean) @ self.unmixing.T

    def inverse(self, z: Array) -> Array:
        """Return points in the data's own units [..., d]."""
        return z @ self.mixing.T + self.mean

    def moved(self, v: Array) -> Array:
        """Return directions in the data's own units [..., d] of directions v [..., d]."""
        return v @ self.mixing.T

    def slope(self, gradient: Array) -> Array:
        """Return the gradient by x [..., d] of a function whose gradient by z is given."""
        return gradient @ self.unmixing

    @property
    def log_det(self) -> float:
        """Log |det W|, in nats."""
        return float(np.linalg.slogdet(self.unmixing)[1])


def _unmixing(z: Array) -> Array:
    """Return the rows w [d, d] by which points z [n, d] of mean 0 become independent and of variance 1."""
    from sklearn.decomposition import FastICA
    from sklearn.exceptions import ConvergenceWarning

    analysis = FastICA(whiten="unit-variance", max_iter=STEPS, tol=TOLERANCE, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        components: Array = analysis.fit(z).components_
    return components


def _in_pairs(z: Array) -> list[int]:
    """Return an order in which coordinates of z [n, d] that depend on each other stand ⌈d / 2⌉ places apart."""
    dependence, d = _dependence(z), z.shape[1]
    first: list[int] = []
    second: list[int] = []
    free = set(range(d))
    pairs = np.column_stack(np.triu_indices(d, 1))
    for i, j in pairs[np.argsort(-dependence[pairs[:, 0], pairs[:, 1]], kind="stable")].tolist():
        if i in free and j in free:
            first.append(i)
            second.append(j)
            free -= {i, j}
    return [*first, *sorted(free), *second]


def _dependence(z: Array) -> Array:
    """Return [d, d] the largest correlation between any two of three functions of each pair of coordinates.

    The functions are g, g² and sin 2g of the normal score g of a coordinate, which far points do not rule.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    n, d = z.shape
    score = ndtri((rankdata(z, axis=0) - 0.5) / n)
    functions = np.concatenate([score, score**2, np.sin(2 * score)], axis=1)
    correlation = np.abs(np.corrcoef(functions.T)).reshape(3, d, 3, d)
    strongest: Array = correlation.max(axis=(0, 2))
    return strongest
