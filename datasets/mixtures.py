"""Mixtures of isotropic Gaussians of one width, with equal or unequal weights."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Interval

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array, Labels, Natural, Positive
from genbench.numerics.quadrature import log_gaussian_sum, normal_quantile, planar_entropy

__all__ = ["GMM40", "EightGaussians", "GaussianMixture", "Grid", "IsotropicMixture", "RareModes", "Ring", "confusion"]


class IsotropicMixture(SyntheticDataset):
    """Gaussians with means `modes` [k, d], `weights` [k] and one standard deviation.

    Labels: the index of the mode.
    """

    modes: Array
    mode_std: float
    weights: Array

    def place(self, means: Array, std: float, weights: Array | None = None) -> None:
        """Set the Gaussians at `means` [k, d]. A subclass calls it at the end of its constructor."""
        self.modes, self.mode_std = means, std
        self.classes, self.shape = len(means), means.shape[1:]
        self.weights = np.full(len(means), 1 / len(means)) if weights is None else weights

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels]:
        k = np.searchsorted(np.cumsum(self.weights)[:-1], u, side="right")
        return self.modes[k] + self.mode_std * rng.standard_normal((len(k), *self.shape)), k

    def log_density(self, x: Array) -> Array:
        return log_gaussian_sum(x, self.modes, np.log(self.weights), self.mode_std)

    def log_joint(self, x: Array) -> Array:
        from scipy.spatial.distance import cdist

        squares = cdist(x, self.modes, "sqeuclidean") / self.mode_std**2  # (n, k)
        log_norm = self.shape[0] * np.log(self.mode_std * np.sqrt(2 * np.pi))
        return np.asarray(-0.5 * squares - log_norm + np.log(self.weights))

    @cached_property
    def entropy(self) -> float:
        """The differential entropy in nats.

        In the directions outside the span of the means, the density is a Gaussian, whose entropy has a closed form.
        Inside the span, it is computed by the trapezoid rule if the span is a plane (to 1e-7), else by H(X) = H(X|K) +
        H(K) − H(K|X), see `confusion`.
        """
        std, d, log_weights = self.mode_std, self.shape[0], np.log(self.weights)
        gaussian = 0.5 * np.log(2 * np.pi * np.e * std**2)  # of one coordinate
        means = _in_own_span(self.modes)
        if means.shape[1] > 2:
            return float(d * gaussian - self.weights @ log_weights - confusion(means / std, self.weights))
        plane = np.pad(means, [(0, 0), (0, 2 - means.shape[1])])

        def log_density(x: Array) -> Array:
            return log_gaussian_sum(x, plane, log_weights, std)

        return float((d - 2) * gaussian + planar_entropy(log_density, plane, std))


def confusion(means: Array, weights: Array, log2_points: int | None = None) -> float:
    """Return H(K|X) in nats for X ~ N(m_K, I), with k means [k, r] and weights [k].

    It is the uncertainty of the mode of a point. With posteriors π, H(K|X) = E_p[η(π)], where η is the entropy. Points
    drawn from p hardly ever meet an uncertain π, so they are drawn from q ∝ Σ_{i<j} √(w_i p_i w_j p_j): a mixture of
    N((m_i + m_j)/2, I) with weights √(w_i w_j) exp(−‖m_i − m_j‖²/8). The ratio of the integrand to q is η / Σ_{i<j}
    √(π_i π_j) up to a constant, and bounded, so the relative error of the quasi-Monte Carlo mean over Sobol points does
    not depend on the size of the result.
    """
    from scipy.stats.qmc import Sobol

    k, r = means.shape
    i, j = np.triu_indices(k, 1)
    overlap = np.sqrt(weights[i] * weights[j]) * np.exp(-((means[i] - means[j]) ** 2).sum(axis=1) / 8)  # (pairs,)
    if overlap.sum() < 1e-30:
        return 0.0
    log2_points = log2_points or 23 - int(np.ceil(np.log2(k)))  # a second of work, whatever k is
    sobol, blocks, total = Sobol(r + 1, scramble=False), max(1, 2**log2_points // 2**14), 0.0
    for _ in range(blocks):
        u = sobol.random(2**log2_points // blocks) + 2.0 ** -(log2_points + 1)  # (n, 1 + r)
        pair = np.searchsorted(np.cumsum(overlap) / overlap.sum(), u[:, 0]).clip(max=len(overlap) - 1)
        x = (means[i] + means[j])[pair] / 2 + normal_quantile(u[:, 1:])  # (n, r)
        total += float(_entropy_over_pairs(x @ means.T - 0.5 * (means**2).sum(axis=1) + np.log(weights)).mean())
    return float(overlap.sum() * total / blocks)


def _entropy_over_pairs(logits: Array) -> Array:
    """Return η(π) / Σ_{i<j} √(π_i π_j), [n], for posteriors π = softmax(logits), logits [n, k]."""
    from scipy.special import log_softmax

    log_pi = np.sort(log_softmax(logits, axis=1), axis=1)
    entropy = -(np.exp(log_pi) * log_pi).sum(axis=1)
    root = np.exp(log_pi / 2)
    others = root[:, :-1].sum(axis=1)  # the largest stands apart: ((Σ√π)² − 1)/2 would cancel
    pairs = root[:, -1] * others + 0.5 * (others**2 - (root[:, :-1] ** 2).sum(axis=1))
    return np.divide(entropy, pairs, out=np.zeros_like(pairs), where=pairs > 0)


def _in_own_span(means: Array) -> Array:
    """Return means [k, d] in an orthonormal basis of the space that they span around their centre, [k, rank]."""
    centred = means - means.mean(axis=0)
    _, scales, basis = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ basis[scales > 1e-9 * scales[0]].T)


def _circle(components: int, radius: float) -> Array:
    angle = 2 * np.pi * np.arange(components) / components
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@register_dataset("eight_gaussians", family="mixtures", source="Grathwohl et al. 2019 (FFJORD), with its scale")
class EightGaussians(IsotropicMixture):
    """Eight Gaussians of standard deviation `std` along each axis, with means on a circle."""

    thin = "std"

    def __init__(self, radius: Positive = 4 / 2**0.5, std: Positive = 0.5 / 2**0.5) -> None:
        self.radius, self.std = radius, std
        self.place(_circle(8, radius), std)


@register_dataset("ring", family="mixtures", source="Lin et al. 2018 (PacGAN), 2D-ring")
class Ring(IsotropicMixture):
    """Narrow Gaussians on the unit circle: a test of mode collapse.

    Args:
        components: number of Gaussians, 2 to 64.
        std: standard deviation of each Gaussian along each axis.
    """

    thin = "std"

    def __init__(self, components: Annotated[int, Interval(ge=2, le=64)] = 8, std: Positive = 0.01) -> None:
        self.components, self.std = components, std
        self.place(_circle(components, 1.0), std)


@register_dataset("grid", family="mixtures", source="Lin et al. 2018 (PacGAN), 2D-grid")
class Grid(IsotropicMixture):
    """Narrow Gaussians on a square grid around the origin: a test of mode collapse.

    By default there are 25.

    Args:
        side: number of Gaussians along one side of the grid, 2 to 16.
        spacing: distance of neighbouring means.
        std: standard deviation of each Gaussian along each axis.
    """

    thin = "std"

    def __init__(
        self, side: Annotated[int, Interval(ge=2, le=16)] = 5, spacing: Positive = 2.0, std: Positive = 0.05
    ) -> None:
        self.side, self.spacing, self.std = side, spacing, std
        line = spacing * (np.arange(side) - (side - 1) / 2)
        self.place(np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2), std)


@register_dataset("gaussian_mixture", family="mixtures", source="genbench", tests="dimension")
class GaussianMixture(IsotropicMixture):
    """Gaussians of standard deviation 1 in any dimension; the nearest are `separation` apart.

    The means are a Fourier frame: coordinates 2h − 1 and 2h of mean k are proportional to cos(2πhk/K) and sin(2πhk/K),
    for the harmonics h = 1, 2, …. In two dimensions they lie on a circle. As the dimension grows, their distances
    become equal, and the share of each coordinate's variance that separates modes falls.

    Args:
        dim: dimension of the space, 2 to 256.
        components: number K of Gaussians, 2 to 64.
        separation: distance of the nearest two means, in standard deviations.
    """

    def __init__(
        self,
        dim: Annotated[int, Interval(ge=2, le=256)] = 8,
        components: Annotated[int, Interval(ge=2, le=64)] = 8,
        separation: Positive = 8.0,
    ) -> None:
        self.dim, self.components, self.separation = dim, components, separation
        self.place(_frame(dim, components, separation), 1.0)


def _frame(dim: int, components: int, separation: float) -> Array:
    """Return the means [k, d] of a Fourier frame, the nearest two `separation` apart."""
    phase = 2 * np.pi * np.outer(np.arange(components), 1 + np.arange(dim) // 2) / components  # (k, d)
    means = np.where(np.arange(dim) % 2 == 0, np.cos(phase), np.sin(phase))
    i, j = np.triu_indices(components, 1)
    return np.asarray(means * separation / np.linalg.norm(means[i] - means[j], axis=1).min())


@register_dataset("rare_modes", family="mixtures", source="genbench", tests="rare modes")
class RareModes(IsotropicMixture):
    """Gaussians, each half as likely as the one before: a test of rare modes.

    The rarest has one in thousands of the points. The means are those of `gaussian_mixture`.

    Args:
        dim: dimension of the space, 2 to 256.
        components: number K of Gaussians, 2 to 16; the last two have weight 2^−(K − 1) each.
        separation: distance of the nearest two means, in standard deviations.
    """

    def __init__(
        self,
        dim: Annotated[int, Interval(ge=2, le=256)] = 2,
        components: Annotated[int, Interval(ge=2, le=16)] = 8,
        separation: Positive = 8.0,
    ) -> None:
        self.dim, self.components, self.separation = dim, components, separation
        halves = 0.5 ** np.arange(1.0, components)
        self.place(_frame(dim, components, separation), 1.0, np.append(halves, halves[-1]))


@register_dataset(
    "gmm40", family="mixtures", source="Midgley et al. 2023 (FAB), with means drawn anew", tests="many modes"
)
class GMM40(IsotropicMixture):
    """Forty Gaussians with means in a wide box, a common test of samplers.

    The samplers are those of unnormalised densities. Means are uniform in [−40, 40]^dim, and the standard deviation is
    log(1 + e) = 1.313, as in the original. The means come from NumPy's generator, so scores here differ from published
    ones in their digits.

    Args:
        dim: dimension of the space, 2 to 64.
        seed: seed of the means.
    """

    def __init__(self, dim: Annotated[int, Interval(ge=2, le=64)] = 2, seed: Natural = 0) -> None:
        self.dim, self.seed = dim, seed
        means = np.random.default_rng(seed).uniform(-40, 40, (40, dim))
        self.place(means, float(np.log1p(np.e)))
