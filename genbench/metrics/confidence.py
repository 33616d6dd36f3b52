"""The confidence of a small classifier in samples, and its accuracy on real images."""

from __future__ import annotations

import math

import numpy as np

from genbench.contracts.evidence import Evidence
from genbench.contracts.metric import Score, register_metric
from genbench.core.types import Array
from genbench.metrics.recognition import recognition

__all__ = ["classifier_accuracy", "confidence", "mean_confidence"]

SURE = 0.9  # chosen by hand: higher asks for plainer images, lower for less than recognition


@register_metric("confidence", family="images", higher_is_better=True, needs=("labels",), order=145)
def confidence(evidence: Evidence) -> Score:
    """Share of samples whose class the classifier gives a probability of 0.9 or more.

    Real images get the oracle's share, which is less than 1. More than that is not better: then the samples are too
    simple. A classifier can also be confident about something that is not an image, so read it beside
    `feature_precision`.
    """
    return Score.mean((_largest(evidence) >= SURE).astype(np.float64))


@register_metric("mean_confidence", family="images", higher_is_better=True, needs=("labels",), order=146)
def mean_confidence(evidence: Evidence) -> Score:
    """Mean probability that the classifier gives to the likeliest class of each sample."""
    return Score.mean(_largest(evidence))


@register_metric(
    "classifier_accuracy",
    family="images",
    label="classifier acc.",
    higher_is_better=True,
    needs=("labels",),
    order=45,
    ranked=False,
    main=True,
)
def classifier_accuracy(evidence: Evidence) -> Score:
    """Share of held-out images that the classifier gets right.

    It limits what scores of images can show. All models and seeds share one classifier. Its accuracy is measured on the
    test split of its own data seed, which was not used to train it and is as large as the trial's.
    """
    p = recognition(evidence).accuracy
    return Score(p, math.sqrt(p * (1 - p) / len(evidence.test)))


def _largest(evidence: Evidence) -> Array:
    """Return the probability of the likeliest class of each sample, [n]."""
    return np.asarray(recognition(evidence).samples.probabilities.max(axis=1))
