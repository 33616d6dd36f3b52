"""Errors of point forecasts: absolute errors of the median, squared errors of the mean."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Forecasts

__all__ = ["mae", "rmse"]


@register_metric("mae", family="forecast", label="MAE", unit="data units", order=24, task="forecast", main=True)
def mae(evidence: Forecasts) -> Score:
    """Mean |y − median| of one-step-ahead forecasts: the median minimises this error."""
    return Score.mean(np.abs(evidence.observed - evidence.predicted.quantile(0.5)))


@register_metric("rmse", family="forecast", label="RMSE", unit="data units", order=26, task="forecast", main=True)
def rmse(evidence: Forecasts) -> Score:
    """√ mean (y − mean)² of one-step-ahead forecasts.

    The standard error follows from the delta method.
    """
    square = Score.mean((evidence.observed - evidence.predicted.mean) ** 2)
    root = float(np.sqrt(square.value))
    error = None if square.standard_error is None or root == 0 else square.standard_error / (2 * root)
    return Score(root, error)
