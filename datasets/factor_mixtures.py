"""Mixtures of factor analysers: Gaussians that are long in a few own directions."""

from __future__ import annotations

import contextlib
import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Interval
from numpy.typing import NDArray

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.downloads import cache_folder
from genbench.core.files import write_whole
from genbench.core.progress import shown_progress
from genbench.core.seeding import generator
from genbench.core.types import Array, Labels, Natural, NotNegative, Positive
from genbench.numerics.factor_analysis import fit_analysers

__all__ = ["CorrelatedMixture", "FactorMixture", "KnownDigits", "fitted_digits"]

ANALYSERS, FACTORS = 3, 16  # of each digit, and of each analyser of 28×28 pixels
# Both by hand: how far white and black are from the ends, so that no value rounds to them in single precision, and the
# least variance of a pixel's noise before it is pushed into (0, 1), as many pixels are always white.
EDGE, FLOOR = 0.1, 0.02**2
ITERATIONS = 100  # of EM, by hand: it gains less than a hundredth of a nat in the last
SMALL = 10_000  # images, by hand: fewer take seconds
DRAWS, BLOCK = 2**17, 2**13  # by hand: points for the part of the entropy that has no closed form, and at a time


class FactorMixture(SyntheticDataset):
    """x = m_k + L_k f + √ψ_k ε with f ~ N(0, I_r), ε ~ N(0, I_d) and P(k) = w_k.

    See Ghahramani & Hinton (1996). Each Gaussian is N(m_k, L_k L_kᵀ + diag ψ_k); its density needs only an r × r system
    (Woodbury). Labels: `group` of k.
    """

    weights: Array  # [k]
    means: Array  # [k, d]
    loadings: Array  # [k, d, r]
    noise: Array  # ψ [k, d], variances
    group: Labels  # [k]

    def place(self, weights: Array, means: Array, loadings: Array, noise: Array, group: Labels | None = None) -> None:
        """Set the Gaussians. A subclass calls it at the end of its constructor."""
        self.weights, self.means, self.loadings, self.noise = weights, means, loadings, noise
        self.group = np.arange(len(weights)) if group is None else group
        self.classes = int(self.group.max()) + 1

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels]:
        k = np.searchsorted(np.cumsum(self.weights)[:-1], u, side="right")
        x = np.sqrt(self.noise)[k] * rng.standard_normal((len(u), self.means.shape[1])) + self.means[k]
        factors = rng.standard_normal((len(u), self.loadings.shape[2]))
        for i, loadings in enumerate(self.loadings):
            x[k == i] += factors[k == i] @ loadings.T
        return x.reshape(-1, *self.shape), self.group[k]

    def log_density(self, x: Array) -> Array:
        return np.asarray(np.logaddexp.reduce(self._log_parts(x.reshape(-1, self.means.shape[1])), axis=1))

    def log_joint(self, x: Array) -> Array:
        parts = self._log_parts(x.reshape(-1, self.means.shape[1]))
        return np.stack([np.logaddexp.reduce(parts[:, self.group == y], axis=1) for y in range(self.classes or 0)], 1)

    @cached_property
    def _solved(self) -> tuple[Array, Array]:
        """Maps [k, d, r] of Ψ^−½ z to the whitened factors that it tells of, and log |Σ_k| [k]."""
        r = self.loadings.shape[2]
        scaled = self.loadings / np.sqrt(self.noise)[:, :, None]  # Ψ^−½ L
        root = np.linalg.cholesky(np.eye(r) + scaled.transpose(0, 2, 1) @ scaled)  # (k, r, r)
        maps = np.linalg.solve(root, scaled.transpose(0, 2, 1)).transpose(0, 2, 1)
        log_det = np.log(self.noise).sum(axis=1) + 2 * np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
        return np.asarray(maps), np.asarray(log_det)

    def _log_parts(self, x: Array) -> Array:
        """Return log w_k N(x; m_k, Σ_k) [n, k] for x [n, d]."""
        maps, log_det = self._solved
        parts = np.empty((len(x), len(self.weights)))
        for k, weight in enumerate(self.weights):
            z = (x - self.means[k]) / np.sqrt(self.noise[k])
            squares = (z**2).sum(axis=1) - ((z @ maps[k]) ** 2).sum(axis=1)
            parts[:, k] = np.log(weight) - 0.5 * (squares + log_det[k] + x.shape[1] * np.log(2 * np.pi))
        return parts

    @cached_property
    def entropy(self) -> float:
        """The differential entropy H(X|K) + H(K) − H(K|X) in nats.

        H(K|X) is the mean entropy of the posterior over 2^17 points, whose standard error is below 0.002 log(number of
        Gaussians), and far below where they hardly overlap; the rest is in closed form.
        """
        _, log_det = self._solved
        within = 0.5 * (log_det + self.means.shape[1] * (np.log(2 * np.pi) + 1))
        known, unsure = float(self.weights @ (within - np.log(self.weights))), 0.0
        rng = generator(0, "entropy")
        for _ in range(DRAWS // BLOCK):
            parts = self._log_parts(self.draw(rng.random(BLOCK), rng)[0].reshape(BLOCK, -1))
            log_pi = parts - np.logaddexp.reduce(parts, axis=1, keepdims=True)
            unsure -= float((np.exp(log_pi) * log_pi).sum()) / DRAWS
        return known - unsure


@register_dataset("correlated_mixture", family="mixtures", source="genbench", tests="thin support")
class CorrelatedMixture(FactorMixture):
    """Gaussians of low rank: each is long in a few own directions, and thin in the others.

    Means and directions are random. The means are drawn from N(0, separation² I / (2 dim)), so that two are about
    `separation` apart.

    Args:
        dim: dimension of the space, 2 to 256.
        components: number of Gaussians, 1 to 64; their weights are equal.
        rank: number of directions in which each is long, at most dim.
        stretch: standard deviation along these.
        thickness: standard deviation across them.
        separation: root mean square distance of two means.
        seed: seed of means and directions.
    """

    thin = "thickness"

    def __init__(
        self,
        dim: Annotated[int, Interval(ge=2, le=256)] = 16,
        components: Annotated[int, Interval(ge=1, le=64)] = 8,
        rank: Annotated[int, Interval(ge=1, le=64)] = 2,
        stretch: Positive = 1.0,
        thickness: Positive = 0.1,
        separation: NotNegative = 2.0,
        seed: Natural = 0,
    ) -> None:
        if rank > dim:
            raise ValueError(f"rank={rank} must be at most dim={dim}")
        if thickness > stretch:
            raise ValueError(f"thickness={thickness} must be at most stretch={stretch}")
        self.dim, self.components, self.rank, self.shape = dim, components, rank, (dim,)
        self.stretch, self.thickness, self.separation, self.seed = stretch, thickness, separation, seed
        rng = np.random.default_rng(seed)
        means = separation / np.sqrt(2 * dim) * rng.standard_normal((components, dim))
        directions = np.linalg.qr(rng.standard_normal((components, dim, rank)))[0]  # orthonormal columns
        length = np.sqrt(stretch**2 - thickness**2)
        noise = np.full((components, dim), thickness**2)
        self.place(np.full(components, 1 / components), means, length * directions, noise)


@register_dataset(
    "known_digits", family="images", kind="image", source="a fit to UCI's digits (Alpaydin & Kaynak 1998), or MNIST"
)
class KnownDigits(FactorMixture):
    """Digits with a known density: a mixture of factor analysers, mapped into (0, 1).

    The mixture was fitted once to real digits. The truth is the fitted mixture itself, so that KL, NLL and
    classification are exact for data that look like digits. z is a point of the mixture, and the grey levels are x =
    Φ(z), so that log p(x) = log p(z) − Σ log φ(z). The mixture was fitted to z = Φ⁻¹(0.1 + 0.8 x) of the digits. Each
    digit has three analysers. Labels: the digit.

    Args:
        size: pixels along a side: 8 (eight factors; the fit is part of genbench, see benchmarks/known_digits.py), or 28
            (sixteen factors; fitted to MNIST at the first use, which takes a minute, and kept in the cache folder).

    Raises:
        GenbenchError: MNIST is needed, is not on disk, and cannot be fetched.
    """

    def __init__(self, size: Literal[8, 28] = 8) -> None:
        from safetensors.numpy import load

        self.size, self.shape = size, (1, size, size)
        self._content = (Path(__file__).parent / "known_digits.safetensors").read_bytes() if size == 8 else _large()
        fitted = load(self._content)
        exact = {name: values.astype(np.float64) for name, values in fitted.items()}
        weights = exact["weights"] / exact["weights"].sum()
        self.place(weights, exact["means"], exact["loadings"], exact["noise"], fitted["group"].astype(np.int64))

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels]:
        from scipy.special import ndtr

        z, labels = super().draw(u, rng)
        return ndtr(z), labels

    def log_density(self, x: Array) -> Array:
        z, slope = _normal_scores(x)
        return super().log_density(z) - slope

    def log_joint(self, x: Array) -> Array:
        z, slope = _normal_scores(x)
        return super().log_joint(z) - slope[:, None]

    @cached_property
    def entropy(self) -> float:
        """The entropy of the mixture plus E Σ log φ(z), in nats.

        The second term follows from the second moments.
        """
        squares = self.means**2 + (self.loadings**2).sum(axis=2) + self.noise  # E z² [k, d]
        slope = -0.5 * (float(self.weights @ squares.sum(axis=1)) + self.means.shape[1] * np.log(2 * np.pi))
        return float(super().entropy + slope)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the parameters."""
        return hashlib.sha256(self._content).hexdigest()


def _normal_scores(x: Array) -> tuple[Array, Array]:
    """Return Φ⁻¹(x) of images [n, *shape] and Σ log φ [n] there, which is ∞ off the support."""
    from scipy.special import ndtri

    inside = (x > 0) & (x < 1)
    z = ndtri(np.where(inside, x, 0.5))
    pixels = tuple(range(1, x.ndim))
    slope = -0.5 * (z**2 + np.log(2 * np.pi)).sum(axis=pixels)
    return z, np.where(inside.all(axis=pixels), slope, np.inf)


def fitted_digits(x: Array, digits: Labels, factors: int) -> dict[str, NDArray[Any]]:
    """Return the parameters of `KnownDigits` for images x [n, d] in [0, 1] of digits [n].

    They are as in its file.
    """
    from scipy.special import ndtri

    rng, z = np.random.default_rng(0), ndtri(EDGE + (1 - 2 * EDGE) * x)
    parts = []
    with shown_progress(10, "known_digits", "fitting", len(x) > SMALL) as shown:
        for digit in range(10):
            parts.append(fit_analysers(z[digits == digit], ANALYSERS, factors, FLOOR, ITERATIONS, rng))
            shown.step()
    shares = np.bincount(digits) / len(digits)
    found = {
        "weights": np.concatenate([share * part.weights for share, part in zip(shares, parts, strict=True)]),
        "means": np.concatenate([part.means for part in parts]),
        "loadings": np.concatenate([part.loadings for part in parts]),
        "noise": np.concatenate([part.noise for part in parts]),
    }
    single = {name: values.astype(np.float32) for name, values in found.items()}
    return {**single, "group": np.repeat(np.arange(10), ANALYSERS).astype(np.int32)}


def _large() -> bytes:
    """Return the parameters for 28×28 pixels, fitted to MNIST's training images where that was not done before."""
    from safetensors.numpy import save

    from genbench.datasets.images import MNIST

    kept = cache_folder() / "known_digits" / f"28-{ANALYSERS}x{FACTORS}.safetensors"
    if kept.is_file():
        return kept.read_bytes()
    (levels, digits), _ = MNIST().pixels()
    noise = np.random.default_rng(0).random((len(levels), levels[0].size))
    content = save(fitted_digits((levels.reshape(noise.shape) + noise) / 256, digits.astype(np.int64), FACTORS))
    with contextlib.suppress(OSError):  # a cache that cannot be written is none
        write_whole(kept, lambda file: file.write(content))
    return bytes(content)
