"""Means of log-densities in nats, and of their exponentials.

An infinite term is reported and makes the mean infinite.
"""

from __future__ import annotations

import math

import numpy as np

from genbench.contracts.metric import Score
from genbench.core.types import Array

__all__ = ["mean_nats", "weight_above_1"]

# Chosen by hand: false alarms among many models against faults that are missed.
ERRORS = 4.0  # standard errors by which a mean weight must exceed 1 before a density is blamed,
EXCESS = 0.01  # and by how much,
POINTS = 25.0  # and by how many points' worth: the mean may be high for want of a few points of weight 0


def mean_nats(values: Array, infinite: str) -> Score:
    """Return the mean of independent values [n] in nats and its standard error.

    Args:
        values: the values to average.
        infinite: the warning about points with an infinite value, as in "samples lie off the support".
    """
    bad = np.isinf(values)
    score = Score.mean(values)
    return score._replace(flag=f"{100 * bad.mean():.2g} % of the {infinite}") if bad.any() else score


def weight_above_1(log_weights: Array) -> float | None:
    """Return the mean of importance weights [n] if it is certainly above 1, else None.

    Their expectation is at most 1. Weights with a heavy tail increase the standard error together with the mean, so
    they are not certain.
    """
    n, top = len(log_weights), float(np.max(log_weights))
    if n < 2 or not math.isfinite(top):
        return None
    scaled = np.exp(log_weights - top)  # weights / e^top, so that none overflows
    log_mean = top + math.log(scaled.mean())
    error = float(scaled.std(ddof=1)) / math.sqrt(n)
    certain = scaled.mean() - math.exp(min(-top, 700)) > ERRORS * error
    if not certain or log_mean < math.log1p(max(EXCESS, POINTS / n)):
        return None
    return math.exp(min(log_mean, 700))
