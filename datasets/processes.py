"""Stationary processes whose windows have a known density.

It has a closed form, or is a sum over hidden states.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated

import numpy as np
from annotated_types import Ge, Lt

from genbench.contracts.dataset import register_dataset
from genbench.contracts.series import SyntheticSeries
from genbench.core.seeding import generator
from genbench.core.types import Array, Count, Labels, Positive
from genbench.numerics.hidden_markov import backward, forward, gaussian_log_density, log_sum_exp
from genbench.numerics.mixture import Mixture
from genbench.numerics.quadrature import normal_quantile

__all__ = ["ARProcess", "HMMGaussian", "SineMixture", "gaussian_next", "toeplitz"]

DRAWS, BLOCK = 2**16, 2**13  # by hand: points for the part of an entropy that has no closed form, and points at a time


def toeplitz(autocovariance: Array) -> Array:
    """Return the covariance [n, n] of n steps of a process with autocovariances [n].

    The process is stationary, with autocovariances γ_0 … γ_{n−1}.
    """
    return np.asarray(
        autocovariance[np.abs(np.subtract.outer(np.arange(len(autocovariance)), np.arange(len(autocovariance))))]
    )


def gaussian_next(covariance: Array, x: Array) -> tuple[Array, float]:
    """Return means [n] and standard deviation of the value after histories x [n, k].

    The covariance is [k + 1, k + 1].
    """
    coefficients = np.linalg.solve(covariance[:-1, :-1], covariance[:-1, -1])
    return x @ coefficients, float(np.sqrt(covariance[-1, -1] - covariance[-1, :-1] @ coefficients))


def _gaussian_log_density(covariance: Array, x: Array) -> Array:
    """Return log N(x; 0, covariance) in nats [n] for x [n, d]."""
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, x.T)
    return np.asarray(-0.5 * (white**2).sum(axis=0) - np.log(np.diag(root)).sum() - 0.5 * len(root) * np.log(2 * np.pi))


def _gaussian_entropy(covariance: Array) -> float:
    """Return ½ log |2πe Σ| in nats."""
    return float(0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1])


@register_dataset("ar_process", family="series", kind="series", source="Box and Jenkins 1970; Barndorff-Nielsen 1973")
class ARProcess(SyntheticSeries):
    """A stationary autoregression x_t = Σ φ_j x_{t−j} + ε_t with Gaussian noise.

    So its windows are Gaussian. The partial autocorrelations are 0.8 (−¾)^{k−1}, so every order is stationary; p = 2
    has cycles of about ten steps.

    Args:
        p: the order.
        length: number of steps of a window: the past and the value after it.
        std: standard deviation of the noise ε.
    """

    def __init__(self, p: Count = 2, length: Annotated[int, Ge(2)] = 16, std: Positive = 1.0) -> None:
        self.p, self.length, self.std, self.shape = p, length, std, (length,)

    @cached_property
    def coefficients(self) -> Array:
        """The coefficients φ_1 … φ_p [p], by the Durbin-Levinson recursion.

        They follow from the partial autocorrelations κ.
        """
        phi = np.zeros(0)
        for kappa in self._partial:
            phi = np.append(phi - kappa * phi[::-1], kappa)
        return phi

    def autocovariance(self, n: int) -> Array:
        """Return γ_0 … γ_{n−1} [n]: γ_0 = σ² / Π (1 − κ²), the others by the recursion."""
        gamma = [float(self.std**2 / np.prod(1 - self._partial**2))]
        phi, variance = np.zeros(0), gamma[0]
        for kappa in self._partial[: n - 1]:
            gamma.append(float(phi @ gamma[:0:-1] + kappa * variance))
            phi, variance = np.append(phi - kappa * phi[::-1], kappa), variance * (1 - kappa**2)
        while len(gamma) < n:
            gamma.append(float(self.coefficients @ gamma[: -self.p - 1 : -1]))
        return np.array(gamma[:n])

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        """Return windows [n, length]; u is the position along the axis of the largest variance."""
        z = rng.standard_normal((len(u), self.length))
        z[:, -1] = normal_quantile(u)
        values, axes = np.linalg.eigh(self._covariance)  # ascending
        return z * np.sqrt(values) @ axes.T, None

    def log_density(self, x: Array) -> Array:
        return _gaussian_log_density(self._covariance, x)

    @property
    def entropy(self) -> float:
        """The differential entropy of a window in nats."""
        return _gaussian_entropy(self._covariance)

    def path(self, n: int, rng: np.random.Generator) -> Array:
        x = np.empty(max(n, self.p))
        x[: self.p] = np.linalg.cholesky(toeplitz(self.autocovariance(self.p))) @ rng.standard_normal(self.p)
        noise = self.std * rng.standard_normal(n)
        for t in range(self.p, n):
            x[t] = self.coefficients @ x[t - self.p : t][::-1] + noise[t]
        return x[:n]

    def forecast(self, x: Array) -> Mixture:
        return Mixture.gaussian(*gaussian_next(toeplitz(self.autocovariance(x.shape[1] + 1)), x))

    @property
    def _partial(self) -> Array:
        return np.asarray(0.8 * (-0.75) ** np.arange(self.p), dtype=np.float64)

    @cached_property
    def _covariance(self) -> Array:
        return toeplitz(self.autocovariance(self.length))


@register_dataset("hmm_gaussian", family="series", kind="series", source="Rabiner 1989")
class HMMGaussian(SyntheticSeries):
    """A hidden Markov chain with long stays in a state, and Gaussian values around its mean.

    Args:
        states: number of states, all equally frequent.
        length: number of steps of a window: the past and the value after it.
        stay: probability that the state stays the same in a step; otherwise each other state is equally likely.
        separation: distance of neighbouring means.
        std: standard deviation around a mean.
    """

    def __init__(
        self,
        states: Annotated[int, Ge(2)] = 3,
        length: Annotated[int, Ge(2)] = 16,
        stay: Annotated[Positive, Lt(1)] = 0.9,
        separation: Positive = 3.0,
        std: Positive = 1.0,
    ) -> None:
        self.states, self.length, self.stay, self.separation, self.std = states, length, stay, separation, std
        self.shape = (length,)
        self.start = np.full(states, 1 / states)
        self.transition = np.full((states, states), (1 - stay) / (states - 1))
        np.fill_diagonal(self.transition, stay)
        self.means: Array = np.asarray(separation * (np.arange(states) - (states - 1) / 2), dtype=np.float64)
        self.stds = np.full(states, std)

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, None]:
        """Return windows [n, length]; u determines the first state."""
        state = (u * self.states).astype(np.int64)
        return self._emit(self._chain(state, self.length, rng), rng), None

    def log_density(self, x: Array) -> Array:
        """Return log p(x) by the forward algorithm."""
        return log_sum_exp(forward(self.start, self.transition, self._log_emission(x))[:, -1])

    @cached_property
    def entropy(self) -> float:
        """The differential entropy of a window in nats: H(X) = H(S) + H(X|S) − H(S|X).

        S are its states. The first two have closed forms. The last is the mean entropy of the posterior chain over 2^16
        windows, with a standard error of about 0.0025 nats.
        """
        n, stay = self.length, self.stay
        chain = np.log(self.states) - (n - 1) * (
            stay * np.log(stay) + (1 - stay) * np.log((1 - stay) / (self.states - 1))
        )
        noise = 0.5 * n * np.log(2 * np.pi * np.e * self.std**2)
        rng = generator(0, "entropy")
        unsure = [self._posterior_entropy(self.draw(rng.random(BLOCK), rng)[0]).mean() for _ in range(DRAWS // BLOCK)]
        return float(chain + noise - np.mean(unsure))

    def path(self, n: int, rng: np.random.Generator) -> Array:
        first = rng.integers(self.states, size=1)
        return np.asarray(self._emit(self._chain(first, n, rng), rng)[0])

    def forecast(self, x: Array) -> Mixture:
        log_alpha = forward(self.start, self.transition, self._log_emission(x))[:, -1]
        filtered = np.exp(log_alpha - log_sum_exp(log_alpha)[:, None])  # P(s_k | x_1 … x_k)
        log_weights = np.log(filtered @ self.transition)
        return Mixture(log_weights, *(np.broadcast_to(a, log_weights.shape) for a in (self.means, self.stds)))

    def _log_emission(self, x: Array) -> Array:
        return gaussian_log_density(x, self.means, self.stds)

    def _chain(self, first: Labels, n: int, rng: np.random.Generator) -> Labels:
        """Return states [m, n] that begin at `first` [m]: where one does not stay, it goes 1 to K − 1 states on."""
        moves = (rng.random((len(first), n - 1)) >= self.stay) * rng.integers(1, self.states, (len(first), n - 1))
        return np.asarray(np.cumsum(np.column_stack([first, moves]), axis=1) % self.states)

    def _emit(self, states: Labels, rng: np.random.Generator) -> Array:
        return np.asarray(self.means[states] + self.std * rng.standard_normal(states.shape))

    def _posterior_entropy(self, x: Array) -> Array:
        """Return H(S|x) in nats [n] for x [n, T]: given x, the states are a Markov chain whose pairs are known."""
        log_b = self._log_emission(x)
        log_alpha, log_beta = forward(self.start, self.transition, log_b), backward(self.transition, log_b)
        evidence = log_sum_exp(log_alpha[:, -1])[:, None, None]
        log_single = log_alpha + log_beta - evidence  # (n, T, K)
        log_pair = (
            log_alpha[:, :-1, :, None] + np.log(self.transition) + (log_b + log_beta)[:, 1:, None] - evidence[..., None]
        )
        pairs = -(np.exp(log_pair) * log_pair).sum(axis=(1, 2, 3))
        inner = -(np.exp(log_single) * log_single)[:, 1:-1].sum(axis=(1, 2))
        return np.asarray(pairs - inner)


@register_dataset("sine_mixture", family="series", kind="series", source="genbench")
class SineMixture(SyntheticSeries):
    """A sine of one of several periods, of random amplitude and phase, plus noise.

    It is a mixture of Gaussians, one for each period. x_t = a cos ω_k t + b sin ω_k t + ε_t with a, b ~ N(0, 1): given
    k, the covariance is cos ω_k (t − s) + std² I. The periods are 4 · 1.5^k steps, equally likely. Labels: the period's
    index k.

    Args:
        components: number of periods.
        length: number of steps of a window: the past and the value after it.
        std: standard deviation of the noise.
    """

    def __init__(self, components: Count = 4, length: Annotated[int, Ge(2)] = 16, std: Positive = 0.3) -> None:
        self.components, self.length, self.std = components, length, std
        self.shape, self.classes = (length,), components
        self.frequencies = 2 * np.pi / (4 * 1.5 ** np.arange(components))  # radians a step

    def draw(self, u: Array, rng: np.random.Generator) -> tuple[Array, Labels]:
        k = (u * self.components).astype(np.int64)
        return self._sines(k, self.length, rng), k

    def log_joint(self, x: Array) -> Array:
        return self._log_each(x) - np.log(self.components)

    def log_density(self, x: Array) -> Array:
        return log_sum_exp(self.log_joint(x))

    @cached_property
    def entropy(self) -> float:
        """The differential entropy of a window in nats: H(X) = H(X|K) + H(K) − H(K|X).

        The last is a mean over 2^16 windows, with a standard error below 0.001 nats.
        """
        given = np.mean([_gaussian_entropy(self._covariance(k, self.length)) for k in range(self.components)])
        rng, unsure = generator(0, "entropy"), []
        for _ in range(DRAWS // BLOCK):
            log_joint = self.log_joint(self.draw(rng.random(BLOCK), rng)[0])
            log_posterior = log_joint - log_sum_exp(log_joint)[:, None]
            unsure.append(-(np.exp(log_posterior) * log_posterior).sum(axis=1).mean())
        return float(given + np.log(self.components) - np.mean(unsure))

    def path(self, n: int, rng: np.random.Generator) -> Array:
        return np.asarray(self._sines(rng.integers(self.components, size=1), n, rng)[0])

    def forecast(self, x: Array) -> Mixture:
        log_joint = self._log_each(x)
        log_weights = log_joint - log_sum_exp(log_joint)[:, None]
        nexts = [gaussian_next(self._covariance(k, x.shape[1] + 1), x) for k in range(self.components)]
        stds = np.broadcast_to([std for _, std in nexts], log_weights.shape)
        return Mixture(log_weights, np.stack([mean for mean, _ in nexts], axis=1), stds)

    def _covariance(self, k: int, n: int) -> Array:
        return toeplitz(np.cos(self.frequencies[k] * np.arange(n))) + self.std**2 * np.eye(n)

    def _log_each(self, x: Array) -> Array:
        """Return log p(x | k) in nats [n, components]."""
        covariances = [self._covariance(k, x.shape[1]) for k in range(self.components)]
        return np.stack([_gaussian_log_density(covariance, x) for covariance in covariances], axis=1)

    def _sines(self, k: Labels, n: int, rng: np.random.Generator) -> Array:
        """Return series [m, n] of the periods k [m]."""
        angle = self.frequencies[k][:, None] * np.arange(n)
        a, b = rng.standard_normal((2, len(k), 1))
        return np.asarray(a * np.cos(angle) + b * np.sin(angle) + self.std * rng.standard_normal(angle.shape))
