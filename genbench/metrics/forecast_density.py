"""Scores of a forecast's whole distribution: nats per step, and CRPS.

The truth has the lowest expected value of both.
"""

from __future__ import annotations

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Forecasts

__all__ = ["crps", "step_nll"]


@register_metric(
    "step_nll", family="forecast", label="NLL per step", unit="nats", order=20, ratio=False, task="forecast", main=True
)
def step_nll(evidence: Forecasts) -> Score:
    """Mean −log p(y | the values before it) of one-step-ahead forecasts."""
    return Score.mean(-evidence.predicted.log_prob(evidence.observed))


@register_metric("crps", family="forecast", label="CRPS", unit="data units", order=22, task="forecast", main=True)
def crps(evidence: Forecasts) -> Score:
    """Mean continuous ranked probability score ∫ (P(Y ≤ t) − 1{y ≤ t})² dt.

    See Gneiting and Raftery (2007, eq. 20).
    """
    return Score.mean(evidence.predicted.crps(evidence.observed))
