"""Hidden Markov chains: the forward and backward recursions, for many sequences at once.

They are computed in logarithms.
"""

from __future__ import annotations

import numpy as np

from genbench.core.types import Array

__all__ = ["backward", "forward", "gaussian_log_density", "log_sum_exp"]


def forward(start: Array, transition: Array, log_emission: Array) -> Array:
    """Return log p(x_1 … x_t, s_t) in nats [n, T, K] (Rabiner 1989, eq. 19 to 20).

    Args:
        start: P(s_1) [K].
        transition: P(s_{t+1} = j | s_t = i) [K, K].
        log_emission: log p(x_t | s_t) [n, T, K].
    """
    log_alpha = np.empty_like(log_emission)
    with np.errstate(divide="ignore"):  # a state that cannot be has log 0 = −∞
        log_alpha[:, 0] = np.log(start) + log_emission[:, 0]
        for t in range(1, log_emission.shape[1]):
            top = log_alpha[:, t - 1].max(axis=1, keepdims=True)
            log_alpha[:, t] = np.log(np.exp(log_alpha[:, t - 1] - top) @ transition) + top + log_emission[:, t]
    return log_alpha


def backward(transition: Array, log_emission: Array) -> Array:
    """Return log p(x_{t+1} … x_T | s_t) in nats [n, T, K] (Rabiner 1989, eq. 24 to 25)."""
    log_beta = np.zeros_like(log_emission)
    with np.errstate(divide="ignore"):
        for t in range(log_emission.shape[1] - 2, -1, -1):
            ahead = log_beta[:, t + 1] + log_emission[:, t + 1]
            top = ahead.max(axis=1, keepdims=True)
            log_beta[:, t] = np.log(np.exp(ahead - top) @ transition.T) + top
    return log_beta


def gaussian_log_density(x: Array, means: Array, stds: Array) -> Array:
    """Return log N(x; μ_k, σ_k²) in nats [..., K] for values x [...]."""
    z = (x[..., None] - means) / stds
    return np.asarray(-0.5 * z**2 - np.log(stds) - 0.5 * np.log(2 * np.pi))


def log_sum_exp(a: Array) -> Array:
    """Return log Σ exp over the last axis.

    For few terms it is faster than SciPy's general function.
    """
    top = a.max(axis=-1, keepdims=True)
    return np.asarray(np.log(np.exp(a - top).sum(axis=-1)) + top[..., 0])
