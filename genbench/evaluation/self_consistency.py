"""The densities at more points that the test of self-consistency needs."""

from __future__ import annotations

import warnings

import numpy as np

from genbench.contracts.metric import METRICS
from genbench.core.errors import GenbenchWarning
from genbench.core.seeding import generator
from genbench.core.types import Array
from genbench.estimator.estimator import Estimator
from genbench.evaluation.resolved_trial import ResolvedTrial
from genbench.statistics.self_consistency import region_shares

__all__ = ["asks_for_densities", "asks_for_score", "asks_for_shares", "shares_of"]

FEWEST = 50  # by hand: samples with fewer of which no fault but the coarsest is certain


def asks_for_densities(trial: ResolvedTrial) -> bool:
    """Whether a metric of the trial needs log-densities of the model, directly or indirectly."""
    return any({"density", "shares"} & METRICS[name].needs for name in trial.spec.metrics)


def asks_for_shares(trial: ResolvedTrial) -> bool:
    """Whether a metric of the trial needs shares in regions.

    They add half of the time of the densities.
    """
    return any("shares" in METRICS[name].needs for name in trial.spec.metrics)


def asks_for_score(trial: ResolvedTrial) -> bool:
    """Whether a metric of the trial needs the gradient of the model's log-density."""
    return any("score" in METRICS[name].needs for name in trial.spec.metrics)


def shares_of(
    trial: ResolvedTrial, estimator: Estimator, samples: Array, log_density: Array, seed: int
) -> Array | None:
    """Return the `region_shares` of samples [n, *shape] and an exact density, [regions, 3].

    It is None for fewer than 50 samples. It is also None, with a warning, if `log_prob` fails at other points than
    samples.

    Args:
        log_density: the log-density at the first samples, in nats [k].
    """
    shape, train = samples.shape[1:], trial.splits.train
    if min(len(log_density), len(train)) < FEWEST:
        return None

    def log_prob(x: Array) -> Array:
        return estimator.log_prob(x.reshape(-1, *shape), seed=seed)

    tested = min(len(trial.splits.test), trial.protocol.tested)
    evaluations = (tested + len(log_density)) // 2  # half of what the densities took
    flat = (np.asarray(x, dtype=np.float64).reshape(len(x), -1) for x in (samples, train))
    try:
        samples, train = flat
        return region_shares(samples, log_density, train, log_prob, evaluations, generator(seed))
    except Exception as error:  # a plugin may raise anything at points that it has not seen
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        warnings.warn(f"samples and density were not held against each other: {reason}", GenbenchWarning, stacklevel=2)
        return None
