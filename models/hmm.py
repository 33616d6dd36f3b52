"""Hidden Markov model with Gaussian emissions, by expectation-maximisation."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np

from genbench.contracts.model import Model, register_model
from genbench.core.errors import GenbenchError
from genbench.core.search_ranges import Range
from genbench.core.types import Array, Count, NotNegative
from genbench.numerics.hidden_markov import backward, forward, gaussian_log_density, log_sum_exp
from genbench.numerics.mixture import Mixture

__all__ = ["HMM", "Chain"]

SCREENED, FEWEST, SCREENING = 2_000, 50, 20  # by hand: windows, least of them, and EM steps that judge a restart
LEAST_STEPS = 3  # by hand: EM steps on all windows, whatever the budget
# Nominal seconds of an EM step for a value and a state, measured on one core of the reference machine for 3 and 8
# states.
VALUE = 150e-9
NARROWEST = 1e-3  # by hand: least standard deviation of a state, in standardised units: none collapses on a value


class Chain(NamedTuple):
    """The parameters: P(s_1) [K], P(s_{t+1} = j | s_t = i) [K, K], and those of the states.

    The states have means [K] and standard deviations [K].
    """

    start: Array
    transition: Array
    means: Array
    stds: Array


@register_model("hmm", family="classic", likelihood="exact", paper="Baum et al. 1970; Rabiner 1989", kinds=("series",))
class HMM(Model):
    """Hidden Markov model: a chain of K states, each with Gaussian values.

    It is fitted by EM (Baum-Welch) in logarithms. The log-density of a window is exact, by the forward algorithm. A
    window may begin at any time, so P(s_1) is the frequency of the states at the beginning of the training windows.

    Args:
        states: K, the number of states.
        restarts: number of random starts. After 20 steps of EM on up to 2,000 windows, the likeliest is kept.
        iterations: largest number of EM steps from there; fewer if the budget ends.
        tolerance: EM stops when the log-likelihood per value rises by less than this in a step, in nats.
    """

    def __init__(
        self,
        states: Annotated[Count, Range(2, 12)] = 3,
        restarts: Count = 10,
        iterations: Count = 500,
        tolerance: NotNegative = 1e-7,
    ) -> None:
        self.states, self.restarts, self.iterations, self.tolerance = states, restarts, iterations, tolerance

    def fit(self, x: Array) -> None:
        """Learn from windows x [n, length], as independent sequences.

        `history` has log L per value of each step.
        """
        if x.size < 2 * self.states:
            raise GenbenchError(f"hmm[states={self.states}] needs at least {2 * self.states} values, got {x.size}")
        self.length = x.shape[1]
        seconds, window = self.budget_seconds, self.length * self.states * VALUE  # half of it to screen at most
        screened = np.clip(seconds / (2 * self.restarts * SCREENING * window), FEWEST, SCREENED)
        few = x[np.random.permutation(len(x))[: int(screened)]]
        tried = [self.climb(few, self._random_start(few), SCREENING) for _ in range(self.restarts)]
        best = max(tried, key=lambda pair: pair[1][-1])[0]
        seconds -= self.restarts * SCREENING * len(few) * window
        steps = max(LEAST_STEPS, int(seconds / (len(x) * window)))
        self.chain, self.history = self.climb(x, best, min(self.iterations, steps))
        self.n_parameters = (self.states - 1) + self.states * (self.states - 1) + 2 * self.states

    def climb(self, x: Array, chain: Chain, steps: int) -> tuple[Chain, list[float]]:
        """Return the chain after at most `steps` EM steps, and log L per value in nats.

        There is one log L before each step and one at the end.
        """
        found: list[float] = []
        for _ in range(steps):
            improved, log_likelihood = em_step(x, chain)
            found.append(log_likelihood / x.size)
            if len(found) > 1 and found[-1] - found[-2] < self.tolerance:
                return chain, found
            chain = improved
        return chain, [*found, float(log_density(chain, x).sum()) / x.size]

    def sample(self, n: int) -> Array:
        """Draw the states one after the other, then a value of each."""
        chain, x = self.chain, np.empty((n, self.length))
        probabilities = np.broadcast_to(chain.start, (n, self.states))
        for t in range(self.length):
            state = (np.random.random((n, 1)) > probabilities.cumsum(axis=1)[:, :-1]).sum(axis=1)
            x[:, t] = chain.means[state] + chain.stds[state] * np.random.standard_normal(n)
            probabilities = chain.transition[state]
        return x

    def log_prob(self, x: Array) -> Array:
        return log_density(self.chain, x)

    def forecast(self, x: Array) -> Mixture:
        """Return Σ_j P(s_{k+1} = j | x_1 … x_k) N(μ_j, σ_j²) for each history x [n, k]."""
        chain = self.chain
        log_alpha = forward(chain.start, chain.transition, gaussian_log_density(x, chain.means, chain.stds))[:, -1]
        filtered = np.exp(log_alpha - log_sum_exp(log_alpha)[:, None])
        with np.errstate(divide="ignore"):
            log_weights = np.log(filtered @ chain.transition)
        return Mixture(log_weights, *(np.broadcast_to(a, log_weights.shape) for a in (chain.means, chain.stds)))

    def _random_start(self, x: Array) -> Chain:
        """Return means at random values, the standard deviation of all, and states that stay with 0.5 to 1."""
        k = self.states
        stay = 0.5 + 0.5 * np.random.random()
        transition = stay * np.eye(k) + (1 - stay) / k
        means = np.sort(np.random.choice(x.ravel(), size=k, replace=False))
        return Chain(np.full(k, 1 / k), transition, means, np.full(k, max(x.std(), NARROWEST)))


def log_density(chain: Chain, x: Array) -> Array:
    """Return log p(x) in nats [n] for windows x [n, T], by the forward algorithm.

    It is a sum over all paths of states.
    """
    log_emission = gaussian_log_density(x, chain.means, chain.stds)
    return log_sum_exp(forward(chain.start, chain.transition, log_emission)[:, -1])


def em_step(x: Array, chain: Chain) -> tuple[Chain, float]:
    """Return the chain after one EM step on windows x [n, T], and the earlier log-likelihood.

    The log-likelihood is in nats. The pairs' posterior is P(s_t = i, s_{t+1} = j | x) ∝ α_t(i) A_ij b_j(x_{t+1})
    β_{t+1}(j) (Rabiner 1989, eq. 37), whose sum over n and t is A times a product of two matrices, scaled so that none
    of their exponentials overflows.
    """
    log_b = gaussian_log_density(x, chain.means, chain.stds)
    log_alpha, log_beta = forward(chain.start, chain.transition, log_b), backward(chain.transition, log_b)
    log_p = log_sum_exp(log_alpha[:, -1])  # (n,)
    posterior = np.exp(log_alpha + log_beta - log_p[:, None, None])  # (n, T, K)

    before, after = log_alpha[:, :-1], (log_b + log_beta)[:, 1:]
    top_before, top_after = before.max(axis=2, keepdims=True), after.max(axis=2, keepdims=True)
    left = np.exp(before - top_before) * np.exp(top_before + top_after - log_p[:, None, None])
    right = np.exp(after - top_after)
    k = len(chain.start)
    pairs = chain.transition * (left.reshape(-1, k).T @ right.reshape(-1, k))  # (K, K)

    mass = posterior.sum(axis=(0, 1))  # (K,)
    alive = mass > 1e-8  # a state that explains nothing stays as it is
    safe = np.where(alive, mass, 1.0)
    means = np.where(alive, np.einsum("ntk,nt->k", posterior, x) / safe, chain.means)
    variances = np.einsum("ntk,ntk->k", posterior, (x[..., None] - means) ** 2) / safe
    leaving = pairs.sum(axis=1, keepdims=True)
    transition = np.where(leaving > 1e-8, pairs / np.where(leaving > 1e-8, leaving, 1.0), chain.transition)
    stds = np.where(alive, np.sqrt(np.maximum(variances, NARROWEST**2)), chain.stds)
    return Chain(posterior[:, 0].mean(axis=0), transition, means, stds), float(log_p.sum())
