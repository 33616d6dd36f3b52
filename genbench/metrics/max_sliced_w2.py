"""Max-sliced 2-Wasserstein distance: along the direction of the largest difference."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import register_metric
from genbench.core.types import Array
from genbench.metrics.sliced_w2 import directions

__all__ = ["max_sliced_w2", "non_gaussian", "worst_direction"]

# All chosen by hand: more find little more, and take longer.
POINTS = 10_000  # of each half
TRIED = 100  # random directions, of which the best are climbed from, beside those of all margins
PURSUED = 8  # directions by projection pursuit of each side, in more than two dimensions
ROUNDS = 15  # of the pursuit: near its end it converges cubically
CLIMBED = 8
STEPS = 60  # of ascent
FIRST_STEP = 0.5  # as an angle, about; halved where a step does not lead up


@register_metric("max_sliced_w2", family="distance", label="max-sliced W2", unit="data units", order=45)
def max_sliced_w2(evidence: Evidence) -> float:
    """W2 along the direction in which samples and truth differ most.

    One half of the points finds the direction, and the other half is scored (Deshpande et al. 2019). With the same
    points for both, every distance would be too large, above all that of the truth.
    """
    n = min(len(evidence.samples), len(evidence.reference), 2 * POINTS) // 2
    x, y = evidence.samples[: 2 * n], evidence.reference[: 2 * n]
    theta = worst_direction(x[:n], y[:n], evidence.rng("max_sliced_w2"))
    return float(np.sqrt(_costs(theta[None], x[n:], y[n:])[0]))


def worst_direction(x: Array, y: Array, rng: np.random.Generator) -> Array:
    """Return the unit vector [d] with the largest W2 between x [n, d] and y [n, d] along it.

    It is the best that the ascent finds. On a line, the optimal plan keeps the order, so the gradient of W2² = mean
    ⟨x_i − y_i, θ⟩² for points in the order of their projections is 2 mean ⟨x_i − y_i, θ⟩ (x_i − y_i). The ascent starts
    from random directions, from the coordinates, and from directions along which x or y is not Gaussian: in many
    dimensions nearly every projection is Gaussian (Diaconis & Freedman 1984), and ascent from it does not help.
    """
    d = x.shape[1]
    tried = np.concatenate([directions(d, TRIED, rng), np.eye(d)]) if d > 1 else np.ones((1, 1))
    if d > 2:
        tried = np.concatenate([tried, non_gaussian(x, PURSUED, rng), non_gaussian(y, PURSUED, rng)])
    costs = _costs(tried, x, y)
    theta = tried[np.argsort(costs)[-CLIMBED:]]
    costs, step = _costs(theta, x, y), np.full(len(theta), FIRST_STEP)
    gradient, up = np.empty_like(theta), np.full(len(theta), True)
    for _ in range(STEPS):
        for k in np.flatnonzero(up):  # of the others it is what it was
            gradient[k] = _gradient(theta[k], x, y)
        slope = gradient - (gradient * theta).sum(axis=1, keepdims=True) * theta  # along the sphere
        length = np.linalg.norm(slope, axis=1, keepdims=True)
        ahead = theta + step[:, None] * np.divide(slope, length, out=np.zeros_like(slope), where=length > 0)
        ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
        found = _costs(ahead, x, y)
        up = found > costs
        theta[up], costs[up] = ahead[up], found[up]
        step[~up] /= 2
    return np.asarray(theta[np.argmax(costs)])


def non_gaussian(x: Array, count: int, rng: np.random.Generator) -> Array:
    """Return unit vectors [count, d] along which x [n, d] has extreme kurtosis.

    Some of them may be equal. They are fixed points of FastICA on whitened points z: θ ← E[z ⟨z, θ⟩³] − 3 θ (Hyvärinen
    & Oja 1997, eq. 8), from random starts. Axes without variance and directions that do not converge are left out. If
    the covariance overflows, all are left out.
    """
    with np.errstate(over="ignore"):
        centred = x - x.mean(axis=0)
        covariance = centred.T @ centred / len(x)
    if not np.isfinite(covariance).all():
        return np.empty((0, x.shape[1]))
    variance, axes = np.linalg.eigh(covariance)
    varied = variance > np.finfo(float).eps * len(variance) * max(variance[-1], np.finfo(float).tiny)
    whiten = axes[:, varied] / np.sqrt(variance[varied])
    z = centred @ whiten
    theta = _unit(rng.standard_normal((count, z.shape[1])))
    for _ in range(ROUNDS):
        theta = _unit(((z @ theta.T) ** 3).T @ z / len(z) - 3 * theta)
    found = _unit(theta @ whiten.T)
    return found[np.isfinite(found).all(axis=1)]


def _unit(theta: Array) -> Array:
    """Return directions of length 1; NaN where there is none."""
    length = np.linalg.norm(theta, axis=1, keepdims=True)
    return np.divide(theta, length, out=np.full_like(theta, np.nan), where=length > 0)


def _costs(theta: Array, x: Array, y: Array) -> Array:
    """Return W₂² along each of the directions θ [p, d]."""
    along = np.sort(theta @ x.T, axis=1) - np.sort(theta @ y.T, axis=1)
    return np.asarray(np.square(along).mean(axis=1))


def _gradient(theta: Array, x: Array, y: Array) -> Array:
    apart = x[np.argsort(x @ theta)] - y[np.argsort(y @ theta)]
    return np.asarray(2 * (apart @ theta) @ apart / len(apart))
