"""A test without the truth: do samples have the shares in regions that a density implies?

The density is the sampler's own, and must be normalised. Let x be draws of a sampler, q the density that they should
have, and g a density that is known in closed form. For any function f ≥ 0, and r = q/g,

    E_q f min(1, 2/r) = E_g f min(r, 2),

the identity of Metropolis acceptance, by which Bennett (1976, eq. 5) compares two densities. Both sides are means of
bounded terms, so that no weight is large, whatever g is: where g has no mass in common with q, both sides are about 0,
and the test detects nothing. If x ~ q, the left side is a mean over the draws ("seen"), the right side one over points
drawn from g ("due"). Here f is the indicator of a region, or a ramp from 0 to 1: both sides are shares.

g is a Gaussian mixture. One half is fitted to draws that are not used otherwise, one half to training points: a mode
that the sampler lacks has r = 2, and counts fully. g is smooth, so f of many draws and E_g f cost nothing: with them as
control variates q is needed at few points (double sampling; Cochran 1977, section 12.6).

In many dimensions no g is close to q. There, each draw x is compared with a partner y = T(x), where a random move T is
as likely as its inverse. In such a pair, x is the draw with probability σ(log q(x) − log q(y) |det dy/dx|) (Barker
1965), whatever the constant of q.

The test does not detect noise that widens q only a little. Noise of ε standard deviations changes the variance of a
Gaussian by ε², so that n draws detect it if √(n / 2) ε² exceeds about 6: 30 million draws for ε = 0.05. Noise is easier
to detect where q has fine structure, which the noise destroys.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genbench.core.types import Array

__all__ = ["FIRST", "region_shares"]

# Chosen by hand, on the sets in the plane: power against seconds.
FITTED = 4_000  # draws, and as many training points, to which g is fitted: 8,000 narrow the errors by 6 %
COMPONENTS = (1, 8, 32)  # of g; that with the lowest BIC is taken
POINTS_PER_PARAMETER = 10  # of g, at least: with fewer, g follows its points, and r scatters
WIDEST = 64  # dimensions in which g is tried: with more, a mixture of full covariances takes seconds and meets no q
DRAWS = 2  # points of g for each draw that is not evaluated, so that their noise is the smaller one
PAIRED = 0.25  # of the evaluations
CELLS = 16  # regions around centres
LEVELS = (0.03, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)  # of g's mass: regions where g is lowest
RAMPS = ((0.02, 0.98), (0.02, 0.5), (0.5, 0.98))  # from 1 where g is lowest to 0 where it is highest
STEPS = (0.05, 0.2, 1.0)  # of partners: in standard deviations, or of differences between two training points
ROWS = 2_000  # points of which log g is computed at once, by hand: with 32 components in the plane 1 MB
RARE = 3.0  # terms added to each variance: a mean of rare terms is not normal, and may have seen none yet
HALF_LOG_2PI = 0.5 * float(np.log(2 * np.pi))
FIRST = ("all", "pairs", *["low"] * (len(LEVELS) + len(RAMPS)))  # what the first rows are; the rest are cells


def region_shares(
    samples: Array,
    log_density: Array,
    train: Array,
    log_prob: Callable[[Array], Array],
    evaluations: int,
    rng: np.random.Generator,
) -> Array:
    """Return the share seen, the share due, and their standard error, by region.

    The result is [regions, 3]; the standard error is that of the difference. If the samples follow the density, seen −
    due is 0 on average in each row. Shares refer to the mass that q and g have in common; those of pairs weight each
    pair by 2σ − 1, which is 0 for equal densities. The first rows are `FIRST`.

    Args:
        samples: independent draws [n, d].
        log_density: log q in nats at the first few samples [k]; may be −inf.
        train: points [m, d] in about the same place as q.
        log_prob: returns log q in nats [j] at points [j, d].
        evaluations: largest number of points for `log_prob`, which is called once.
    """
    mean, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    x, known = (samples - mean) / scale, (train - mean) / scale
    log_det = float(np.log(scale).sum())
    apart = min(FITTED, len(x) // 4)  # draws for g alone
    few = x[: min(len(log_density), len(x) - apart)]
    rest = x[len(log_density) : len(x) - apart]
    own = log_density[: len(few)] + log_det  # of standardised points

    wide = x.shape[1] > WIDEST
    paired = min(len(few), evaluations if wide else int(PAIRED * evaluations))
    partners, log_jacobian = _partners(few[:paired], known, rng)
    if wide:
        return _pairs(own[:paired], log_prob(partners * scale + mean) + log_det + log_jacobian)[None]
    points = np.concatenate([x[len(x) - apart :], known[rng.permutation(len(known))[:apart]]])
    g = _Reference.fit(points, rng)
    drawn = g.draw(evaluations - paired, rng)
    answers = log_prob(np.concatenate([partners, drawn]) * scale + mean) + log_det
    regions = _regions(g, (few, own), rest, (drawn, answers[paired:]), rng)
    return np.insert(regions, 1, _pairs(own[:paired], answers[:paired] + log_jacobian), axis=0)


def _regions(
    g: _Reference, few: tuple[Array, Array], rest: Array, drawn: tuple[Array, Array], rng: np.random.Generator
) -> Array:
    """Return shares seen and due, and the error of their difference [regions, 3], without the pairs.

    Args:
        few: draws [n, d] with their log q [n].
        rest: draws [m, d] without.
        drawn: points of g [k, d] with their log q [k].
    """
    many = g.draw(DRAWS * len(rest) + len(drawn[0]), rng)
    log_g = g.log_density(many)
    regions = _Regions.of(many, log_g, rng)
    of_few, of_drawn = (g.log_density(x) for x, _ in (few, drawn))
    log_r, log_s = few[1] - of_few, drawn[1] - of_drawn
    # the two sides of the identity
    seen, error = _mean(
        np.exp(np.minimum(np.log(2) - log_r, 0)), regions(few[0], of_few), regions(rest, g.log_density(rest))
    )
    due, other = _mean(np.exp(np.minimum(log_s, np.log(2))), regions(drawn[0], of_drawn), regions(many, log_g))
    if not len(rest):  # a region that few draws miss by luck has a variance all the same
        error = np.maximum(error, due * (1 - due) / len(log_r))
    return np.stack([seen, due, np.sqrt(error + other)], axis=1)


def _partners(x: Array, known: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return a partner of each draw [n, d], and the log-Jacobian [n] of the move: 0 but for changes of scale.

    A third each moves by a normal step, by part of a difference of known points [m, d], and towards the mean or away.
    """
    n, d = x.shape
    normal = rng.standard_normal((n, d))
    along = known[rng.integers(len(known), size=n)] - known[rng.integers(len(known), size=n)]
    kind, size = rng.integers(3, size=(n, 1)), rng.choice(STEPS, size=(n, 1))
    stretch = np.where(kind == 2, rng.standard_normal((n, 1)) / np.sqrt(d), 0.0)  # a nat or so of a normal log q
    moved = np.where(kind == 2, np.exp(stretch) * x, x + size * np.where(kind == 0, normal, along))
    return np.asarray(moved), d * stretch[:, 0]


