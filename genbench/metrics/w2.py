"""Exact 2-Wasserstein distance by POT's network simplex."""

from __future__ import annotations

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array
from genbench.metrics.transport import MAX_ITERATIONS, transport

__all__ = ["w2", "wasserstein"]


@register_metric("w2", family="distance", label="W2", unit="data units", order=40, main=True)
def w2(evidence: Evidence) -> Score:
    """Exact 2-Wasserstein distance to a stratified reference, in the data's units.

    It is the mean over disjoint sets.
    """
    return Score.mean(np.array([wasserstein(x, y) for x, y in evidence.sets]))


def wasserstein(x: Array, y: Array, max_iterations: int = MAX_ITERATIONS) -> float:
    """Return W₂(x, y) = √ min over plans of E ‖x − y‖² for points x [n, d] and y [m, d].

    All points of a set have equal weight.

    Raises:
        GenbenchError: the solver did not reach the optimum.
    """
    return float(np.sqrt(max(transport(x, y, max_iterations).cost, 0.0)))
