"""Whether a classifier's probabilities agree with how often it is right."""

from __future__ import annotations

import numpy as np

from genbench.contracts.metric import register_metric
from genbench.contracts.task_evidence import Predictions

__all__ = ["calibration_error"]

BINS = 15  # of equal width over confidences from 0 to 1, as in Guo et al. 2017


@register_metric(
    "calibration_error",
    family="classification",
    label="calibration error",
    order=14,
    ratio=False,
    task="classify",
    main=True,
)
def calibration_error(evidence: Predictions) -> float:
    """Expected calibration error: mean gap between confidence and accuracy, in 0 … 1.

    See Guo et al. (2017, eq. 3). The confidence of a prediction is max_y p(y | x). Test points are put into 15 bins of
    equal width by their confidence. The gap of a bin, |accuracy − mean confidence|, is weighted by its share of the
    points. With few points, even the truth does not get 0.
    """
    confidence = np.exp(evidence.log_proba.max(axis=1))
    right = evidence.log_proba.argmax(axis=1) == evidence.labels
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, right - confidence, minlength=BINS)  # of a bin: its points × (accuracy − confidence)
    return float(np.abs(gaps).sum() / len(confidence))
