"""Curves in the plane with Gaussian noise around them."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from genbench.contracts.dataset import SyntheticDataset, register_dataset
from genbench.core.types import Array, Finite, Labels, Positive, ShareBelowOne
from genbench.numerics.quadrature import gauss_legendre, log_gaussian_sum, planar_entropy

__all__ = ["Circles", "Moons", "NoisyCurve", "SCurve", "SwissRoll", "TwoSpirals"]


class NoisyCurve(SyntheticDataset):
    """A point of a curve plus isotropic noise: p(x) = ∫ N(x; c(t), noise² I) m(t) dt.

    A subclass defines `path`, and the other three methods if t is not the position u itself. The integral is a
    composite Gauss-Legendre rule with 16 nodes on panels no longer than three standard deviations of the noise: its
    error is below 1e-8 nats within ten standard deviations of the curve, and far away the density stays finite.

    Args:
        noise: standard deviation of the noise along each axis, at least 0.001 (the number of nodes grows as 1 / noise).
    """

    pieces: ClassVar[tuple[float, ...]] = (0.0, 1.0)  # ends of the smooth pieces of the curve, in t
    shape = (2,)

    thin = "noise"

    def __init__(self, noise: Annotated[Finite, Ge(1e-3)] = 0.05) -> None:
        self.noise = noise

    def path(self, t: Array) -> Array:
        """Return the points of the curve c(t), [n, 2], for t [n]."""
        raise NotImplementedError

    def place(self, u: Array) -> Array:
        """Return the parameter t of the point with a share u of the mass before it, [n]."""
        return u

    def mass(self, t: Array) -> Array:
        """Return m(t) = du/dt, [n]."""
        return np.ones_like(t)

    def label(self, t: Array) -> Labels | None:
        """Return on which part of the curve t is, [n], or None for a curve of one part."""
        return None

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels | None]:
        t = self.place(u)
        return self.path(t) + self.noise * rng.standard_normal((len(t), 2)), self.label(t)

    def log_density(self, x: Array) -> Array:
        return log_gaussian_sum(x, *self.nodes, self.noise)

    def log_joint(self, x: Array) -> Array:
        """Return the log-integral along the part of the curve of each label, [n, classes]."""
        if self.classes is None:
            raise NotImplementedError(f"{self.card.name} has no labels")
        points, log_weights = self.nodes
        parts = [self._labels == y for y in range(self.classes)]
        columns = [log_gaussian_sum(x, points[part], log_weights[part], self.noise) for part in parts]
        return np.stack(columns, axis=1)

    @cached_property
    def entropy(self) -> float:
        """Differential entropy in nats, by the trapezoid rule in the plane, to 1e-7."""
        return planar_entropy(self.log_density, self.nodes[0], self.noise)

    @cached_property
    def nodes(self) -> tuple[Array, Array]:
        """Points of the curve [k, 2] and the logarithms of their weights [k], for the integral.

        The integral is a sum over these.
        """
        t, w = self._rules
        return self.path(t), np.log(w * self.mass(t))

    @cached_property
    def _rules(self) -> tuple[Array, Array]:
        """Places t on the curve [k] and their weights [k], of all pieces."""
        t, w = (np.concatenate(parts) for parts in zip(*map(self._rule, pairwise(self.pieces)), strict=True))
        return t, w

    @cached_property
    def _labels(self) -> Labels:
        """The label of each node [k]."""
        labels = self.label(self._rules[0])
        assert labels is not None
        return labels

    def _rule(self, piece: tuple[float, float]) -> tuple[Array, Array]:
        start, end = piece
        c = self.path(start + (end - start) * (np.arange(1000) + 0.5) / 1000)
        fastest = 1000 * np.linalg.norm(np.diff(c, axis=0), axis=1).max()  # length, at top speed throughout
        panels = max(8, int(np.ceil(fastest / (3 * self.noise))))
        return gauss_legendre(np.linspace(start, end, panels + 1))


@register_dataset("moons", family="curves", source="scikit-learn, make_moons")
class Moons(NoisyCurve):
    """Two interleaving half circles of radius 1; the lower one is centred at (1, 0.5).

    In scikit-learn's moons, angles are evenly spaced. Here draws are independent: the angle is uniform, and each half
    has probability ½. Labels: 0 for the upper half, 1 for the lower.
    """

    pieces = (0.0, 0.5, 1.0)
    classes = 2

    def path(self, t: Array) -> Array:
        """Return (cos a, sin a) on the upper half, (1 − cos a, ½ − sin a) on the lower.

        Here a = 2πt mod π.
        """
        lower = t >= 0.5
        angle = 2 * np.pi * t - np.pi * lower
        upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)  # (n, 2)
        return np.asarray(np.where(lower[:, None], [1.0, 0.5] - upper, upper))

    def label(self, t: Array) -> Labels:
        return (t >= 0.5).astype(np.int64)


@register_dataset("swiss_roll", family="curves", source="scikit-learn, make_swiss_roll, in the plane, divided by 10")
class SwissRoll(NoisyCurve):
    """A spiral (s cos s, s sin s) / 10 with s uniform on [1.5π, 4.5π).

    It is denser inside than outside.
    """

    def path(self, t: Array) -> Array:
        s = 1.5 * np.pi * (1 + 2 * t)
        return np.asarray(np.stack([s * np.cos(s), s * np.sin(s)], axis=1) / 10)


@register_dataset("s_curve", family="curves", source="scikit-learn, make_s_curve, in the plane")
class SCurve(NoisyCurve):
    """Two three-quarter circles of radius 1 joined to an S.

    Its points are (sin s, sign(s)(cos s − 1)), with s uniform on ±1.5π.
    """

    pieces = (0.0, 0.5, 1.0)

    def path(self, t: Array) -> Array:
        s = 3 * np.pi * (t - 0.5)
        return np.stack([np.sin(s), np.sign(s) * (np.cos(s) - 1)], axis=1)


@register_dataset("two_spirals", family="curves", source="Grathwohl et al. 2019 (FFJORD), without its uniform jitter")
class TwoSpirals(NoisyCurve):
    """Two Archimedean spirals from the origin, ±(−s cos s, s sin s) / 3.

    Here s = 2π · turns · √v, and v is uniform. The square root spreads the points almost evenly along the length.
    Labels: the arm, 0 or 1.

    Args:
        noise: standard deviation of the noise along each axis.
        turns: number of turns of an arm around the origin, up to 10.
    """

    pieces = (0.0, 1.0, 2.0)  # t = arm + √v
    classes = 2

    def __init__(self, noise: Annotated[Finite, Ge(1e-3)] = 0.1, turns: Annotated[Positive, Le(10)] = 1.5) -> None:
        super().__init__(noise)
        self.turns = turns

    def path(self, t: Array) -> Array:
        arm = np.floor(t)
        s = 2 * np.pi * self.turns * (t - arm)
        arms = (1 - 2 * arm) * np.stack([-s * np.cos(s), s * np.sin(s)]) / 3  # (2, n)
        return np.asarray(arms.T)

    def place(self, u: Array) -> Array:
        arm = np.floor(2 * u)
        return np.minimum(arm + np.sqrt(2 * u - arm), np.nextafter(arm + 1, 0))

    def mass(self, t: Array) -> Array:
        """Return du/dt = t − arm, which follows from v = (t − arm)² and u = (arm + v) / 2."""
        return t - np.floor(t)

    def label(self, t: Array) -> Labels:
        return np.floor(t).astype(np.int64)


@register_dataset("circles", family="curves", source="scikit-learn, make_circles")
class Circles(SyntheticDataset):
    """Two concentric circles with Gaussian noise, of radius 1 and `factor`.

    Each has probability ½. Labels: 0 for the outer circle, 1 for the inner.

    Args:
        noise: standard deviation of the noise along each axis.
        factor: radius of the inner circle, in [0, 1).
    """

    shape = (2,)
    classes = 2

    def __init__(self, noise: Annotated[Finite, Ge(1e-3)] = 0.05, factor: ShareBelowOne = 0.5) -> None:
        self.noise, self.factor = noise, factor

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels]:
        inner = u >= 0.5
        radius, angle = np.where(inner, self.factor, 1.0), 4 * np.pi * u
        x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)  # (n, 2)
        return x + self.noise * rng.standard_normal(x.shape), inner.astype(np.int64)

    def log_density(self, x: Array) -> Array:
        return self._log_radial(np.hypot(x[:, 0], x[:, 1]))

    def log_joint(self, x: Array) -> Array:
        return np.stack(self._log_rings(np.hypot(x[:, 0], x[:, 1])), axis=1)

    def _log_radial(self, r: Array) -> Array:
        """Return log Σ_R ½ exp(−(r − R)²/2σ²) i0e(rR/σ²) / 2πσ², [n]; i0e(z) = e⁻ᶻ I₀(z) is a mean over the angle."""
        return np.asarray(np.logaddexp(*self._log_rings(r)))

    def _log_rings(self, r: Array) -> list[Array]:
        """Return the summand of each circle, the outer one first, as a logarithm [n]."""
        from scipy.special import i0e

        s2 = self.noise**2
        radii = (1.0, self.factor)
        return [-((r - R) ** 2) / (2 * s2) + np.log(i0e(r * R / s2)) - np.log(4 * np.pi * s2) for R in radii]

    @cached_property
    def entropy(self) -> float:
        """Differential entropy −∫ p log p 2πr dr in nats."""
        end = 1 + 12 * self.noise
        r, w = gauss_legendre(np.linspace(0, end, 2 + int(end / self.noise)))
        log_p = self._log_radial(r)
        return -float((w * 2 * np.pi * r * np.exp(log_p) * log_p).sum())
