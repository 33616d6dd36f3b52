"""Accuracy: the share of test points whose class is predicted correctly."""

from __future__ import annotations

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Predictions

__all__ = ["accuracy"]


@register_metric("accuracy", family="classification", higher_is_better=True, order=10, task="classify", main=True)
def accuracy(evidence: Predictions) -> Score:
    """Share of test points whose likeliest class argmax_y p(y | x) is the true one, in 0 … 1."""
    return Score.mean((evidence.log_proba.argmax(axis=1) == evidence.labels).astype(float))