def _pairs(own: Array, partner: Array) -> Array:
    """Return the share of pairs whose draw is the denser one, what is due, and its error, from log-densities [n]."""
    if not len(own):
        return np.zeros(3)
    with np.errstate(invalid="ignore"):
        ahead = np.nan_to_num(own - partner, nan=0.0, posinf=np.inf, neginf=-np.inf)  # both may be −inf
    sigma = 1 / (1 + np.exp(-np.abs(ahead)))
    weight = 2 * sigma - 1
    variance = (weight**2 * sigma * (1 - sigma)).sum() + RARE
    return np.array([weight @ (ahead > 0), weight @ sigma, np.sqrt(variance)]) / len(own)


def _mean(values: Array, few: Array, many: Array) -> tuple[Array, Array]:
    """Return E f·v by region [k] and its variance, from values v [n] in [0, 2] where f is `few` [n, k].

    `many` [m, k] are values of f alone: f·v − β f varies less than f·v, and β E f is known well (Cochran 1977, 12.6).
    """
    n, m = few.shape[0], many.shape[0]
    products = values[:, None] * few
    mean, centred = products.mean(axis=0), few - few.mean(axis=0)
    spread = (centred**2).mean(axis=0)
    covariance = ((products - mean) * centred).mean(axis=0)
    beta = np.divide(covariance, spread, out=np.zeros_like(spread), where=spread > 0) * m / (m + n)
    left = ((products - mean - beta * centred) ** 2).mean(axis=0) / n
    if m:
        mean = mean + beta * (many.mean(axis=0) - few.mean(axis=0))
        left = left + beta**2 * spread / m
    return mean, left + RARE * (float(values.max(initial=1.0)) / n) ** 2


