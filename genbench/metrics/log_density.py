"""Means of log-densities, in nats: an infinite term is reported, never averaged away."""

from __future__ import annotations

import numpy as np

from genbench.dataset import Array
from genbench.metric import Score

__all__ = ["mean_nats"]


def mean_nats(values: Array, infinite: str) -> Score:
    """Return the mean of independent values [n] in nats and its standard error.

    Args:
        values: what is averaged.
        infinite: what is true of the points whose value is infinite, as in "samples lie off the support".
    """
    bad = np.isinf(values)
    if bad.any():
        return Score(float(values[bad].max()), None, f"{100 * bad.mean():.2g} % of the {infinite}")
    return Score.mean(values)
