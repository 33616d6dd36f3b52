"""Log-loss: the mean −log probability that a classifier gives to the true classes."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import Score, register_metric
from genbench.contracts.task_evidence import Predictions

__all__ = ["log_loss"]


@register_metric(
    "log_loss",
    family="classification",
    label="log-loss",
    unit="nats",
    order=12,
    ratio=False,
    task="classify",
    main=True,
)
def log_loss(evidence: Predictions) -> Score:
    """Mean of −log p(y | x) over test points x with class y, in nats.

    Its lowest expected value is the conditional entropy H(y | x).
    """
    return Score.mean(-evidence.log_proba[np.arange(len(evidence.labels)), evidence.labels])
