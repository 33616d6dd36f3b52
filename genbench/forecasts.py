"""What a forecaster shows: the distribution of each held-out value before it is seen, and what came."""

from __future__ import annotations

from dataclasses import dataclass

from genbench.dataset import Array
from genbench.metric import TaskEvidence
from genbench.predictive import Mixture

__all__ = ["Forecasts"]


@dataclass
class Forecasts(TaskEvidence):
    """One-step-ahead forecasts of the held-out end of a series.

    Attributes:
        observed: the values that came [m], in the data's units.
        predicted: their distributions, each given the true values before it.
    """

    observed: Array
    predicted: Mixture