@dataclass(frozen=True)
class _Reference:
    """The Gaussian mixture g, of standardised points."""

    mixture: Any  # scikit-learn's GaussianMixture

    @classmethod
    def fit(cls, points: Array, rng: np.random.Generator) -> _Reference:
        """Fit mixtures of several numbers of components to points [n, d], and keep the best by BIC."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture

        n, d = points.shape
        most = n / (POINTS_PER_PARAMETER * (d + 1) * (d + 2) / 2)
        seed = int(rng.integers(2**31))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it need not be the maximum of likelihood
            fitted = [
                GaussianMixture(k, max_iter=30, random_state=seed).fit(points) for k in COMPONENTS if k <= max(most, 1)
            ]
        return cls(min(fitted, key=lambda mixture: mixture.bic(points)))

    def draw(self, n: int, rng: np.random.Generator) -> Array:
        """Return n points [n, d]."""
        g = self.mixture
        x = rng.standard_normal((n, g.means_.shape[1]))
        which = rng.choice(len(g.weights_), size=n, p=g.weights_ / g.weights_.sum())
        for k, root in enumerate(np.linalg.cholesky(g.covariances_)):
            x[which == k] = g.means_[k] + x[which == k] @ root.T
        return x

    def log_density(self, x: Array) -> Array:
        """Return log g of points x [n, d]."""
        g, d = self.mixture, x.shape[1]
        roots = g.precisions_cholesky_  # [k, d, d]
        constants = np.log(g.weights_) + np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1) - d * HALF_LOG_2PI
        return np.concatenate(
            [_log_sum(part, roots, g.means_, constants) for part in np.split(x, range(ROWS, len(x), ROWS))]
        )


def _log_sum(x: Array, roots: Array, means: Array, constants: Array) -> Array:
    """Return log Σ_k exp(c_k − ½ ‖(x − m_k) R_k‖²) [n] of points x [n, d], for few points, which fit the cache."""
    k, d, _ = roots.shape
    white = x @ roots.transpose(1, 0, 2).reshape(d, k * d) - np.einsum("kd,kde->ke", means, roots).ravel()
    terms = constants - 0.5 * np.square(white).reshape(len(x), k, d).sum(axis=2)
    top = terms.max(axis=1)
    return np.asarray(np.log(np.exp(terms - top[:, None]).sum(axis=1)) + top)


@dataclass(frozen=True)
class _Regions:
    """All of space, regions and ramps where g is low, and cells around centres [c, d]."""

    levels: Array
    ramps: Array
    centres: Array

    @classmethod
    def of(cls, points: Array, log_g: Array, rng: np.random.Generator) -> _Regions:
        """Place the regions by points of g [n, d] and the logarithm of g there [n]."""
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        some = points[:5_000]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different points than cells
            cells = KMeans(min(CELLS, len(some)), n_init=1, random_state=int(rng.integers(2**31))).fit(some)
        return cls(np.quantile(log_g, LEVELS), np.quantile(log_g, RAMPS), cells.cluster_centers_)

    def __call__(self, x: Array, log_g: Array) -> NDArray[np.float64]:
        """Return how far points x [n, d] of log-densities [n] under g belong to each region, in 0 … 1 [n, regions]."""
        if not len(x):
            return np.zeros((0, 1 + len(self.levels) + len(self.ramps) + len(self.centres)))
        log_g = log_g[:, None]
        low, high = self.ramps.T
        ramps = np.clip((high - log_g) / np.maximum(high - low, 1e-12), 0, 1)
        nearest = (0.5 * (self.centres**2).sum(axis=1) - x @ self.centres.T).argmin(axis=1)
        cells = nearest[:, None] == np.arange(len(self.centres))
        return np.concatenate([np.ones_like(log_g), log_g <= self.levels, ramps, cells], axis=1)
